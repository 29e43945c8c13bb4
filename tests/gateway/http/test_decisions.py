import pytest

from tests.gateway.running_edge import ANNS, MOBILE, OTHER_MOBILE, Tally, a_body, assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("key", "fields", "verdict", "code"),
    [
        ("ann", {}, "allow", "ok_registered"),
        ("ann", {"to": "ext:102"}, "allow", "ok_internal_im"),
        ("ann", {"to": "+14155550145"}, "flag", "destination_landline"),
        ("uma", {}, "block", "did_unassigned"),
        ("cat", {}, "block", "did_not_sms_enabled"),
        ("ann", {"to": "911"}, "block", "destination_emergency"),
        ("ann", {"to": "nobody"}, "block", "invalid_destination"),
        ("ann", {"text": "a" * 2_000}, "block", "message_too_long"),
    ],
)
async def test_every_verdict_is_an_answer(edge, key, fields, verdict, code):
    """200, and nothing is sent, kept or counted."""
    before = await edge.tally()

    answer = await edge.post("/v1/decisions", a_body(**fields), key=key)

    assert answer.status == 200
    assert (answer.json["verdict"], answer.json["reason"]["code"]) == (verdict, code)
    assert "id" not in answer.json
    assert await edge.tally() == before


@pytest.mark.parametrize("key", ["ann", "uma", "cat", "dis"])
@pytest.mark.parametrize(
    "to", [MOBILE, "ext:101", "+442071234567", [MOBILE, "ext:102"], ["ext:102", OTHER_MOBILE, "x"]]
)
async def test_it_decides_as_sending_does(edge, key, to):
    """The same words about the same message."""
    asked = await edge.post("/v1/decisions", a_body(to=to), key=key)
    sent = await edge.post("/v1/messages", a_body(to=to), key=key)

    if "code" in sent.json and sent.json["code"] == "invalid_recipients":
        assert_problem(asked, 422, "invalid_recipients")
    elif isinstance(to, list):
        told = [(leg["channel"], leg["verdict"], leg["reason"]) for leg in asked.json["legs"]]
        assert told == [(leg["channel"], leg["verdict"], leg["reason"]) for leg in sent.json["legs"]]
    else:
        for name in ("channel", "verdict", "reason", "findings", "segments", "encoding", "policy"):
            assert asked.json[name] == sent.json[name]


@pytest.mark.parametrize(
    ("media", "code"),
    [
        ([{"type": "image/png", "bytes": 5}], "ok_registered"),
        ([{"type": "IMAGE/PNG", "bytes": 20_000_000}], "ok_registered"),
        ([{"type": "image/png", "bytes": 20_000_001}], "media_too_large"),
        ([{"type": "audio/mpeg", "bytes": 1_000_001}], "media_too_large"),
        ([{"type": "image/png", "bytes": 1}] * 11, "media_too_large"),
        ([{"type": "application/pdf", "bytes": 5}], "media_type"),
    ],
)
async def test_media_is_described(edge, media, code):
    """Type and size, without any upload; with media it is an MMS."""
    answer = await edge.post("/v1/decisions", a_body(text=None, media=media))

    assert (answer.status, answer.json["channel"], answer.json["reason"]["code"]) == (200, "mms", code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (a_body(form=1), 400, "unknown_field"),
        (a_body(media=[{"id": "x"}]), 400, "unknown_field"),
        (a_body(media=[{"type": "image/png"}]), 422, "missing_field"),
        (a_body(media=[{"bytes": 1}]), 422, "missing_field"),
        (a_body(text=None), 422, "missing_field"),
        (a_body(to=[]), 422, "invalid_recipients"),
        (a_body(user="acme-bob"), 403, "forbidden"),
    ],
)
async def test_what_is_no_question(edge, body, status, code):
    """Refused as sending refuses it."""
    before = await edge.tally()

    answer = await edge.post("/v1/decisions", body)

    assert_problem(answer, status, code, body)
    assert await edge.tally() == Tally(*before)


async def test_an_uploaded_file_is_not_described(edge):
    """And a described one is not sent."""
    answer = await edge.send(media=[{"type": "image/png", "bytes": 5}])

    assert_problem(answer, 400, "unknown_field")


async def test_a_tenant_asks_for_its_users(edge):
    """Origin api, the sender by number or name."""
    for fields in ({"sender": ANNS}, {"user": "acme-ann"}):
        answer = await edge.post("/v1/decisions", a_body(**fields), key="acme")
        assert answer.json["reason"]["code"] == "ok_registered"
