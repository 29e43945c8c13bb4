"""Walks over everything that could drift, a few objects at a time, and begins anew when it is through.

A turn has phases: numbers that sent of late, all numbers, what else the aggregator has, people, campaigns, brands, the
store's documents by our rows, and what else the store has. How far it is stands in the table sweeps, so a restart goes
on where it was. The clients keep their own rates, and one thing is asked at a time; a side that does not answer leaves
the place as it is, to be tried again, and after some tries what stands there is left for the next turn.

A turn that left something out is no full one: the time since the last full one goes on, which somebody is alarmed by.

Not here: what counts as drift (ours.py, aggregator.py, registered.py, copies.py).
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, NamedTuple

import orjson
import sqlalchemy as sa
import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from metrics.registry import RegistryMetrics
from registry.database import Database
from registry.drift.at_tcr import TcrLooks
from registry.drift.book import open_by_kind
from registry.drift.looks import Looks
from registry.drift.sides import Rules, Sides
from registry.provisioning.client import AggregatorError
from registry.tcr.errors import TcrError
from registry.work_tables import sweeps

_NAME: Final = "drift"
#: The row of sweeps that says when a full turn ended, and how many seconds it took.
TURN: Final = "drift-turn"
_RETRIES: Final = 5
_BACKOFF_S: Final = 5.0
#: What a side that does not answer raises.
FAILURES: Final = (AggregatorError, TcrError, RedisError, OperationalError, InterfaceError, OSError)

log = structlog.get_logger()


class Place(NamedTuple):
    """How far a turn is."""

    phase: int
    #: Where the phase goes on; "" at its beginning.
    after: str
    began: datetime
    #: A phase of this turn could not be gone through: it is no full turn.
    skipped: bool = False


Phase = Callable[[str, datetime], Awaitable[str | None]]


class Sweep:
    """One walker. Two of them do no harm, and no good."""

    def __init__(
        self, database: Database, sides: Sides, rules: Rules, metrics: RegistryMetrics, *, pause_s: float = 1.0
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._pause_s = pause_s
        looks, at_tcr = Looks(database, sides, rules), TcrLooks(database, sides, rules)
        self._phases: tuple[Phase, ...] = (
            looks.recent_numbers,
            looks.numbers,
            looks.strangers,
            looks.people,
            at_tcr.campaigns,
            at_tcr.brands,
            looks.documents,
            looks.extra_documents,
        )
        self._failed = 0

    async def run(self) -> None:
        """Walk until cancelled."""
        while True:
            try:
                await self.step()
                self._failed = 0
                await asyncio.sleep(self._pause_s)
            except FAILURES as failure:
                log.warning("drift_look_failed", error=type(failure).__name__)
                await self._after_failure()
                await asyncio.sleep(_BACKOFF_S)

    async def turn(self) -> None:
        """Walk to the end of a turn: of the one that was begun, or of a new one. What a side raises goes through."""
        while not await self.step():
            pass

    async def step(self, now: datetime | None = None) -> bool:
        """Look at some objects; says whether the turn is through."""
        now = now or datetime.now(UTC)
        async with self._database.reading() as connection:
            place = await _place(connection, now)
        after = await self._phases[place.phase](place.after, now)
        phase = place.phase if after is not None else place.phase + 1
        through = phase == len(self._phases)
        async with self._database.writing() as connection:
            if not through:
                await _write_place(connection, place._replace(phase=phase, after=after or ""), now)
            else:
                await connection.execute(sa.delete(sweeps).where(sweeps.c.name == _NAME))
                if not place.skipped:
                    seconds = (now - place.began).total_seconds()
                    await _write(connection, TURN, str(max(seconds, 0.0)), now)
        await self._measure(now)
        return through

    async def _after_failure(self) -> None:
        """Leave a phase that cannot go on for the next turn, after some tries."""
        self._failed += 1
        if self._failed < _RETRIES:
            return
        self._failed = 0
        now = datetime.now(UTC)
        try:
            async with self._database.writing() as connection:
                place = await _place(connection, now)
                log.warning("drift_phase_skipped", entries=place.phase)
                following = place.phase + 1
                if following == len(self._phases):  # Nothing is behind it: a new turn begins.
                    await connection.execute(sa.delete(sweeps).where(sweeps.c.name == _NAME))
                else:
                    await _write_place(connection, Place(following, "", place.began, skipped=True), now)
        except FAILURES:
            return

    async def _measure(self, now: datetime) -> None:
        async with self._database.reading() as connection:
            counts = await open_by_kind(connection)
            turned = await last_turn(connection)
        self._metrics.drift(counts, None if turned is None else (now - turned.at).total_seconds())


class Turn(NamedTuple):
    """The last full turn."""

    at: datetime
    seconds: float


async def last_turn(connection: AsyncConnection) -> Turn | None:
    """Return when a full turn ended last, and how long it took; None when none did yet."""
    row = (await connection.execute(sa.select(sweeps).where(sweeps.c.name == TURN))).one_or_none()
    return None if row is None else Turn(row.at, float(row.cursor))


async def _place(connection: AsyncConnection, now: datetime) -> Place:
    row = (await connection.execute(sa.select(sweeps).where(sweeps.c.name == _NAME))).one_or_none()
    if row is None:
        return Place(0, "", now)
    phase, after, began, *skipped = orjson.loads(row.cursor)
    return Place(phase, after, datetime.fromisoformat(began), skipped=skipped == [True])


async def _write_place(connection: AsyncConnection, place: Place, now: datetime) -> None:
    await _write(connection, _NAME, orjson.dumps(list(place)).decode(), now)


async def _write(connection: AsyncConnection, name: str, cursor: str, now: datetime) -> None:
    await connection.execute(sa.delete(sweeps).where(sweeps.c.name == name))
    await connection.execute(sa.insert(sweeps).values(name=name, cursor=cursor, at=now))
