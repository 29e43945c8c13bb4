"""Nothing is lost: connections that are cut, gateways that die, clients that do not read, stores that forget."""

import asyncio
import contextlib
import random

import aiohttp
import pytest

from gateway.queue import Begin
from gateway.queue.keys import journal
from tests.gateway.live.connected import MOST_UNACKNOWLEDGED, Client, Hand, connected
from tests.gateway.live.process import Process
from tests.gateway.running_edge import ANN, BOB, CAT, OUTSIDERS, secret

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def told(edge, ids):
    """Name every event that the sender of these messages has, in the order of each message."""
    names = []
    for message_id in ids:
        events = (await edge.get(f"/v1/messages/{message_id}/events", key="acme")).json["events"]
        names.append([f"m-{message_id}"] + [f"s-{message_id}-{event['seq']}" for event in events[1:]])
    return names


class Wanderer:
    """A client that is cut off again and again, and comes back behind what it acknowledged last."""

    def __init__(self, urls, seed):
        self._urls = urls
        self._random = random.Random(seed)
        self._after = None
        #: Names of events in the order of each connection.
        self.connections = []
        self.seen = set()

    async def run(self):
        """Go on until cancelled."""
        while True:
            with contextlib.suppress(aiohttp.ClientError, EOFError, ConnectionError, TimeoutError):
                await self._connect(self._random.choice(self._urls))
            await asyncio.sleep(0.02)

    async def _connect(self, url):
        """Read some events, acknowledge some of them, and go without a word."""
        path = "/v1/events" + ("" if self._after is None else f"?after={self._after}")
        headers = {"Authorization": f"Bearer {secret('ann')}"}
        async with aiohttp.ClientSession(url) as session, session.ws_connect(path, headers=headers) as socket:
            client = Client(socket, acknowledges=False)
            names = []
            self.connections.append(names)
            await client.next()
            self._after = self._after or client.seq
            for _ in range(self._random.randrange(1, 60)):
                frame = await client.next()
                assert frame["type"] != "gap"
                if "event" in frame:
                    names.append(frame["event"])
                    self.seen.add(frame["event"])
                if self._random.random() < 0.3:
                    await client.acknowledge(frame["seq"])
                    self._after = frame["seq"]
            socket._response.connection.transport.abort()


async def test_cut_connections_and_dead_gateways_lose_nothing(own_edge):
    """Whatever dies when: every event comes, each message's in order within a connection, nobody else's ever."""
    edge, other = own_edge, Process(own_edge)
    hand = await Hand(edge.queue).own()
    await other.start()
    wanderer = Wanderer([f"http://127.0.0.1:{edge.gateway.port}", other.url], seed=7)
    wandering = asyncio.create_task(wanderer.run())
    mine, to_me = [], 0
    try:
        await asyncio.sleep(0.5)
        for number in range(45):
            mine.append((await edge.send(text=f"mine {number}", to=OUTSIDERS[number % 10])).json["id"])
            await edge.send(key="bob", text=f"bob's {number}", to=OUTSIDERS[number % 10])
            await edge.send(key="rob", text=f"rival's {number}", to=OUTSIDERS[number % 10])
            if number % 3 == 0:
                await edge.send(key="bob", to=f"user:{ANN}", text=f"to me {number}")
                to_me += 1
            if number % 7 == 0:
                await hand.work()
            if number in {20, 40}:
                other.kill()
                await other.start()
        await hand.work()
        wanted = await told(edge, mine)
        items = (await edge.get("/v1/inbox")).json["items"]
        names = {name for message in wanted for name in message} | {f"i-{item['cursor']}" for item in items}
        assert len(items) == to_me
        async with asyncio.timeout(60):
            while not names <= wanderer.seen:
                assert not wandering.done(), wandering.exception()
                await asyncio.sleep(0.1)
    finally:
        wandering.cancel()
        await asyncio.wait({wandering})
        other.kill()
    assert wanderer.seen == names
    assert len(wanderer.connections) > 5
    place = {name: number for message in wanted for number, name in enumerate(message)}
    for connection in wanderer.connections:
        assert len(connection) == len(set(connection)), "a connection repeats nothing"
        for message in wanted:
            of_message = [place[name] for name in connection if name in set(message)]
            assert of_message == sorted(of_message)
            assert not of_message or of_message == list(range(of_message[0], of_message[-1] + 1))


async def test_nobody_hears_of_others(own_edge):
    """Not of a colleague's, not of another company's user of the same partition."""
    hand = await Hand(own_edge.queue).own()
    async with connected(own_edge, "cat") as cat, connected(own_edge, "rob") as rob:
        await cat.next(), await rob.next()
        await own_edge.send(text="ann's")
        await own_edge.send(to=f"user:{BOB}", text="to bob")
        await own_edge.send(key="bob", text="bob's")
        await hand.work()
        assert await cat.quiet() == []
        assert await rob.quiet() == []
        async with connected(own_edge, "rival", user=CAT) as stranger:
            await stranger.next()
            await own_edge.send(key="cat", to=f"user:{BOB}", text="cat's")
            await own_edge.send(to=f"user:{CAT}", text="to cat")
            await hand.work()
            assert len(await cat.quiet(least=3)) == 3
            assert await stranger.quiet() == []


async def test_refused_messages_do_not_come(own_edge):
    """Their sender has the answer."""
    async with connected(own_edge) as client:
        await client.next()
        assert (await own_edge.send(to="+19115550123", text="no")).status >= 400
        assert await client.quiet() == []


async def test_a_client_that_never_acknowledges(own_edge):
    """It gets so many and no more; when it acknowledges it gets the rest, in order, and nothing twice."""
    hand = await Hand(own_edge.queue).own()
    async with connected(own_edge, acknowledges=False) as client, connected(own_edge) as other:
        await client.next(), await other.next()
        for number in range(10):
            await own_edge.batch(*({"to": one, "text": f"flood {number}"} for one in OUTSIDERS))
        await hand.work()
        whole = await other.quiet(2, least=10 * len(OUTSIDERS) * 4)
        first = await client.quiet(least=MOST_UNACKNOWLEDGED)
        assert len(first) == MOST_UNACKNOWLEDGED
        assert await client.quiet() == []
        client.acknowledges = True
        await client.acknowledge(client.seq)
        rest = await client.quiet(2, least=len(whole) - len(first))

    assert len(whole) == 10 * len(OUTSIDERS) * 4
    assert [frame["event"] for frame in first + rest] == [frame["event"] for frame in whole]


async def test_a_position_that_is_gone_is_a_gap(own_edge):
    """Removed from the journal, or never of this store: the client is told, and goes on from now."""
    hand = await Hand(own_edge.queue).own()
    async with connected(own_edge) as client:
        await client.next()
        await own_edge.send(text="before")
        await hand.work()
        old = (await client.quiet(least=4))[0]["seq"]
    partition = own_edge.queue.partition_of("acme", ANN)
    await own_edge.queue._wire.one(("XTRIM", journal(partition), "MAXLEN", 1))
    for after in (old, "9999999999999-0_0-0", "0-0_9999999999999-0"):
        async with connected(own_edge, after=after) as client:
            hello, gap = await client.next(), await client.next()
            assert (hello["type"], gap["type"]) == ("hello", "gap")
            await own_edge.send(text="after")
            await hand.work()
            assert [frame["type"] for frame in await client.quiet(least=4)] == ["message", "status", "status", "status"]


async def test_who_would_look_back_too_far_is_told_of_a_gap(own_edge, monkeypatch):
    """Others who come back at the same time are not."""
    monkeypatch.setattr("gateway.live.journal_tail._PIECE", 2)
    monkeypatch.setattr("gateway.live.hub.JournalTail.__init__.__kwdefaults__", {"most_looked_at": 10})
    hand = await Hand(own_edge.queue).own()
    async with connected(own_edge) as client:
        old = (await client.next())["seq"]
        for number in range(20):
            await own_edge.send(text=f"many {number}")
            await hand.work()
            frames = [await client.next() for _ in range(4)]  # (each at once: it could fall too far behind, too)
        recent = frames[-3]["seq"]
    async with connected(own_edge, after=old) as far, connected(own_edge, after=recent) as near:
        assert await far.until(lambda frame: frame["type"] == "gap")
        assert [frame["type"] for frame in await near.quiet(least=3)] == ["hello", "status", "status"]


async def test_the_store_goes_and_comes_back(own_edge):
    """Sockets stay; what happens after it is told."""
    hand = await Hand(own_edge.queue).own()
    async with connected(own_edge) as client:
        await client.next()
        await own_edge.send(text="before")
        await hand.work()
        before = await client.quiet(least=4)
        own_edge.queue_server.kill()
        await asyncio.sleep(1)
        own_edge.queue_server.start()
        async with asyncio.timeout(20):
            while (await own_edge.send(text="after", client_message_id="after")).status != 202:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await hand.work()
        after = await client.until(lambda frame: frame.get("terminal"))
    assert len(before) == 4
    assert [frame["type"] for frame in after if frame["type"] != "position"] == [
        "message",
        "status",
        "status",
        "status",
    ]


async def test_statuses_of_messages_from_before_are_told(own_edge):
    """Whose they are is looked up, once, though their first line came before anybody was connected."""
    hand = await Hand(own_edge.queue).own()
    sent = (await own_edge.send(text="early", to=OUTSIDERS[0])).json["id"]
    partition = own_edge.queue.partition_of("acme", ANN)
    epoch = hand._epochs[partition]
    (one,), _ = await own_edge.queue.take(partition, epoch, count=1, pending_after=None)
    await own_edge.queue.begin(partition, epoch, [Begin(id=one.id, payload=one.payload)])
    async with connected(own_edge) as client:
        await client.next()
        await hand._submit(partition, epoch, one, attempt=1)
        frames = await client.quiet(least=2)
    assert [(frame["id"], frame["status"], frame["change"]) for frame in frames] == [
        (sent, "submitted", 3),
        (sent, "delivered", 4),
    ]


async def test_a_quiet_user_is_told_how_far_others_are(own_edge, monkeypatch):
    """So that it resumes there, and nobody looks back for it over what was never its own."""
    monkeypatch.setattr("gateway.live.session._POSITION_EVERY_S", 0.3)
    hand = await Hand(own_edge.queue).own()
    partition_of = own_edge.queue.partition_of
    same = next(f"n-{n}" for n in range(1_000) if partition_of("acme", f"n-{n}") == partition_of("acme", ANN))
    async with connected(own_edge, "acme", user=same) as client:
        hello = await client.next()
        await own_edge.send(text="somebody else's")
        await hand.work()
        position = await client.next()
        assert await client.quiet(1) == []
    assert (position["type"], position["seq"] > hello["seq"]) == ("position", True)
