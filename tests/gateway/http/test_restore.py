"""Who does not want texts, over HTTP: lists of them, one person, and taking an opt-out back with evidence."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.edge.http_opt_outs import NOTE
from gateway.in_force import IN_FORCE_AFTER_S
from gateway.queue import Spoken, Word
from tests.gateway.running_edge import ANN, MOBILE, Answer, Edge, assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVIDENCE = "Signed our form at the counter; folder 12."


async def opts_out(edge: Edge, *people: str, key: str = "acme", at="2026-10-01T15:00:00Z") -> None:
    """Put opt-outs of the key's tenant."""
    rows = [{"recipient": one, "at": at, "keyword": "stop", "number": "+12025550112"} for one in people]
    assert (await edge.call("PUT", "/v1/opt-outs", key=key, json={"opt_outs": rows})).status == 200


async def suspected(edge: Edge, person: str) -> None:
    """Have somebody write what may be an opt-out."""
    spoken = Spoken(
        word=Word.SUSPECTED,
        id=f"of {person}",
        tenant="acme",
        recipient=person,
        at_ms=1_795_204_800_000,
        keyword="leave me alone",
        number="+12025550112",
        user=ANN,
    )
    await edge.queue.heard(spoken)


async def restore(edge: Edge, recipient: str, *, key: str = "acme", **fields) -> Answer:
    """Take an opt-out back."""
    body = {"recipient": recipient, "evidence": EVIDENCE} | fields
    return await edge.call("POST", "/v1/opt-outs/restore", key=key, json=body)


async def one(edge: Edge, recipient: str, key: str = "acme") -> dict:
    """What is shown of a person."""
    answer = await edge.get(f"/v1/opt-outs/{recipient.replace('+', '%2B')}", key=key)
    assert answer.status == 200, answer.text
    return answer.json


async def test_texts_go_again_from_its_answer_on(edge):
    """And not to those of another company, which knows nothing of it."""
    person = "+12165550101"
    await opts_out(edge, person)
    await opts_out(edge, person, key="rival")
    assert_problem(await edge.send(to=person), 403, "recipient_opted_out")

    answer = await restore(edge, "(216) 555-0101", by="Ada")

    assert answer.status == 200
    assert answer.json == {
        "recipient": person,
        "outcome": "restored",
        "at": answer.json["at"],
        "state": "lifted",
        "note": NOTE,
    }
    assert datetime.now(UTC) - datetime.fromisoformat(answer.json["at"]) < timedelta(minutes=1)
    assert (await edge.send(to=person)).status == 202
    assert_problem(await edge.send("rob", to=person), 403, "recipient_opted_out")
    shown = await one(edge, person)
    assert shown["lifted"] == {
        "at": answer.json["at"],
        "keyword": "restored",
        "number": None,
        "evidence": EVIDENCE,
        "by": "Ada",
        "was": {"at": "2026-10-01T15:00:00.000Z", "keyword": "stop", "number": "+12025550112"},
    }
    await opts_out(edge, person)
    assert_problem(await edge.send(to=person), 403, "recipient_opted_out")


async def test_no_process_judges_by_the_opt_out_when_it_is_answered(edge, monkeypatch):
    """What a worker read before is good for a bounded time, and the answer waits for that."""
    waited = []

    async def wait(since_s):
        waited.append(since_s)

    monkeypatch.setattr("gateway.edge.http_opt_outs.until_in_force", wait)
    await opts_out(edge, "+12165550102")
    assert (await restore(edge, "+12165550102")).json["outcome"] == "restored"
    assert len(waited) == 1
    assert (await restore(edge, "+12165550103")).json["outcome"] == "was_not_out"
    assert len(waited) == 1
    assert IN_FORCE_AFTER_S > 0.5


async def test_the_same_request_is_answered_the_same(edge):
    """A STOP in between stands, and is told as where the person stands now."""
    person = "+12165550104"
    await opts_out(edge, person)
    first = await restore(edge, person)
    assert (await restore(edge, person)).json == first.json
    await opts_out(edge, person)

    again = await restore(edge, person, by="somebody else")

    assert again.json == first.json | {"state": "out"}
    assert_problem(await edge.send(to=person), 403, "recipient_opted_out")
    assert (await restore(edge, person, evidence="Called on Monday; recording 7.")).json["outcome"] == "restored"


async def test_what_was_said_after_the_instant_that_is_vouched_for_stands(edge):
    """However late the request comes; an instant ahead is now."""
    person = "+12165550105"
    before = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    await opts_out(edge, person)

    late = await restore(edge, person, vouched_at=before)
    assert (late.json["outcome"], late.json["state"]) == ("overtaken", "out")
    ahead = await restore(edge, person, vouched_at="2999-01-01T00:00:00Z")
    assert ahead.json["outcome"] == "restored"


async def test_a_suspicion_is_dismissed(edge):
    """What was said is shown before, who vouches afterwards, and texts are flagged no more."""
    person = "+12165550106"
    await suspected(edge, person)
    shown = await one(edge, person)
    assert shown["state"] == "suspected"
    assert shown["suspected"] == {"at": "2026-11-20T20:00:00.000Z", "text": "leave me alone", "number": "+12025550112"}
    assert (await edge.send(to=person)).json["reason"]["code"] == "flag_free_text_revocation"

    assert (await restore(edge, person, by="Ada")).json["outcome"] == "dismissed"

    assert (await edge.send(to=person)).json["verdict"] == "allow"
    shown = await one(edge, person)
    assert (shown["state"], shown["suspected"]) == ("none", None)
    assert (shown["dismissed"]["evidence"], shown["dismissed"]["by"]) == (EVIDENCE, "Ada")


async def test_of_most_nothing_is_known(edge):
    """And that is no fault; what is no number of a person's is not found."""
    assert await one(edge, "+12165550107") == {
        "recipient": "+12165550107",
        "state": "none",
        **dict.fromkeys(("opted_out", "suspected", "lifted", "dismissed")),
    }
    for name in ("x", "911", "restore", "ext:101", "user:acme-ann", "%00"):
        assert_problem(await edge.get(f"/v1/opt-outs/{name}", key="acme"), 404, "not_found")


async def test_the_lists(edge):
    """Page by page, the newest first, each state its own; another company's are not among them."""
    people = [f"+1216555{n:04}" for n in range(200, 205)]
    for n, person in enumerate(people):
        await opts_out(edge, person, at=f"2026-11-2{n}T00:00:00Z")
    await opts_out(edge, "+12165550299", key="rival", at="2026-11-21T12:00:00Z")
    await suspected(edge, "+12165550298")
    found, cursor = [], ""
    while cursor is not None:
        answer = await edge.get(f"/v1/opt-outs?limit=2&cursor={cursor}", key="acme")
        assert len(answer.json["items"]) <= 2
        assert answer.json["complete"]
        found += [row["recipient"] for row in answer.json["items"] if row["recipient"] in {*people, "+12165550299"}]
        cursor = answer.json["next"]
    assert found == people[::-1]
    await restore(edge, people[2])

    states = {}
    for state in ("out", "suspected", "lifted"):
        items = (await edge.get(f"/v1/opt-outs?state={state}&limit=9999", key="acme")).json["items"]
        assert {row["state"] for row in items} == {state}
        states[state] = [row["recipient"] for row in items]
    assert people[2] not in states["out"]
    assert states["lifted"][0] == people[2]
    assert "+12165550298" in states["suspected"]


@pytest.mark.parametrize(
    ("query", "status", "code", "pointer"),
    [
        ("state=none", 422, "invalid_enum", "/state"),
        ("state=", 422, "invalid_enum", "/state"),
        ("limit=x", 400, "invalid_cursor", "/limit"),
        ("limit=-1", 400, "invalid_cursor", "/limit"),
        ("limit=%D9%A3", 400, "invalid_cursor", "/limit"),
        ("cursor=yesterday", 400, "invalid_cursor", "/cursor"),
        ("cursor=1795204800250-0-1", 400, "invalid_cursor", "/cursor"),
        ("cursor=%00", 400, "invalid_cursor", "/cursor"),
    ],
)
async def test_what_no_list_has_is_refused(edge, query, status, code, pointer):
    """By the name of what is wrong."""
    answer = await edge.get(f"/v1/opt-outs?{query}", key="acme")

    assert_problem(answer, status, code)
    assert answer.json["errors"] == [{"pointer": pointer, "code": code}]


@pytest.mark.parametrize(
    ("fields", "status", "code", "pointer"),
    [
        ({"recipient": None}, 422, "missing_field", "/recipient"),
        ({"evidence": None}, 422, "missing_field", "/evidence"),
        ({"recipient": 1}, 422, "invalid_type", "/recipient"),
        ({"evidence": ["x" * 20]}, 422, "invalid_type", "/evidence"),
        ({"by": 0}, 422, "invalid_type", "/by"),
        ({"recipient": "zq7canary"}, 422, "invalid_number", "/recipient"),
        ({"recipient": "ext:102"}, 422, "invalid_number", "/recipient"),
        ({"evidence": "Said OK."}, 422, "invalid_evidence", "/evidence"),
        ({"evidence": f"{' ' * 20}OK"}, 422, "invalid_evidence", "/evidence"),
        ({"evidence": "x" * 1_001}, 422, "invalid_evidence", "/evidence"),
        ({"evidence": ""}, 422, "invalid_evidence", "/evidence"),
        ({"evidence": "Signed our form\u0000"}, 422, "invalid_character", "/evidence"),
        ({"evidence": "Signed our form\u001b"}, 422, "invalid_character", "/evidence"),
        ({"by": "a\nb"}, 422, "invalid_character", "/by"),
        ({"by": "x" * 101}, 422, "invalid_character", "/by"),
        ({"vouched_at": "yesterday"}, 422, "invalid_time", "/vouched_at"),
        ({"vouched_at": 1_795_000_000}, 422, "invalid_type", "/vouched_at"),
        ({"tenant": "rival"}, 400, "unknown_field", "/tenant"),
    ],
)
async def test_what_is_no_restoration_is_refused(edge, fields, status, code, pointer):
    """The opt-out stands."""
    person = "+12165550108"
    await opts_out(edge, person)
    body = {"recipient": person, "evidence": EVIDENCE} | fields
    answer = await edge.call(
        "POST", "/v1/opt-outs/restore", key="acme", json={name: one for name, one in body.items() if one is not None}
    )

    assert_problem(answer, status, code)
    assert answer.json["errors"] == [{"pointer": pointer, "code": code}]
    assert_problem(await edge.send(to=person), 403, "recipient_opted_out")


async def test_evidence_may_have_lines(edge):
    """People write as they do; ten signs are enough."""
    await opts_out(edge, MOBILE.replace("143", "109"))
    for evidence in ("Called us.", "Wrote to us:\n\t“Text me again.”\r\nTicket 5 ☎"):
        assert (await restore(edge, MOBILE.replace("143", "109"), evidence=evidence)).status == 200
