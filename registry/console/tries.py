"""How often somebody may try to sign in: so many failures an hour for a name, and for a network address.

A name waits longer with every failure, so that guessing leads nowhere; an address has more, for many people share one.
Kept in SQL, so that several registries count together and a restart forgets nothing. Of names and addresses only a
digest is kept.

Source: OWASP ASVS 2.2.1.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import sqlalchemy as sa

from registry.database import Database
from registry.problems import Problem
from registry.work_tables import sign_in_tries

_WINDOW: Final = timedelta(hours=1)
_PER_NAME: Final = 10
_PER_ADDRESS: Final = 100


class Tries:
    """The failures of the last hour."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, email: str, address: str, now: datetime) -> None:
        """Problem: too_many_tries, with the seconds until the next one."""
        limits = _named(email, address)
        columns = (sign_in_tries.c.id, sign_in_tries.c.failures, sign_in_tries.c.since)
        asked = sa.select(*columns).where(sign_in_tries.c.id.in_(list(limits)), sign_in_tries.c.since > now - _WINDOW)
        async with self._database.reading() as connection:
            rows = (await connection.execute(asked)).all()
        waits = [row.since + _WINDOW - now for row in rows if row.failures >= limits[row.id]]
        if waits:
            raise Problem("too_many_tries", retry_after_s=max(1, round(max(waits).total_seconds())))

    async def failed(self, email: str, address: str, now: datetime) -> None:
        """Note a failure, and forget those of long ago."""
        table = sign_in_tries
        async with self._database.writing() as connection:
            await connection.execute(sa.delete(table).where(table.c.since <= now - _WINDOW))
            names = list(_named(email, address))
            known = set((await connection.execute(sa.select(table.c.id).where(table.c.id.in_(names)))).scalars())
            for name in names:
                if name in known:
                    more = sa.update(table).where(table.c.id == name).values(failures=table.c.failures + 1)
                    await connection.execute(more)
                else:
                    await connection.execute(sa.insert(table).values(id=name, failures=1, since=now))

    async def worked(self, email: str) -> None:
        """Forget the failures of a name: its owner came."""
        async with self._database.writing() as connection:
            await connection.execute(sa.delete(sign_in_tries).where(sign_in_tries.c.id.in_(_digests([email]))))


def _named(email: str, address: str) -> dict[str, int]:
    """Return what tries, with how often it may fail."""
    name, place = _digests([email, address])
    return {name: _PER_NAME, place: _PER_ADDRESS}


def _digests(texts: Iterable[str]) -> list[str]:
    return [sha256(f"try:{text}".encode()).hexdigest() for text in texts]
