"""What an accept costs, stage by stage: `python -m tests.bench_send [--rounds N] [--out FILE]`.

How it is measured: benching.py. The base is orjson.loads of one request's body. What waits, the sockets and the store,
is not here: the store is a stand-in that answers a turn later, so that many share a flush as they do on a busy disk.
Stages are measured one by one, in a tight loop; the whole is what they cost in each other's company, event loop
included, and is more than their sum: the processor's caches do not hold it all.
"""

import asyncio
import contextlib
import itertools
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import orjson
import structlog
import uvloop
from prometheus_client import CollectorRegistry

from compliance.policy import shipped
from gateway.app import new_metrics
from gateway.clock import boottime_ms
from gateway.edge import wire
from gateway.edge.admission import Admission
from gateway.edge.answers import accepted_answer, with_ids
from gateway.edge.front import Front, read_ask
from gateway.edge.guard import Guard, Limits
from gateway.edge.hosts import Hosts
from gateway.edge.intake import Intake
from gateway.edge.keys import Keys
from gateway.edge.replies import Reply, message_reply
from gateway.edge.writing import render
from gateway.logs import log_as_json
from gateway.near.cache import NearCache
from gateway.queue.accepting import calls_for
from gateway.queue.commit import GroupCommit
from gateway.send import gather, pipeline
from gateway.send.packing import envelope_of
from tests.bench_compliance import CLEAN, numbers
from tests.benching import Measure, main
from tests.gateway.near.copies import Copy
from tests.gateway.running_edge import company, secret

OUT = Path(__file__).resolve().parent.parent / "bench-out" / "send.json"
TEXTS = 500
BATCH = 100
#: Texts that share a flush at 64 connections, about.
FLUSH = 32
CONNECTIONS = 64
KEY = f"Bearer {secret('ann')}"
STAMP = b"1763793500123-4"
BASE = "orjson.loads of one request"


class Unmoved:
    """An observer whom nothing concerns."""

    def __getattr__(self, name):
        """Take whatever is told."""
        return lambda *_: None


class Queue:
    """A store that keeps nothing and answers a turn later."""

    partitions = 4

    def partition_of(self, tenant, user):
        """Say where messages live."""
        return 1

    async def opt_outs(self, pairs):
        """Know of none."""
        await asyncio.sleep(0)
        return [None] * len(pairs)

    async def accept(self, requests):
        """Pack the flush, and read the answer that a store would give."""
        await asyncio.sleep(0)
        return kept(requests)


class Wires:
    """A connection's other end: what is written goes nowhere, and asks for the next request."""

    def __init__(self, answered):
        self.write = answered

    def is_closing(self):
        """Never."""
        return False

    def get_write_buffer_size(self):
        """Nothing waits to be read."""
        return 0

    def get_extra_info(self, _):
        """Come from nowhere."""


class Send(NamedTuple):
    """The parts of a gateway that take a message."""

    near: NearCache
    keys: Keys
    pipeline: pipeline.Pipeline
    front: Front
    loop: asyncio.AbstractEventLoop


def kept(requests):
    """What a store answers to a flush."""
    calls = calls_for(requests)
    for call in calls:
        call.command()
    outcomes = dict(pair for call in calls for pair in call.outcomes((STAMP, [], [])))
    return [outcomes[place] for place in range(len(requests))]


def finish(coroutine):
    """Run a coroutine that waits for nothing, and return its result."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


@contextlib.contextmanager
def a_gateway() -> Iterator[Send]:
    """Put together what takes messages, its facts at hand."""
    loop = uvloop.new_event_loop()
    stack = contextlib.AsyncExitStack()

    async def build():
        source = Copy(boottime_ms, company())
        beating = asyncio.create_task(beat(source))
        stack.callback(beating.cancel)
        near = await stack.enter_async_context(NearCache(source, Unmoved(), process="bench"))
        metrics = new_metrics(CollectorRegistry())
        commit = await stack.enter_async_context(GroupCommit(Queue(), observe=metrics.flushed))
        policy = shipped("current")
        taking = pipeline.Pipeline(
            gatherer=gather.Gatherer(near, Queue(), policy, lambda: datetime.now(UTC)),
            queue=Queue(),
            commit=commit,
            policy=policy,
            metrics=metrics,
            process="bench",
        )
        admission = Admission(Unmoved())
        keys = Keys(near, proved=admission.learn)

        front = Front(
            Intake(keys, taking).take,
            Unmoved(),
            metrics,
            guard=Guard(Limits(), Unmoved()),
            admission=admission,
            knows_host=Hosts((), public_url="", bound="127.0.0.1").knows,
            is_leaving=lambda: False,
        )
        return Send(near, keys, taking, front, loop)

    try:
        yield loop.run_until_complete(build())
    finally:
        loop.run_until_complete(stack.aclose())
        loop.close()


async def beat(source):
    """Keep the facts live."""
    while True:
        source.beat()
        await asyncio.sleep(0.5)


def bodies() -> list[bytes]:
    """Requests, no two alike."""
    return [
        orjson.dumps({"to": to, "text": CLEAN, "client_message_id": f"order-{place}"})
        for place, to in enumerate(itertools.islice(numbers(), TEXTS))
    ]


def requests(raw: list[bytes]) -> list[bytes]:
    """The same as they come over a connection."""
    head = (
        f"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n"
        f"Authorization: {KEY}\r\nContent-Type: application/json\r\nContent-Length: "
    ).encode()
    return [b"%b%d\r\n\r\n%b" % (head, len(body), body) for body in raw]


def drafts(raw: list[bytes]) -> list[wire.Draft]:
    """The same, read."""
    return [wire.read_draft(body, header_key=None, now=datetime.now(UTC)) for body in raw]


def singles(send: Send):
    """Make the work of sending texts over 64 connections, as many at once."""

    async def run(texts):
        left, waiting = len(texts), iter(texts)
        done = send.loop.create_future()
        connections = []

        def feed(connection):
            if (text := next(waiting, None)) is not None:
                connection.data_received(text)

        def answered(connection, answer):
            nonlocal left
            assert answer.startswith(b"HTTP/1.1 202"), answer
            left -= 1
            if not left:
                done.set_result(None)
            send.loop.call_soon(feed, connection)

        for _ in range(CONNECTIONS):
            connection = send.front()
            connection.connection_made(Wires(lambda answer, it=connection: answered(it, answer)))
            connections.append(connection)
            send.loop.call_soon(feed, connection)
        await done
        for connection in connections:
            connection.connection_lost(None)

    return lambda texts: send.loop.run_until_complete(run(texts))


def batches(send: Send, principal):
    """Make the work of sending a batch, from its lines to its answer."""

    async def run(lines):
        now = datetime.now(UTC)
        read = [wire.read_draft(line, header_key=None, now=now) for line in lines]
        results = await send.pipeline.send([(principal, one) for one in read])
        return b"\n".join([message_reply(one).body for one in results])

    return lambda lines: send.loop.run_until_complete(run(lines))


def stages(send: Send) -> list[Measure]:
    """List the stages of one text's way, in order."""
    raw, pipe, gatherer, memory = bodies(), send.pipeline, send.pipeline._gatherer, send.near.memory()
    knows, admission = send.front.knows_host, send.front.admission
    principal = finish(send.keys.check(KEY))
    wanted = [pipeline._wanted(principal, draft, ()) for draft in drafts(raw)]
    searches = [gather._search(one) for one in wanted]
    found = send.loop.run_until_complete(gatherer.gather(wanted))
    known = gather._Known(memory, send.near.reading(), is_whole=True)
    judged = [pipe._judge(draft, one) for draft, one in zip(drafts(raw), found, strict=True)]
    kept_answers = [accepted_answer(one, pipe._policy, is_group=False) for one in judged]
    ready = [pipe._pack(principal, draft, one) for draft, one in zip(drafts(raw), judged, strict=True)]
    flushes = [[one.accept for one in ready[at : at + FLUSH]] for at in range(0, TEXTS - FLUSH, FLUSH)]
    at, state = datetime.now(UTC), known.reading.state(strict=False)
    log = structlog.get_logger()

    def let_in(_):
        ticket = admission.enter(KEY)
        admission.turn(ticket)
        admission.leave(ticket)

    def look_up(search):
        assert not gatherer._missing([search], memory)
        return gather._assemble(search, gatherer._senders.find(search.who, memory), known, {}, state, at)

    def count(_):
        pipe._metrics.decided("sms", "allow", "ok_registered")
        pipe._metrics.decision_took(0.000_04)
        pipe._metrics.accept_took(0.003)
        send.front.observe.responded("/v1/messages", 202)

    def answer_of(place):
        return render(
            Reply(202, orjson.dumps(with_ids(kept_answers[place], ("1-1763793500123-4-0",), ()))), is_last=False
        )

    places = list(range(TEXTS))
    both = list(zip(drafts(raw), judged, strict=True))
    return [
        Measure(name="head: read_ask, host", work=lambda one: read_ask(one, knows), inputs=requests(raw)),
        Measure(name="guard: admission in, turn, out", work=let_in, inputs=places),
        Measure(name="key: look up, prove", work=lambda _: finish(send.keys.check(KEY)), inputs=places),
        Measure(name="body: JSON, shape, fingerprint", work=lambda one: drafts([one]), inputs=raw),
        Measure(name="search: what is asked about", work=gather._search, inputs=wanted),
        Measure(name="facts: look up, assemble", work=look_up, inputs=searches),
        Measure(
            name="judge: every rule, segments",
            work=lambda place: pipe._judge(both[place][0], found[place]),
            inputs=places,
        ),
        Measure(
            name="envelope, with decision record",
            work=lambda one: envelope_of(one[1].legs[0], one[0], one[1], pipe._frame),
            inputs=both,
        ),
        Measure(
            name="answer and idempotency record",
            work=lambda place: pipeline._idempotency(
                principal, "acme-ann", both[place][0], accepted_answer(judged[place], pipe._policy, is_group=False)
            ),
            inputs=places,
        ),
        Measure(name=f"flush: pack, unpack ({FLUSH} texts)", work=kept, inputs=flushes, times=FLUSH),
        Measure(name="answer: ids, JSON, HTTP", work=answer_of, inputs=places),
        Measure(name="metrics of one text", work=count, inputs=places),
        Measure(name="a log line (none is on the way)", work=lambda _: log.info("bench_line", texts=1), inputs=places),
    ]


def measures(send: Send) -> list[Measure]:
    """List everything that is measured, the base first."""
    raw = bodies()
    principal = finish(send.keys.check(KEY))
    lines = [raw[at : at + BATCH] for at in range(0, TEXTS, BATCH)]
    return [
        Measure(name=BASE, work=orjson.loads, inputs=raw),
        Measure(name="single: all of it, 64 at once", work=singles(send), inputs=[requests(raw)], times=TEXTS),
        Measure(name="batch of 100: all of it but HTTP", work=batches(send, principal), inputs=lines, times=BATCH),
        *stages(send),
    ]


if __name__ == "__main__":
    # Log lines are written, to nowhere; the loggers of the modules remember where for good.
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
        log_as_json("info")
        with a_gateway() as gateway:
            main("What an accept costs, stage by stage.", lambda: measures(gateway), OUT)
