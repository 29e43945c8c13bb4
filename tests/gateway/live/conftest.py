"""One running gateway whose events many tests listen to, and one of its own for a test that breaks something."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.gateway.live.connected import Hand
from tests.gateway.running_edge import Edge, running_edge
from tests.gateway.tokens import public_key, sign_in

ORIGIN = "https://console.example.com"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def edge() -> AsyncIterator[Edge]:
    """A gateway that many tests share; their loop must be the session's. What a test changes it puts back."""
    async with running_edge(web_origins=(ORIGIN,)) as shared:
        await shared.registry.write(public_key() | sign_in())
        yield shared


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hand(edge: Edge) -> Hand:
    """Does the worker's part."""
    return await Hand(edge.queue).own()


@pytest_asyncio.fixture(loop_scope="session")
async def own_edge() -> AsyncIterator[Edge]:
    """A gateway that a test may ruin."""
    async with running_edge(web_origins=(ORIGIN,)) as alone:
        yield alone
