"""Looking at messages and cancelling them: one's own, and nobody else's."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.queue import Begin, Status
from tests.gateway.running_edge import ANN, ANNS, MOBILE, Answer, assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="session")

VIEWS = ["", "/events", "/decision"]


def without_name(answer: Answer) -> dict[str, object]:
    """An answer's body but for the request's own id."""
    return {name: value for name, value in answer.json.items() if name != "request_id"}


async def test_a_message_is_shown_whole(edge):
    """What was sent, what was decided, where it stands."""
    sent = await edge.send(text="Lunch?", client_message_id="look-1")

    shown = (await edge.get(f"/v1/messages/{sent.json['id']}")).json

    instants = {name: shown.pop(name) for name in ("accepted_at", "expires_at", "changed_at")}
    assert all(datetime.fromisoformat(value).tzinfo for value in instants.values())
    assert shown.pop("reason")["code"] == "ok_registered"
    assert shown == {
        "id": sent.json["id"],
        "status": "queued",
        "terminal": False,
        "channel": "sms",
        "from": ANNS,
        "to": MOBILE,
        "user": ANN,
        "text": "Lunch?",
        "media": [],
        "segments": 1,
        "encoding": "gsm7",
        "verdict": "allow",
        "status_code": None,
        "attempts": 0,
        "carrier_reference": None,
        "client_message_id": "look-1",
        "send_after": None,
    }


async def test_events_are_numbered_from_one(edge):
    """Each with its instant, to the millisecond, and whether it is the last."""
    message_id = (await edge.send()).json["id"]
    await edge.call("DELETE", f"/v1/messages/{message_id}")

    events = (await edge.get(f"/v1/messages/{message_id}/events")).json["events"]

    assert [(one["seq"], one["status"], one["terminal"]) for one in events] == [
        (1, "queued", False),
        (2, "cancelled", True),
    ]
    assert all(one["occurred_at"].endswith("Z") and len(one["occurred_at"]) == 24 for one in events)


async def test_a_refused_message_is_shown_too(edge):
    """With its text, its reason and its one event; it is over."""
    refused = await edge.send("uma", text="Refused")

    shown = (await edge.get(f"/v1/messages/{refused.json['id']}", key="uma")).json
    events = (await edge.get(f"/v1/messages/{refused.json['id']}/events", key="uma")).json["events"]

    assert (shown["status"], shown["terminal"], shown["text"]) == ("blocked", True, "Refused")
    assert shown["reason"]["code"] == "did_unassigned"
    assert [(one["seq"], one["status"], one["terminal"]) for one in events] == [(1, "blocked", True)]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("key", ["bob", "rob", "rival"])
async def test_other_peoples_messages_are_as_unknown_as_none(edge, key, view):
    """A colleague's, another tenant's: the same body as for what does not exist, refused messages included."""
    sent, refused = await edge.send(), await edge.send(to="+442071234567")
    nothing = await edge.get(f"/v1/messages/0-1-1-0{view}", key=key)

    for message in (sent, refused):
        answer = await edge.get(f"/v1/messages/{message.json['id']}{view}", key=key)
        assert_problem(answer, 404, "not_found")
        assert without_name(answer) == without_name(nothing)


@pytest.mark.parametrize("key", ["bob", "rob", "rival"])
async def test_other_peoples_messages_cannot_be_cancelled(edge, key):
    """404 and no change."""
    message_id = (await edge.send()).json["id"]

    answer = await edge.call("DELETE", f"/v1/messages/{message_id}", key=key)

    assert_problem(answer, 404, "not_found")
    assert (await edge.get(f"/v1/messages/{message_id}")).json["status"] == "queued"


@pytest.mark.parametrize("view", VIEWS)
async def test_a_tenants_key_sees_all_of_the_tenant(edge, view):
    """Whoever sent it."""
    for sent, user in ((await edge.send("bob"), "bob"), (await edge.send("uma"), "uma")):
        assert (await edge.get(f"/v1/messages/{sent.json['id']}{view}", key="acme")).status == 200, user


@pytest.mark.parametrize(
    "name",
    [
        *("0", "x", "0-1-1", "0-1-1-0-0", "4-1-1-0", "9999-1-1-0", "-1-1-1-0", "00-1-1-0", "0-1-1-00", "0-1-1-99999"),
        *("r-0-1-1", "r-9999-1-1", "r-0-1-1-0", "r-", "g-0-1-1-0-2", "g-0-1-1-0-0", "g-x", "0-1-1-0%00", "0-1-1-0%0a"),
        *("%2e%2e", "..%2f..", "0-1-1-0%2fevents", "１-1-1-0", "0-" + "9" * 15 + "-1-0", "0-" + "9" * 16 + "-1-0"),
        *("*", "{q:0}", "%F0%9F%9A%80", "a" * 2_000),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_ids_that_are_none(edge, method, name):
    """Whatever stands there, it is not found."""
    answer = await edge.call(method, f"/v1/messages/{name}")

    assert_problem(answer, 404, "not_found")


class TestCancel:
    async def test_a_queued_message_is_cancelled(self, edge):
        """And stays so."""
        message_id = (await edge.send()).json["id"]

        answer = await edge.call("DELETE", f"/v1/messages/{message_id}")

        assert (answer.status, answer.json) == (200, {"id": message_id, "status": "cancelled"})
        assert (await edge.get(f"/v1/messages/{message_id}")).json["terminal"] is True

    async def test_twice_is_as_good_as_once(self, edge):
        """The second finds what the first did."""
        message_id = (await edge.send()).json["id"]

        answers = [await edge.call("DELETE", f"/v1/messages/{message_id}") for _ in range(2)]

        assert [answer.status for answer in answers] == [200, 200]

    async def test_a_scheduled_message_is_cancelled(self, edge):
        """Before its time."""
        at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        message_id = (await edge.send(send_at=at)).json["id"]

        assert (await edge.call("DELETE", f"/v1/messages/{message_id}")).status == 200

    async def test_a_message_on_its_way_is_not(self, edge):
        """409 once an attempt has begun."""
        message_id = (await edge.send("bob", to=MOBILE)).json["id"]
        partition = int(message_id.split("-")[0])
        epoch = await edge.queue.own(partition, "test", 60_000)
        taken, cursor = await edge.queue.take(partition, epoch, count=5_000, pending_after=None)
        payload = next(one.payload for one in taken if one.id == message_id)
        (begun,) = await edge.queue.begin(partition, epoch, [Begin(id=message_id, payload=payload)])
        await edge.queue.release(partition, epoch)

        answer = await edge.call("DELETE", f"/v1/messages/{message_id}", key="bob")

        assert begun.status is Status.SUBMITTING
        assert cursor is None
        assert_problem(answer, 409, "not_cancellable")

    async def test_a_refused_message_is_not(self, edge):
        """It has ended."""
        refused = await edge.send("uma")

        answer = await edge.call("DELETE", f"/v1/messages/{refused.json['id']}", key="uma")

        assert_problem(answer, 409, "not_cancellable")

    async def test_a_key_for_reading_cancels_nothing(self, edge):
        """Scope send."""
        message_id = (await edge.send()).json["id"]

        assert_problem(await edge.call("DELETE", f"/v1/messages/{message_id}", key="reader"), 403, "forbidden")
