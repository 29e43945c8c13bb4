"""What a client is told, in which order, and where it resumes."""

import pytest

from tests.gateway.live.connected import connected
from tests.gateway.running_edge import ANN, ANNS, BOB, MOBILE

pytestmark = pytest.mark.asyncio(loop_scope="session")


def delivered(frame):
    """It is a message's end."""
    return frame["type"] == "status" and frame["terminal"]


async def test_a_text_is_told_from_accept_to_end(edge, hand):
    """First where we are, then the message as it was sent, then each change of its status, in order."""
    async with connected(edge) as client:
        hello = await client.next()
        sent = await edge.send(text="told", client_message_id="told-1")
        await hand.work()
        frames = await client.until(delivered)

    message_id = sent.json["id"]
    assert hello == {"seq": hello["seq"], "type": "hello"}
    assert [frame["type"] for frame in frames] == ["message", "status", "status", "status"]
    assert [frame["status"] for frame in frames] == ["queued", "submitting", "submitted", "delivered"]
    assert {frame["id"] for frame in frames} == {message_id}
    assert [frame["change"] for frame in frames[1:]] == [2, 3, 4]
    first = frames[0]
    assert (first["channel"], first["from"], first["to"]) == ("sms", ANNS, MOBILE)
    assert (first["user"], first["text"], first["client_message_id"]) == (ANN, "told", "told-1")
    shown = (await edge.get(f"/v1/messages/{message_id}/events")).json["events"]
    assert [(one["status"], one["occurred_at"]) for one in shown[1:]] == [
        (one["status"], one["at"]) for one in frames[1:]
    ]


async def test_an_instant_message_reaches_both(edge, hand):
    """The colleague gets it as in the inbox, and who wrote it sees it delivered."""
    async with connected(edge) as ann, connected(edge, "bob") as bob:
        await ann.next(), await bob.next()
        await edge.send(to=f"user:{BOB}", text="hello bob")
        await hand.work()
        hers = await ann.until(delivered)
        (his,) = await bob.until(lambda frame: frame["type"] == "inbound")

    assert [frame["type"] for frame in hers] == ["message", "status"]
    inbox = (await edge.get("/v1/inbox", key="bob")).json["items"][-1]
    assert {name: his[name] for name in inbox} == inbox
    assert his["text"] == "hello bob"


@pytest.mark.parametrize("cut", range(1, 8))
async def test_whoever_resumes_misses_nothing(edge, hand, cut):
    """From whichever frame: what comes after it is what came after it the first time."""
    await hand.work()  # (what others left)
    async with connected(edge) as client:
        start = (await client.next())["seq"]
        await edge.send(text=f"one {cut}")
        await edge.send(key="bob", to=f"user:{ANN}", text=f"two {cut}")
        await hand.work()
        whole = await client.quiet(least=5)
    assert len(whole) == 5

    after = ([start] + [frame["seq"] for frame in whole])[min(cut, 5)]
    async with connected(edge, after=after) as client:
        hello = await client.next()
        again = await client.quiet(least=len(whole[min(cut, 5) :]))

    assert hello["seq"] == after
    missed = {frame["event"] for frame in whole[min(cut, 5) :]}
    assert {frame["event"] for frame in again} == missed
