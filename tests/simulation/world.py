"""One run: builds the processes, the stores and the people of a seed, lets a nemesis loose, heals, and looks at it all.

    report = simulate(42)

Not here: what must hold (checkers.py), from the command line (__main__.py).
"""

import asyncio
import random
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import structlog

from compliance.policy import Policy, shipped
from gateway.envelope import load
from gateway.queue import TERMINAL
from gateway.queue.retry import Schedule
from gateway.work.routing import Route
from gateway.work.worker_options import WorkerOptions
from loadtests.faults.checkers import Violation
from loadtests.faults.ledger import Change, Counted, Ledgers
from tests.simulation import loop as loops
from tests.simulation.actors import Conversation, Notes, Surroundings, opt_out, talk
from tests.simulation.carrier_model import CARRIER, AskablePort, Carrier, CarrierPort
from tests.simulation.checkers import Run, violations
from tests.simulation.clock import VirtualTime, virtual_time
from tests.simulation.company import RECIPIENTS, SENDERS, UNREGISTERED, Admin, company
from tests.simulation.loop import Process, SimulatedLoop
from tests.simulation.nemesis import Nemesis
from tests.simulation.network import Network
from tests.simulation.processes import Gateway, Judge, project, sql_replaced, work
from tests.simulation.queue_port import QueuePort, QueueServer
from tests.simulation.registry_model import RegistryServer
from tests.simulation.registry_ports import RedisPort, SourcePort, Sql

#: Faults begin within so many seconds; all is healed then, and must settle within so many more.
BAD_S: Final = 9.0
SETTLE_S: Final = 90.0
_QUEUE_TIMEOUT_S: Final = 1.5
#: Logged as errors on purpose.
_EXPECTED_ERRORS: Final = frozenset({"carrier_misconfigured"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What kind of run a seed gives; everything else is drawn on the way."""

    seed: int
    gateways: int
    workers: int
    projectors: int
    partitions: int
    strict: bool
    askable: bool
    window: int
    batch_max: int
    in_hand_max: int
    lease_ms: int
    faults: int
    shuffled: bool


def plan_of(seed: int) -> Plan:
    """Draw what kind of run it is."""
    chance = random.Random(f"plan {seed}")
    draw = chance.choice
    return Plan(
        seed=seed,
        gateways=draw((1, 1, 2)),
        workers=draw((1, 2, 2)),
        projectors=draw((1, 1, 1, 2)),
        partitions=draw((1, 1, 2)),
        strict=draw((False, False, True)),
        askable=draw((False, True)),
        window=draw((1, 4, 64)),
        batch_max=draw((1, 1, 3)),
        in_hand_max=draw((2, 8, 600)),
        lease_ms=draw((4_500, 4_500, 10_000)),
        faults=draw((0, 2, 3, 5, 8, 12)),
        shuffled=draw((False, True, True)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a run."""

    plan: Plan
    violations: list[Violation]
    run: Run
    #: What happened, in order; empty unless asked for.
    trace: list[str]
    #: Callbacks run, and calls made to stores: how much the run did.
    steps: int
    seconds: float


@dataclass(slots=True)
class _Started:
    """A process that was started, and may have ended."""

    process: Process
    stopping: asyncio.Event
    task: "asyncio.Task[None]"
    dead: bool = False
    frozen: bool = False

    @property
    def running(self) -> bool:
        return not self.dead and not self.task.done()


@cache
def _policy(*, strict: bool) -> Policy:
    policy = shipped("current")
    return replace(policy, mode="strict") if strict else policy


class World:
    """Everything in one run; what a nemesis does to it are methods here."""

    def __init__(self, plan: Plan, loop: SimulatedLoop, clock: VirtualTime, *, tracing: bool) -> None:
        self.plan = plan
        self.clock = clock
        self.trace: list[str] = []
        self.crashes: list[str] = []
        self.notes = Notes()
        self._loop = loop
        self._tracing = tracing
        self._processes: list[Process] = []
        self._started: dict[str, _Started] = {}
        self._chance = random.Random(f"world {plan.seed}")
        self.network = Network(loop, random.Random(f"network {plan.seed}"))
        if tracing:
            self.network.told = self._told
        self.queue = QueueServer(plan.partitions, clock.wall_ms)
        self.registry = RegistryServer(clock.wall_ms)
        self.sql = Sql(loop, company())
        self.carrier = Carrier(self.network, self._queue_port(CARRIER), random.Random(f"carrier {plan.seed}"))
        self.admin = Admin(self._commit, loop.time)
        self.gateways = [Gateway(f"gateway-{number}") for number in range(1, plan.gateways + 1)]
        self._names = [gateway.name for gateway in self.gateways]
        self._names += [f"worker-{number}" for number in range(1, plan.workers + 1)]
        self._names += [f"projector-{number}" for number in range(1, plan.projectors + 1)]

    @property
    def names(self) -> list[str]:
        """Name the processes, running or not."""
        return self._names

    def note(self, *words: object) -> None:
        """Put a line into the trace."""
        if self._tracing:
            self.trace.append(f"{self._loop.time():9.4f} {' '.join(map(str, words))}")

    def _told(self, sender: str, server: str, what: str, about: object) -> None:
        names = [getattr(one, "id", getattr(one, "reference", one)) for one in about] if type(about) is list else about
        self.note(sender, "->", server, what, names)

    def start(self, name: str) -> None:
        """Start a process that is not running; nothing happens to another."""
        if name in self._started and self._started[name].running:
            return
        self.note(name, "starts")
        process, stopping = Process(name), asyncio.Event()
        self._processes.append(process)
        task = process.start(self._main(name, stopping))
        self._started[name] = _Started(process, stopping, task)

    def kill(self, name: str) -> None:
        """End a process as SIGKILL does: no line of it runs any more."""
        started = self._started[name]
        if started.running:
            started.dead = True
            self._loop.stop_process(started.process)
            self._refuse(name)

    def freeze(self, name: str) -> None:
        """Stop a process as SIGSTOP does."""
        started = self._started[name]
        if started.running:
            started.frozen = True
            self._loop.stop_process(started.process)

    def thaw(self, name: str) -> None:
        """Let a frozen process go on; nothing happens to another."""
        started = self._started[name]
        if started.frozen and not started.dead:
            started.frozen = False
            self._loop.go_on(started.process)

    def ask_to_stop(self, name: str) -> None:
        """Stop a process as SIGTERM does."""
        self._started[name].stopping.set()

    def set_clock(self, name: str, ahead_s: float) -> None:
        """Make the wall clock of a process wrong."""
        self.clock.ahead_s[self._started[name].process] = ahead_s

    async def run(self) -> Run:
        """Live through all of it."""
        try:
            return await self._live()
        finally:
            self.network.over = self.carrier.over = True
            await loops.end_all(self._loop, self._processes)

    async def _live(self) -> Run:
        for name in self._names:
            self.start(name)
        people = [asyncio.create_task(one) for one in self._people()]
        nemesis = Nemesis(self, random.Random(f"nemesis {self.plan.seed}"))
        nemesis.begin()
        harm = asyncio.create_task(nemesis.run(nemesis.draw(self.plan.faults, BAD_S)))
        await asyncio.sleep(BAD_S)
        await harm
        nemesis.heal()
        healed_s = self._loop.time()
        return self._look(healed_s, await self._settle(people))

    async def _settle(self, people: list["asyncio.Task[None]"]) -> float | None:
        """Wait until nothing is open; when that was."""
        until_s = self._loop.time() + SETTLE_S
        while self._loop.time() < until_s:
            await asyncio.sleep(0.5)
            for name in self._names:
                self.start(name)  # What was told to stop may have taken its time.
            for one in people:
                if one.done():
                    one.result()  # What breaks in the harness itself ends the run.
            if all(one.done() for one in people) and not any(map(_is_open, self.queue.partitions)):
                return self._loop.time()
        return None

    async def _main(self, name: str, stopping: asyncio.Event) -> None:
        """Be a process; one that ends by itself has crashed."""
        kind, _, number = name.partition("-")
        judge = Judge(_policy(strict=self.plan.strict), self.clock.now)
        source = SourcePort(name, self.network, self.registry)
        queue = self._queue_port(name)
        try:
            if kind == "gateway":
                await self.gateways[int(number) - 1].run(queue, source, judge, stopping)
            elif kind == "worker":
                connector = self._connector(name)
                options = self._options()
                chance = random.Random(self._chance.random())
                await work(name, queue, source, connector, judge, options, stopping, chance)
            else:
                await project(RedisPort(name, self.network, self.registry), self.sql.port(), stopping)
        except Exception as crash:  # noqa: BLE001 - all of them are findings
            self.crashes.append(f"{name} ended with {crash!r}")
        finally:
            self._refuse(name)

    def _refuse(self, name: str) -> None:
        for gateway in self.gateways:
            if gateway.name == name:
                gateway.crash()

    def _queue_port(self, name: str) -> QueuePort:
        return QueuePort(name, self.network, self.queue, timeout_s=_QUEUE_TIMEOUT_S)

    def _connector(self, name: str) -> CarrierPort:
        kind = AskablePort if self.plan.askable else CarrierPort
        return kind(name, self.network, self.carrier, window=self.plan.window, batch_max=self.plan.batch_max)

    def _options(self) -> WorkerOptions:
        """As in production, only quicker, so that a run is short."""
        return WorkerOptions(
            routes=(Route(carrier=CARRIER),),
            lease_ms=self.plan.lease_ms,
            own_every_ms=700,
            in_hand_max=self.plan.in_hand_max,
            due_in_hand_max=max(1, self.plan.in_hand_max // 4),
            idle_min_ms=20,
            idle_max_ms=640,
            due_every_ms=900,
            patience_ms=1_500,
            hold_ms=400,
            receipt_window_ms=6_000,
            drain_ms=3_000,
            measure_every_ms=5_000,
            schedule=Schedule(
                base_ms=300,
                cap_ms=2_000,
                throttle_ms=200,
                throttle_cap_ms=1_000,
                misconfigured_ms=400,
                resend_ms=500,
                ask_for_ms=3_000,
                ask_again_ms=400,
            ),
        )

    def _people(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Draw who does what."""
        chance = self._chance
        around = Surroundings(
            network=self.network,
            gateways=self.gateways,
            notes=self.notes,
            queue=self._queue_port("edge"),
            wall_ms=self.clock.wall_ms,
        )
        users = list((SENDERS | UNREGISTERED).items())
        for number in range(chance.randrange(3, 6)):
            user, did = chance.choice(users[:3]) if chance.random() < 0.9 else users[3]
            to = "user:bob" if user != "bob" and chance.random() < 0.12 else chance.choice(RECIPIENTS)
            conversation = Conversation(
                name=f"c{number}",
                user=user,
                sender=did,
                to=to,
                origin=chance.choice(("app", "api")),
                inside=user in UNREGISTERED or to.startswith("user:"),
                keyless=chance.random() < 0.35,
            )
            yield talk(conversation, around, random.Random(chance.random()), chance.randrange(2, 7))
        if chance.random() < 0.4:
            back_after_s = chance.uniform(0.1, BAD_S / 2) if chance.random() < 0.5 else None
            yield opt_out(chance.choice(RECIPIENTS), chance.uniform(0.5, BAD_S), back_after_s, around)
        if chance.random() < 0.7:
            yield self._administrate(random.Random(chance.random()))

    async def _administrate(self, chance: random.Random) -> None:
        """Take registrations away and give them back."""
        for _ in range(chance.randrange(1, 6)):
            await asyncio.sleep(chance.uniform(0.1, 4.0))
            what = chance.choice((*SENDERS, "C1"))
            self.admin.flip(what, chance.choice((None, "pending")))
            self.note("admin", "flips", what, "gone now:", sorted(self.admin.gone))

    def _commit(self, changes: dict[str, bytes]) -> None:
        self.sql.commit(changes)

    def _look(self, healed_s: float, settled_s: float | None) -> Run:
        """Read everything, as the real suite does through the API."""
        kept = {name: message for one in self.queue.partitions for name, message in one.kept.items()}
        accepted = {attempt.id for attempt in self.notes.attempts if attempt.accepted}
        changes = {}
        for name in sorted(accepted | kept.keys()):
            stored = self.queue.look(name)
            if stored is not None:
                changes[name] = tuple(
                    Change(
                        id=name,
                        seq=event.seq,
                        status=event.status,
                        terminal=event.status in TERMINAL,
                        code=event.code,
                    )
                    for event in stored.events
                )
        counts = [one.counts() for one in self.queue.partitions]
        accepted_in_all = sum(one.accepted for one in counts)
        terminal = sum(one.by_status[status] for one in counts for status in TERMINAL)
        in_all = sum(sum(one.by_status.values()) for one in counts)
        counted = Counted(
            accepted=accepted_in_all, terminal=terminal, open=in_all - terminal, difference=accepted_in_all - in_all
        )
        return Run(
            ledgers=Ledgers(
                lines=tuple(self.notes.lines),
                attempts=tuple(self.notes.attempts),
                arrivals=tuple(self.carrier.arrivals),
                changes=changes,
                counted=counted,
            ),
            sent=self.carrier.sent,
            doubted=frozenset(self.carrier.doubted),
            keyless=frozenset(self.notes.keyless),
            revoked=self.admin.revoked,
            origins={name: load(message.payload).origin for name, message in kept.items()},
            strict=self.plan.strict,
            opted_out={recipient: at_s for (_, recipient), at_s in self.notes.opted_out.items()},
            restored=self.notes.restored,
            cancelled=frozenset(self.notes.cancelled),
            inboxes={user: list(items) for (_, user), items in self.queue.inboxes.items()},
            crashes=self.crashes + self.notes.crashes,
            healed_s=healed_s,
            settled_s=settled_s,
        )


def _is_open(partition: Any) -> bool:
    counts = partition.counts()
    return bool(counts.log_entries) or any(n for status, n in counts.by_status.items() if status not in TERMINAL)


@contextmanager
def _logs_caught(world: World) -> Iterator[None]:
    """Take what is logged into the trace, and errors for findings."""

    def catch(_: object, level: str, event: dict[str, Any]) -> dict[str, Any]:
        process = loops.current_process()
        name = "-" if process is None else process.name
        if level in {"error", "critical"} and event.get("event") not in _EXPECTED_ERRORS and not world.network.over:
            world.crashes.append(f"{name} logged {event}")
        world.note(name, "logs", event)
        raise structlog.DropEvent

    processors = structlog.get_config()["processors"]
    before = list(processors)
    processors[:] = [catch]
    try:
        yield
    finally:
        processors[:] = before


def simulate(seed: int, *, tracing: bool = False) -> Report:
    """Live through one seed."""
    plan = plan_of(seed)
    made: list[World] = []

    async def live(loop: SimulatedLoop) -> Run:
        loop.set_exception_handler(lambda _, context: made[0].crashes.append(str(context)))
        with virtual_time(loop) as clock, sql_replaced():
            made.append(world := World(plan, loop, clock, tracing=tracing))
            with _logs_caught(world):
                run = await world.run()
            world.note("end:", len(run.ledgers.lines), "lines,", len(run.ledgers.changes), "messages")
            steps.append(loop.steps)
            return run

    steps: list[int] = []
    run = loops.run(seed, live, shuffled=plan.shuffled)
    return Report(
        plan=plan,
        violations=violations(run),
        run=run,
        trace=made[0].trace,
        steps=steps[0],
        seconds=run.settled_s or 0.0,
    )
