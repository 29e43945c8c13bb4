"""Looks at the stores once a second, beside the traffic: whether we are ready, and how old the registry's facts are."""

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import structlog

from gateway.queue import Queue, QueueError
from gateway.send.registry_store import LEASE_MS, RegistryStore

_EVERY_S: Final = 1.0
_PROBE: Final = "{reg}:probe"

_log = structlog.get_logger()


class Watch:
    """A background look at what the process depends on."""

    def __init__(self, store: RegistryStore, queue: Queue, registry_age: Callable[[float], None]) -> None:
        self._store = store
        self._queue = queue
        #: Told the age of the registry's facts in seconds.
        self._registry_age = registry_age
        self._reason: str | None = "starting"
        self._task: asyncio.Task[None] | None = None

    def not_ready(self) -> str | None:
        """Return why no traffic should come here, or None."""
        return self._reason

    async def __aenter__(self) -> Self:
        await self._look()
        self._task = asyncio.create_task(self._run(), name="watch")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self._look()
            except Exception as failure:  # noqa: BLE001 - a look that fails is news, not the end of looking
                self._reason = "watch_failed"
                _log.error("watch_failed", error=type(failure).__name__, exc_info=failure)

    async def _look(self) -> None:
        reading = await self._store.read((_PROBE,))
        if reading.age_ms is not None:
            self._registry_age(reading.age_ms / 1_000)
        try:
            await self._queue.counts()
        except QueueError:
            reason: str | None = "queue_unavailable"
        else:
            fresh = reading.age_ms is not None and reading.age_ms <= LEASE_MS
            reason = None if fresh else "registry_stale"
        if reason != self._reason:
            _log.info("readiness_changed", reason=reason or "ready")
        self._reason = reason
