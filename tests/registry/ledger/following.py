"""``python -m tests.registry.ledger.following QUEUE_URL LEDGER_URL KILLS``: followers that die, and one that ends.

Each is a process of its own, forked from this one, which has everything imported, and killed at a random moment after
it said that it is about to write.
"""

import asyncio
import os
import random
import signal
import sys
import time

from prometheus_client import CollectorRegistry

from metrics.registry import RegistryMetrics
from registry.ledger.database import LedgerDatabase
from registry.ledger.follower import Follower
from registry.ledger.journals import Journals
from registry.settings import Settings


async def follow(queue_url, ledger_url, said):
    """Follow in small batches, until nothing is new."""
    settings = Settings(queue_url=queue_url, ledger_url=ledger_url)
    async with LedgerDatabase.made(settings) as ledger, Journals.connected(queue_url) as journals:
        follower = Follower(journals, ledger, RegistryMetrics(CollectorRegistry()), count=2)
        await ledger.signing_key()
        os.write(said, b".")
        await follower.step()


def main(queue_url, ledger_url, kills):
    """Kill so many."""
    moments = random.Random(11)
    for _ in range(int(kills)):
        reading, writing = os.pipe()
        if not (child := os.fork()):
            asyncio.run(follow(queue_url, ledger_url, writing))
            os._exit(0)
        os.close(writing)
        os.read(reading, 1)
        os.close(reading)
        time.sleep(moments.random() * 0.2)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else "ended", flush=True)
    asyncio.run(follow(queue_url, ledger_url, 2))


if __name__ == "__main__":
    main(*sys.argv[1:])
