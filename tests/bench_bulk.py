"""How quickly files of numbers become rows: `python -m tests.bench_bulk [--rows N] [--only sqlite]`.

A file of N new numbers with their assignments is taken in as it is (--as-import), the same numbers are then enabled by
a file of wishes, each with the rules of an admin's own hand, the second file is read once more and changes nothing, and
the numbers are written out. The rows, their audit with its chain of hashes, the documents
for the registry store and the report are part of it. Both databases sync each commit to the disk.

Wall clock; beside it the processor time of this process and, for PostgreSQL, of its server, because on a machine that
others use too only that can be compared. Nothing is asserted.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from registry.bulk.columns import KINDS
from registry.bulk.export import export
from registry.bulk.jobs import BulkOptions, Summary, run_file
from registry.bulk.judged import Office
from registry.commands import change
from registry.database import Database
from registry.settings import Settings
from tests.postgres import Postgres, find_binaries
from tests.registry.builders import a_brand, a_campaign, a_tenant, a_user


def _did(place: int) -> str:
    return f"+1202{2_000_000 + place}"


def _write_files(folder: Path, rows: int) -> tuple[Path, Path]:
    new, wishes = folder / "new.csv", folder / "wishes.csv"
    with new.open("w") as file:
        file.write("did,user,kind,sms,assignment,campaign_id,brand_id\n")
        file.writelines(f"'{_did(place)},u{place},local,disabled,assigned,CACME,BACME\n" for place in range(rows))
    with wishes.open("w") as file:
        file.write("did,enabled\n")
        file.writelines(f"'{_did(place)},yes\n" for place in range(rows))
    return new, wishes


async def measure(settings: Settings, name: str, folder: Path, rows: int) -> None:
    """Take both files in, and write one out."""
    new, wishes = _write_files(folder, rows)
    async with Database.opened(settings) as database:
        fixed = [a_tenant(), a_brand(), a_campaign(number_pool="approved")]
        people = [a_user(f"u{place}") for place in range(rows)]
        for start in range(0, rows, 2_000):
            async with database.writing() as connection:
                await change(
                    connection, actor="bench", put=[*(fixed if start == 0 else ()), *people[start : start + 2_000]]
                )

        async def run(file: Path, *, as_import: bool) -> Summary:
            office = Office(tenant="acme", actor="bench", now=datetime.now(UTC), operator=True)
            report = folder / "report.ndjson"
            options = BulkOptions(file=file, kind="numbers", tenant="acme", report=report, as_import=as_import)
            return await run_file(database, office, options, lambda *_: None)

        for what, file, as_import in (("new", new, True), ("enabled", wishes, False), ("unchanged", wishes, False)):
            began, busy = time.perf_counter(), time.process_time()
            summary = await run(file, as_import=as_import)
            took, busy = time.perf_counter() - began, time.process_time() - busy
            if summary.bad:
                raise SystemExit(f"{summary.bad} rows were bad")
            show(name, what, rows, took, busy)
        began, busy = time.perf_counter(), time.process_time()
        async for _ in export(database, KINDS["numbers"], "acme", "csv"):
            pass
        show(name, "exported", rows, time.perf_counter() - began, time.process_time() - busy)


def show(name: str, what: str, rows: int, took: float, busy: float) -> None:
    """Print one measure."""
    print(f"{name:10} {what:9} {rows / took:9,.0f} rows/s  {took:7.2f} s  (this process: {busy:.2f} s)", flush=True)


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Run a server that syncs, and give the URL of a new database in it."""
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("there is no PostgreSQL")
    with Postgres(binaries, durable=True) as server, server.database() as name:
        yield server.url(name)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    given = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        if given.only != "postgresql":
            settings = Settings(data_dir=Path(folder) / "data")
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(measure(settings, "SQLite", Path(folder), given.rows))
        if given.only != "sqlite":
            with postgresql() as url, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(measure(Settings(database_url=url), "PostgreSQL", Path(folder), given.rows))
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            print(f"PostgreSQL's own processor time, people included: {used.ru_utime + used.ru_stime:.2f} s")


if __name__ == "__main__":
    main()
