"""A process that enables the numbers it is told to, one a line, and says when each is done."""

import asyncio
import sys
from pathlib import Path

from registry.database import Database
from registry.flows import numbers
from registry.settings import Settings
from tests.registry.flows.desks import at_desk


async def main(folder, url):
    """Work until the end of standard input."""
    async with Database.opened(Settings(data_dir=Path(folder), database_url=url)) as database:
        while did := (await asyncio.to_thread(sys.stdin.readline)).strip():
            async with at_desk(database) as desk:
                await numbers.enable(desk, did)
            print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
