"""How quickly journals become rows: `python -m tests.bench_ledger [--messages N] [--only sqlite]`.

A real Valkey holds the journals of N messages, each with four changes of status, a tenth of them refused; the ledger's
own reader and writer take them into a new SQLite file and into a new PostgreSQL, both of which sync each commit to the
disk. Wall clock from the first look at the store to the last commit, everything on this machine. Nothing is asserted.

A row is one row that was added to a table, with all of its indexes; changes of a message's row are not counted.
"""

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis
import sqlalchemy as sa
import uvloop
from prometheus_client import CollectorRegistry

from metrics.registry import RegistryMetrics
from registry.ledger.database import LedgerDatabase
from registry.ledger.follower import Follower
from registry.ledger.journals import Journals
from registry.ledger.tables import decisions, events, messages, texts
from registry.settings import Settings
from tests.postgres import Postgres, find_binaries
from tests.registry.ledger.journal import Scribe
from tests.valkey import Valkey


async def measure(settings: Settings) -> None:
    """Take the journals in, and say how long it took."""
    async with LedgerDatabase.made(settings) as database, Journals.connected(settings.queue_url) as journals:
        await database.signing_key()
        follower = Follower(journals, database, RegistryMetrics(CollectorRegistry()))
        began, processor = time.perf_counter(), time.process_time()
        await follower.step()
        took, busy = time.perf_counter() - began, time.process_time() - processor
        async with database.reading() as connection:
            counted = [
                int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
                for table in (messages, events, texts, decisions)
            ]
    rows = sum(counted)
    names = ("messages", "events", "texts", "decisions")
    shown = ", ".join(f"{number:,} {name}" for number, name in zip(counted, names, strict=True))
    kind = "PostgreSQL" if settings.ledger_url else "SQLite"
    print(f"{kind:10} {rows / took:9,.0f} rows/s  {counted[1] / took:9,.0f} journal lines/s  {took:6.2f} s", end="  ")
    print(f"({shown}; this process: {busy:.2f} s of processor time)")


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Run a server that syncs, and give the URL of a new database in it."""
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("there is no PostgreSQL")
    with Postgres(binaries, durable=True) as server, server.database() as name:
        yield server.url(name)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=50_000, help="how many messages (50,000)")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one of the two")
    arguments = parser.parse_args()
    with Valkey(settings={"appendfsync": "no"}) as store, tempfile.TemporaryDirectory() as folder:
        with redis.Redis.from_url(store.url, protocol=2) as client:
            Scribe(client).write(arguments.messages)
        base = Settings(data_dir=Path(folder), queue_url=store.url)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            if arguments.only != "postgresql":
                runner.run(measure(base))
        with contextlib.ExitStack() as stack:
            if arguments.only != "sqlite":
                url = stack.enter_context(postgresql())
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(measure(base.model_copy(update={"ledger_url": url})))


if __name__ == "__main__":
    main()
