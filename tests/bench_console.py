"""How long the console's pages take with 100,000 numbers: `python -m tests.bench_console [--postgresql] [--shape S]`.

A new SQLite database (--postgresql: a PostgreSQL started for this, as tests do; --url: an empty one that is there) gets
one company as it would be after years (bench_console_filling.py). Then every page of the console is asked for over HTTP
by somebody who is signed in, each some times, lists by what is rare among them, too. What else a registry does goes on,
but for the walk of the drift check: it takes a core's share all day, whoever looks at pages.

Of each page, in milliseconds: server, from the request's headers to the answer, sign-in check and rendering included
(median, slowest); cpu, processor time of this process meanwhile, SQLite's threads included and PostgreSQL not; client,
wall clock of whoever asked on this machine. And how many SQL statements it took, and bytes. Nothing is asserted.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy import event

from registry import app as registry_app
from registry.database import Database
from registry.drift.sweep import Sweep
from registry.settings import Settings
from tests.bench_console_filling import SHAPES, Filled, fill
from tests.postgres import Postgres, find_binaries
from tests.registry.admin import serving
from tests.registry.console.test_browser import ADDRESSES
from tests.registry.console.visitors import Console, Visitor, people
from tests.valkey import Valkey

ASKED = 15
BOUND_MS = 50.0
#: Statements a second that a registry needs which nobody uses, and how long they are waited for.
QUIET_STATEMENTS = 60
QUIET_MOST_S = 60


class Cost(NamedTuple):
    """What one answer took."""

    server_ms: float
    cpu_ms: float
    client_ms: float
    statements: int
    size: int
    status: int


class Meter:
    """Measures what the server does for one request at a time."""

    def __init__(self) -> None:
        self.server_ms = self.cpu_ms = 0.0
        self.statements = 0

    def around(self, outermost: Any) -> Any:
        """Return the registry's outermost handler, measured."""

        @web.middleware
        async def timed(request: web.Request, handler: Any) -> web.StreamResponse:
            self.statements = 0
            cpu, wall = time.process_time(), time.perf_counter()
            try:
                return await outermost(request, handler)
            finally:
                self.server_ms = (time.perf_counter() - wall) * 1000
                self.cpu_ms = (time.process_time() - cpu) * 1000

        return timed

    def count(self, *_: Any) -> None:
        """Count a statement."""
        self.statements += 1


async def _stands_still(_: Sweep) -> None:
    await asyncio.Event().wait()


@contextlib.contextmanager
def metered() -> Iterator[Meter]:
    """Measure whatever a registry of this process serves."""
    meter = Meter()
    event.listen(sa.Engine, "before_cursor_execute", meter.count)
    try:
        with (
            patch.object(registry_app, "answer_problems", meter.around(registry_app.answer_problems)),
            patch.object(Sweep, "run", _stands_still),
        ):
            yield meter
    finally:
        event.remove(sa.Engine, "before_cursor_execute", meter.count)


def addresses(filled: Filled) -> Iterator[tuple[str, str]]:
    """Return what is asked for, and who asks."""
    yield from ADDRESSES
    for path in filled.more:
        yield path, "admin"


async def ask(visitor: Visitor, path: str, meter: Meter) -> Cost:
    """Ask for a page once."""
    began = time.perf_counter()
    seen = await visitor.go(f"/console{path}")
    client_ms = (time.perf_counter() - began) * 1000
    return Cost(meter.server_ms, meter.cpu_ms, client_ms, meter.statements, len(seen.text.encode()), seen.status)


async def quiet(meter: Meter) -> None:
    """Wait until what follows from filling and signing in is through, such as a look at every open request."""
    for _ in range(QUIET_MOST_S):
        meter.statements = 0
        await asyncio.sleep(1)
        if meter.statements < QUIET_STATEMENTS:
            return


async def measure(console: Console, filled: Filled, meter: Meter, only: str) -> int:
    """Ask for every page, print what each took; gives how many took longer than they should."""
    visitors = {"admin": await console.visitor("admin"), "operator": await console.visitor("operator")}
    await visitors["operator"].go("/console/provider/tenants")
    await visitors["operator"].send("/console/provider/tenants/acme/look")
    await quiet(meter)
    print(f"{'milliseconds':64}{'server':>8}{'slowest':>8}{'cpu':>8}{'client':>8}{'SQL':>5}{'bytes':>9}")
    slow = 0
    for path, who in addresses(filled):
        if only not in path:
            continue
        costs = [await ask(visitors[who], path, meter) for _ in range(ASKED)]
        server, cpu, client = (statistics.median(of) for of in list(zip(*costs, strict=True))[:3])
        last = costs[-1]
        slow += server > BOUND_MS
        marks = (" >" if server > BOUND_MS else "") + (
            "" if last.status == web.HTTPOk.status_code else f" {last.status}"
        )
        times = "".join(f"{one:8.1f}" for one in (server, max(one.server_ms for one in costs), cpu, client))
        print(f"  {path or '/':62}{times}{last.statements:5}{last.size:9,}{marks}")
    return slow


async def run(settings: Settings, store_url: str, options: argparse.Namespace) -> None:
    """Fill, serve, ask, print."""
    async with Database.opened(settings) as database:
        began = time.perf_counter()
        keys = await people(database)
        filled = await fill(settings, database, options.shape, options.numbers)
        kind, took_s = "PostgreSQL" if settings.database_url else "SQLite", time.perf_counter() - began
        print(f"{kind}, {options.numbers:,} numbers, {SHAPES[options.shape]}; filled in {took_s:.0f} s")
        with metered() as meter:
            async with serving(settings, store_url, keys) as api:
                console = Console(api, database)
                print(f"load average before: {os.getloadavg()[0]:.1f}; {ASKED} times each")
                slow = await measure(console, filled, meter, options.only)
                await console.close()
        print(f"{slow} pages took longer than {BOUND_MS:.0f} ms; load average after: {os.getloadavg()[0]:.1f}")


@contextlib.contextmanager
def a_database(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Give the URLs of an empty database and of a ledger's; "" are SQLite's."""
    if not options.postgresql:
        yield options.url, options.ledger_url
        return
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("There is no PostgreSQL: see tests/README.md.")
    with Postgres(binaries) as server, server.database() as registry, server.database() as ledger:
        yield server.url(registry), server.url(ledger)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--numbers", type=int, default=100_000, help="how many (100,000)")
    parser.add_argument(
        "--shape", choices=SHAPES, default="pool", help="; ".join(f"{k}: {v}" for k, v in SHAPES.items())
    )
    parser.add_argument("--only", default="", help="pages with this in their address")
    parser.add_argument("--postgresql", action="store_true", help="start a PostgreSQL for it")
    parser.add_argument("--url", default="", help="SQLAlchemy URL of an empty PostgreSQL database (SQLite)")
    parser.add_argument("--ledger-url", default="", help="the same for the ledger (SQLite)")
    options = parser.parse_args()
    with a_database(options) as (url, ledger), tempfile.TemporaryDirectory() as folder, Valkey() as store:
        settings = Settings(data_dir=Path(folder) / "data", database_url=url, ledger_url=ledger)
        asyncio.run(run(settings, store.url, options))


if __name__ == "__main__":
    main()
