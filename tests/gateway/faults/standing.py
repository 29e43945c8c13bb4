"""A gateway whose queue store is behind a fault proxy, and what tests of faults ask of it.

Not here: the faults (loadtests/faults/proxy.py).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

import aiohttp

from gateway.queue import Status
from gateway.queue.store import QueueStore, open_store
from loadtests.faults.proxy import Proxy
from tests.gateway.running_edge import Answer, Edge, running_edge
from tests.valkey import Valkey

#: Codes that say: not now, and nothing is lost by asking again with the same key.
NOT_NOW = frozenset({"overloaded", "queue_full", "queue_unavailable", "outcome_unknown"})
LIMIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A running gateway, and the proxy through which it reaches its queue store; edge.queue goes there directly."""

    edge: Edge
    proxy: Proxy

    @property
    def url(self) -> str:
        """The queue store by way of the proxy."""
        return f"redis://127.0.0.1:{self.proxy.port}/0"


@contextlib.asynccontextmanager
async def standing(server: Valkey | None = None, **settings: Any) -> AsyncIterator[Stand]:
    """Run a gateway behind a proxy without faults, on a queue server of its own unless one is given."""
    async with contextlib.AsyncExitStack() as stack:
        queue_server = server or stack.enter_context(Valkey())
        proxy = await stack.enter_async_context(Proxy(str(queue_server.socket), seed=1))
        edge = await stack.enter_async_context(
            running_edge(queue_server=queue_server, queue_url=f"redis://127.0.0.1:{proxy.port}/0", **settings)
        )
        yield Stand(edge=edge, proxy=proxy)


@contextlib.asynccontextmanager
async def far_store(proxy: Proxy, *, timeout_s: float = 5.0) -> AsyncIterator[QueueStore]:
    """Open the queue store by way of a proxy."""
    async with open_store(f"redis://127.0.0.1:{proxy.port}/0", timeout_s=timeout_s) as store:
        yield store


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until a condition holds; fails when it never does."""
    try:
        async with asyncio.timeout(LIMIT_S):
            while not await holds():  # noqa: ASYNC110 - a condition of the world, which signals nobody
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"it never came to this: {what}") from None


async def readiness(edge: Edge) -> tuple[int, str]:
    """Ask the admin port whether traffic should come here: a status, and what it says."""
    url = f"http://127.0.0.1:{edge.gateway.admin_port}/readyz"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        return response.status, await response.text()


async def until_ready(edge: Edge) -> None:
    """Wait until the gateway wants traffic."""

    async def ready() -> bool:
        return (await readiness(edge))[0] == 200

    await until(ready, "ready")


async def until_not_ready(edge: Edge, reason: str) -> None:
    """Wait until the gateway wants none, and says why."""

    async def refuses() -> bool:
        status, said = await readiness(edge)
        return status == 503 and reason in said

    await until(refuses, f"not ready for {reason}")


async def until_kept(edge: Edge, key: str, **fields: Any) -> Answer:
    """Repeat a request with its key until it is accepted; every other answer on the way is an honest "not now"."""
    answers: list[Answer] = []

    async def accepted() -> bool:
        answers.append(await edge.send(idempotency_key=key, **fields))
        if answers[-1].status == 202:
            return True
        assert (answers[-1].status, answers[-1].json["code"] in NOT_NOW) == (503, True), answers[-1].text
        return False

    await until(accepted, f"{key} accepted")
    return answers[-1]


async def assert_kept_once(edge: Edge, ids: Collection[str]) -> None:
    """These messages are all that there are, each once."""
    assert len(set(ids)) == len(ids)
    assert None not in await edge.queue.look(list(ids))
    counts = await edge.queue.counts()
    assert sum(one.accepted for one in counts) == len(ids)
    for one in counts:
        assert one.accepted == sum(one.by_status.values())


async def until_all(edge: Edge, ids: Collection[str], *statuses: Status) -> None:
    """Wait until all these messages have one of these statuses."""
    wanted = list(ids)

    async def there() -> bool:
        return all(one is not None and one.status in statuses for one in await edge.queue.look(wanted))

    await until(there, f"all {statuses}")
