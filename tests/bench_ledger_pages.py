"""How quickly a large ledger answers: `python -m tests.bench_ledger_pages [--messages N] [--url URL]`.

A new SQLite file (or the empty database at URL) gets N messages of one company, drawn with a seed, by the ledger's own
statements; then each kind of question is asked some hundred times, at the beginning and from places in the middle.
Milliseconds of wall clock, through SQLAlchemy, row objects included. Nothing is asserted.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

from registry.ledger.bulk import insert
from registry.ledger.database import LedgerDatabase
from registry.ledger.queries import Place, Search, page
from registry.ledger.tables import messages
from registry.settings import Settings

START_MS = 1_795_204_800_000
AT_ONCE = 20_000
ASKED = 100
#: Name, and the question; what is drawn is drawn anew each time.
QUESTIONS = {
    "all": lambda _: Search(),
    "number": lambda pick: Search(number=f"+1212555{pick.randrange(2_000):04}"),
    "counterpart": lambda pick: Search(counterpart=f"+1646555{pick.randrange(10_000):04}"),
    "user": lambda pick: Search(user=f"u{pick.randrange(2_000)}"),
    "reason, rare": lambda _: Search(reason="did_unassigned"),
    "status, rare": lambda _: Search(status="failed"),
    "channel and verdict, none": lambda _: Search(channel="im", verdict="defer"),
    "number and status, few": lambda pick: Search(number=f"+1212555{pick.randrange(2_000):04}", status="failed"),
    "one day": lambda _: Search(since_ms=START_MS + 86_400_000, until_ms=START_MS + 2 * 86_400_000),
}


def a_row(pick: random.Random, place: int) -> tuple[object, ...]:
    """Draw a message."""
    user, at_ms = pick.randrange(2_000), START_MS + place * 700
    verdict, reason = pick.choices((("allow", "ok_registered"), ("block", "did_unassigned")), (99, 1))[0]
    status = "refused" if verdict == "block" else pick.choices(("delivered", "failed"), (98, 2))[0]
    return (
        *(f"{user % 4}-{at_ms}-0-0", "acme", at_ms, f"u{user}", pick.choice(("sms", "mms")), "app"),
        *(f"+1212555{user:04}", f"+1646555{pick.randrange(10_000):04}", "p2p", "message", verdict, reason),
        *("C1", 1, "gsm7", 1, "[]", None, 0, at_ms + 14_400_000, status, at_ms + 900, 4, 1, 0),
        *(int(status == "refused"), None),
    )


async def measure(ledger: LedgerDatabase, number: int) -> None:
    """Fill, ask, print."""
    pick = random.Random(7)
    for first in range(0, number, AT_ONCE):
        async with ledger.writing() as connection:
            await insert(connection, messages, [a_row(pick, first + place) for place in range(AT_ONCE)])
    print(f"{number:,} messages; milliseconds of a page of 50: median, slowest of {ASKED}")
    for name, question in QUESTIONS.items():
        took = []
        for turn in range(ASKED):
            after = Place(START_MS + pick.randrange(number) * 700, "~") if turn % 2 else None
            async with ledger.reading(tenant="acme") as connection:
                began = time.perf_counter()
                await page(connection, "acme", question(pick), after=after, limit=50)
                took.append((time.perf_counter() - began) * 1000)
        print(f"  {name:28}{statistics.median(took):8.1f}{max(took):8.1f}")


async def run(url: str, number: int) -> None:
    """Open the ledger and measure."""
    with tempfile.TemporaryDirectory() as folder:
        async with LedgerDatabase.made(Settings(data_dir=Path(folder), ledger_url=url)) as ledger:
            await measure(ledger, number)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=1_000_000, help="how many (1,000,000)")
    parser.add_argument("--url", default="", help="SQLAlchemy URL of an empty database; a new SQLite file otherwise")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.url, arguments.messages))


if __name__ == "__main__":
    main()
