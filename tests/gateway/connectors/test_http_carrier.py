"""What we conclude from everything that a carrier can answer over HTTP: tables of replies, by a real server."""

import asyncio
import gzip
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest
from aiohttp import web

from gateway.connectors import (
    CarrierAccepted,
    CarrierMisconfigured,
    CarrierRejected,
    CarrierTemporary,
    CarrierThrottled,
    InDoubt,
    Submission,
)
from gateway.connectors.http_carrier import HttpCarrier, HttpCarrierOptions
from gateway.connectors.offers import NotTaken, Silent
from loadtests.carrier.app import running
from loadtests.carrier.settings import Settings
from loadtests.ports import free_port

HTML = b"<!doctype html><title>It works!</title>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server answers; a body that is no bytes is sent as JSON."""

    status: int = 202
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    #: Seconds before the answer.
    after_s: float = 0
    #: Close the connection instead: after so many bytes of the answer.
    cut_at: int | None = None


class Server:
    """A carrier that gives one reply to everything, and keeps what it was asked."""

    def __init__(self, reply):
        self.reply = reply
        self.bodies = []
        self.requests = []

    async def answer(self, request):
        """Read the request whole, then answer or close."""
        self.requests.append((request.method, request.raw_path, request.headers.get("Authorization")))
        raw = await request.read()
        self.bodies.append(orjson.loads(raw) if raw else None)
        reply = self.reply(self.bodies[-1]) if callable(self.reply) else self.reply
        await asyncio.sleep(reply.after_s)
        body = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
        if reply.cut_at is None:
            return web.Response(status=reply.status, body=body, headers=reply.headers)
        head = f"HTTP/1.1 {reply.status} OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        if reply.cut_at:
            request.transport.write((head + body)[: len(head) + reply.cut_at])
            await asyncio.sleep(0.01)
        request.transport.close()
        return web.Response()


@asynccontextmanager
async def carrier_with(reply, **options):
    """A connector to a server that answers so."""
    server = Server(reply)
    runner = web.ServerRunner(web.Server(server.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with HttpCarrier(some_options(port, **options)) as carrier:
            yield carrier, server
    finally:
        await runner.cleanup()


def some_options(port, **fields):
    """Options for a carrier on this machine."""
    usual = {
        "name": "acme",
        "url": f"http://127.0.0.1:{port}",
        "token": "secret",
        "receipt_url": "http://here/receipts",
    }
    return HttpCarrierOptions(**(usual | {"timeout_s": 5.0} | fields))


def some_submission(reference="0-1-0-0", **fields):
    """A text to somebody."""
    usual = {"sender": "+12025550111", "recipient": "+14155550143", "text": "Hi"}
    return Submission(reference=reference, **(usual | fields))


def refusal(status, code=None, **headers):
    """A refusal as the carrier words it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, body=HTML if code is None else {"code": code, "detail": "…"}, headers=named)


ID = {"id": "c1", "reference": "0-1-0-0", "status": "accepted"}

SINGLE = [
    # label, the carrier says, we conclude
    ("taken", Reply(body=ID), CarrierAccepted("c1")),
    ("taken, with another 2xx", Reply(status=200, body=ID), CarrierAccepted("c1")),
    ("taken, reference left out", Reply(body={"id": "c1"}), CarrierAccepted("c1")),
    ("invalid number", refusal(422, "invalid_number"), CarrierRejected("invalid_number")),
    ("malformed", refusal(400, "malformed"), CarrierRejected("malformed")),
    ("refused without a word", refusal(422), CarrierRejected("http_422")),
    ("refused with a number for a code", Reply(status=422, body={"code": "+14155550143"}), CarrierRejected("http_422")),
    ("refused with a story for a code", Reply(status=422, body={"code": "no " * 50}), CarrierRejected("http_422")),
    ("refused with an object for a code", Reply(status=422, body={"code": {}}), CarrierRejected("http_422")),
    ("recipient unknown", refusal(404, "unknown_recipient"), CarrierRejected("unknown_recipient")),
    ("no such page", refusal(404), CarrierMisconfigured("http_404")),
    ("no such method", refusal(405), CarrierMisconfigured("http_405")),
    ("wrong token", refusal(401, "unauthenticated"), CarrierMisconfigured("unauthenticated")),
    ("not allowed", refusal(403), CarrierMisconfigured("http_403")),
    ("redirected", refusal(307, Location="/elsewhere"), CarrierMisconfigured("http_307")),
    ("too fast", refusal(429, "throttled", Retry_After="7"), CarrierThrottled(7.0)),
    ("too fast, no delay", refusal(429, "throttled"), CarrierThrottled(None)),
    ("too fast, no sense", refusal(429, "throttled", Retry_After="soon"), CarrierThrottled(None)),
    ("too fast, negative", refusal(429, "throttled", Retry_After="-5"), CarrierThrottled(None)),
    ("down", refusal(503, "temporary"), CarrierTemporary("temporary")),
    ("broken", refusal(500), CarrierTemporary("http_500")),
    ("nobody behind the proxy", refusal(502), CarrierTemporary("http_502")),
    ("too slow for the proxy", refusal(504), CarrierTemporary("http_504")),
    ("we were too slow", refusal(408), CarrierTemporary("http_408")),
    ("a web page", Reply(status=200, body=HTML), InDoubt("answer_unreadable")),
    ("an empty answer", Reply(status=202), InDoubt("answer_unreadable")),
    ("a list", Reply(body=[ID]), InDoubt("answer_unreadable")),
    ("JSON cut in half", Reply(body=b'{"id": "c'), InDoubt("answer_unreadable")),
    ("no id", Reply(body={"reference": "0-1-0-0"}), InDoubt("answer_without_id")),
    ("an empty id", Reply(body={"id": ""}), InDoubt("answer_without_id")),
    ("a list for an id", Reply(body={"id": ["c1"]}), InDoubt("answer_without_id")),
    ("an endless id", Reply(body={"id": "c" * 10_240}), InDoubt("answer_without_id")),
    ("about another message", Reply(body=ID | {"reference": "0-1-0-1"}), InDoubt("answer_about_another")),
    ("closed after reading", Reply(body=ID, cut_at=0), InDoubt("disconnected")),
    ("closed within the answer", Reply(body=ID, cut_at=9), InDoubt("disconnected")),
    ("an endless answer", Reply(body=b" " * 70_000), InDoubt("answer_too_large")),
    (
        "a packed answer",
        Reply(body=gzip.compress(b"0" * 10_000_000), headers={"Content-Encoding": "gzip"}),
        InDoubt("answer_unreadable"),
    ),
]


class TestOneMessage:
    @pytest.mark.parametrize(("reply", "expected"), [row[1:] for row in SINGLE], ids=[row[0] for row in SINGLE])
    async def test_each_reply_has_its_meaning(self, reply, expected):
        """And whatever it is, the request is sent once."""
        async with carrier_with(reply) as (carrier, server):
            assert await carrier.submit([some_submission()]) == [expected]
            assert len(server.bodies) == 1

    async def test_an_answer_that_is_too_slow_is_a_doubt(self):
        """The carrier may have it: a time-out is no failure."""
        async with carrier_with(Reply(body=ID, after_s=1), timeout_s=0.1) as (carrier, server):
            assert await carrier.submit([some_submission()]) == [InDoubt("timeout")]
            assert len(server.bodies) == 1

    async def test_nobody_there_is_no_doubt(self):
        """Nothing was sent: try again."""
        async with HttpCarrier(some_options(free_port())) as carrier:
            assert await carrier.submit([some_submission()]) == [CarrierTemporary("unreachable")]

    async def test_no_such_host_is_no_doubt(self):
        """The same."""
        async with HttpCarrier(some_options(1, url="http://carrier.invalid")) as carrier:
            assert await carrier.submit([some_submission()]) == [CarrierTemporary("unreachable")]

    async def test_a_date_is_a_delay(self):
        """Retry-After has two forms."""
        at = datetime.now(UTC) + timedelta(seconds=60)
        async with carrier_with(refusal(429, Retry_After=format_datetime(at, usegmt=True))) as (carrier, _):
            (outcome,) = await carrier.submit([some_submission()])

        assert 50 < outcome.retry_after_s <= 60

    async def test_the_carrier_gets_every_field(self):
        """One object, with our token and where its receipts go."""
        submission = some_submission(media=(("image/png", 70_000),), campaign_id="C1")
        async with carrier_with(Reply(body=ID)) as (carrier, server):
            await carrier.submit([submission])

        assert server.bodies == [
            {
                "reference": "0-1-0-0",
                "from": "+12025550111",
                "to": "+14155550143",
                "text": "Hi",
                "media": [{"type": "image/png", "bytes": 70_000}],
                "campaign_id": "C1",
                "receipt_url": "http://here/receipts",
            }
        ]
        assert server.requests == [("POST", "/messages", "Bearer secret")]

    async def test_the_token_is_not_shown(self):
        """Options end up in logs."""
        assert "secret" not in repr(some_options(1))


def some_submissions(count, first=0):
    """Several messages, each to somebody else."""
    return [some_submission(f"0-1-0-{place}", recipient=f"+1415555{place:04}") for place in range(first, first + count)]


def results(*items):
    """A batch answer, each result about the message in its place."""
    return Reply(status=200, body={"results": [{"reference": f"0-1-0-{i}"} | item for i, item in enumerate(items)]})


def result_of(place, name=None, **fields):
    """The result of one message of a batch."""
    return {"reference": f"0-1-0-{place}", "status_code": 202, "id": name} | fields


LOST = [InDoubt("answer_unreadable")] * 2
INCOMPLETE = InDoubt("answer_incomplete")
BATCH = [
    ("taken", results({"status_code": 202, "id": "a"}, {"status_code": 202, "id": "b"}), "ab"),
    ("half a batch", results({"status_code": 202, "id": "a"}), [CarrierAccepted("a"), INCOMPLETE]),
    (
        "a result about a stranger",
        results({"status_code": 202, "id": "a"}, {"status_code": 202, "id": "b"}, {"status_code": 202, "id": "c"}),
        "ab",
    ),
    (
        "half a batch that names nobody",
        Reply(status=200, body={"results": [{"status_code": 202, "id": "a"}]}),
        [INCOMPLETE] * 2,
    ),
    (
        "a batch that names nobody",
        Reply(status=200, body={"results": [{"status_code": 202, "id": name} for name in "ab"]}),
        "ab",
    ),
    (
        "a result twice",
        Reply(status=200, body={"results": [result_of(0, "a"), result_of(0, "a"), result_of(1, "b")]}),
        "ab",
    ),
    (
        "two words for one message",
        Reply(status=200, body={"results": [result_of(0, "a"), result_of(1, "b"), result_of(0, status_code=422)]}),
        [InDoubt("answer_contradicts_itself"), CarrierAccepted("b")],
    ),
    ("nobody there", Reply(status=200, body={"results": []}), [INCOMPLETE] * 2),
    ("refused as a whole", refusal(422, "malformed"), [CarrierTemporary("batch_refused")] * 2),
    ("too large", refusal(413), [CarrierTemporary("batch_refused")] * 2),
    ("no results", Reply(status=200, body={}), LOST),
    ("results of another kind", Reply(status=200, body={"results": {"0": 1}}), LOST),
    ("a web page", Reply(status=200, body=HTML), LOST),
    ("closed after reading", Reply(body=ID, cut_at=0), [InDoubt("disconnected")] * 2),
    ("down", refusal(503, "temporary"), [CarrierTemporary("temporary")] * 2),
    ("too fast", refusal(429, "throttled", Retry_After="3"), [CarrierThrottled(3.0)] * 2),
    ("wrong token", refusal(401), [CarrierMisconfigured("http_401")] * 2),
    (
        "each its own",
        results({"status_code": 422, "code": "invalid_number"}, {"status_code": 429, "code": "x", "retry_after": 2}),
        [CarrierRejected("invalid_number"), CarrierThrottled(2.0)],
    ),
    (
        "one down, one without an id",
        results({"status_code": 503, "code": "temporary"}, {"status_code": 202}),
        [CarrierTemporary("temporary"), InDoubt("answer_without_id")],
    ),
    (
        "results in another order",
        results({"status_code": 202, "id": "a", "reference": "0-1-0-1"}, {"status_code": 422, "reference": "0-1-0-0"}),
        [CarrierRejected("http_422"), CarrierAccepted("a")],
    ),
    ("a list for a reference", results({"status_code": 202, "id": "a", "reference": []}), [INCOMPLETE] * 2),
    ("words for results", Reply(status=200, body={"results": ["ok", {"status_code": True, "id": "b"}]}), LOST),
]


class TestBatch:
    @pytest.mark.parametrize(("reply", "expected"), [row[1:] for row in BATCH], ids=[row[0] for row in BATCH])
    async def test_each_reply_has_its_meaning(self, reply, expected):
        """Each message has its own result, and a lost answer puts all of them in doubt."""
        if isinstance(expected, str):
            expected = [CarrierAccepted(name) for name in expected]
        async with carrier_with(reply, batch_max=10) as (carrier, server):
            assert await carrier.submit(some_submissions(2)) == expected
            assert [len(body) for body in server.bodies] == [2]

    async def test_requests_are_no_larger_than_agreed(self):
        """Five messages, two at most: three requests, and the outcomes in order."""

        def echo(body):
            items = body if isinstance(body, list) else [body]
            answers = [
                {"status_code": 202, "id": f"c-{item['reference']}", "reference": item["reference"]} for item in items
            ]
            return Reply(status=200, body={"results": answers} if isinstance(body, list) else answers[0])

        async with carrier_with(echo, batch_max=2) as (carrier, server):
            outcomes = await carrier.submit(some_submissions(5))

        assert outcomes == [CarrierAccepted(f"c-0-1-0-{place}") for place in range(5)]
        assert sorted(len(body) if isinstance(body, list) else 1 for body in server.bodies) == [1, 2, 2]


QUERIES = [
    ("has it", Reply(status=200, body=ID | {"status": "delivered", "count": 1}), CarrierAccepted("c1")),
    ("has it not", refusal(404, "not_found"), NotTaken()),
    ("does not know us", refusal(401), InDoubt("http_401")),
    ("is down", refusal(503), Silent("http_503")),
    ("is busy", refusal(429), Silent("http_429")),
    ("says nothing", Reply(cut_at=0), Silent("disconnected")),
    ("says no id", Reply(status=200, body={}), InDoubt("answer_without_id")),
    ("speaks of another", Reply(status=200, body=ID | {"reference": "x"}), InDoubt("answer_about_another")),
]


class TestQuery:
    @pytest.mark.parametrize(("reply", "expected"), [row[1:] for row in QUERIES], ids=[row[0] for row in QUERIES])
    async def test_each_reply_has_its_meaning(self, reply, expected):
        """Only a clear yes or no counts; who says nothing at present may be asked again."""
        async with carrier_with(reply) as (carrier, server):
            assert await carrier.query("0-1-0-0") == expected
            assert server.requests[0] == ("GET", "/messages/0-1-0-0", "Bearer secret")

    async def test_nobody_there_says_nothing(self):
        """It is not a no."""
        async with HttpCarrier(some_options(free_port())) as carrier:
            assert await carrier.query("0-1-0-0") == Silent("unreachable")


class TestEmulator:
    #: Of loadtests/carrier: magic recipients and what a submitter must conclude.
    MAGIC = (
        ("+13125550100", CarrierAccepted),
        ("+13125550110", CarrierRejected),
        ("+13125550120", CarrierThrottled),
        ("+13125550130", CarrierTemporary),
        ("+13125550135", CarrierMisconfigured),
        ("+13125550142", InDoubt),
        ("+13125550144", InDoubt),
        ("+13125550150", InDoubt),
        ("+13125550151", InDoubt),
        ("+13125550152", InDoubt),
        ("+13125550153", InDoubt),
        ("+13125550154", InDoubt),
        ("+13125550155", InDoubt),
        ("+13125550156", InDoubt),
    )

    async def test_the_emulator_is_understood(self):
        """Every behaviour of the carrier emulator, and what it says afterwards about what it took."""
        async with running(Settings(port=0)) as emulator:
            options = some_options(1, url=emulator.url, token="carrier-secret", receipt_url="http://127.0.0.1:1/r")
            async with HttpCarrier(options) as carrier:
                for place, (recipient, expected) in enumerate(self.MAGIC):
                    reference = f"0-1-0-{place}"
                    (outcome,) = await carrier.submit([some_submission(reference, recipient=recipient)])
                    assert type(outcome) is expected, recipient
                    taken = await carrier.query(reference)
                    was_taken = expected is CarrierAccepted or (expected is InDoubt and recipient[-2:] != "44")
                    assert isinstance(taken, CarrierAccepted if was_taken else NotTaken), recipient
