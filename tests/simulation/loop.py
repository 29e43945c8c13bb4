"""An event loop whose time is virtual and whose order is drawn: the same seed gives the same run, to the last callback.

Nothing waits: when no callback is ready, the clock jumps to the next timer. What is ready at one moment runs in a drawn
order, so that code which only works in one order is found out. Callbacks belong to the process in whose context they
were made; a process can be stopped like one that got a signal: its callbacks are kept, time goes on for all others.

Not here: what the processes do (world.py), what is done to them (nemesis.py).
"""

import asyncio
import contextvars
import heapq
import random
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

#: So many callbacks without the clock moving are a loop that does not end.
TURNS_MAX: Final = 20_000


class StuckError(Exception):
    """The run cannot go on: nothing will ever happen, or time stands still."""


class Process:
    """Callbacks that can be stopped together: frozen and thawed, or never to run again."""

    def __init__(self, name: str) -> None:
        self.name = name
        #: No callback runs while this is set.
        self.stopped = False
        #: Kept while stopped, in the order in which they came up.
        self.kept: list[asyncio.Handle] = []
        self._context = contextvars.copy_context()
        self._context.run(_PROCESS.set, self)

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run a coroutine as this process's."""
        return asyncio.get_running_loop().create_task(work, name=self.name, context=self._context.copy())


_PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)
#: What belongs to no process, such as a packet on its way. Made before any process.
NOBODY: Final = contextvars.Context()


def current_process() -> Process | None:
    """Return whose callback is running."""
    return _PROCESS.get()


class _Task(asyncio.Task):  # type: ignore[type-arg] # of anything
    """A task that sets keep in the same order in every process."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], *, number: int, **options: Any) -> None:
        self.number = number
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self.number


class SimulatedLoop(asyncio.BaseEventLoop):
    """asyncio without sockets, threads or a real clock."""

    def __init__(self, seed: int, *, shuffled: bool = True) -> None:
        super().__init__()
        self._now_s = 0.0
        #: When, in which order they were set, and what: compared in C, as BaseEventLoop's own heap is not.
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timers_set = 0
        self._chance = random.Random(seed)
        self._shuffled = shuffled
        self._turns = 0
        #: Callbacks run so far: two runs of one seed have the same number.
        self.steps = 0
        #: All there ever were: those of a process that was killed never end, and must not be collected meanwhile.
        self.tasks: list[asyncio.Task[Any]] = []

    def time(self) -> float:
        """Seconds since the run began."""
        return self._now_s

    def create_task(  # type: ignore[override] # a task of ours
        self,
        coroutine: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
    ) -> "asyncio.Task[Any]":
        """Make a task, and keep it."""
        task = _Task(coroutine, number=len(self.tasks), loop=self, name=name, context=context)
        self.tasks.append(task)
        return task

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """Call something at a time."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._timers_set += 1
        heapq.heappush(self._timers, (when, self._timers_set, timer))
        return timer

    def later(self, seconds: float, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """Call something in so many seconds, whatever happens to the process that asks for it."""
        return self.call_at(self._now_s + seconds, callback, *args, context=NOBODY)

    def stop_process(self, process: Process) -> None:
        """Let no callback of a process run."""
        process.stopped = True

    def go_on(self, process: Process) -> None:
        """Let the callbacks of a process run again, first those that came up meanwhile."""
        process.stopped = False
        self._ready.extend(process.kept)
        process.kept.clear()

    def _run_once(self) -> None:
        """Run what is ready now, in a drawn order; BaseEventLoop calls this for ever."""
        self._move_clock()
        ready = list(self._ready)
        self._ready.clear()
        if self._shuffled and len(ready) > 1:
            self._chance.shuffle(ready)
        for handle in ready:
            if handle._cancelled:
                continue
            process = handle._context.get(_PROCESS)
            if process is not None and process.stopped:
                process.kept.append(handle)
                continue
            self.steps += 1
            handle._run()

    def _move_clock(self) -> None:
        timers = self._timers
        if not self._ready:
            while timers and timers[0][2]._cancelled:
                heapq.heappop(timers)
            if not timers:
                raise StuckError("nothing will ever happen again")
            if timers[0][0] > self._now_s:
                self._now_s = timers[0][0]
                self._turns = 0
        self._turns += 1
        if self._turns > TURNS_MAX:
            raise StuckError("time does not go on")
        while timers and timers[0][0] <= self._now_s:
            timer = heapq.heappop(timers)[2]
            if not timer._cancelled:
                self._ready.append(timer)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is dropped when its time comes."""

    def _process_events(self, event_list: Any) -> None:
        raise AssertionError("there are no sockets here")

    def _write_to_self(self) -> None:
        """Nobody waits in a system call: what is ready is seen anyway."""


def run(seed: int, work: Callable[[SimulatedLoop], Coroutine[Any, Any, T]], *, shuffled: bool = True) -> T:
    """Run a coroutine on a loop of its own, from the first to the last callback."""
    loop = SimulatedLoop(seed, shuffled=shuffled)
    try:
        return loop.run_until_complete(work(loop))
    finally:
        loop.close()


async def end_all(loop: SimulatedLoop, processes: list[Process]) -> None:
    """Cancel whatever still runs and wait for it: no coroutine is left to the garbage collector."""
    for process in processes:
        loop.go_on(process)
    mine = asyncio.current_task()
    while rest := [task for task in loop.tasks if task is not mine and not task.done()]:
        for task in rest:
            task.cancel()
        await asyncio.wait(rest)
