"""Decides which sends may come in, from how the process and its stores are doing. Asked before a body is looked at.

Three things are watched, each where its cause is:

* CPU. How long requests wait for their turn in the event loop says how much this process has taken on. While that is
  too long, fewer sends may be under way at once, else more; whoever comes on top is turned away, which costs a small
  part of a send. The limit has a floor: turning away costs CPU as well, and with too few under way, each waiting its
  turn several times, it would be all that is done.
* The store's answers. When the oldest send under way has waited for too long, nothing more is put behind it.
* The store's room (Pressure): memory, disk, and how old the oldest message is that nobody has taken yet.

Tenants share: whoever has less than an equal part of what is under way comes in, whatever the others do.

Retry-After is computed: those turned away in the last second, at the pace at which sends are done.

Not here: receipts, inbound texts, reading, cancelling, opt-outs and health, which nobody turns away; when the store is
asked (watch.py).
"""

import itertools
import math
import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from gateway.errors import Problem

#: Sends under way at the beginning, at least, and at most.
_FIRST_LIMIT: Final = 512
_LEAST_LIMIT: Final = 512
_MOST_LIMIT: Final = 4_096
#: Where turns take so long on average, there is too much under way; where they take a third, there may be more.
_TURN_S: Final = 0.030
#: Between two looks at what was measured.
_LOOK_S: Final = 0.1
#: A tenant is active for one to two of these after its last send.
_ACTIVE_S: Final = 1.0
#: Keys whose tenant is remembered.
_MOST_KEYS: Final = 16_384
_LEAST_RETRY_S, _MOST_RETRY_S = 1, 60
#: The tenant of whoever has not shown a good key yet.
_NOBODY: Final = ""


class Cause(StrEnum):
    """Why a send is turned away."""

    #: Too much is under way for the CPU.
    BUSY = "busy"
    #: The same, and its tenant has its part of it already.
    SHARE = "share"
    #: The oldest send under way waits for too long.
    WAITING = "waiting"
    #: The store's memory, its disk, or its oldest message.
    MEMORY = "memory"
    DISK = "disk"
    BACKLOG = "backlog"
    #: Large bodies have no room left.
    BODIES = "bodies"


#: What a caller is told.
_CODES: Final = {
    Cause.SHARE: "rate_limited",
    Cause.MEMORY: "queue_full",
    Cause.DISK: "queue_full",
    Cause.BACKLOG: "queue_full",
}


class Pressure(NamedTuple):
    """Why the store should get nothing more for now, and when it may again."""

    cause: Cause
    retry_after_s: float


class Observer(Protocol):
    """Told who was turned away."""

    def shed(self, cause: str) -> None:
        """Say why a send was; cause is one of Cause."""


class Ticket:
    """A send that is under way."""

    __slots__ = ("ended", "since", "tenant", "weight")

    def __init__(self, tenant: str, since: float, weight: int) -> None:
        self.tenant = tenant
        self.since = since
        self.weight = weight
        self.ended = False


class Admission:
    """The sends of one process. Not for threads."""

    def __init__(
        self, observe: Observer, *, wait_s: float = 1.0, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """wait_s: a send that waits for longer keeps others out."""
        self._observe = observe
        self._wait_s = wait_s
        self._clock = clock
        #: What the store's room says.
        self.pressure: Pressure | None = None
        #: Sends under way, a batch as many as it is likely to hold, and how many may be.
        self.under_way = 0
        self.limit = _FIRST_LIMIT
        self._tickets: deque[Ticket] = deque()
        self._by_tenant: dict[str, int] = {}
        #: Hash of an Authorization field that was good, to its tenant. Whoever has the memory has no key.
        self._tenants: dict[int, str] = {}
        self._active: set[str] = set()
        self._active_before: set[str] = set()
        self._is_stuck = False
        self._look_due = self._active_due = self._looked = 0.0
        self._turns_s = 0.0
        self._turns = self._peak = self._done = self._turned_away = 0
        #: A second's worth of each, on average over about a second.
        self._done_a_second = 0.0
        self._turned_away_a_second = 0.0
        self._spread = itertools.count()

    def enter(self, authorization: str | None) -> Ticket | Problem:
        """Let a send in, to be ended with leave(); or say what it is told instead.

        authorization: the field as it came, not yet proved.
        """
        now = self._clock()
        tenant = self._tenants.get(hash(authorization), _NOBODY)
        return self._objection(tenant, now) or self._begin(tenant, now, 1)

    def objection(self, authorization: str | None) -> Problem | None:
        """Say what a send of this key would be told instead of being let in now; its body need not be waited for."""
        return self._objection(self._tenants.get(hash(authorization), _NOBODY), self._clock())

    def begin(self, authorization: str | None, weight: int) -> Ticket:
        """Let a send in that objection() had nothing against, its body being here now.

        weight: how many requests it is likely to cost as much as.
        """
        return self._begin(self._tenants.get(hash(authorization), _NOBODY), self._clock(), weight)

    def turn(self, ticket: Ticket) -> None:
        """Say that a send has its turn now, which began when it came in."""
        self._turns_s += self._clock() - ticket.since
        self._turns += 1

    def leave(self, ticket: Ticket) -> None:
        """End a send, whatever became of it."""
        ticket.ended = True
        self.under_way -= ticket.weight
        self._done += ticket.weight
        theirs = self._by_tenant[ticket.tenant] - ticket.weight
        if theirs:
            self._by_tenant[ticket.tenant] = theirs
        else:
            del self._by_tenant[ticket.tenant]

    def learn(self, authorization: str | None, tenant: str) -> None:
        """Remember whose key it is, now that it was proved."""
        name = hash(authorization)
        if name not in self._tenants:
            if len(self._tenants) >= _MOST_KEYS:
                self._tenants.clear()
            self._tenants[name] = tenant

    def refuse(self, cause: Cause, retry_after_s: float | None = None) -> Problem:
        """Count one that is turned away, and say what it is told; without a time, it is computed."""
        self._turned_away += 1
        self._observe.shed(cause)
        if retry_after_s is None:
            retry_after_s = self._turned_away_a_second / max(self._done_a_second, 1.0)
        whole = max(_LEAST_RETRY_S, min(math.ceil(retry_after_s), _MOST_RETRY_S))
        # Those who are turned away together need not come back together.
        spread = next(self._spread) % (whole // 2 + 1)
        return Problem(_CODES.get(cause, "overloaded"), retry_after_s=min(whole + spread, _MOST_RETRY_S))

    def _objection(self, tenant: str, now: float) -> Problem | None:
        if now >= self._look_due:
            self._look(now)
        self._active.add(tenant)
        if self.pressure is not None:
            return self.refuse(*self.pressure)
        if self._is_stuck:
            return self.refuse(Cause.WAITING, self._stuck_for_s(now))
        if self.under_way >= self.limit:
            active = len(self._active | self._active_before)
            if self._by_tenant.get(tenant, 0) * active >= self.limit:
                return self.refuse(Cause.SHARE if active > 1 else Cause.BUSY)
        return None

    def _begin(self, tenant: str, now: float, weight: int) -> Ticket:
        ticket = Ticket(tenant, now, weight)
        self._tickets.append(ticket)
        self.under_way += weight
        if self.under_way > self._peak:  # noqa: PLR1730 - a call costs as much as all the rest of it
            self._peak = self.under_way
        self._by_tenant[tenant] = self._by_tenant.get(tenant, 0) + weight
        return ticket

    def _look(self, now: float) -> None:
        """Look at what was measured since the last look, and set the limit by it."""
        passed_s = now - self._looked
        part = min(passed_s, 1.0)
        if self._done or not self.under_way:  # While nothing is done at all, the pace of before is what is known.
            self._done_a_second += (self._done / passed_s - self._done_a_second) * part
        self._turned_away_a_second += (self._turned_away / passed_s - self._turned_away_a_second) * part
        turn_s = self._turns_s / self._turns if self._turns else 0.0
        if turn_s > _TURN_S:
            if self._peak * 2 >= self.limit:  # It is these sends that took the time, and not something else.
                self.limit = max(int(self.limit * max(_TURN_S / turn_s, 0.5)), _LEAST_LIMIT)
        elif self._peak >= self.limit and turn_s < _TURN_S / 3:
            self.limit = min(self.limit + self.limit // 8 + 1, _MOST_LIMIT)
        while self._tickets and self._tickets[0].ended:
            self._tickets.popleft()
        oldest_s = now - self._tickets[0].since if self._tickets else 0.0
        self._is_stuck = oldest_s > self._wait_s
        if now >= self._active_due:
            self._active_before, self._active = self._active, set()
            self._active_due = now + _ACTIVE_S
        self._turns_s = 0.0
        self._turns = self._done = self._turned_away = 0
        self._peak = self.under_way
        self._looked, self._look_due = now, now + _LOOK_S

    def _stuck_for_s(self, now: float) -> float:
        """Say for how long nothing comes in: as long as it is so already, and until those under way are done."""
        oldest_s = now - self._tickets[0].since if self._tickets else 0.0
        return oldest_s + self.under_way / max(self._done_a_second, 1.0)
