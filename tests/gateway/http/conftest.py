"""One running gateway for all tests that only send, and one of its own for a test that breaks a store."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.gateway.running_edge import Edge, running_edge


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def edge() -> AsyncIterator[Edge]:
    """A gateway that many tests share; their loop must be the session's. What a test changes it puts back."""
    async with running_edge() as shared:
        yield shared


@pytest_asyncio.fixture(loop_scope="session")
async def own_edge() -> AsyncIterator[Edge]:
    """A gateway that a test may ruin."""
    async with running_edge() as alone:
        yield alone
