"""``python -m tests.registry.ledger.following QUEUE_URL LEDGER_URL KILLS``: followers that die, and one that ends.

Each is a process of its own, forked from this one, which has everything imported. The kernel ends it at a random moment
after it began to write, counted in CPU time: however slow the machine is, most die before they are done.
"""

import asyncio
import os
import random
import signal
import sys

from prometheus_client import CollectorRegistry

from metrics.registry import RegistryMetrics
from registry.ledger.database import LedgerDatabase
from registry.ledger.follower import Follower
from registry.ledger.journals import Journals
from registry.settings import Settings


async def follow(queue_url, ledger_url, dies_after_s=0.0):
    """Follow in small batches, until nothing is new, or death. 0: no death."""
    settings = Settings(queue_url=queue_url, ledger_url=ledger_url)
    async with LedgerDatabase.made(settings) as ledger, Journals.connected(queue_url) as journals:
        follower = Follower(journals, ledger, RegistryMetrics(CollectorRegistry()), count=2)
        await ledger.signing_key()
        signal.setitimer(signal.ITIMER_PROF, dies_after_s)  # Nobody handles SIGPROF: that is the end, as with SIGKILL.
        await follower.step()


def main(queue_url, ledger_url, kills):
    """Kill so many."""
    moments = random.Random(11)
    for _ in range(int(kills)):
        if not (child := os.fork()):
            asyncio.run(follow(queue_url, ledger_url, 0.001 + moments.random() * 0.04))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else "ended", flush=True)
    asyncio.run(follow(queue_url, ledger_url))


if __name__ == "__main__":
    main(*sys.argv[1:])
