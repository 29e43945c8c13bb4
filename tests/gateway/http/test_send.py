import re
from datetime import UTC, datetime, timedelta

import pytest

from compliance.decide import decide
from compliance.policy import shipped
from compliance.record import agrees, parse_record
from tests.gateway.running_edge import (
    ANN,
    ANNS,
    BOB,
    BOBS,
    CANADA,
    CANARY,
    LANDLINE,
    MOBILE,
    OTHER_MOBILE,
    ROBS,
    Tally,
    assert_problem,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

A_MESSAGE_ID = re.compile(r"[0-3]-[0-9]+-[0-9]+-[0-9]+")
A_REFUSAL_ID = re.compile(r"r-[0-3]-[0-9]+-[0-9]+")


async def test_a_text_is_taken(edge):
    """202 says what it is, what was decided and why, and on which facts."""
    before = await edge.tally()

    answer = await edge.send(sender=ANNS, to=MOBILE, text="See you at 3")

    body = answer.json
    assert answer.status == 202
    assert answer.headers["Content-Type"] == "application/json"
    assert A_MESSAGE_ID.fullmatch(body.pop("id"))
    assert 0 <= body["facts"].pop("age_ms") <= 3_000
    assert body["reason"].pop("text")
    assert body == {
        "channel": "sms",
        "verdict": "allow",
        "reason": {"code": "ok_registered"},
        "findings": [],
        "segments": 1,
        "encoding": "gsm7",
        "policy": {"name": "current", "version": "1", "mode": "enforce"},
        "facts": {"registry_seq": await edge.registry.seq()},
    }
    assert await edge.tally() == Tally(before.accepted + 1, before.refused)


@pytest.mark.parametrize("to", [BOBS, "ext:102", f"user:{BOB}", "(202) 555-0112"])
async def test_a_colleague_gets_an_instant_message(edge, to):
    """However the colleague is named; nothing of it touches a carrier."""
    answer = await edge.send(to=to)

    assert (answer.status, answer.json["channel"], answer.json["reason"]["code"]) == (202, "im", "ok_internal_im")


async def test_a_user_without_any_number_may_write_to_colleagues(edge):
    """An instant message needs no number."""
    answer = await edge.send("cat", to="ext:101")

    assert (answer.status, answer.json["channel"]) == (202, "im")


async def test_another_tenants_user_is_an_outsider(edge):
    """Internal is one company, not one provider."""
    answer = await edge.send(to=ROBS)

    assert (answer.status, answer.json["channel"], answer.json["reason"]["code"]) == (202, "sms", "ok_registered")


@pytest.mark.parametrize(
    "to", ["ext:104", "user:nobody", f"user:{BOB}x", "user:rival-rob", "ext:", "ext:10a", "ext:١٠٢"]
)
async def test_a_colleague_who_is_none(edge, to):
    """What names nobody of one's own company is no destination."""
    answer = await edge.send(to=to)

    assert_problem(answer, 422, "invalid_destination", to)


async def test_an_extension_of_another_tenant_is_not_reached(edge):
    """Extensions are per tenant; a colon in the digits opens no other one."""
    answer = await edge.send("rival", user="rival-rob", to="ext:102")

    assert_problem(answer, 422, "invalid_destination")


@pytest.mark.parametrize(
    ("to", "code"),
    [(CANADA, "ok_registered"), (LANDLINE, "destination_landline"), ("+18335550143", "ok_registered")],
)
async def test_other_places(edge, to, code):
    """Canada and toll-free numbers are allowed, a landline is only flagged."""
    answer = await edge.send(to=to)

    assert (answer.status, answer.json["reason"]["code"]) == (202, code)


async def test_a_later_text_is_scheduled(edge):
    """send_at comes back as send_after, to the second."""
    at = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0)

    answer = await edge.send(to=MOBILE, send_at=at.isoformat())
    shown = await edge.get(f"/v1/messages/{answer.json['id']}")

    assert answer.json["send_after"] == at.isoformat().replace("+00:00", "Z")
    assert shown.json["send_after"] == answer.json["send_after"]
    assert datetime.fromisoformat(shown.json["expires_at"]) == at + timedelta(hours=4)


async def test_a_text_expires_after_four_hours(edge):
    """Unless the sender says otherwise."""
    answer = await edge.send()
    shown = (await edge.get(f"/v1/messages/{answer.json['id']}")).json

    lifetime = datetime.fromisoformat(shown["expires_at"]) - datetime.fromisoformat(shown["accepted_at"])
    assert lifetime == timedelta(hours=4)


async def test_a_refusal_explains_itself(edge):
    """The fields of an answer, an id of its own, and who must do what where."""
    before = await edge.tally()

    answer = await edge.send("uma")

    assert_problem(answer, 403, "did_unassigned", CANARY)
    body = answer.json
    assert A_REFUSAL_ID.fullmatch(body["id"])
    assert (body["verdict"], body["channel"], body["reason"]["code"]) == ("block", "sms", "did_unassigned")
    assert body["segments"] == 1
    assert body["type"] == "/v1/reasons#did_unassigned"
    assert body["remediation"][0] == {
        "actor": "admin",
        "action": "Assign the number to an approved campaign.",
        "page": "phone-system/sms",
        "href": "/console/phone-system/sms",
    }
    assert await edge.tally() == Tally(before.accepted, before.refused + 1)


@pytest.mark.parametrize("to", [MOBILE, OTHER_MOBILE])
async def test_a_record_replays_without_difference(edge, to):
    """What was decided can be decided again from the record alone, also the refusals."""
    policy = shipped("current")
    for key, fields in (("ann", {}), ("uma", {}), ("cat", {}), ("ann", {"to": "911"}), ("ann", {"sender": ROBS})):
        message_id = (await edge.send(key, **{"to": to} | fields)).json["id"]

        stored = (await edge.get(f"/v1/messages/{message_id}/decision", key=key)).json

        record = parse_record(stored)
        assert stored["id"] == message_id
        assert stored["policy"] == "current@1"
        assert list(stored)[-1] == "meta"
        assert agrees(decide(record.facts, policy), record.expected)


async def test_a_record_tells_nothing_about_other_tenants(edge):
    """Neither whose number was tried, nor what for it is registered, nor whom a number belongs to."""
    tried = await edge.send(sender=ROBS, to=MOBILE)
    written = await edge.send(to=ROBS)

    for answer in (tried, written):
        record = await edge.get(f"/v1/messages/{answer.json['id']}/decision")
        assert record.status == 200
        assert "rival" not in record.text


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
async def test_other_methods(edge, method):
    """405 names the methods that there are."""
    answer = await edge.call(method, "/v1/messages")

    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    if method != "HEAD":
        assert_problem(answer, 405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/v1/inbox", "/v1/reasons", "/v1/problems", "/v1/messages/0-1-1-0", "/v1/media/x"])
async def test_head_is_not_get(edge, path):
    """Nothing is computed for an answer without a body."""
    answer = await edge.call("HEAD", path)

    assert (answer.status, answer.text) == (405, "")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/messages", "/V1/messages", "/v1/messages/", "/v1//messages", "/metrics"]
)
async def test_other_paths(edge, path):
    """404, as a problem."""
    assert_problem(await edge.get(path), 404, "not_found")


async def test_unknown_query_parameters_are_ignored(edge):
    """They change nothing, and are not stored."""
    answer = await edge.call(
        "POST", "/v1/messages?trace=1&to=x", json={"to": MOBILE, "text": "hi"}, headers={"X-Request-Id": "1"}
    )

    assert answer.status == 202


async def test_no_answer_tells_versions(edge):
    """A server that names its versions helps those who look for holes."""
    for answer in (
        await edge.send(),
        await edge.get("/nowhere"),
        await edge.get("/v1/reasons"),
        await edge.send("uma"),
        await edge.call("POST", "/v1/messages", data=b"x", headers={"Expect": "something"}),
    ):
        assert answer.headers["Server"] == "a2p-gateway"


async def test_a_message_shows_its_sender_as_submitted_in_canonical_form(edge):
    """Whatever was typed, inside everything is E.164."""
    answer = await edge.send(sender="(202) 555-0111", to="1-415-555-0143")
    shown = (await edge.get(f"/v1/messages/{answer.json['id']}")).json

    assert (shown["from"], shown["to"], shown["user"]) == (ANNS, MOBILE, ANN)
