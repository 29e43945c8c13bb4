"""How quickly files of numbers become rows: `python -m tests.bench_bulk [--rows N] [--only sqlite] [--way command]`.

Three sorts of files of N rows, one after the other, on a company with N people and nothing else:

* new: every row is a number that nobody had, with its user and its campaign;
* enabled: the same numbers are switched on by wishes, each by the rules of an admin's own hand;
* unchanged: the second file once more, which finds everything as it should be;

and then the numbers are written out. Once as the command does it (the new ones --as-import, with their states), and
once over HTTP, inside the company's walls (the new ones as wishes, too, so that the aggregator has N jobs). The rows,
their audit with its chain of hashes, the documents for the registry store and the report are part of it. The chain is
checked at the end. Both databases sync each commit to the disk; on PostgreSQL the registry is the owner of its tables,
and no superuser, whom no policy would bind.

Wall clock; beside it the processor time of this process (over HTTP, the caller's, too) and, for PostgreSQL, of its
server, because on a machine that others use too only that can be compared; at the end the most memory that this process
ever had. Nothing is asserted.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import uvloop
from aiohttp import web
from aiohttp.test_utils import TestServer

from registry import many
from registry.audit.verifying import verify
from registry.bulk.columns import KINDS
from registry.bulk.export import export
from registry.bulk.jobs import BulkOptions, run_file
from registry.bulk.judged import Office
from registry.bulk.routes import BulkApi
from registry.commands import change
from registry.credentials import mint
from registry.database import Database
from registry.flows.desk import Limits
from registry.http_common import answer_problems
from registry.settings import Settings
from tests.postgres import Postgres, find_binaries
from tests.registry.builders import a_brand, a_campaign, a_tenant, a_user

#: One sort of rows: what it is called, and what takes it in or out.
Steps = Mapping[str, Callable[[], Awaitable[None]]]
Way = Callable[[Database, Path, int], contextlib.AbstractAsyncContextManager[Steps]]

_HEADERS = {"command": "did,user,kind,sms,assignment,campaign_id,brand_id", "http": "did,user,campaign_id"}
_CELLS = {"command": "local,disabled,assigned,CACME,BACME", "http": "CACME"}


def _did(place: int) -> str:
    return f"+1202{2_000_000 + place}"


def _write_files(folder: Path, rows: int, way: str = "command") -> tuple[Path, Path]:
    new, wishes = folder / "new.csv", folder / "wishes.csv"
    with new.open("w") as file:
        file.write(f"{_HEADERS[way]}\n")
        file.writelines(f"'{_did(place)},u{place},{_CELLS[way]}\n" for place in range(rows))
    with wishes.open("w") as file:
        file.write("did,enabled\n")
        file.writelines(f"'{_did(place)},yes\n" for place in range(rows))
    return new, wishes


@contextlib.asynccontextmanager
async def by_command(database: Database, folder: Path, rows: int) -> AsyncIterator[Steps]:
    """Run files as `bulk import` and `bulk export` do."""
    new, wishes = _write_files(folder, rows)

    async def run(file: Path, *, as_import: bool) -> None:
        office = Office(tenant="acme", actor="bench", now=datetime.now(UTC), operator=True)
        report = folder / "report.ndjson"
        options = BulkOptions(file=file, kind="numbers", tenant="acme", report=report, as_import=as_import)
        if (summary := await run_file(database, office, options, lambda *_: None)).bad:
            raise SystemExit(f"{summary.bad} rows were bad")

    async def written() -> None:
        async for _ in export(database, KINDS["numbers"], "acme", "csv"):
            pass

    yield {
        "new": lambda: run(new, as_import=True),
        "enabled": lambda: run(wishes, as_import=False),
        "unchanged": lambda: run(wishes, as_import=False),
        "exported": written,
    }


@contextlib.asynccontextmanager
async def by_http(database: Database, folder: Path, rows: int) -> AsyncIterator[Steps]:
    """Send files to the API, and get one, as the provider's operator does for a company."""
    new, wishes = _write_files(folder, rows, "http")
    key = mint(tenant="provider", user=None, scopes=("operator",), label="bench", at=datetime.now(UTC))
    async with database.writing() as connection:
        await change(connection, actor="bench", put=[a_tenant("provider", provider=True), key.record])
    app = web.Application(middlewares=[answer_problems])
    app.add_routes(BulkApi(database=database, limits=Limits()).routes())
    headers = {"Authorization": f"Bearer {key.text}", "A2P-Tenant": "acme", "Content-Type": "text/csv"}
    session = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=None), read_bufsize=1 << 20)
    async with TestServer(app) as server, session:

        async def post(file: Path) -> None:
            last: Any = None
            data = await asyncio.to_thread(file.read_bytes)
            # Not the file itself: aiohttp's client gives up sending it, without a word, when the answer begins before.
            async with session.post(server.make_url("/v1/bulk/numbers"), data=data) as answer:
                answer.raise_for_status()
                async for line in answer.content:
                    last = line
            told = orjson.loads(last)
            if (told["rows"], told["bad"], told["whole"]) != (rows, 0, True):
                raise SystemExit(f"not all rows were taken: {told}")

        async def get() -> None:
            async with session.get(server.make_url("/v1/bulk/numbers")) as answer:
                answer.raise_for_status()
                async for _ in answer.content.iter_chunked(1 << 16):
                    pass

        yield {
            "new": lambda: post(new),
            "enabled": lambda: post(wishes),
            "unchanged": lambda: post(wishes),
            "exported": get,
        }


WAYS: Mapping[str, Way] = {"command": by_command, "http": by_http}


async def measure(
    settings: Settings, name: str, way: str, folder: Path, rows: int, server: Callable[[], float]
) -> None:
    """Take the files in, and write one out."""
    async with Database.opened(settings) as database:
        fixed = [a_tenant(), a_brand(), a_campaign(number_pool="approved")]
        for start in range(0, rows, 2_000):
            people = [a_user(f"u{place}") for place in range(start, min(start + 2_000, rows))]
            async with database.writing() as connection:
                await many.by_keys(connection)
                await change(connection, actor="bench", put=[*(fixed if start == 0 else ()), *people])
        async with WAYS[way](database, folder, rows) as steps:
            for what, step in steps.items():
                began, ours, theirs = time.perf_counter(), time.process_time(), server()
                await step()
                took, ours, theirs = time.perf_counter() - began, time.process_time() - ours, server() - theirs
                print(
                    f"{name:10} {way:8} {what:9} {rows / took:9,.0f} rows/s  {took:7.2f} s  (this process {ours:.2f} s,"
                    f" the server {theirs:.2f} s, load {os.getloadavg()[0]:.1f})",
                    flush=True,
                )
        async with database.reading() as connection:
            verdict = await verify(connection, {}, lambda *_: None)
        print(f"{name:10} {way:8} audit: {verdict.head.length:,} rows, {verdict.finding or 'the chain is whole'}")


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
    """Run a server that syncs, and give the URL of a new database in it, as its owner, and its folder."""
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("there is no PostgreSQL")
    with Postgres(binaries, durable=True) as server:
        server.run("CREATE ROLE registry LOGIN CREATEROLE")
        with server.database(owner="registry") as name:
            yield server.url(name, user="registry"), server.folder


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--way", choices=list(WAYS), help="only this one")
    given = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for way in [given.way] if given.way else WAYS:
        with tempfile.TemporaryDirectory() as folder:
            if given.only != "postgresql":
                settings = Settings(data_dir=Path(folder) / "data")
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(measure(settings, "SQLite", way, Path(folder), given.rows, lambda: 0.0))
            if given.only != "sqlite":
                with postgresql() as (url, data), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    settings = Settings(database_url=url)
                    spent = partial(_processor_time, data)
                    runner.run(measure(settings, "PostgreSQL", way, Path(folder), given.rows, spent))
    print(f"memory of this process, at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
