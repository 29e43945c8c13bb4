"""When a change is effective: once no process can judge by what was before it.

Each process that keeps facts in memory tells the store which change it has ({reg}:procs, functions.lua). A change is
effective when the copy has it and so has every process; a process that was silent for SILENT_MS counts no more, because
its facts have run out: they are for nobody 5 s after the last apply that it saw.

Where the store cannot be asked, the same clock decides: no apply, no live facts. RUN_OUT_S after the last apply that
this registry sent (or after the commit, whichever is later: another registry reads the database before it applies)
nobody judges by older facts. What is left then are texts typed in the app, in a process that is cut off from a store
that others reach: they go with the finding flag_registration_stale for up to 15 minutes, unless the policy is strict.

Not here: who has which change in memory (the gateway's near cache) and how changes get there (projector.py).
"""

import asyncio
import contextlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from redis.exceptions import RedisError

from metrics.registry import RegistryMetrics
from registry.store import APPLY_WITHIN_MS, Follower, Followers, RegistryStore, boot_time

#: A process that said nothing for so long has no facts that it may use: 5 s, and 1 s for the clocks to disagree in.
SILENT_MS: Final = 6_000
#: The same without the store: the longest way of an apply, the 5 s, and a margin.
RUN_OUT_S: Final = APPLY_WITHIN_MS / 1000 + 5.0 + 0.5
#: The longest that a caller waits.
PATIENCE_S: Final = 8.0
#: How often the processes are looked at: for the metrics, and while somebody waits.
_IDLE_S: Final = 0.5
_HURRY_S: Final = 0.02
_UNSETTLED: Final = "The copy in the registry store was made anew; who may have older facts is not known yet."


class How(StrEnum):
    """How a change came to be effective, or not yet."""

    PROCESSES = "processes"
    LEASES = "leases"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What there is to say about a change."""

    how: How
    #: Seconds from the commit until it was effective, or was given up.
    after_s: float
    #: What has to happen, for people; "" when it has.
    awaits: str = ""


class Barrier:
    """Waits until changes are effective."""

    def __init__(self, store: RegistryStore, metrics: RegistryMetrics) -> None:
        self._store = store
        self._metrics = metrics
        #: The last answer of the store; None while there is none.
        self._seen: Followers | None = None
        #: The epoch of the last copy that was seen, and boot time from which who is in the list is everybody: a store
        #: that lost its data lost the list, too, and somebody on it may be cut off with facts that are still live.
        self._epoch = 0
        self._settled_at = 0.0
        #: Set at every look, and made anew: each waiter sees each look.
        self._looked = asyncio.Event()
        self._waiting = 0
        self._hurry = asyncio.Event()
        self._stopped = False

    async def run(self) -> None:
        """Look at the processes until cancelled: often while somebody waits."""
        while True:
            self._hurry.clear()
            try:
                self._see(await self._store.followers())
            except (RedisError, OSError):
                self._seen = None
            self._wake()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_S):
                    if self._waiting:
                        await asyncio.sleep(_HURRY_S)
                    else:
                        await self._hurry.wait()

    def stop(self) -> None:
        """Let nobody wait any longer: this process ends."""
        self._stopped = True
        self._wake()

    async def effective(self, seq: int, committed_at: float) -> Outcome:
        """Wait until a change is effective, for PATIENCE_S at most. committed_at is of boot_time()."""
        self._waiting += 1
        self._hurry.set()
        try:
            outcome = await self._wait(seq, committed_at)
        finally:
            self._waiting -= 1
        self._metrics.barrier(outcome.how, outcome.after_s)
        return outcome

    async def _wait(self, seq: int, committed_at: float) -> Outcome:
        until = committed_at + PATIENCE_S
        while True:
            now = boot_time()
            awaits = _missing(self._seen, seq) if now >= self._settled_at else _UNSETTLED
            if not awaits:
                return Outcome(how=How.PROCESSES, after_s=now - committed_at)
            run_out = max(committed_at, self._store.applied_at) + RUN_OUT_S
            if now >= run_out:
                return Outcome(how=How.LEASES, after_s=now - committed_at)
            if now >= until or self._stopped:
                return Outcome(how=How.NOT_YET, after_s=now - committed_at, awaits=awaits)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(run_out, until) - now):
                    await self._looked.wait()

    def _wake(self) -> None:
        self._looked.set()
        self._looked = asyncio.Event()

    def _see(self, seen: Followers) -> None:
        self._seen = seen
        mark = seen.mark
        if mark is not None and mark.epoch != self._epoch:
            self._settled_at = boot_time() + SILENT_MS / 1000 if self._epoch else 0.0
            self._epoch = mark.epoch
        live = [one for one in seen.processes if one.age_ms < SILENT_MS]
        behind = [0 if mark is None else mark.seq - (one.seq if one.epoch == mark.epoch else 0) for one in live]
        self._metrics.processes(len(live), max(behind, default=0))


def _missing(seen: Followers | None, seq: int) -> str:
    """Say what keeps a change from being effective; "" when nothing does."""
    if seen is None:
        return "The registry store does not answer; the processes' facts run out by themselves."
    if seen.mark is None:
        return "The copy in the registry store is being made anew."
    if seen.mark.seq < seq:
        return "The change is not in the registry store yet."
    epoch = seen.mark.epoch
    behind = [one for one in seen.processes if one.age_ms < SILENT_MS and not _has(one, epoch, seq)]
    if not behind:
        return ""
    return f"{len(behind)} of {len(seen.processes)} processes may not have read the change yet."


def _has(process: Follower, epoch: int, seq: int) -> bool:
    return process.epoch == epoch and process.seq >= seq
