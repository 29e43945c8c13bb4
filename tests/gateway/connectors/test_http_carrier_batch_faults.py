"""A connection to a carrier that breaks under a batch: one POST, a doubt each for what is lost, nothing doubled."""

import asyncio
from collections import Counter
from dataclasses import replace

import aiohttp
import orjson
import pytest

from gateway.clock import boottime_s
from gateway.connectors import (
    CarrierAccepted,
    CarrierMisconfigured,
    CarrierRejected,
    CarrierTemporary,
    CarrierThrottled,
    InDoubt,
)
from gateway.connectors.http_carrier import HttpCarrier
from gateway.connectors.offers import NotTaken
from loadtests.carrier.app import running
from loadtests.carrier.settings import Settings
from loadtests.faults.proxy import Direction, Lost, Proxy
from tests.gateway.connectors.test_http_carrier import (
    Reply,
    carrier_with,
    some_options,
    some_submission,
    some_submissions,
)
from tests.gateway.connectors.test_http_carrier_faults import Closing, port_of, until

COUNT = 3


def echo(body):
    """Take everything."""
    if body is None:
        return Reply(status=404, body={"code": "not_found"})
    if isinstance(body, dict):
        return Reply(body={"id": f"c-{body['reference']}", "reference": body["reference"]})
    results = [{"status_code": 202, "id": f"c-{item['reference']}", "reference": item["reference"]} for item in body]
    return Reply(status=200, body={"results": results})


def taken(submissions):
    """What the connector says then."""
    return [CarrierAccepted(f"c-{one.reference}") for one in submissions]


async def test_a_kept_connection_that_closes_under_a_batch():
    """The carrier read it and closed: seen once by the carrier, a doubt for each of its messages."""
    server = Closing()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, HttpCarrier(some_options(port, batch_max=10)) as carrier:
        for turn in range(1, 4):
            first = some_submissions(1, first=turn * 10)
            assert await carrier.submit(first) == [CarrierAccepted("c1")]
            batch = some_submissions(COUNT, first=turn * 10 + 1)
            assert await carrier.submit(batch) == [InDoubt("disconnected")] * COUNT
            assert (server.connections, server.posts) == (turn, 2 * turn)


@pytest.mark.parametrize(("lost", "word"), [(Lost.RESET, "disconnected"), (Lost.SILENCE, "timeout")])
async def test_an_answer_that_never_comes(lost, word):
    """One POST, a doubt each; sent again, they go alone, so that one that breaks carriers takes nobody along."""
    async with (
        carrier_with(echo) as (near, server),
        Proxy(("127.0.0.1", port_of(near))) as proxy,
        HttpCarrier(some_options(proxy.port, timeout_s=1.0, batch_max=10)) as carrier,
    ):
        batch = some_submissions(COUNT)
        assert await carrier.submit(some_submissions(2, first=10)) == taken(some_submissions(2, first=10))
        proxy.swallow_reply(then=lost)
        assert await carrier.submit(batch) == [InDoubt(word)] * COUNT
        assert [len(body) for body in server.bodies] == [2, COUNT]
        assert await carrier.submit(batch) == taken(batch)
        assert [type(body) for body in server.bodies[2:]] == [dict] * COUNT


async def test_a_reset_at_every_byte_of_the_answer():
    """Results count only when the answer came whole; and the carrier saw each batch once."""
    async with (
        carrier_with(echo) as (near, server),
        Proxy(("127.0.0.1", port_of(near))) as proxy,
        HttpCarrier(some_options(proxy.port, batch_max=10)) as carrier,
    ):
        batch = some_submissions(2, first=1_000)
        assert await carrier.submit(batch) == taken(batch)
        size = proxy.passed(Direction.TO_CLIENT)
        assert size > 150
        for byte in range(size):
            proxy.reset_after(byte, Direction.TO_CLIENT)
            batch = some_submissions(2, first=1_002 + 2 * byte)
            assert await carrier.submit(batch) == [InDoubt("disconnected")] * 2, byte
        seen = Counter(item["reference"] for body in server.bodies for item in body)
        assert len(server.bodies) == 1 + size
        assert set(seen.values()) == {1}


async def test_a_connection_that_is_refused_is_no_doubt():
    """Nothing was sent; and when the carrier is back, they go together again."""
    async with (
        carrier_with(echo) as (near, server),
        Proxy(("127.0.0.1", port_of(near))) as proxy,
        HttpCarrier(some_options(proxy.port, batch_max=10)) as carrier,
    ):
        batch = some_submissions(COUNT)
        proxy.refuse()
        proxy.cut()
        assert await carrier.submit(batch) == [CarrierTemporary("unreachable")] * COUNT
        proxy.heal()
        assert await carrier.submit(batch) == taken(batch)
        assert [len(body) for body in server.bodies] == [COUNT]


async def test_a_message_that_the_carrier_cannot_bear_is_found():
    """It refuses every batch with it as a whole: the others go in the end, it alone is refused for good."""

    def choosy(body):
        bad = "0-1-0-1" in [item["reference"] for item in (body if isinstance(body, list) else [body])]
        return Reply(status=400, body={"code": "malformed"}) if bad else echo(body)

    async with carrier_with(choosy, batch_max=10) as (carrier, server):
        batch = some_submissions(COUNT)
        assert await carrier.submit(batch) == [CarrierTemporary("batch_refused")] * COUNT
        first, _, third = taken(batch)
        assert await carrier.submit(batch) == [first, CarrierRejected("malformed"), third]
        assert len(server.bodies) == 1 + COUNT


async def test_what_follows_too_late_is_not_sent():
    """The rest of a conversation waits for the first; by then it was judged too long ago, and that is no doubt."""
    slow = lambda body: replace(echo(body), after_s=0.3)  # noqa: E731
    async with carrier_with(slow, batch_max=2) as (carrier, server):
        until_s = boottime_s() + 0.2
        batch = [some_submission(f"0-1-0-{place}", good_until_s=until_s) for place in range(3)]
        assert await carrier.submit(batch) == [*taken(batch[:2]), CarrierTemporary("too_late")]
        posted = [body for body, (method, *_) in zip(server.bodies, server.requests, strict=True) if method == "POST"]
        assert [[item["reference"] for item in body] for body in posted] == [["0-1-0-0", "0-1-0-1"]]


async def test_a_batch_is_no_larger_than_the_carrier_takes():
    """Bounded in bytes as well as in count."""
    async with carrier_with(echo, batch_max=100, body_bytes_max=2_000) as (carrier, server):
        batch = [some_submission(f"0-1-0-{i}", recipient=f"+1415555{i:04}", text="é" * 300) for i in range(9)]
        assert await carrier.submit(batch) == taken(batch)
        sizes = [len(orjson.dumps(body)) for body in server.bodies]
        assert max(sizes) <= 2_000
        assert len(sizes) == 5


async def test_cancelled_batches_leave_nothing_open():
    """Two hundred messages, cancelled while the carrier is silent: every connection is closed."""
    open_now: set[asyncio.StreamWriter] = set()

    async def hear_and_say_nothing(reader, writer):
        open_now.add(writer)
        try:
            while await reader.read(1 << 16):
                pass
        except ConnectionError:
            pass
        finally:
            open_now.discard(writer)
            writer.close()

    listening = await asyncio.start_server(hear_and_say_nothing, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, HttpCarrier(some_options(port, window=50, batch_max=5)) as carrier:
        for _ in range(4):
            tasks = [asyncio.create_task(carrier.submit(some_submissions(5, first=5 * number))) for number in range(10)]
            await until(lambda: len(open_now) >= 5)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(result) for result in results} == {asyncio.CancelledError}
            await until(lambda: not open_now)


#: what the emulator does to the first batch -> the outcomes of its four messages, by their first letters
BEHAVIOURS = [
    ({"behaviour": "drop_answer"}, "DDDD"),
    ({"behaviour": "drop_request"}, "dddd"),
    ({"behaviour": "hang"}, "dddd"),
    ({"behaviour": "garbled_html"}, "DDDD"),
    ({"behaviour": "garbled_no_id"}, "DDDD"),
    ({"behaviour": "garbled_cut"}, "DDDD"),
    ({"behaviour": "garbled_chunk"}, "DDDD"),
    ({"behaviour": "garbled_bomb"}, "DDDD"),
    ({"behaviour": "garbled_half"}, "AADD"),
    ({"behaviour": "garbled_missing"}, "DAAA"),
    ({"behaviour": "garbled_doubled"}, "AAAA"),
    ({"behaviour": "garbled_contradicting"}, "DDDD"),
    ({"behaviour": "garbled_shuffled"}, "AAAA"),
    ({"behaviour": "throttle", "retry_after": 2, "per": "request"}, "tttt"),
    ({"behaviour": "temporary", "per": "request"}, "ssss"),
    ({"behaviour": "unauthenticated"}, "mmmm"),
    ({"behaviour": "reject", "match": {"every": 2}}, "ArAr"),
    ({"behaviour": "throttle", "match": {"submissions": [1, 3]}}, "AttA"),
    ({"behaviour": "temporary", "match": {"submissions": [3, 4]}}, "AAAs"),
]
#: A capital: the carrier has it.
LETTERS = {
    "A": CarrierAccepted,
    "D": InDoubt,
    "d": InDoubt,
    "t": CarrierThrottled,
    "s": CarrierTemporary,
    "m": CarrierMisconfigured,
    "r": CarrierRejected,
}


@pytest.mark.parametrize(("rule", "expected"), BEHAVIOURS, ids=[str(row[0]) for row in BEHAVIOURS])
async def test_the_emulator_is_understood(rule, expected):
    """Each message has its own outcome; asked afterwards, the carrier has what we say or doubt, and has it once."""
    async with running(Settings(port=0, hang_s=0.2)) as emulator:
        options = some_options(
            1, url=emulator.url, token="carrier-secret", receipt_url="http://127.0.0.1:1/r", batch_max=10
        )
        async with HttpCarrier(options) as carrier, aiohttp.ClientSession() as session:
            scenario = {"name": "test", "rules": [rule]}
            headers = {"Authorization": "Bearer carrier-secret"}
            async with session.put(f"{emulator.url}/scenario", json=scenario, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
            batch = some_submissions(4)
            outcomes = await carrier.submit(batch)

            assert [type(outcome) for outcome in outcomes] == [LETTERS[letter] for letter in expected]
            for one, outcome, letter in zip(batch, outcomes, expected, strict=True):
                has_it = await carrier.query(one.reference)
                assert isinstance(has_it, CarrierAccepted if letter.isupper() else NotTaken)
                assert letter != "A" or has_it == outcome
            async with session.get(f"{emulator.url}/ledger") as answer:
                events = [orjson.loads(line) for line in (await answer.text()).splitlines()]
            received = Counter(event["reference"] for event in events if event["event"] == "received")
            assert set(received.values()) == {1}
