import asyncio

import pytest

from compliance import documents
from tests.gateway.running_edge import ANN, ANNS, BOB, MOBILE, OUTSIDERS, a_body, assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_parallel_twins_become_one_message(edge):
    """A hundred at once: one id, one message, ninety-nine replays."""
    before = await edge.tally()

    answers = await asyncio.gather(*(edge.send(idempotency_key="twins") for _ in range(100)))

    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 99
    assert (await edge.tally()).accepted == before.accepted + 1


async def test_parallel_requests_that_differ(edge):
    """One body wins; whoever sent another hears that the key does not fit."""
    answers = await asyncio.gather(*(edge.send(idempotency_key="rivals", text=f"text {n % 2}") for n in range(40)))

    won = [answer for answer in answers if answer.status == 202]
    assert len(won) == 20
    assert len({answer.json["id"] for answer in won}) == 1
    assert {answer.json["code"] for answer in answers if answer.status != 202} == {"idempotency_mismatch"}


@pytest.mark.parametrize("broken", ["gateway.send.pipeline.with_ids", "gateway.edge.sending.message_reply"])
@pytest.mark.parametrize("way", [{}, {"TE": "trailers"}], ids=["front", "aiohttp"])
async def test_a_fault_of_ours_after_the_message_is_kept_leaves_a_doubt(edge, monkeypatch, broken, way):
    """It is not "nothing happened": who asks again with the same key finds the message. Whichever server read it."""
    before = await edge.tally()

    def crash(*_):
        raise RuntimeError("a fault of ours")

    named = way | {"Idempotency_Key": broken + str(way)}
    with monkeypatch.context() as patched:
        patched.setattr(broken, crash)
        doubtful = await edge.post("/v1/messages", a_body(), key="ann", **named)
    again = await edge.post("/v1/messages", a_body(), key="ann", **named)

    assert_problem(doubtful, 503, "outcome_unknown")
    assert (again.status, "Idempotent-Replayed" in again.headers) == (202, True)
    assert (await edge.tally()).accepted == before.accepted + 1


async def test_a_repeat_after_a_revocation_gets_the_first_answer(edge):
    """The key is looked up before a refusal is spoken: what was accepted was accepted."""
    key = documents.number_key(ANNS)
    document = await edge.registry.read(key)
    first = await edge.send(idempotency_key="revoked")

    number = documents.load_number(document)
    await edge.registry.write({key: documents.dump_number(number._replace(assignment=None))})
    repeated = await edge.send(idempotency_key="revoked")
    fresh = await edge.send()
    mismatched = await edge.send(idempotency_key="revoked", text="other")
    await edge.registry.write({key: document})

    assert (repeated.status, repeated.text) == (202, first.text)
    assert_problem(fresh, 403, "did_unassigned")
    assert_problem(mismatched, 422, "idempotency_mismatch")


async def test_a_repeat_after_the_user_left_gets_the_first_answer(edge):
    """Also where the request could not even be judged any more."""
    key = documents.user_key(BOB)
    document = await edge.registry.read(key)
    first = await edge.send("acme", user=BOB, idempotency_key="left")

    await edge.registry.write({key: None})
    repeated = await edge.send("acme", user=BOB, idempotency_key="left")
    fresh = await edge.send("acme", user=BOB)
    await edge.registry.write({key: document})

    assert (repeated.status, repeated.text) == (202, first.text)
    assert_problem(fresh, 422, "unknown_user")


async def test_a_group_is_repeated_whole(edge):
    """With every leg's id, the refused ones', too."""
    to = ["ext:102", OUTSIDERS[0], "+442071234567"]
    first, second = [await edge.send(to=to, idempotency_key="group") for _ in range(2)]

    assert first.json["partial"] is True
    assert (second.status, second.text) == (202, first.text)
    assert second.headers["Idempotent-Replayed"] == "true"


async def test_a_refusal_is_not_remembered(edge):
    """What was refused may go when the cause is gone; the key is still free."""
    key = documents.number_key("+12025550113")
    document = await edge.registry.read(key)
    refused = [await edge.send("uma", idempotency_key="refused", text=f"try {n}") for n in range(2)]

    number = documents.load_number(document)
    assigned = documents.load_number(await edge.registry.read(documents.number_key(ANNS))).assignment
    await edge.registry.write({key: documents.dump_number(number._replace(assignment=assigned))})
    accepted = await edge.send("uma", idempotency_key="refused", text="try 2")
    await edge.registry.write({key: document})

    assert [answer.status for answer in refused] == [403, 403]
    assert refused[0].json["id"] != refused[1].json["id"]
    assert (accepted.status, accepted.headers.get("Idempotent-Replayed")) == (202, None)


@pytest.mark.parametrize(("key", "fields"), [("ann", {}), ("acme", {"user": ANN}), ("acme", {"sender": ANNS})])
async def test_the_body_names_the_key_where_the_header_does_not(edge, key, fields):
    """client_message_id is the key; the header may say the same."""
    body = a_body(client_message_id=f"own-{key}-{len(fields)}-{'user' in fields}", **fields)

    first = await edge.post("/v1/messages", body, key=key)
    second = await edge.post("/v1/messages", body, key=key, Idempotency_Key=body["client_message_id"])

    assert (second.status, second.json["id"]) == (202, first.json["id"])
    shown = await edge.get(f"/v1/messages/{first.json['id']}")
    assert shown.json["client_message_id"] == body["client_message_id"]


async def test_a_key_is_the_users_own(edge):
    """The same key of a colleague, or of another tenant's user, is another key."""
    ids = {(await edge.send(key, idempotency_key="shared", to=MOBILE)).json["id"] for key in ("ann", "bob", "rob")}

    assert len(ids) == 3


async def test_without_a_key_nothing_is_repeated(edge):
    """Two requests are two messages."""
    first, second = await edge.send(), await edge.send()

    assert first.json["id"] != second.json["id"]
