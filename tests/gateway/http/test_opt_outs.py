from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway.running_edge import ANN, MOBILE, Answer, Edge, assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="session")


def a_row(recipient: str, **fields):
    """One opt-out of a day ago."""
    at = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
    row = {"recipient": recipient, "at": at, "keyword": "stop"} | fields
    return {name: value for name, value in row.items() if value is not None}


async def put(edge: Edge, *rows, key: str = "acme") -> Answer:
    """Put opt-outs of the key's tenant."""
    return await edge.call("PUT", "/v1/opt-outs", key=key, json={"opt_outs": list(rows)})


@pytest.mark.parametrize(
    ("to", "ahead"),
    [
        ("+12155550101", timedelta(days=-1)),
        ("+12155550102", timedelta()),
        ("+12155550103", timedelta(hours=1)),
        ("+12155550104", timedelta(days=2_000_000)),
    ],
)
async def test_it_counts_at_once(edge, to, ahead):
    """From the moment it is answered, even if the clock that wrote it is ahead of ours."""
    at = (datetime.now(UTC) + ahead).isoformat()
    assert (await edge.send(to=to)).status == 202

    answer = await put(edge, a_row(to, at=at))

    assert (answer.status, answer.json) == (200, {"stored": 1})
    for key, user in (("ann", ANN), ("bob", None), ("acme", ANN)):
        assert_problem(await edge.send(key, user=user, to=to), 403, "recipient_opted_out")


async def test_of_many_at_once(edge):
    """However they are spelled."""
    rows = [a_row(f"(212) 555-{n:04}", keyword="stop all", number="+12025550112") for n in range(1_000)]

    assert (await put(edge, *rows)).json == {"stored": 1_000}
    assert_problem(await edge.send(to="+12125550999"), 403, "recipient_opted_out")


async def test_none_is_none(edge):
    """An empty list changes nothing."""
    assert (await put(edge)).json == {"stored": 0}


async def test_it_is_the_tenants(edge):
    """Another tenant may still write."""
    await put(edge, a_row("+12135550100"), key="rival")

    assert (await edge.send(to="+12135550100")).status == 202
    assert_problem(await edge.send("rob", to="+12135550100"), 403, "recipient_opted_out")


async def test_a_colleague_is_reached_all_the_same(edge):
    """An instant message is no text."""
    await put(edge, a_row("+12025550112"))

    assert (await edge.send(to="+12025550112")).json["channel"] == "im"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "missing_field"),
        ({"opt_outs": None}, 422, "missing_field"),
        ({"opt_outs": {}}, 422, "invalid_type"),
        ({"opt_outs": [1]}, 422, "invalid_type"),
        ({"opt_outs": [], "tenant": "rival"}, 400, "unknown_field"),
        ({"opt_outs": [a_row(MOBILE, tenant="rival")]}, 400, "unknown_field"),
        ({"opt_outs": [a_row(MOBILE, at=None)]}, 422, "missing_field"),
        ({"opt_outs": [a_row(MOBILE, keyword=None)]}, 422, "missing_field"),
        ({"opt_outs": [{"at": "2026-10-01T00:00:00Z", "keyword": "stop"}]}, 422, "missing_field"),
        ({"opt_outs": [a_row("zq7canary")]}, 422, "invalid_number"),
        ({"opt_outs": [a_row("911")]}, 422, "invalid_number"),
        ({"opt_outs": [a_row("ext:102")]}, 422, "invalid_number"),
        ({"opt_outs": [a_row(4155550143)]}, 422, "invalid_type"),
        ({"opt_outs": [a_row(MOBILE, keyword=1)]}, 422, "invalid_type"),
        ({"opt_outs": [a_row(MOBILE, number=1)]}, 422, "invalid_type"),
        ({"opt_outs": [a_row(MOBILE, keyword="")]}, 422, "invalid_character"),
        ({"opt_outs": [a_row(MOBILE, keyword="k" * 65)]}, 422, "invalid_character"),
        ({"opt_outs": [a_row(MOBILE, keyword="a\tb")]}, 422, "invalid_character"),
        ({"opt_outs": [a_row(MOBILE, at="yesterday")]}, 422, "invalid_time"),
        ({"opt_outs": [a_row(MOBILE, at=1_795_000_000)]}, 422, "invalid_type"),
        ({"opt_outs": [a_row(MOBILE)] * 1_001}, 413, "too_many_items"),
        ([], 422, "invalid_type"),
    ],
)
async def test_what_is_no_opt_out(edge, body, status, code):
    """Refused whole: none of the rows is kept."""
    good = a_row("+12145550100")
    if isinstance(body, dict) and isinstance(body.get("opt_outs"), list) and body["opt_outs"]:
        body = body | {"opt_outs": [good, *body["opt_outs"]]}

    answer = await edge.call("PUT", "/v1/opt-outs", key="acme", json=body)

    assert_problem(answer, status, code)
    assert (await edge.send(to="+12145550100")).status == 202


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"keyword": "start"}, "invalid_enum", "/opt_outs/0/keyword"),
        ({"keyword": "Help!"}, "invalid_enum", "/opt_outs/0/keyword"),
        ({"keyword": "START"}, "invalid_enum", "/opt_outs/0/keyword"),
        ({"keyword": " start "}, "invalid_enum", "/opt_outs/0/keyword"),
        ({"number": "garbage"}, "invalid_number", "/opt_outs/0/number"),
        ({"number": 0}, "invalid_type", "/opt_outs/0/number"),
        ({"number": False}, "invalid_type", "/opt_outs/0/number"),
        ({"keyword": ["stop"]}, "invalid_type", "/opt_outs/0/keyword"),
        ({"at": "yesterday"}, "invalid_time", "/opt_outs/0/at"),
    ],
)
async def test_what_is_no_opt_out_is_refused(edge, fields, code, pointer):
    """A word that opts in must not mute anybody, and a number that is none is not quietly dropped."""
    answer = await put(edge, a_row("+12145550100", **fields))

    assert_problem(answer, 422, code)
    assert answer.json["errors"] == [{"pointer": pointer, "code": code}]
    assert (await edge.send(to="+12145550100")).status == 202


async def test_a_recipient_that_is_no_text_is_named(edge):
    """By its place in the list."""
    answer = await put(edge, a_row(MOBILE, keyword="stop"), a_row(4_155_550_143))

    assert_problem(answer, 422, "invalid_type")
    assert answer.json["errors"] == [{"pointer": "/opt_outs/1/recipient", "code": "invalid_type"}]
