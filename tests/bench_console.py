"""How long the console's pages take with 100,000 numbers: `python -m tests.bench_console [--numbers N] [--url URL]`.

A new SQLite database (or the empty PostgreSQL database at URL) gets one company with N numbers, two a person, all in
one campaign. Then every page is asked for some times over HTTP, by an admin who is signed in. Milliseconds of wall
clock as a client on this machine sees them, sign-in check and rendering included; bytes of a page. Nothing is asserted.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from registry.database import Database
from registry.settings import Settings
from registry.tables import assignments, numbers, users
from tests.registry.builders import a_number, a_user, an_assignment
from tests.registry.console.test_browser import ADDRESSES
from tests.registry.console.visitors import a_console
from tests.valkey import Valkey

AT_ONCE = 5_000
ASKED = 15


def _did(place: int) -> str:
    return f"+1303{2_000_000 + place:07}"


def _row(record: object) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__slots__}  # type: ignore[attr-defined]


async def fill(database: Database, number: int) -> None:
    """Write the company's people, numbers and assignments, as they would be after years."""
    for first in range(0, number, AT_ONCE):
        places = range(first, min(number, first + AT_ONCE))
        people = [a_user(f"p{one // 2}", name=f"Person {one // 2:06}") for one in places if one % 2 == 0]
        async with database.writing() as connection:
            await connection.execute(sa.insert(users), [_row(one) for one in people])
            owned = [
                a_number(_did(one), user=f"p{one // 2}", sms="superseded" if one % 2 else "enabled", sms_page=True)
                for one in places
            ]
            await connection.execute(sa.insert(numbers), [_row(one) for one in owned])
            links = [an_assignment(_did(one)) for one in places]
            await connection.execute(sa.insert(assignments), [_row(one) for one in links])


async def measure(settings: Settings, store_url: str, number: int) -> None:
    """Serve, fill, ask, print."""
    async with a_console(settings, store_url) as console:
        await fill(console.database, number)
        visitor = await console.visitor("admin")
        print(f"{number:,} numbers; milliseconds of a page: median, slowest of {ASKED}; bytes")
        for path, who in [*ADDRESSES, ("/phone-system/sms?prefix=3032050", "admin")]:
            if who != "admin":
                continue
            took, seen = [], None
            for _ in range(ASKED):
                began = time.perf_counter()
                seen = await visitor.go(f"/console{path}")
                took.append((time.perf_counter() - began) * 1000)
            size = len(seen.text.encode())
            print(f"  {path or '/':44}{statistics.median(took):8.1f}{max(took):8.1f}{size:10,}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--numbers", type=int, default=100_000, help="how many (100,000)")
    parser.add_argument("--url", default="", help="SQLAlchemy URL of an empty PostgreSQL database (SQLite)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Valkey() as store:
        settings = Settings(data_dir=Path(folder) / "data", database_url=options.url)
        asyncio.run(measure(settings, store.url, options.numbers))


if __name__ == "__main__":
    main()
