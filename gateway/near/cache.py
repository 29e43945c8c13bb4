"""Follows the registry store, so that a decision on known facts awaits nothing.

A process loads every document once and then takes each change from the feed, in order and without a gap. Every answer
of the store also says when the projector last worked: from then on facts grow old, by a clock that nobody sets, whether
or not this process runs. When the thread is lost (a new epoch, a gap, a store that went back) all is loaded again;
until then documents are read from the store as they are needed.

Not here: what is kept (memory.py), the store (store.py), what age means for a verdict (compliance/).
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self

import structlog

from gateway.clock import boottime_ms
from gateway.near.coalescer import Coalescer
from gateway.near.memory import Memory
from gateway.near.source import NO_READING, Mark, Reading, Source, Step
from gateway.queue import QueueError

#: The documents of numbers that are kept, about 500 bytes each.
MOST_NUMBERS: Final = 100_000
_BACKOFF_FIRST_S: Final = 0.1
_BACKOFF_MAX_S: Final = 1.0

_log = structlog.get_logger()


class Observer(Protocol):
    """Told what happens to the copy in memory."""

    def loaded(self, documents: int) -> None:
        """Everything was loaded, for the first time or again."""

    def changed(self, seconds: float) -> None:
        """A change came, so many seconds after the store got it."""

    def filled(self, documents: int) -> None:
        """Documents that were not kept were read."""


class _LostError(Exception):
    """What is in memory cannot be brought up to date: a change was missed."""


@dataclass(frozen=True, slots=True)
class _Position:
    """How far the memory is."""

    memory: Memory
    mark: Mark
    #: The last entry read from the feed.
    place: str


@dataclass(slots=True, eq=False)
class _Fill:
    """A read of documents for the memory, under way."""

    memory: Memory
    answer: "asyncio.Future[Reading]"
    #: Keys that the feed brought meanwhile: what the read says of them may be older.
    overtaken: set[str] = field(default_factory=set)


class NearCache:
    """The copy of the registry in this process. Runs as an async context manager; leaving it tells the store."""

    def __init__(
        self,
        source: Source,
        observe: Observer,
        *,
        process: str,
        most_numbers: int = MOST_NUMBERS,
        now_ms: Callable[[], int] = boottime_ms,
    ) -> None:
        self._source = source
        self._observe = observe
        self._process = process
        self._most_numbers = most_numbers
        self._now_ms = now_ms
        self._reads: Coalescer[str, Reading] = Coalescer(source.read)
        self._position: _Position | None = None
        #: When the store was last asked with success, and how old its facts were then.
        self._fresh: tuple[int, int] | None = None
        #: The memory of before, when the thread was lost: good for who is a colleague, and nothing else.
        self._before: Memory | None = None
        self._filling: dict[str, _Fill] = {}
        self._task: asyncio.Task[None] | None = None

    def reading(self) -> Reading | None:
        """Say which change the memory has and how old it is; None while there is nothing to rely on."""
        if self._position is None or self._fresh is None:
            return None
        at_ms, age_ms = self._fresh
        return Reading(NO_READING.documents, self._position.mark.seq, age_ms + self._now_ms() - at_ms)

    def memory(self) -> Memory | None:
        """Return what is in memory; of any age when reading() says None, and None before the first load."""
        return self._before if self._position is None else self._position.memory

    async def read(self, keys: Collection[str]) -> Reading:
        """Read documents past the memory; a store that is away reads as nothing, with age_ms None. Never raises."""
        try:
            return await asyncio.shield(self._reads.ask(keys))
        except QueueError as failure:
            _log.warning("registry_store_unreachable", error=type(failure).__name__)
            return NO_READING

    async def fill(self, keys: Collection[str]) -> bool:
        """Read documents into the memory, each once however many ask; False when the store does not answer."""
        if self._position is None:
            return False
        fresh = [key for key in keys if key not in self._filling]
        if fresh:
            fill = _Fill(self._position.memory, self._reads.ask(fresh))
            self._filling |= dict.fromkeys(fresh, fill)
            fill.answer.add_done_callback(lambda answer: self._filled(fresh, fill, answer))
        for fill in {id(fill): fill for fill in map(self._filling.__getitem__, keys)}.values():
            try:
                await asyncio.shield(fill.answer)
            except QueueError:
                return False
        return True

    def _filled(self, keys: Collection[str], fill: _Fill, answer: "asyncio.Future[Reading]") -> None:
        for key in keys:
            del self._filling[key]
        if answer.cancelled() or answer.exception() is not None:
            return
        documents = answer.result().documents
        for key in keys:
            if key not in fill.overtaken and (document := documents[key]) is not None:
                fill.memory.fill(key, document)
        self._observe.filled(len(keys))

    async def __aenter__(self) -> Self:
        try:
            await self._load()
            await self._step(wait=False)
        except (QueueError, _LostError) as failure:
            _log.warning("registry_not_loaded", error=type(failure).__name__)
        self._task = asyncio.create_task(self._run(), name="near-cache")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        with contextlib.suppress(QueueError):
            await self._source.leave(self._process)

    async def _run(self) -> None:
        """Follow until cancelled; whatever goes wrong, facts grow old and we go on."""
        backoff_s = _BACKOFF_FIRST_S
        while True:
            try:
                if self._position is None:
                    await self._load()
                await self._step()
                backoff_s = _BACKOFF_FIRST_S
                continue
            except _LostError as lost:
                _log.warning("registry_feed_lost", reason=str(lost))
                self._forget()
            except QueueError as failure:
                _log.warning("registry_not_followed", error=type(failure).__name__)
            except Exception as crash:  # noqa: BLE001 - an answer that nobody understands must not end the following
                _log.error("registry_follower_crashed", error=type(crash).__name__, exc_info=crash)
                self._forget()
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, _BACKOFF_MAX_S)

    def _forget(self) -> None:
        """Rely on nothing until all is loaded again."""
        if self._position is not None:
            self._before = self._position.memory
        self._position = self._fresh = None

    async def _load(self) -> None:
        """Load everything. Raises QueueError, and _LostError while there is no valid copy.

        The place in the feed is read before the mark, and both before the documents: what changes meanwhile comes by
        the feed once more.
        """
        place = await self._source.last_change()
        step = await self._source.follow(self._process, None, place, wait=False)
        if step.mark is None:
            raise _LostError("there is no mark")
        memory, documents = Memory(self._most_numbers), 0
        async for piece in self._source.scan():
            for key, document in piece:
                memory.write(key, document)
            documents += len(piece)
            await asyncio.sleep(0)  # Messages come first.
        self._position = _Position(memory, step.mark, place)
        self._observe.loaded(documents)
        _log.info("registry_loaded", epoch=step.mark.epoch, seq=step.mark.seq, documents=documents)

    async def _step(self, *, wait: bool = True) -> None:
        """Take what changed since the last step. Raises QueueError, and _LostError when something was missed."""
        at = self._position
        if at is None:
            return
        asked_ms = self._now_ms()
        step = await self._source.follow(self._process, at.mark, at.place, wait=wait)
        if step.mark is None or step.mark.epoch != at.mark.epoch or step.mark.seq < at.mark.seq:
            raise _LostError("the store has another copy")
        seq = self._take(at, step, asked_ms)
        if step.changes or seq == step.mark.seq:
            place = step.changes[-1].id if step.changes else at.place
            self._position = _Position(at.memory, step.mark._replace(seq=seq), place)
        else:
            raise _LostError("the feed has lost changes")
        if seq >= step.mark.seq:
            self._fresh = (asked_ms, max(0, step.now_ms - step.mark.at_ms))

    def _take(self, at: _Position, step: Step, asked_ms: int) -> int:
        """Write changes into the memory, and return the last one's number."""
        seq = at.mark.seq
        for change in step.changes:
            if change.seq <= seq:
                continue
            if change.from_seq != seq:
                raise _LostError("the feed has a gap")
            for key, document in change.documents:
                at.memory.write(key, document)
                if (fill := self._filling.get(key)) is not None:
                    fill.overtaken.add(key)
            seq = change.seq
            self._observe.changed(max(0, step.now_ms + self._now_ms() - asked_ms - change.at_ms) / 1_000)
        return seq
