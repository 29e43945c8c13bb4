"""What makes the send path quick, each with and without it: `python -m tests.bench_levers [--rounds N] [--out FILE]`.

How it is measured: benching.py; the lines of a pair take turns with each other. The base is orjson.loads of one
request's body. Where the queue store takes part it is a real one that writes through to the disk, and its main thread's
processor time is added; waiting for the disk costs none and is not seen here.
"""

import contextlib
import gc
import os
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import redis
from prometheus_client import CollectorRegistry, Counter, Histogram

from gateway.app import new_metrics
from gateway.garbage import GARBAGE
from gateway.logs import log_as_json
from gateway.queue.accepting import calls_for
from gateway.queue.store import QueueStore, open_store
from tests.bench_send import BASE, BATCH, KEY, TEXTS, Send, a_gateway, batches, bodies, drafts, finish, singles
from tests.bench_send import requests as whole_requests
from tests.benching import Measure, main
from tests.valkey import Valkey

OUT = Path(__file__).resolve().parent.parent / "bench-out" / "levers.json"
#: Texts in a flush, as at 64 connections.
FLUSH = 64
#: What Python's collector is set to when nobody sets it.
AS_PYTHON_HAS_IT = (700, 10, 10)


@contextlib.contextmanager
def a_store(send: Send) -> Iterator[tuple[Valkey, QueueStore]]:
    """Run a queue store that keeps what it is given."""
    stack = contextlib.AsyncExitStack()
    with Valkey() as server:
        store = send.loop.run_until_complete(stack.enter_async_context(open_store(server.url)))
        try:
            yield server, store
        finally:
            send.loop.run_until_complete(stack.aclose())


def flushes(send: Send, server: Valkey, store: QueueStore) -> list[Measure]:
    """Keep the same texts by one call of the store's function, and by a call each in one pipeline."""
    principal = finish(send.keys.check(KEY))
    texts = drafts(bodies())[:FLUSH]
    pipe = send.pipeline
    found = send.loop.run_until_complete(pipe._look_up([(principal, text) for text in texts]))
    accepts = [
        # Without a key: a second flush of the same keys would only be told that they are known.
        pipe._pack(principal, text, pipe._judge(text, one)).accept._replace(idempotency=None)
        for text, one in zip(texts, found, strict=True)
    ]
    client = redis.Redis.from_url(server.url, protocol=2)

    def clock():
        spent = client.info("cpu")
        return time.process_time() + spent["used_cpu_sys_main_thread"] + spent["used_cpu_user_main_thread"]

    async def each_alone():
        calls = [call for accept in accepts for call in calls_for([accept])]
        replies = await store._wire.ask(*(call.command() for call in calls), kept=True)
        return [list(call.outcomes(reply)) for call, reply in zip(calls, replies, strict=True)]

    async def together():
        return await store.accept(accepts)

    return [
        Measure(
            name=f"{name}, client and server",
            work=lambda _, work=work: send.loop.run_until_complete(work()),
            inputs=[None],
            times=FLUSH,
            clock=clock,
        )
        for name, work in ((f"{FLUSH} texts, a call each", each_alone), (f"{FLUSH} texts, one call", together))
    ]


def requests_of_one_and_of_many(send: Send) -> list[Measure]:
    """Send the same texts one a request, and a hundred a request."""
    raw, principal = bodies(), finish(send.keys.check(KEY))
    lines = [raw[at : at + BATCH] for at in range(0, TEXTS, BATCH)]
    return [
        Measure(name="a text a request", work=singles(send), inputs=[whole_requests(raw)], times=TEXTS),
        Measure(name=f"{BATCH} texts a request", work=batches(send, principal), inputs=lines, times=BATCH),
    ]


def counting(_: Send) -> list[Measure]:
    """Count what happens to a text with the library's own instruments, and with ours."""
    theirs, ours = CollectorRegistry(), new_metrics(CollectorRegistry())
    decisions = Counter("decisions", "d", ["channel", "verdict", "reason"], registry=theirs)
    verdicts = Counter("verdicts", "v", ["channel", "verdict"], registry=theirs)
    reasons = Counter("reasons", "r", ["reason"], registry=theirs)
    decision_s = Histogram("decision_seconds", "s", registry=theirs)
    accept_s = Histogram("accept_seconds", "s", registry=theirs)

    def as_the_library_does(_):
        decisions.labels("sms", "allow", "ok_registered").inc()
        verdicts.labels("sms", "allow").inc()
        reasons.labels("ok_registered").inc()
        decision_s.observe(0.000_04)
        accept_s.observe(0.003)

    def as_we_do(_):
        ours.decided("sms", "allow", "ok_registered")
        ours.decision_took(0.000_04)
        ours.accept_took(0.003)

    return [
        Measure(name="counted by the library's instruments", work=as_the_library_does, inputs=[None]),
        Measure(name="counted by ours", work=as_we_do, inputs=[None]),
    ]


def collecting(send: Send) -> list[Measure]:
    """Send batches with the collector of garbage as Python has it, and as a gateway sets it once it has started."""
    raw, principal = bodies(), finish(send.keys.check(KEY))
    lines = [raw[at : at + BATCH] for at in range(0, TEXTS, BATCH)]
    work = batches(send, principal)

    def as_python_has_it(line):
        gc.unfreeze()
        gc.set_threshold(*AS_PYTHON_HAS_IT)
        work(line)

    def as_a_gateway_sets_it(line):
        gc.freeze()
        gc.set_threshold(GARBAGE)
        work(line)

    return [
        Measure(name="collected as Python does", work=as_python_has_it, inputs=lines, times=BATCH),
        Measure(name="frozen, collected seldom", work=as_a_gateway_sets_it, inputs=lines, times=BATCH),
    ]


def measures(send: Send, server: Valkey, store: QueueStore) -> list[Measure]:
    """List the pairs, the base first."""
    return [
        Measure(name=BASE, work=orjson.loads, inputs=bodies()),
        *flushes(send, server, store),
        *requests_of_one_and_of_many(send),
        *counting(send),
        *collecting(send),
    ]


if __name__ == "__main__":
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
        log_as_json("info")
        with a_gateway() as gateway, a_store(gateway) as (its_server, its_store):
            main(
                "What makes the send path quick, with and without.",
                lambda: measures(gateway, its_server, its_store),
                OUT,
            )
