"""Fixtures of the console's tests."""

import pytest

from tests.registry.console.visitors import a_console


@pytest.fixture
async def console(settings, store, valkey_server):
    """A served console, and whoever visits it."""
    del store  # Empty, with functions.
    async with a_console(settings, valkey_server.url) as console:
        yield console


@pytest.fixture
async def admin(console):
    """A browser of an admin of acme."""
    return await console.visitor("admin")
