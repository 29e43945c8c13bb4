"""Rounds of flips, each with one thing broken in its middle: a plan drawn from a seed, and its execution.

Half of a round's flips come all at once, in the moment in which it breaks; the others before and after.

Not here: what a flip is (admin.py), what they must come to (flips.py), when the product runs (run.py).
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from redis.asyncio import Redis

from loadtests.children import ChildError, fetch
from loadtests.faults.proxy import Proxy
from loadtests.faults.proxy_flow import Direction
from loadtests.faults.revocation.admin import Admin, UnansweredError
from loadtests.faults.revocation.flips import Flip, Mode
from loadtests.faults.stand import Stand

_FEED: Final = "{reg}:feed"
#: How late an apply comes over a slow line: not so late that the store refuses it.
_LATE_S: Final = 1.2
#: Longest wait for numbers of earlier rounds to be given back, and for a trimmed feed to be noticed.
_FREE_S: Final = 60.0
_LOOK_S: Final = 0.05
_PROCESSES: Final = ("gateway", "worker")


class Kind(StrEnum):
    """What is broken in a round."""

    NONE = "none"
    REGISTRY_KILLED = "registry-killed"
    REGISTRY_FROZEN = "registry-frozen"
    #: The registry runs and cannot reach its store; everybody else can.
    REGISTRY_CUT_OFF = "registry-cut-off"
    #: The same, after its line became so slow that what it says is old when it arrives.
    LINE_SLOW = "line-slow"
    STORE_RESTARTED = "store-restarted"
    #: One gateway and one worker stand still while the feed loses what they missed.
    FEED_GAP = "feed-gap"
    #: All gateways and workers stand still, as with a blocked event loop.
    PROCESSES_BLOCKED = "processes-blocked"
    #: Texts that were judged wait for the queue store to say that they may be sent.
    QUEUE_FROZEN = "queue-frozen"


#: How long it lasts, in seconds: longer than the bound where facts grow old meanwhile.
LASTS_S: Final = {
    Kind.NONE: 0.0,
    Kind.REGISTRY_KILLED: 7.0,
    Kind.REGISTRY_FROZEN: 7.0,
    Kind.REGISTRY_CUT_OFF: 7.0,
    Kind.LINE_SLOW: 8.5,
    Kind.STORE_RESTARTED: 2.0,
    Kind.FEED_GAP: 2.0,
    Kind.PROCESSES_BLOCKED: 2.0,
    Kind.QUEUE_FROZEN: 6.5,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One round."""

    kind: Kind
    #: Seconds after the beginning, ascending, and whose number.
    flips: tuple[tuple[float, str], ...]
    #: When it breaks.
    breaks_s: float


def draw_round(draw: random.Random, kind: Kind, dids: Sequence[str], *, seconds: float) -> Plan:
    """Draw when each number is flipped, over so many seconds, and when it breaks."""
    breaks_s = draw.uniform(0.4, 0.6) * seconds
    # Killed right after the call was sent: the burst is before that. Of what stands still, it is just after.
    burst = (-0.03, 0.0) if kind is Kind.REGISTRY_KILLED else (-0.1, 0.3)
    flips = []
    for number, did in enumerate(draw.sample(dids, len(dids))):
        if kind is not Kind.NONE and number % 2:
            flips.append((breaks_s + draw.uniform(*burst), did))
        else:
            flips.append((draw.uniform(0, seconds), did))
    return Plan(kind=kind, flips=tuple(sorted(flips)), breaks_s=breaks_s)


@dataclass(slots=True, kw_only=True)
class Site:
    """The product of one mode, with whoever changes it."""

    stand: Stand
    mode: Mode
    admin: Admin
    #: Between the registry and its store.
    proxy: Proxy
    store: Redis
    #: Numbers that are as they should be, the longest so first.
    free: list[str]
    #: Why flips came to nothing.
    failed: list[str] = field(default_factory=list)

    async def take(self, count: int) -> list[str]:
        """Take numbers; ChildError when too few are given back in time."""
        deadline = time.monotonic() + _FREE_S
        while len(self.free) < count:
            if time.monotonic() > deadline:
                raise ChildError(f"{len(self.free)} of {count} numbers were given back in time: {self.failed}")
            await asyncio.sleep(_LOOK_S)
        taken, self.free = self.free[:count], self.free[count:]
        return taken


async def run_round(site: Site, plan: Plan, giving: asyncio.TaskGroup) -> list[Flip]:
    """Flip numbers and break things meanwhile; all is healed then, and numbers are being given back in the group."""
    began_s = time.monotonic()
    flips: list[Flip] = []

    async def until(at_s: float) -> None:
        await asyncio.sleep(max(0.0, began_s + at_s - time.monotonic()))

    async def give_back(did: str) -> None:
        try:
            await site.admin.give_back(did)
        except UnansweredError as error:
            site.failed.append(str(error))
        else:
            site.free.append(did)

    async def flip(at_s: float, did: str) -> None:
        await until(at_s)
        try:
            flips.append(await site.admin.flip(did, mode=site.mode, round_name=plan.kind))
        except UnansweredError as error:
            site.failed.append(str(error))
        giving.create_task(give_back(did))

    async def break_it() -> None:
        await until(plan.breaks_s)
        await _BREAK[plan.kind](site)
        await heal(site.stand)

    async with asyncio.TaskGroup() as tasks:
        for at_s, did in plan.flips:
            tasks.create_task(flip(at_s, did))
        if plan.kind is not Kind.NONE:
            tasks.create_task(break_it())
    return flips


async def heal(stand: Stand) -> None:
    """Thaw and start everything, and wait until all is ready; ChildError when it is not.

    Started from here, not from a thread that waits: a child ends with the thread that started it.
    """
    for name, part in stand.parts.items():
        part.process.thaw()
        if stand.ended(name):
            stand.start(name)
    for name in stand.parts:
        await asyncio.to_thread(stand.wait_ready, name)


async def _kill(site: Site, role: str, seconds: float) -> None:
    """End a role's processes; heal() starts them again."""
    for name in site.stand.of(role):
        site.stand.kill(name)
    await asyncio.sleep(seconds)


async def _freeze(site: Site, names: Sequence[str], seconds: float) -> None:
    """Have processes stand still for so long."""
    frozen = [site.stand.parts[name].process for name in names]
    for process in frozen:
        process.freeze()
    await asyncio.sleep(seconds)
    for process in frozen:
        process.thaw()


async def _cut_off(site: Site) -> None:
    """Let nothing through, and then refuse: what was under way lies in the line, and comes out late."""
    half_s = LASTS_S[Kind.REGISTRY_CUT_OFF] / 2
    site.proxy.stall()
    await asyncio.sleep(half_s)
    site.proxy.refuse()
    await asyncio.sleep(half_s)
    site.proxy.heal()


async def _slow_down(site: Site) -> None:
    """Let one apply through, late, and nothing after it."""
    site.proxy.slow(Direction.TO_SERVER, delay_s=_LATE_S)
    await asyncio.sleep(1.5 * _LATE_S)
    site.proxy.stall()
    await asyncio.sleep(LASTS_S[Kind.LINE_SLOW] - 1.5 * _LATE_S)
    site.proxy.heal()


async def _feed_gap(site: Site) -> None:
    """Trim the feed while somebody does not look; ChildError when that goes unnoticed."""
    names = [site.stand.of(role)[0] for role in _PROCESSES]
    loads = [_loads(site, name) for name in names]

    async def trim() -> None:
        await asyncio.sleep(LASTS_S[Kind.FEED_GAP] / 2)
        await site.store.xtrim(_FEED, maxlen=0, approximate=False)

    await asyncio.gather(_freeze(site, names, LASTS_S[Kind.FEED_GAP]), trim())
    deadline = time.monotonic() + _FREE_S
    for name, before in zip(names, loads, strict=True):
        while (now := await asyncio.to_thread(_loads, site, name)) <= before:
            if time.monotonic() > deadline:
                raise ChildError(f"{name} missed changes and did not load all again ({now:.0f} loads)")
            await asyncio.sleep(_LOOK_S)


def _loads(site: Site, name: str) -> float:
    """Read how often a process loaded all documents; 0 while it does not answer."""
    page = fetch(site.stand.admin_port(name), "/metrics") or b""
    counts = (line.rsplit(" ", 1) for line in page.decode().splitlines() if "_registry_loads_total" in line)
    return sum(float(count) for name, count in counts if not name.startswith("#"))


_BREAK: Final[dict[Kind, Callable[[Site], Awaitable[None]]]] = {
    Kind.REGISTRY_KILLED: lambda site: _kill(site, "registry", LASTS_S[Kind.REGISTRY_KILLED]),
    Kind.REGISTRY_FROZEN: lambda site: _freeze(site, site.stand.of("registry"), LASTS_S[Kind.REGISTRY_FROZEN]),
    Kind.REGISTRY_CUT_OFF: _cut_off,
    Kind.LINE_SLOW: _slow_down,
    Kind.STORE_RESTARTED: lambda site: _kill(site, "registry-store", LASTS_S[Kind.STORE_RESTARTED]),
    Kind.FEED_GAP: _feed_gap,
    Kind.PROCESSES_BLOCKED: lambda site: _freeze(
        site, [name for role in _PROCESSES for name in site.stand.of(role)], LASTS_S[Kind.PROCESSES_BLOCKED]
    ),
    Kind.QUEUE_FROZEN: lambda site: _freeze(site, ["queue-store"], LASTS_S[Kind.QUEUE_FROZEN]),
}
