import io

import pytest

from tests.gateway.running_edge import MOBILE, Answer, Edge, assert_problem, secret

pytestmark = pytest.mark.asyncio(loop_scope="session")

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


async def upload(edge: Edge, raw: bytes = PNG, kind: str = "image/png", *, key: str = "ann") -> Answer:
    """Upload a file as it is."""
    return await edge.call("POST", "/v1/media", key=key, data=io.BytesIO(raw), headers={"Content-Type": kind})


async def test_an_upload_comes_back_as_it_was(edge):
    """Never to be shown in place: its type is only what the uploader said."""
    uploaded = await upload(edge)
    headers = {"Authorization": f"Bearer {secret('bob')}"}
    async with edge.http.get(f"/v1/media/{uploaded.json['id']}", headers=headers) as downloaded:
        body = await downloaded.read()

    assert uploaded.status == 201
    assert (uploaded.json["type"], uploaded.json["bytes"]) == ("image/png", len(PNG))
    assert (downloaded.status, body) == (200, PNG)
    assert downloaded.headers["Content-Type"] == "image/png"
    assert downloaded.headers["X-Content-Type-Options"] == "nosniff"
    assert downloaded.headers["Content-Disposition"] == "attachment"


async def test_a_text_with_a_picture(edge):
    """An MMS; text may be left out. The message shows type and size."""
    media_id = (await upload(edge)).json["id"]

    sent = await edge.send(text=None, media=[{"id": media_id}])
    shown = (await edge.get(f"/v1/messages/{sent.json['id']}")).json

    assert (sent.status, sent.json["channel"]) == (202, "mms")
    assert shown["media"] == [{"id": media_id, "type": "image/png", "bytes": len(PNG)}]


async def test_a_picture_for_a_colleague(edge):
    """Stays an instant message."""
    media_id = (await upload(edge)).json["id"]

    assert (await edge.send(to="ext:102", media=[{"id": media_id}])).json["channel"] == "im"


async def test_several_files_in_order(edge):
    """One may stand twice."""
    first, second = [(await upload(edge, raw)).json["id"] for raw in (b"1", b"22")]

    sent = await edge.send(media=[{"id": second}, {"id": first}, {"id": second}])
    shown = (await edge.get(f"/v1/messages/{sent.json['id']}")).json

    assert [item["bytes"] for item in shown["media"]] == [2, 1, 2]


@pytest.mark.parametrize(
    ("kind", "size", "count", "code"),
    [
        ("application/pdf", 10, 1, "media_type"),
        ("text/html", 10, 1, "media_type"),
        ("audio/mpeg", 600_000, 2, "media_too_large"),
        ("image/gif", 10, 11, "media_too_large"),
    ],
)
async def test_what_no_carrier_takes(edge, kind, size, count, code):
    """It is uploaded, and refused when it is to be sent."""
    media_id = (await upload(edge, b"x" * size, kind)).json["id"]

    answer = await edge.send(media=[{"id": media_id}] * count)

    assert_problem(answer, 422, code)
    assert (await edge.send(to="ext:102", media=[{"id": media_id}] * count)).status == 202


async def test_another_tenants_upload_is_unknown(edge):
    """To look at and to send, like one that never was."""
    media_id = (await upload(edge, key="rob")).json["id"]

    assert_problem(await edge.get(f"/v1/media/{media_id}"), 404, "not_found")
    assert_problem(await edge.send(media=[{"id": media_id}]), 422, "unknown_media")
    assert (await edge.send("rob", to=MOBILE, media=[{"id": media_id}])).status == 202


@pytest.mark.parametrize("media_id", ["x", "x" * 65, "..", "a%2fb", "%00", "é", "{media}"])
async def test_no_such_file(edge, media_id):
    """404."""
    assert_problem(await edge.get(f"/v1/media/{media_id}"), 404, "not_found")


@pytest.mark.parametrize("kind", ["", "image", "image/", "/png", "image/p ng", "é/png", "image/" + "x" * 65])
async def test_a_file_needs_a_type(edge, kind):
    """Nothing is guessed."""
    assert_problem(await upload(edge, kind=kind), 415, "unsupported_media_type")


async def test_a_file_without_type_or_body(edge):
    """415 and 422."""
    untyped = await edge.call("POST", "/v1/media", data=b"x", skip_auto_headers=["Content-Type"])
    empty = await edge.call("POST", "/v1/media", headers={"Content-Type": "image/png"})

    assert_problem(untyped, 415, "unsupported_media_type")
    assert_problem(empty, 422, "missing_field")


async def test_a_compressed_file(edge):
    """What would be kept is not what the type says."""
    headers = {"Content-Type": "image/png", "Content-Encoding": "gzip"}

    assert_problem(await edge.call("POST", "/v1/media", data=PNG, headers=headers), 415, "unsupported_encoding")


@pytest.mark.parametrize(("size", "status"), [(20_000_000, 201), (20_000_001, 413)])
async def test_the_largest_file(edge, size, status):
    """20 MB."""
    assert (await upload(edge, bytes(size))).status == status


async def test_the_largest_file_in_chunks(edge):
    """Its length is told by nobody, and counted."""

    async def chunks():
        for _ in range(21):
            yield bytes(1_000_000)

    answer = await edge.call("POST", "/v1/media", data=chunks(), headers={"Content-Type": "image/png"})

    assert_problem(answer, 413, "body_too_large")
