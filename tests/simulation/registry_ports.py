"""The ways to the registry's data: the gateway's source, the projector's client, the projector's database.

Not here: the store (registry_model.py).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy.exc import OperationalError

from compliance.documents import MARK_KEY
from gateway.near.source import Mark, Reading, Step
from gateway.queue import OutcomeUnknown, QueueUnavailable
from registry.documents import Documents
from registry.projector import Position
from tests.simulation.loop import SimulatedLoop
from tests.simulation.network import LostError, Network, UnreachableError
from tests.simulation.registry_model import RegistryServer

#: As gateway/near/store.py has it.
_TIMEOUT_S: Final = 1.0
#: Half as often as there, for runs are many.
_BLOCK_S: Final = 0.5
#: redis-py waits for ever; the registry's own limit ends that (registry/store.py).
_FOR_EVER_S: Final = 60.0
#: A read of SQL takes up to so many seconds.
_SQL_S: Final = 0.002


class SourcePort:
    """A process's way to the registry store: a Source (gateway/near/source.py)."""

    def __init__(self, process: str, network: Network, server: RegistryServer) -> None:
        self._process = process
        self._network = network
        self._server = server

    async def read(self, keys: Collection[str]) -> Reading:
        """Read documents."""
        return await self._ask("read", lambda: self._read(list(keys)))

    async def last_change(self) -> str:
        """Return the place of the feed's last entry."""
        return await self._ask("last_change", self._server.last_change)

    async def scan(self) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        """Read everything, in two pieces between which something may change."""
        keys: list[str] = await self._ask("scan", lambda: list(self._server.documents))
        for some in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            reading = await self.read(some)
            yield [(key, document) for key, document in reading.documents.items() if document is not None]

    async def follow(self, process: str, had: Mark | None, after: str, *, wait: bool = True) -> Step:
        """Say what is in memory, and wait a moment for changes."""
        return await self._ask("follow", lambda: self._follow(process, had, after, wait=wait))

    async def leave(self, process: str) -> None:
        """Say that this process judges nothing any more."""
        await self._ask("leave", lambda: self._server.call("leave", (), (process,)))

    def _read(self, keys: list[str]) -> Reading:
        mark = self._server.mark
        documents = {key: self._server.documents.get(key) for key in keys}
        if mark is None:
            return Reading(documents=documents, seq=0, age_ms=None)
        return Reading(documents=documents, seq=mark[1], age_ms=max(0, self._server.now_ms() - mark[2]))

    def _follow(self, process: str, had: Mark | None, after: str, *, wait: bool) -> "Step | asyncio.Future[Step]":
        epoch, seq = (had.epoch, had.seq) if had is not None else (0, 0)
        *stands, now_ms = self._server.call("follow", (), (process, epoch, seq))
        mark = Mark(*map(int, stands)) if stands[0] else None
        changes = self._server.changes(after)
        if changes or not wait:
            return Step(mark=mark, now_ms=int(now_ms), changes=changes)
        answer: asyncio.Future[Step] = self._network.loop.create_future()

        def end(*_: object) -> None:
            self._server.do(answer_now)

        def answer_now() -> None:
            if not answer.done():
                answer.set_result(Step(mark=mark, now_ms=int(now_ms), changes=self._server.changes(after)))

        self._server.change_comes().add_done_callback(end)
        self._network.loop.later(_BLOCK_S, end)
        return answer

    async def _ask(self, what: str, work: Callable[[], Any]) -> Any:
        try:
            return await self._network.ask(self._process, self._server, what, work, timeout_s=_TIMEOUT_S)
        except UnreachableError:
            raise QueueUnavailable("unreachable", what) from None
        except LostError:
            raise OutcomeUnknown(what) from None


class RedisPort:
    """What registry/store.py asks of redis-py."""

    def __init__(self, process: str, network: Network, server: RegistryServer) -> None:
        self._process = process
        self._network = network
        self._server = server

    async def function_load(self, code: str, *, replace: bool) -> None:
        """The functions are always there."""

    async def hmget(self, key: str, fields: list[str]) -> list[bytes | None]:
        """Read the mark."""
        assert key == MARK_KEY
        mark = await self._ask("hmget", lambda: self._server.mark)
        values = {} if mark is None else dict(zip(("epoch", "seq", "at_ms"), mark, strict=True))
        return [b"%d" % values[field] if field in values else None for field in fields]

    async def exists(self, key: str) -> int:
        """Say whether a copy is being made."""
        del key
        return int(await self._ask("exists", lambda: self._server.rebuilding is not None))

    async def time(self) -> tuple[int, int]:
        """Read the store's clock."""
        now_ms: int = await self._ask("time", self._server.now_ms)
        return now_ms // 1000, now_ms % 1000 * 1000

    async def fcall(self, function: str, number: int, *parts: str | int | bytes) -> Any:
        """Call a function."""
        keys = [str(key) for key in parts[:number]]
        return await self._ask(function, lambda: self._server.call(function, keys, parts[number:]))

    async def _ask(self, what: str, work: Callable[[], Any]) -> Any:
        try:
            return await self._network.ask(self._process, self._server, what, work, timeout_s=_FOR_EVER_S)
        except UnreachableError:
            raise RedisConnectionError(what) from None
        except LostError:
            raise RedisTimeoutError(what) from None


class Sql:
    """The registry's database: documents as they are now, and every change that led to them."""

    def __init__(self, loop: SimulatedLoop, documents: Documents) -> None:
        self.documents: Documents = {}
        self.outbox: list[tuple[int, str, bytes]] = []
        self.epoch = 0
        self.up = True
        self._loop = loop
        self._projectors: list[SqlPort] = []
        self.commit(documents)

    def commit(self, changes: Documents) -> int:
        """Write documents and the outbox, at this very moment; the last change's number."""
        for key, document in changes.items():
            self.outbox.append((len(self.outbox) + 1, key, document))
            if document:
                self.documents[key] = document
            else:
                self.documents.pop(key, None)
        for port in self._projectors:
            port.changed.set()
        return len(self.outbox)

    def port(self) -> "SqlPort":
        """Give a process its way here; one that shares the process with the writer hears of commits."""
        port = SqlPort(self, self._loop)
        self._projectors.append(port)
        return port


class View:
    """What one transaction sees."""

    def __init__(self, sql: Sql) -> None:
        self.sql = sql
        self.epoch = sql.epoch
        self.seq = len(sql.outbox)
        self.documents = dict(sql.documents)


class SqlPort:
    """What the projector asks of registry.database.Database."""

    def __init__(self, sql: Sql, loop: SimulatedLoop) -> None:
        self.changed = asyncio.Event()
        self._sql = sql
        self._loop = loop

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[View]:
        """One consistent view."""
        await asyncio.sleep(_SQL_S)
        if not self._sql.up:
            raise OperationalError("SELECT", {}, OSError("gone"))
        yield View(self._sql)

    writing = reading


async def read_position(view: View) -> Position:
    """Stand in for registry.projector.read_position."""
    return Position(epoch=view.epoch, seq=view.seq)


async def read_batch(view: View, after_seq: int) -> tuple[int, Documents]:
    """Stand in for registry.projector._read_batch."""
    await asyncio.sleep(_SQL_S)
    rows = view.sql.outbox[after_seq : view.seq]
    return (rows[-1][0] if rows else after_seq), {key: document for _, key, document in rows}


async def new_epoch(view: View, epoch: int) -> int:
    """Stand in for registry.projector.new_epoch."""
    await asyncio.sleep(0)
    view.sql.epoch = max(epoch, view.sql.epoch + 1)
    return view.sql.epoch


async def render_all(view: View) -> AsyncIterator[Documents]:
    """Stand in for registry.documents.render_all."""
    keys = list(view.documents)
    for some in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
        await asyncio.sleep(_SQL_S)
        yield {key: view.documents[key] for key in some}
