"""What is between a process and a store: time, lost requests, lost answers, partitions, and stores that stop.

A request is on its way whatever becomes of the process that sent it, and a store does what arrived although nobody
waits for the answer any more: so a write may happen long after its sender gave it up.

Not here: what a store does (queue_model.py, registry_model.py) and who causes all this (nemesis.py).
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.simulation.loop import NOBODY, SimulatedLoop

T = TypeVar("T")


class UnreachableError(Exception):
    """Nothing was sent."""


class LostError(Exception):
    """No answer came; it may have happened."""


@dataclass(slots=True, kw_only=True)
class Weather:
    """How the network is at the moment."""

    #: One way, in seconds: drawn evenly between these two.
    fastest_s: float = 0.0002
    slowest_s: float = 0.002
    #: Of a hundred requests so many vanish, so many are answered in vain, so many arrive when their sender gives up.
    requests_lost: float = 0.0
    answers_lost: float = 0.0
    late: float = 0.0


class Server:
    """The other end: it answers, stands still, or is gone. What it has acknowledged it keeps."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.up = True
        self.frozen = False
        self.calls = 0
        #: What arrived at a server that stands still: done when it goes on.
        self._arrived: list[Callable[[], None]] = []
        self._asked: set[Call] = set()

    def freeze(self) -> None:
        """Stand still."""
        self.frozen = True

    def thaw(self) -> None:
        """Go on with what arrived meanwhile."""
        self.frozen = False
        arrived, self._arrived = self._arrived, []
        for act in arrived:
            act()

    def crash(self) -> None:
        """Die: whoever asked gets no answer, and what was not done yet is not done."""
        self.up = False
        self._arrived.clear()
        asked, self._asked = self._asked, set()
        for call in sorted(asked, key=lambda one: one.number):
            call.lose()

    def restart(self) -> None:
        """Come back with everything that was acknowledged."""
        self.up = True
        self.frozen = False

    def do(self, act: Callable[[], None]) -> None:
        """Do something now, or when the server goes on; a dead one never does it."""
        if not self.up:
            return
        if self.frozen:
            self._arrived.append(act)
        else:
            act()


@dataclass(slots=True, eq=False)
class Call:
    """One request under way."""

    #: In the order in which they were made.
    number: int
    network: "Network"
    server: Server
    sender: str
    work: Callable[[], Any]
    answer: "asyncio.Future[Any]"
    #: When the sender gives up. A timer is set only where the answer may not come before: most do.
    until_s: float
    #: False: it is done, and nobody hears of it.
    answered: bool = True

    def arrive(self) -> None:
        """Come to the server."""
        if self not in self.server._asked:
            return  # The server died meanwhile, and its connections with it.
        if self.network.cut(self.sender, self.server):
            self.gives_up()
            return
        if self.server.frozen:
            self.gives_up()
        self.server.do(self._act)

    def gives_up(self) -> None:
        """See to it that the sender does not wait for ever."""
        self.network.loop.call_at(self.until_s, self.lose, context=NOBODY)

    def lose(self) -> None:
        """Tell the sender, if it waits still, that no answer comes."""
        self._deliver(LostError(), None)

    def _act(self) -> None:
        try:
            result = self.work()
        except Exception as error:  # noqa: BLE001 - the store's own answer
            self._answer(error, None)
        else:
            if isinstance(result, asyncio.Future):
                self.gives_up()
                result.add_done_callback(self._later, context=NOBODY)
            else:
                self._answer(None, result)

    def _later(self, result: "asyncio.Future[Any]") -> None:
        if not result.cancelled():
            error = result.exception()
            self._answer(error, None if error else result.result())

    def _answer(self, error: BaseException | None, result: Any) -> None:
        self.server._asked.discard(self)
        if not self.answered or self.network.cut(self.sender, self.server):
            self.gives_up()
        else:
            self.network.loop.later(self.network.delay_s(), self._deliver, error, result)

    def _deliver(self, error: BaseException | None, result: Any) -> None:
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(result)
        else:
            self.answer.set_exception(error)


@dataclass(slots=True)
class Network:
    """All ways between processes and servers."""

    loop: SimulatedLoop
    chance: random.Random
    weather: Weather = field(default_factory=Weather)
    #: Pairs of process and server that do not reach each other; "" stands for any process.
    cuts: set[tuple[str, str]] = field(default_factory=set)
    #: What happens as soon as a process has asked for something, once: by process and call.
    ambushes: dict[tuple[str, str], "Callable[[Call], None]"] = field(default_factory=dict)
    #: Nothing is sent any more: the run is over.
    over: bool = False
    #: Told of each call: sender, server, what was asked, about what.
    told: Callable[[str, str, str, object], None] | None = None
    _calls: int = 0

    def delay_s(self) -> float:
        """Draw how long one way takes."""
        return self.chance.uniform(self.weather.fastest_s, self.weather.slowest_s)

    def cut(self, sender: str, server: Server) -> bool:
        """Whether nothing passes between these two."""
        return (sender, server.name) in self.cuts or ("", server.name) in self.cuts

    async def ask(
        self,
        sender: str,
        server: Server,
        what: str,
        work: Callable[[], "T | asyncio.Future[T]"],
        *,
        timeout_s: float,
        about: object = "",
    ) -> T:
        """Have work done at a server and return its answer, or what it raises; UnreachableError, LostError.

        Work that gives a future is answered when that is done; about is for the trace.
        """
        loop = self.loop
        if self.over:
            raise UnreachableError
        if not server.up or self.cut(sender, server):
            # A dead server refuses at once; a lost packet shows only after the time limit.
            await asyncio.sleep(timeout_s if server.up else self.delay_s())
            raise UnreachableError
        if self.told is not None:
            self.told(sender, server.name, what, about)
        server.calls += 1
        self._calls += 1
        weather, fate = self.weather, self.chance.random() * 100
        answer: asyncio.Future[T] = loop.create_future()
        call = Call(self._calls, self, server, sender, work, answer, loop.time() + timeout_s)
        if self.ambushes and (spring := self.ambushes.pop((sender, what), None)) is not None:
            spring(call)
        if fate < weather.requests_lost:
            call.gives_up()
            return await answer
        fate -= weather.requests_lost
        delay_s = self.delay_s()
        if fate < weather.answers_lost:
            call.answered = False
        elif fate - weather.answers_lost < weather.late:
            delay_s = timeout_s * self.chance.uniform(0.7, 2.0)
            call.gives_up()
        server._asked.add(call)
        loop.later(delay_s, call.arrive)
        return await answer
