"""Runs a file: batch after batch, each with its place in the file in one transaction, so that it can be cut off.

A job is a file's digest, for one company, as one kind. A run that was killed left its last batch committed whole or not
at all, and the job says how far it is; the next run of the same file goes on there and ends as one run would have. A
file that is another by a single byte is another job. A file that was done is done again, from its beginning.

Not here: what a row means (batches.py), and the terminal (cli.py).
"""

import asyncio
import gc
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.bulk.ahead import read_ahead
from registry.bulk.batches import look, take
from registry.bulk.columns import KINDS
from registry.bulk.judged import Office, Outcome
from registry.bulk.report import ReportFile, lines
from registry.commands import find
from registry.database import Database
from registry.records import Tenant
from registry.work_tables import bulk_jobs

_CHUNK: Final = 65_536
#: Read between two turns of others: about a hundred rows.
_PART: Final = 8_192
#: New objects until circles are looked for: about what a batch has at a time.
_GARBAGE: Final = 50_000
#: Called with how many more lines are done, and how many there are.
Progress = Callable[[int, int], None]


class BulkError(Exception):
    """A file that cannot be run, or not now; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOptions:
    """What one run is asked to do."""

    file: Path
    kind: str
    tenant: str
    #: Where the report goes.
    report: Path
    #: Take states as they are given.
    as_import: bool = False
    #: Judge every row as the database is now, and write nothing but the report.
    dry_run: bool = False
    #: Begin at the first row, also when a run of the file was cut off.
    from_start: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a file ended: rows that were read, that changed something, and that were bad."""

    rows: int = 0
    changed: int = 0
    bad: int = 0
    #: Rows that an earlier run had done.
    resumed_after: int = 0

    def plus(self, outcomes: Sequence[Outcome]) -> "Summary":
        """Count some rows in."""
        bad = sum(1 for one in outcomes if one.faults)
        changed = sum(1 for one in outcomes if one.changed and not one.faults)
        return replace(self, rows=self.rows + len(outcomes), changed=self.changed + changed, bad=self.bad + bad)


async def run_file(database: Database, office: Office, options: BulkOptions, progress: Progress) -> Summary:
    """Run a file, or what is left of it.

    BulkError: there is no such company, or somebody else runs or changes the file. FileFaultError: it cannot be read as
    a whole; rows before that place are done.
    """
    digest, total = _digest(options.file)
    kind = KINDS[options.kind]
    name = _name(options, digest)
    begun = await _begin(database, office, options, name, digest)
    done, line = begun, 0
    file = _Again(options.file)
    with ReportFile(options.report, begun.rows) as report, _few_collections():
        async with read_ahead(file.parts(), kind, skip=begun.rows) as batches:
            async for batch in batches:
                left = batch
                while left:
                    now = replace(office, now=datetime.now(UTC))
                    first = done.rows + 1
                    if options.dry_run:
                        async with database.reading() as connection:
                            outcomes = await look(connection, now, kind, left, as_import=options.as_import)
                        after = done.plus(outcomes)
                        report.add(lines(first, left, outcomes))
                    else:
                        async with database.writing() as connection:
                            outcomes = await take(
                                connection, now, kind, left, as_import=options.as_import, meanwhile=batches.go_on
                            )
                            after = done.plus(outcomes)
                            await _advance(connection, name, done, after, now.now)
                            report.add(lines(first, left, outcomes))  # (before the commit: never too little)
                    done, reached = after, left[len(outcomes) - 1].line
                    progress(reached - line, total)
                    line, left = reached, left[len(outcomes) :]
    file.check(digest)
    if not options.dry_run:
        async with database.writing() as connection:
            await _finish(connection, name, datetime.now(UTC))
    return done


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for garbage in circles more seldom for a while: a batch makes none, and many things that are looked at."""
    before = gc.get_threshold()
    gc.set_threshold(_GARBAGE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def check_company(connection: AsyncConnection, tenant: str) -> None:
    """Refuse a company that is not there. BulkError."""
    if not await find(connection, Tenant, {(tenant,)}):
        raise BulkError("there is no company of that id: check --tenant")


def _digest(path: Path) -> tuple[str, int]:
    """Return the SHA-256 of a file, and how many lines it has."""
    sha, count = hashlib.sha256(), 0
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            sha.update(data)
            count += data.count(b"\n")
    return sha.hexdigest(), count + 1


def _name(options: BulkOptions, digest: str) -> str:
    """Name the job."""
    parts = (options.tenant, options.kind, "given" if options.as_import else "wished", digest)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


class _Again:
    """A file that is read once more, in turns with others."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sha = hashlib.sha256()

    async def parts(self) -> AsyncIterator[bytes]:
        """Give its bytes."""
        with self._path.open("rb") as file:
            while data := file.read(_PART):
                self._sha.update(data)
                yield data
                await asyncio.sleep(0)

    def check(self, digest: str) -> None:
        """Refuse a file that was not the one that it was. BulkError."""
        if self._sha.hexdigest() != digest:
            raise BulkError("the file was changed while it was read: import it again")


async def _begin(database: Database, office: Office, options: BulkOptions, name: str, digest: str) -> Summary:
    """Find the job, or begin it; returns how far it is."""
    async with database.writing() as connection:
        await check_company(connection, options.tenant)
        if options.dry_run:
            return Summary()
        found = (await connection.execute(sa.select(bulk_jobs).where(bulk_jobs.c.id == name))).one_or_none()
        if found is not None and found.state == "running" and not options.from_start:
            return Summary(rows=found.rows, changed=found.changed, bad=found.bad, resumed_after=found.rows)
        await connection.execute(sa.delete(bulk_jobs).where(bulk_jobs.c.id == name))
        await connection.execute(
            sa.insert(bulk_jobs).values(
                id=name,
                tenant=options.tenant,
                digest=digest,
                state="running",
                rows=0,
                changed=0,
                bad=0,
                started_at=office.now,
                updated_at=office.now,
            )
        )
        return Summary()


async def _advance(connection: AsyncConnection, name: str, before: Summary, after: Summary, now: datetime) -> None:
    """Note how far the job is. BulkError when somebody else has taken it further."""
    moved = await connection.execute(
        sa.update(bulk_jobs)
        .where(bulk_jobs.c.id == name, bulk_jobs.c.rows == before.rows, bulk_jobs.c.state == "running")
        .values(rows=after.rows, changed=after.changed, bad=after.bad, updated_at=now)
    )
    if moved.rowcount != 1:
        raise BulkError("somebody else is importing the same file: wait until they are done")


async def _finish(connection: AsyncConnection, name: str, now: datetime) -> None:
    await connection.execute(sa.update(bulk_jobs).where(bulk_jobs.c.id == name).values(state="done", updated_at=now))
