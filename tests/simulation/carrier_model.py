"""A carrier in memory: takes, refuses, throttles, loses answers, and reports on what it took, now and then strangely.

Not here: the connector's port itself (gateway/connectors).
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.connectors import (
    CarrierAccepted,
    CarrierMisconfigured,
    CarrierRejected,
    CarrierTemporary,
    CarrierThrottled,
    InDoubt,
    Outcome,
    Submission,
)
from gateway.connectors.offers import Answer, NotTaken, Silent
from gateway.queue import QueueError, Receipt, Status
from loadtests.faults.ledger import Arrival
from tests.simulation.network import LostError, Network, Server, UnreachableError
from tests.simulation.queue_port import QueuePort

CARRIER: Final = "acme"
_TIMEOUT_S: Final = 1.5


@dataclass(slots=True, kw_only=True)
class Mood:
    """How the carrier is at the moment: of a hundred messages so many meet each fate, the rest is taken."""

    temporary: float = 0.0
    rejected: float = 0.0
    throttled: float = 0.0
    misconfigured: float = 0.0
    #: Taken, and the answer never comes.
    silent: float = 0.0
    #: Not taken, and the answer never comes.
    deaf: float = 0.0
    #: Of a hundred receipts so many never come, come twice, or say something else the second time.
    receipts_lost: float = 0.0
    receipts_doubled: float = 0.0
    receipts_contradictory: float = 0.0
    #: How long it thinks, and how long after that a receipt follows, in seconds; a negative one is early.
    answer_s: tuple[float, float] = (0.005, 0.05)
    receipt_s: tuple[float, float] = (0.0, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One submission as it left a worker."""

    at_s: float
    process: str
    submission: Submission


def digest_of(sender: str, recipient: str, text: str) -> str:
    """Name a text by all that a carrier sees of it."""
    return f"{sender}>{recipient}: {text}"


class Carrier(Server):
    """The carrier, and what it saw."""

    def __init__(self, network: Network, reports: QueuePort, chance: random.Random) -> None:
        super().__init__("carrier")
        self.mood = Mood()
        self.sent: list[Sent] = []
        self.arrivals: list[Arrival] = []
        #: What some worker got no answer about.
        self.doubted: set[str] = set()
        #: Set at the end of a run: all reports are in by then, or never come.
        self.over = False
        self._network = network
        self._reports = reports
        self._chance = chance
        self._taken: dict[str, str] = {}
        self._reporting: set[asyncio.Task[None]] = set()

    def submit(self, submissions: Sequence[Submission]) -> "asyncio.Future[list[Outcome]]":
        """Look at a request; the answer comes later, or never."""
        answer: asyncio.Future[list[Outcome]] = self._network.loop.create_future()
        fates = [self._fate(one) for one in submissions]
        said = [fate for fate in fates if fate is not None]
        if len(said) == len(fates):
            self._network.loop.later(self._chance.uniform(*self.mood.answer_s), _answer, answer, said)
        return answer

    def query(self, reference: str) -> Answer:
        """Say whether a message was taken."""
        taken = self._taken.get(reference)
        return NotTaken() if taken is None else CarrierAccepted(taken)

    def _fate(self, submission: Submission) -> Outcome | None:
        mood, draw = self.mood, self._chance.random() * 100
        for share, outcome in (
            (mood.temporary, CarrierTemporary("busy")),
            (mood.rejected, CarrierRejected("30007")),
            (mood.throttled, CarrierThrottled(self._chance.choice((None, 0.3)))),
            (mood.misconfigured, CarrierMisconfigured("401")),
            (mood.deaf, None),
        ):
            if draw < share:
                self._note(submission, taken=False)
                return outcome
            draw -= share
        reference = f"c{len(self.arrivals)}"
        self._note(submission, taken=True)
        self._taken[submission.reference] = reference
        self._report(submission.reference, reference)
        return None if draw < mood.silent else CarrierAccepted(reference)

    def _note(self, submission: Submission, *, taken: bool) -> None:
        digest = digest_of(submission.sender, submission.recipient, submission.text)
        at_ns = int(self._network.loop.time() * 10**9)
        self.arrivals.append(Arrival(at_ns=at_ns, reference=submission.reference, digest=digest, taken=taken))

    def _report(self, reference: str, name: str) -> None:
        mood, draw = self.mood, self._chance.random() * 100
        if draw < mood.receipts_lost:
            return
        statuses = [self._chance.choice((Status.DELIVERED, Status.DELIVERED, Status.DELIVERED, Status.UNDELIVERED))]
        if self._chance.random() < 0.2:
            statuses.insert(0, Status.SUBMITTED)
        if self._chance.random() * 100 < mood.receipts_doubled:
            statuses.append(statuses[-1])
        if self._chance.random() * 100 < mood.receipts_contradictory:
            statuses.append(self._chance.choice((Status.FAILED, Status.UNDELIVERED, Status.EXPIRED, Status.SUBMITTED)))
        for status in statuses:
            receipt = Receipt(id=reference, status=status, carrier=CARRIER, carrier_reference=name)
            delay_s = max(0.0, self._chance.uniform(*mood.receipt_s))
            self._network.loop.later(delay_s, self._deliver, receipt)

    def _deliver(self, receipt: Receipt) -> None:
        task = self._network.loop.create_task(self._surely(receipt))
        self._reporting.add(task)
        task.add_done_callback(self._reporting.discard)

    async def _surely(self, receipt: Receipt) -> None:
        """Repeat a report until somebody has it on disk."""
        while not self.over:
            try:
                await self._reports.receipts([receipt])
            except QueueError:
                await asyncio.sleep(self._chance.uniform(0.1, 0.6))
            else:
                return


def _answer(answer: "asyncio.Future[list[Outcome]]", said: list[Outcome]) -> None:
    if not answer.done():
        answer.set_result(said)


class CarrierPort:
    """A worker's connector."""

    name = CARRIER

    def __init__(self, process: str, network: Network, carrier: Carrier, *, window: int, batch_max: int) -> None:
        self.window = window
        self.batch_max = batch_max
        self._process = process
        self._network = network
        self._carrier = carrier

    async def submit(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Send a request; what leaves this process is noted at once, whatever becomes of it."""
        if self._carrier.up and not self._network.cut(self._process, self._carrier):
            now_s = self._network.loop.time()
            self._carrier.sent += [Sent(at_s=now_s, process=self._process, submission=one) for one in submissions]
        outcomes = await self._ask("submit", lambda: self._carrier.submit(submissions), submissions)
        if isinstance(outcomes, InDoubt):
            self._carrier.doubted.update(one.reference for one in submissions)
        return outcomes if isinstance(outcomes, list) else [outcomes] * len(submissions)

    async def _ask(self, what: str, work: Callable[[], object], about: object) -> object:
        try:
            return await self._network.ask(self._process, self._carrier, what, work, timeout_s=_TIMEOUT_S, about=about)
        except UnreachableError:
            return CarrierTemporary("unreachable")
        except LostError:
            return InDoubt("timeout")


class AskablePort(CarrierPort):
    """A connector to a carrier that can be asked about a message."""

    async def query(self, reference: str) -> Answer:
        """Ask about a message."""
        answer = await self._ask("query", lambda: self._carrier.query(reference), reference)
        return answer if isinstance(answer, CarrierAccepted | NotTaken) else Silent("unreachable")
