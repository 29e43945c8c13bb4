"""Brings opt-outs that an older version kept into the lists of them: once, in the background, bit by bit.

From the moment that our functions are loaded, whatever changes an opt-out puts it into its list. What was there before
is looked for once (SCAN), and a note says how far that has come. A place in a SCAN is good for one run of the server,
so the note names the run; another run begins anew. Nothing is harmed when several processes do it, or one does twice.

Not here: the lists (functions/opt_outs.lua).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from gateway.clock import boottime_s
from gateway.queue import QueueError, keys
from gateway.queue.wire import Wire, fcall

#: Keys looked at in one step: about a millisecond of the store.
_STEP: Final = 500
_PAUSE_S: Final = 0.02
_AGAIN_S: Final = 5.0
#: A store with few keys is done before the first request; a large one goes on beside them.
_AT_START_S: Final = 0.3
_DONE: Final = b"1"

log = structlog.get_logger(__name__)


class OptOutIndexer:
    """Does it, step by step."""

    def __init__(self, wire: Wire, *, step: int = _STEP) -> None:
        self._wire = wire
        self._step = step

    async def step(self) -> bool:
        """Go on from where the note says; whether all is done. Raises QueueError."""
        info, noted = await self._wire.all(
            ("INFO", "server"), ("HMGET", keys.OPT_OUTS_INDEXED, "done", "run", "cursor")
        )
        done, noted_run, noted_cursor = noted
        if done == _DONE:
            return True
        run = next(line for line in info.split(b"\r\n") if line.startswith(b"run_id:"))
        cursor = noted_cursor if noted_run == run and noted_cursor else b"0"
        cursor, found = await self._wire.one(
            ("SCAN", cursor, "MATCH", keys.ANY_OPT_OUT, "COUNT", self._step, "TYPE", "hash")
        )
        by_slot: dict[str, list[str]] = {}
        for key in (one.decode() for one in found):
            by_slot.setdefault(key.rpartition(":")[0], []).append(key)
        await self._wire.all(*(fcall("optouts_index", some) for some in by_slot.values()), kept=True)
        note = ("done", _DONE) if cursor == b"0" else ("run", run, "cursor", cursor)
        await self._wire.one(("HSET", keys.OPT_OUTS_INDEXED, *note), kept=True)
        return bool(cursor == b"0")

    async def start(self, at_most_s: float = _AT_START_S) -> bool:
        """Do as much as takes a moment; whether all is done. A store that is away or full is left for later."""
        until = boottime_s() + at_most_s
        with contextlib.suppress(QueueError):
            while boottime_s() < until:
                if await self.step():
                    return True
        return False

    async def run(self) -> None:
        """Do all of it, in between other work; waits out a store that is away or full."""
        while True:
            try:
                if await self.step():
                    log.info("opt_outs_indexed")
                    return
            except QueueError as failure:
                log.warning("opt_outs_not_indexed", error=type(failure).__name__)
                await asyncio.sleep(_AGAIN_S)
            await asyncio.sleep(_PAUSE_S)


@contextlib.asynccontextmanager
async def indexing(indexer: OptOutIndexer) -> AsyncIterator[None]:
    """Do it while the block runs, a first part of it before."""
    if await indexer.start():
        yield
        return
    task = asyncio.create_task(indexer.run(), name="opt_out_index")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
