"""A worker for tests: on a real queue store, with a carrier and a recheck that do and say what they are told.

Not here: the tests (test_worker*.py).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry

from compliance.codes import Code
from compliance.decision import Decision, Verdict
from gateway.connectors import CarrierAccepted, Connector, InDoubt, Outcome, Submission
from gateway.connectors.offers import Answer
from gateway.envelope import Channel, Envelope, TrafficClass, dump
from gateway.queue import Accept, Accepted, Status, Stored
from gateway.queue.retry import Schedule
from gateway.queue.store import QueueStore
from gateway.work.routing import Route
from gateway.work.worker import Worker, wall_clock_ms
from gateway.work.worker_options import WorkerOptions
from gateway.worker_app import worker_metrics

CARRIER = "acme"
SENDER = "+12025550111"
RECIPIENT = "+14155550143"
LOST = InDoubt("timeout")
ACCEPTED = CarrierAccepted("c1")
OK = Decision(Verdict.ALLOW, Code.OK_REGISTERED)

Script = Callable[[Submission], Awaitable[Outcome]]


def some_envelope(**fields: Any) -> Envelope:
    """Build a text typed by a person, valid for an hour."""
    now_ms = wall_clock_ms()
    usual: dict[str, Any] = {
        "tenant": "t1",
        "user": "u1",
        "channel": Channel.SMS,
        "origin": "app",
        "sender": SENDER,
        "recipient": RECIPIENT,
        "text": "Hi",
        "traffic_class": TrafficClass.P2P,
        "accepted_ms": now_ms,
        "expires_ms": now_ms + 3_600_000,
        "verdict": "allow",
        "reason": "ok_registered",
        "record": b'{"v":1}',
    }
    return Envelope(**(usual | fields))


async def accept(store: QueueStore, *envelopes: Envelope | bytes, partition: int = 0) -> list[str]:
    """Have messages accepted together, as one log entry; their ids."""
    packed = tuple(one if isinstance(one, bytes) else dump(one) for one in envelopes)
    (accepted,) = await store.accept([Accept(partition=partition, messages=packed)])
    assert isinstance(accepted, Accepted)
    return list(accepted.message_ids)


class Carrier:
    """A connector that does what its script says; accepts everything by default."""

    name = CARRIER

    def __init__(self, script: Script | None = None, *, window: int = 64, batch_max: int = 1) -> None:
        self.window = window
        self.batch_max = batch_max
        self.submissions: list[Submission] = []
        self.requests: list[int] = []
        self._script = script

    async def submit(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Note the messages, then ask the script about each."""
        self.submissions += submissions
        self.requests.append(len(submissions))
        return [await self._answer(one) for one in submissions]

    def sent(self, message_id: str) -> int:
        """Count how often a message came."""
        return [one.reference for one in self.submissions].count(message_id)

    async def _answer(self, submission: Submission) -> Outcome:
        if self._script is None:
            return CarrierAccepted(f"c-{submission.reference}")
        return await self._script(submission)


def says(*outcomes: Outcome) -> Script:
    """Give each message these outcomes in turn, the last one for ever."""
    asked: dict[str, int] = {}

    async def script(submission: Submission) -> Outcome:
        turn = asked[submission.reference] = asked.get(submission.reference, 0) + 1
        return outcomes[min(turn, len(outcomes)) - 1]

    return script


class Recheck:
    """A recheck that lets everything through, until judge is set."""

    def __init__(self, judge: Callable[[Envelope], Decision] | None = None) -> None:
        self.judge = judge or (lambda _: OK)
        self.calls = 0
        #: Cleared: a recheck waits.
        self.open = asyncio.Event()
        self.open.set()

    async def recheck(self, envelopes: Sequence[Envelope]) -> list[Decision]:
        """Judge each."""
        self.calls += 1
        await self.open.wait()
        return [self.judge(envelope) for envelope in envelopes]


def some_options(**fields: Any) -> WorkerOptions:
    """Build options with everything quick."""
    usual: dict[str, Any] = {
        "routes": (Route(carrier=CARRIER),),
        "own_every_ms": 20,
        "due_every_ms": 10,
        "hold_ms": 20,
        "idle_max_ms": 10,
        "measure_every_ms": 50,
        "drain_ms": 5_000,
        "schedule": Schedule(base_ms=20, cap_ms=40, throttle_ms=50, misconfigured_ms=50, resend_ms=20, ask_again_ms=20),
    }
    return WorkerOptions(**(usual | fields))


def a_worker(
    store: Any,
    *connectors: Connector,
    recheck: Recheck | None = None,
    registry: CollectorRegistry | None = None,
    now_ms: Callable[[], int] = wall_clock_ms,
    **options: Any,
) -> Worker:
    """Put a worker together, its options as of some_options."""
    return Worker(
        queue=store,
        connectors=connectors,
        recheck=recheck or Recheck(),
        options=some_options(**options),
        metrics=worker_metrics(registry or CollectorRegistry(), [connector.name for connector in connectors]),
        now_ms=now_ms,
    )


@asynccontextmanager
async def at_work(worker: Worker) -> AsyncIterator[None]:
    """Let a worker work meanwhile, and drain it at the end."""
    stopping = asyncio.Event()
    task = asyncio.create_task(worker.run(stopping))
    try:
        yield
        assert not task.done(), task.result()
    finally:
        stopping.set()
        await task


async def until(condition: Callable[[], Awaitable[bool] | bool], *, limit_s: float = 20.0) -> None:
    """Wait until a condition holds; fails when it never does."""
    deadline = time.monotonic() + limit_s
    while True:
        now = condition()
        if now if isinstance(now, bool) else await now:
            return
        assert time.monotonic() < deadline, "it never came to that"
        await asyncio.sleep(0.005)


async def all_reach(store: QueueStore, ids: Iterable[str], *statuses: Status) -> list[Stored]:
    """Wait until all these messages have one of these statuses; what is stored of them then."""
    wanted = list(ids)

    async def there() -> bool:
        return all(one is not None and one.status in statuses for one in await store.look(wanted))

    await until(there)
    return [one for one in await store.look(wanted) if one is not None]


async def log_is_empty(store: QueueStore) -> None:
    """Wait until no log entry is left, and check that every message that was ever accepted is somewhere."""

    async def empty() -> bool:
        return not any(counts.log_entries for counts in await store.counts())

    await until(empty)
    for counts in await store.counts():
        assert counts.accepted == sum(counts.by_status.values())


class AskableCarrier(Carrier):
    """A carrier that can be asked about a message: it gives its answers in turn, and the last one from then on."""

    def __init__(self, script: Script, *answers: Answer) -> None:
        super().__init__(script)
        self._answers = answers
        self.asked: list[str] = []

    async def query(self, reference: str) -> Answer:
        """Note the question, give the answer."""
        self.asked.append(reference)
        return self._answers[min(len(self.asked), len(self._answers)) - 1]


async def doubts(store: QueueStore) -> int:
    """How many doubts the store has counted."""
    return sum(counts.doubts for counts in await store.counts())
