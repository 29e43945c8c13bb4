"""How often somebody may try to sign in within an hour.

Few tries for a name from one address; more for a name from anywhere, and for an address, which many people share.
A try counts before it is known whether it fails, so that many at once are many; one that works gives back what it took.
Someone who guesses somebody's password keeps only their own address from it for long. Kept in SQL, so that several
registries count together and a restart forgets nothing. Of names and addresses only digests are kept.

Source: OWASP ASVS 4.0.3, 2.2.1: no more than 100 failures an hour on one account.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.database import Database
from registry.problems import Problem
from registry.work_tables import sign_in_tries as table

_WINDOW: Final = timedelta(hours=1)
PER_NAME_AND_ADDRESS: Final = 10
_PER_NAME: Final = 100
_PER_ADDRESS: Final = 100


class Trying(NamedTuple):
    """Who tries."""

    #: What is to be opened: an email address as it was typed, or a user.
    name: str
    #: From where (addresses.py).
    address: str

    @property
    def limits(self) -> dict[str, int]:
        """How often each part of it may try in an hour, by digest."""
        return {
            _digest("both", self.name, self.address): PER_NAME_AND_ADDRESS,
            _digest("name", self.name): _PER_NAME,
            _digest("address", self.address): _PER_ADDRESS,
        }


class Tries:
    """The tries of the last hour."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, trying: Trying, now: datetime) -> None:
        """Count a try. Problem: too_many_tries, with the seconds until the next one; it does not count then."""
        async with self._database.writing() as connection:
            await connection.execute(sa.delete(table).where(table.c.since <= now - _WINDOW))
            counts = await _counts(connection, trying)
            over = [since for name, (tries, since) in counts.items() if tries >= trying.limits[name]]
            waits = [since + _WINDOW - now for since in over]
            if waits:
                raise Problem("too_many_tries", retry_after_s=max(1, round(max(waits).total_seconds())))
            known = sa.update(table).where(table.c.id.in_(list(counts)))
            await connection.execute(known.values(failures=table.c.failures + 1))
            new = [{"id": name, "failures": 1, "since": now} for name in trying.limits if name not in counts]
            if new:
                await connection.execute(sa.insert(table), new)

    async def worked(self, trying: Trying) -> None:
        """Give back a try: the name's owner came, so what was tried for it here is forgotten."""
        both, *others = trying.limits
        async with self._database.writing() as connection:
            await connection.execute(sa.delete(table).where(table.c.id == both))
            await connection.execute(
                sa.update(table).where(table.c.id.in_(others)).values(failures=table.c.failures - 1)
            )


async def _counts(connection: AsyncConnection, trying: Trying) -> dict[str, tuple[int, datetime]]:
    asked = sa.select(table.c.id, table.c.failures, table.c.since).where(table.c.id.in_(list(trying.limits)))
    return {row.id: (row.failures, row.since) for row in await connection.execute(asked)}


def _digest(*texts: str) -> str:
    return sha256("\0".join(("try", *texts)).encode()).hexdigest()
