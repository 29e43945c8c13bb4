"""A page that is open is told of every change since it was read, whatever happens to its connection meanwhile."""

import asyncio
import re

import pytest

from registry.console import live
from tests.registry.builders import a_campaign, a_user
from tests.registry.console.test_requests import put

HOME = "/console"


async def place_of(visitor):
    """Where in the audit a page was read."""
    return int(re.search(r'data-live-at="([0-9]+)"', (await visitor.go(HOME)).text)[1])


async def test_what_changed_before_it_listened_is_told(console, admin):
    """Between a page and its first event lies a moment in which things change, too."""
    at = await place_of(admin)
    await put(console, a_user("eve"))
    async with admin.listen(f"/console/live?at={at}") as told:
        assert (await told())[1] == ["users"]


async def test_what_changed_while_the_connection_was_away_is_told(console, admin):
    """A browser that comes again says what it was told last, and that is where it goes on."""
    at = await place_of(admin)
    async with admin.listen(f"/console/live?at={at}") as told:
        await put(console, a_user("eve"))
        last, kinds = await told()
        assert kinds == ["users"]
    await put(console, a_campaign("C999999"))
    async with admin.listen(f"/console/live?at={at}", **{"Last-Event-ID": str(last)}) as told:
        assert (await told())[1] == ["campaigns"]


async def test_a_page_that_is_new_is_told_nothing(console, admin):
    """It would fetch itself for what it shows; and what others do is not told to it."""
    at = await place_of(admin)
    async with admin.listen(f"/console/live?at={at}") as told:
        await put(console, a_user("eve", tenant="solo"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await told()


@pytest.mark.parametrize("at", ["0", "-1", "", "x", "9" * 30, "1"])
async def test_one_that_is_far_behind_is_told_to_look_at_everything(console, admin, monkeypatch, at):
    """No more than so many rows are looked at for it; what it says wrongly is as if it knew nothing."""
    monkeypatch.setattr(live, "_BATCH", 5)
    for name in range(3):
        await put(console, a_user(f"u-{name}", tenant="solo"))
    async with admin.listen(f"/console/live?at={at}") as told:
        assert live.EVERYTHING in (await told())[1]


async def test_who_is_behind_costs_others_nothing(console, admin):
    """Each is told from its own place on."""
    at = await place_of(admin)
    async with admin.listen("/console/live?at=0") as behind, admin.listen(f"/console/live?at={at}") as new:
        assert "tenants" in (await behind())[1]
        await put(console, a_user("eve"))
        assert (await new())[1] == (await behind())[1] == ["users"]


async def test_a_large_import_of_others_is_nobody_elses_news(console, admin):
    """However many rows it is, pages of other companies do not fetch themselves anew."""
    at = await place_of(admin)
    await put(console, *(a_user(f"u-{name}", tenant="solo") for name in range(2_500)), a_user("eve"))
    async with admin.listen(f"/console/live?at={at}") as told:
        assert (await told())[1] == ["users"]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await told()


async def test_one_that_is_ahead_looks_anew(console, admin):
    """The database was put back to an older one while its page was open."""
    at = await place_of(admin)
    async with admin.listen(f"/console/live?at={at + 1_000}") as told:
        assert live.EVERYTHING in (await told())[1]
        await put(console, a_user("eve"))
        assert (await told())[1] == ["users"]
