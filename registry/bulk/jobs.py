"""Runs a file: batch after batch, each with its place in the file in one transaction, so that it can be cut off.

A job is a file's digest, for one company, as one kind. A run that was killed left its last batch committed whole or not
at all, and the job says how far it is; the next run of the same file goes on there and ends as one run would have. A
file that is another by a single byte is another job. A file that was done is done again, from its beginning.

Not here: what a row means (batches.py), and the terminal (cli.py).
"""

import asyncio
import gc
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.bulk.batches import BATCH, judge, write
from registry.bulk.columns import KINDS, Kind
from registry.bulk.judged import Judged, Office
from registry.bulk.reading import Row, Rows
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

    def plus(self, judged: Judged) -> "Summary":
        """Count a batch in."""
        bad = sum(1 for one in judged.outcomes if one.faults)
        changed = sum(1 for one in judged.outcomes if one.changed and not one.faults)
        return replace(self, rows=self.rows + len(judged.outcomes), changed=self.changed + changed, bad=self.bad + bad)


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
    with ReportFile(options.report, begun.rows) as report, _few_collections():
        async with _read_ahead(options.file, kind, digest, begun.rows) as batches:
            async for some in batches:
                now = replace(office, now=datetime.now(UTC))
                first = done.rows + 1
                if options.dry_run:
                    async with database.reading() as connection:
                        judged = await judge(connection, now, kind, some, as_import=options.as_import)
                    report.add(lines(first, some, judged.outcomes))
                    done = done.plus(judged)
                else:
                    async with database.writing() as connection:
                        judged = await judge(connection, now, kind, some, as_import=options.as_import)
                        batches.go_on()
                        await write(connection, now, judged)
                        after = done.plus(judged)
                        await _advance(connection, name, done, after, now.now)
                        report.add(lines(first, some, judged.outcomes))  # (before the commit: never too little)
                    done = after
                progress(some[-1].line - line, total)
                line = some[-1].line
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


class _Ahead:
    """Batches of a file, of which the next can be read while the last one is being written."""

    def __init__(self, batches: AsyncIterator[list[Row]]) -> None:
        self._batches = batches
        self._next: asyncio.Task[list[Row] | None] | None = None

    def go_on(self) -> None:
        """Read the next batch meanwhile; what is wrong with it is said when it is asked for."""
        if self._next is None:
            self._next = asyncio.create_task(self._read())

    async def __anext__(self) -> list[Row]:
        self.go_on()
        if self._next is None or (some := await self._next) is None:
            raise StopAsyncIteration
        self._next = None
        return some

    def __aiter__(self) -> Self:
        return self

    async def end(self) -> None:
        """Read no more."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)

    async def _read(self) -> list[Row] | None:
        return await anext(self._batches, None)


@asynccontextmanager
async def _read_ahead(path: Path, kind: Kind, digest: str, skip: int) -> AsyncIterator[_Ahead]:
    async with aclosing(_batches(path, kind, digest, skip)) as batches:
        ahead = _Ahead(batches)
        try:
            yield ahead
        finally:
            await ahead.end()


async def _batches(path: Path, kind: Kind, digest: str, skip: int) -> AsyncGenerator[list[Row], None]:
    """Read a file again, from behind the rows that are done. BulkError when it is not the one that it was."""
    rows, some, seen, sha = Rows(kind), list[Row](), 0, hashlib.sha256()

    def full(read: Iterator[Row]) -> Iterator[list[Row]]:
        nonlocal seen, some
        for row in read:
            seen += 1
            if seen > skip:
                some.append(row)
            if len(some) == BATCH:
                yield some
                some = []

    with path.open("rb") as file:
        while data := file.read(_PART):
            sha.update(data)
            for batch in full(rows.feed(data)):
                yield batch
            await asyncio.sleep(0)
    for batch in full(rows.end()):
        yield batch
    if some:
        yield some
    if sha.hexdigest() != digest:
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
