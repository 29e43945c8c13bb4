"""How quickly files of numbers become rows: `python -m tests.bench_bulk [--rows N] [--only sqlite]`.

A file of N new numbers with their assignments is taken in as it is (--as-import), the same numbers are then enabled by
a file of wishes, each with the rules of an admin's own hand, the second file is read once more and changes nothing, and
the numbers are written out. The rows, their audit with its chain of hashes, the documents
for the registry store and the report are part of it. Both databases sync each commit to the disk.

Wall clock; beside it the processor time of this process and, for PostgreSQL, of its server, because on a machine that
others use too only that can be compared; at the end the most memory that this process ever had. Nothing is asserted.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from registry.bulk.columns import KINDS
from registry.bulk.export import export
from registry.bulk.jobs import BulkOptions, run_file
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


async def measure(settings: Settings, name: str, folder: Path, rows: int, server: Callable[[], float]) -> None:
    """Take both files in, and write one out."""
    new, wishes = _write_files(folder, rows)
    async with Database.opened(settings) as database:
        fixed = [a_tenant(), a_brand(), a_campaign(number_pool="approved")]
        for start in range(0, rows, 2_000):
            people = [a_user(f"u{place}") for place in range(start, min(start + 2_000, rows))]
            async with database.writing() as connection:
                await change(connection, actor="bench", put=[*(fixed if start == 0 else ()), *people])

        async def run(file: Path, *, as_import: bool) -> None:
            office = Office(tenant="acme", actor="bench", now=datetime.now(UTC), operator=True)
            report = folder / "report.ndjson"
            options = BulkOptions(file=file, kind="numbers", tenant="acme", report=report, as_import=as_import)
            if (summary := await run_file(database, office, options, lambda *_: None)).bad:
                raise SystemExit(f"{summary.bad} rows were bad")

        async def written() -> None:
            async for _ in export(database, KINDS["numbers"], "acme", "csv"):
                pass

        steps = {
            "new": lambda: run(new, as_import=True),
            "enabled": lambda: run(wishes, as_import=False),
            "unchanged": lambda: run(wishes, as_import=False),
            "exported": written,
        }
        for what, step in steps.items():
            began, ours, theirs = time.perf_counter(), time.process_time(), server()
            await step()
            took, ours, theirs = time.perf_counter() - began, time.process_time() - ours, server() - theirs
            print(
                f"{name:10} {what:9} {rows / took:9,.0f} rows/s  {took:7.2f} s  (this process {ours:.2f} s,"
                f" the server {theirs:.2f} s, load {os.getloadavg()[0]:.1f})",
                flush=True,
            )


def _processor_time(folder: Path) -> float:
    """Return how long the processes of the server in a folder have run so far."""
    postmaster = (folder / "data" / "postmaster.pid").read_text().split()[0]
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if postmaster in {stat.parent.name, fields[1]}:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def postgresql() -> Iterator[tuple[str, Path]]:
    """Run a server that syncs, and give the URL of a new database in it, and its folder."""
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("there is no PostgreSQL")
    with Postgres(binaries, durable=True) as server, server.database() as name:
        yield server.url(name), server.folder


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
                runner.run(measure(settings, "SQLite", Path(folder), given.rows, lambda: 0.0))
        if given.only != "sqlite":
            with postgresql() as (url, data), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                settings = Settings(database_url=url)
                runner.run(measure(settings, "PostgreSQL", Path(folder), given.rows, lambda: _processor_time(data)))
    print(f"memory of this process, at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
