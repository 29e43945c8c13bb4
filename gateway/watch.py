"""Looks at the stores once a second, beside the traffic, and says whether traffic should come here."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

import structlog

from gateway.near.cache import NearCache
from gateway.near.source import LEASE_MS
from gateway.queue import Queue, QueueError, QueueUnavailable

_EVERY_S: Final = 1.0

_log = structlog.get_logger()


class Watch:
    """A background look at what the process depends on."""

    def __init__(self, near: NearCache, queue: Queue, also: Callable[[], Awaitable[None]] | None = None) -> None:
        """also: looked at as well while the queue store is fit; QueueError of it says nothing about readiness."""
        self._near = near
        self._queue = queue
        self._also = also
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
        reason: str | None
        detail = None
        try:
            await self._queue.prove()
        except QueueError as failure:
            reason, detail = _in_a_word(failure), str(failure)
        else:
            reading = self._near.reading()
            fresh = reading is not None and reading.age_ms is not None and reading.age_ms <= LEASE_MS
            reason = None if fresh else "registry_stale"
            if self._also is not None:
                with contextlib.suppress(QueueError):
                    await self._also()
        if reason != self._reason:
            _log.info("readiness_changed", reason=reason or "ready", detail=detail)
        self._reason = reason


def _in_a_word(failure: QueueError) -> str:
    """Name what is wrong with the queue store: an operator's work, or something that may pass."""
    if isinstance(failure, QueueUnavailable) and failure.reason in {"settings", "functions"}:
        return f"queue_{failure.reason}"
    return "queue_unavailable"
