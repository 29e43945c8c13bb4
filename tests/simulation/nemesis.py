"""What goes wrong in a run, drawn from its seed: when, what, whom, how long.

A fault is applied at its time and undone at its end; whatever is still wrong at the end of the bad times, heal() ends.

Not here: how a process or a store is stopped (world.py, network.py).
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from tests.simulation.carrier_model import Carrier, Mood
from tests.simulation.network import Call, Network, Server, Weather
from tests.simulation.queue_port import QueueServer
from tests.simulation.registry_model import RegistryServer
from tests.simulation.registry_ports import Sql


class Sufferer(Protocol):
    """What a nemesis can do to a world."""

    network: Network
    queue: QueueServer
    registry: RegistryServer
    carrier: Carrier
    sql: Sql

    @property
    def names(self) -> list[str]:
        """Name the processes, running or not."""

    def kill(self, name: str) -> None:
        """End a process as SIGKILL does."""

    def freeze(self, name: str) -> None:
        """Stop a process as SIGSTOP does."""

    def thaw(self, name: str) -> None:
        """Let a frozen process go on; nothing happens to another."""

    def ask_to_stop(self, name: str) -> None:
        """Stop a process as SIGTERM does."""

    def start(self, name: str) -> None:
        """Start a process that is not running; nothing happens to another."""

    def set_clock(self, name: str, ahead_s: float) -> None:
        """Make the wall clock of a process wrong."""

    def note(self, *words: object) -> None:
        """Put a line into the trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong."""

    at_s: float
    for_s: float
    words: str
    begin: Callable[[], None]
    end: Callable[[], None]


#: How long what lasts: most is short, drawn evenly in the logarithm, some longer than facts or leases.
_SHORTEST_S: Final = 0.1
_LONG_S: Final = 4.0
_LONGEST_S: Final = 9.0


#: What a process asks for, where it is worth stopping it.
_CALLS: Final = {
    "gateway": ("accept", "accept", "accept", "opt_outs", "read", "follow", "scan"),
    "worker": ("own", "take", "due", "opt_outs", "begin", "submit", "finish", "park", "acknowledge", "deliver_im"),
    "projector": ("apply", "apply", "hmget", "time", "reset", "stage"),
}


class Nemesis:
    """Draws the faults of a run."""

    def __init__(self, world: Sufferer, chance: random.Random) -> None:
        self._world = world
        self._chance = chance

    def draw(self, count: int, until_s: float) -> list[Fault]:
        """Draw so many faults that begin before a time."""
        # Of all there could be, a run has a few kinds: what only shows without other faults must come up, too.
        kinds = [self._kill, self._freeze, self._restart, self._store_crash, self._store_freeze, self._cut]
        kinds += [self._weather, self._mood, self._sql, self._clock, self._empty, self._ambush, self._ambush]
        chosen = self._chance.sample(kinds, self._chance.randrange(1, 6))
        faults = [self._chance.choice(chosen)(self._chance.uniform(0.2, until_s)) for _ in range(count)]
        # What seldom comes by chance and matters much.
        for _ in range(self._chance.choice((0, 0, 1, 2))):
            faults.append(self._lost_answer(self._chance.uniform(0.2, until_s)))  # noqa: PERF401 - beside its sibling
        if self._chance.random() < 0.12:
            faults.append(self._silence(self._chance.uniform(0.3, 1.5)))
        return faults

    def begin(self) -> None:
        """Draw what the network and the carrier are like from the beginning: as often as not, well."""
        if self._chance.random() < 0.3:
            self._world.network.weather = self._some_weather()
        if self._chance.random() < 0.4:
            self._world.carrier.mood = self._some_mood()

    async def run(self, faults: list[Fault]) -> None:
        """Let them happen."""
        loop = self._world.network.loop
        events = [(fault.at_s, 0, fault.begin, fault.words) for fault in faults]
        events += [(fault.at_s + fault.for_s, 1, fault.end, f"end of: {fault.words}") for fault in faults]
        for at_s, _, act, words in sorted(events, key=lambda event: event[:2]):
            await asyncio.sleep(max(0.0, at_s - loop.time()))
            self._world.note("nemesis", words)
            act()

    def heal(self) -> None:
        """Make everything well, for good."""
        world = self._world
        world.note("nemesis", "heal")
        world.network.cuts.clear()
        world.network.ambushes.clear()
        world.network.weather = Weather()
        world.carrier.mood = Mood(receipts_lost=world.carrier.mood.receipts_lost)
        world.sql.up = True
        for store in (world.queue, world.registry, world.carrier):
            _go_on(store)
        for name in world.names:
            world.thaw(name)
            world.start(name)

    def _time(self) -> float:
        if self._chance.random() < 0.3:
            return self._chance.uniform(_LONG_S, _LONGEST_S)
        return float(_SHORTEST_S * (_LONG_S / _SHORTEST_S) ** self._chance.random())

    def _process(self) -> str:
        return self._chance.choice(self._world.names)

    def _store(self) -> Server:
        return self._chance.choice((self._world.queue, self._world.registry, self._world.carrier))

    def _fault(self, at_s: float, words: str, begin: Callable[[], None], end: Callable[[], None]) -> Fault:
        for_s = self._time()
        return Fault(at_s=at_s, for_s=for_s, words=f"{words} for {for_s:.2f} s", begin=begin, end=end)

    def _kill(self, at_s: float) -> Fault:
        name = self._process()
        return self._fault(at_s, f"{name} killed", lambda: self._world.kill(name), lambda: self._world.start(name))

    def _freeze(self, at_s: float) -> Fault:
        name = self._process()
        return self._fault(at_s, f"{name} frozen", lambda: self._world.freeze(name), lambda: self._world.thaw(name))

    def _restart(self, at_s: float) -> Fault:
        name = self._process()
        stop = lambda: self._world.ask_to_stop(name)  # noqa: E731 - beside its twin
        return self._fault(at_s, f"{name} told to stop", stop, lambda: self._world.start(name))

    def _ambush(self, at_s: float) -> Fault:
        """Wait for a process to ask for something, and strike then: where it matters most, and chance seldom hits."""
        name = self._process()
        call = self._chance.choice(_CALLS[name.partition("-")[0]])
        strike, words = self._chance.choice((self._freeze_at, self._freeze_at, self._kill_at, self._lose_at))(name)
        return self._ambush_of(at_s, name, call, strike, words)

    def _lost_answer(self, at_s: float) -> Fault:
        """Have a gateway not hear that a text was accepted."""
        name = self._chance.choice([one for one in self._world.names if one.startswith("gateway")])
        return self._ambush_of(at_s, name, "accept", *self._lose_at(name))

    def _silence(self, at_s: float) -> Fault:
        """Have nobody say that the registry's facts are still so."""
        projectors = [one for one in self._world.names if one.startswith("projector")]

        def each(act: Callable[[str], None]) -> Callable[[], None]:
            def do() -> None:
                for one in projectors:
                    act(one)

            return do

        for_s = _LONGEST_S
        begin, end = each(self._world.kill), each(self._world.start)
        return Fault(at_s=at_s, for_s=for_s, words=f"no projector for {for_s:.2f} s", begin=begin, end=end)

    def _ambush_of(self, at_s: float, name: str, call: str, strike: Callable[[Call], None], words: str) -> Fault:
        ambushes = self._world.network.ambushes

        def spring(struck: Call) -> None:
            self._world.note("nemesis", f"{name} {words} at {call}")
            strike(struck)

        def arm() -> None:
            ambushes[name, call] = spring

        def disarm() -> None:
            ambushes.pop((name, call), None)

        return Fault(at_s=at_s, for_s=3.0, words=f"ambush of {name} at {call}", begin=arm, end=disarm)

    def _freeze_at(self, name: str) -> tuple[Callable[[Call], None], str]:
        for_s = self._time()
        return lambda _: self._stop(self._world.freeze, self._world.thaw, name, for_s), f"frozen for {for_s:.2f} s"

    def _kill_at(self, name: str) -> tuple[Callable[[Call], None], str]:
        for_s = self._time()
        return lambda _: self._stop(self._world.kill, self._world.start, name, for_s), f"killed for {for_s:.2f} s"

    def _lose_at(self, _: str) -> tuple[Callable[[Call], None], str]:
        return lambda struck: setattr(struck, "answered", False), "gets no answer"

    def _stop(self, stop: Callable[[str], None], go_on: Callable[[str], None], name: str, for_s: float) -> None:
        loop = self._world.network.loop
        loop.later(0.0, stop, name)  # When what runs now has run.
        loop.later(for_s, go_on, name)

    def _store_crash(self, at_s: float) -> Fault:
        store = self._store()
        return self._fault(at_s, f"{store.name} crashed", store.crash, lambda: _go_on(store))

    def _store_freeze(self, at_s: float) -> Fault:
        store = self._store()
        return self._fault(at_s, f"{store.name} frozen", store.freeze, lambda: _go_on(store))

    def _cut(self, at_s: float) -> Fault:
        cut = (self._chance.choice(("", *self._world.names)), self._store().name)
        cuts = self._world.network.cuts
        words = f"{cut[0] or 'everybody'} cut off from {cut[1]}"
        return self._fault(at_s, words, lambda: cuts.add(cut), lambda: cuts.discard(cut))

    def _weather(self, at_s: float) -> Fault:
        return self._change(at_s, self._world.network, "weather", self._some_weather(), Weather())

    def _mood(self, at_s: float) -> Fault:
        return self._change(at_s, self._world.carrier, "mood", self._some_mood(), Mood())

    def _some_weather(self) -> Weather:
        lost = [self._chance.choice((0.0, 0.0, 2.0, 5.0, 25.0)) for _ in range(3)]
        return Weather(
            slowest_s=self._chance.choice((0.002, 0.05, 0.4)), requests_lost=lost[0], answers_lost=lost[1], late=lost[2]
        )

    def _some_mood(self) -> Mood:
        draw = self._chance.choice
        return Mood(
            temporary=draw((0, 20, 60)),
            rejected=draw((0, 0, 10)),
            throttled=draw((0, 0, 20)),
            misconfigured=draw((0, 0, 0, 20)),
            silent=draw((0, 10, 30)),
            deaf=draw((0, 10, 20)),
            receipts_lost=draw((0, 0, 30)),
            receipts_doubled=draw((0, 30)),
            receipts_contradictory=draw((0, 30)),
            answer_s=draw(((0.005, 0.05), (0.3, 1.0), (0.5, 2.5))),
            receipt_s=draw(((0.0, 0.5), (0.0, 0.01), (1.0, 4.0))),
        )

    def _change(self, at_s: float, whose: object, what: str, to: object, back: object) -> Fault:
        return self._fault(at_s, f"{what} {to}", lambda: setattr(whose, what, to), lambda: setattr(whose, what, back))

    def _sql(self, at_s: float) -> Fault:
        return self._change(at_s, self._world.sql, "up", to=False, back=True)

    def _clock(self, at_s: float) -> Fault:
        name, ahead_s = self._process(), self._chance.uniform(-3, 3)
        wrong = lambda: self._world.set_clock(name, ahead_s)  # noqa: E731 - beside its twin
        right = lambda: self._world.set_clock(name, 0.0)  # noqa: E731
        return self._fault(at_s, f"clock of {name} {ahead_s:+.1f} s", wrong, right)

    def _empty(self, at_s: float) -> Fault:
        registry = self._world.registry

        def crash() -> None:
            registry.crash()
            registry.lose_everything()

        return self._fault(at_s, "registry store lost everything", crash, lambda: _go_on(registry))


def _go_on(store: Server) -> None:
    if not store.up:
        store.restart()
    store.thaw()
