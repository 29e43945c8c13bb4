"""Starting: the store's settings, its functions and its partitions are proven before the first message."""

import asyncio

import pytest

from gateway.queue import QueueUnavailable
from gateway.queue.library import CODE, load_functions, version_of
from gateway.queue.selfcheck import LEVEL, REQUIRED
from gateway.queue.store import open_store
from gateway.queue.wire import Wire
from tests.gateway.queue.builders import accepted
from tests.valkey import Valkey

LIES = {
    "appendonly": "no",
    "appendfsync": "everysec",
    "no-appendfsync-on-rewrite": "yes",
    "maxmemory-policy": "allkeys-lru",
}


class TestDurability:
    async def test_the_level_is_stated(self, store):
        """A server that keeps what it is given says so in words."""
        assert store.durability == LEVEL

    @pytest.mark.parametrize("setting", sorted(LIES))
    async def test_each_lie_is_refused_by_name(self, valkey, raw, setting):
        """And the error says what to do about it; the others are not accused."""
        needed = raw.config_get(setting)[setting]
        raw.config_set(setting, LIES[setting])
        try:
            with pytest.raises(QueueUnavailable, match="settings") as refusal:
                async with open_store(valkey.url):
                    pass
        finally:
            raw.config_set(setting, needed)

        assert f"{setting} is {LIES[setting]}, must be {needed}" in str(refusal.value)
        assert f"CONFIG SET {setting} {needed}" in str(refusal.value)
        assert not any(f"{other} is" in str(refusal.value) for other in set(LIES) - {setting})

    async def test_all_lies_are_named_at_once(self):
        """So that nobody starts four times."""
        with Valkey(settings=LIES) as server, pytest.raises(QueueUnavailable) as refusal:
            async with open_store(server.url):
                pass
        assert all(name in refusal.value.detail for name, _, _ in REQUIRED)

    async def test_a_server_that_tells_nothing_is_refused(self):
        """What cannot be read cannot be believed."""
        mute = Valkey(settings={"rename-command": "CONFIG HIDDEN"})
        with mute as server, pytest.raises(QueueUnavailable, match="does not tell its settings"):
            async with open_store(server.url):
                pass

    async def test_nobody_there(self):
        """Another kind of trouble: try again later."""
        with pytest.raises(QueueUnavailable) as refusal:
            async with open_store("redis://127.0.0.1:1/0"):
                pass
        assert refusal.value.reason == "unreachable"


def code_of_version(version: int) -> str:
    """Write the library as another version would be."""
    return CODE.replace(f"local VERSION = {version_of(CODE)}", f"local VERSION = {version}")


@pytest.fixture
async def wire(valkey):
    """A wire to an empty server."""
    opened = Wire(valkey.url, connections=1, timeout_s=5)
    yield opened
    await opened.close()


class TestFunctions:
    async def test_they_are_loaded_where_they_are_missing(self, wire, raw):
        """A new server needs no preparation."""
        await load_functions(wire)
        assert raw.fcall("a2p_version", 0) == version_of(CODE)

    async def test_an_older_version_is_replaced(self, wire, raw):
        """An upgrade brings its own."""
        raw.function_load(code_of_version(version_of(CODE) - 1))
        await load_functions(wire)
        assert raw.fcall("a2p_version", 0) == version_of(CODE)

    async def test_a_newer_version_is_refused_and_left_alone(self, wire, raw):
        """An old program must not write over data that it cannot read."""
        newer = version_of(CODE) + 1
        raw.function_load(code_of_version(newer))
        with pytest.raises(QueueUnavailable, match=f"version {newer}.*upgrade"):
            await load_functions(wire)
        assert raw.fcall("a2p_version", 0) == newer

    async def test_code_without_a_version_is_no_library(self):
        """It could never be upgraded."""
        with pytest.raises(ValueError, match="version"):
            version_of("#!lua name=a2p_queue")

    async def test_they_survive_a_restart(self):
        """Functions are data: a crash does not take them away."""
        with Valkey() as server:
            async with open_store(server.url) as store:
                server.kill()
                server.start()
                await asyncio.sleep(0.01)  # The loop hears of the closed connection.
                await accepted(store)


class TestPartitions:
    async def test_the_first_start_fixes_them(self, valkey, raw):
        """Written once; the same number later is welcome."""
        for _ in range(2):
            async with open_store(valkey.url, partitions=7) as store:
                assert store.partitions == 7
                assert len(await store.counts()) == 7
        assert raw.get("a2p:partitions") == b"7"

    async def test_another_number_later_is_refused(self, valkey, raw):
        """It would send users to partitions where their messages are not."""
        async with open_store(valkey.url, partitions=7):
            pass
        with pytest.raises(QueueUnavailable, match=r"7 partitions.*setting says 8.*set it to 7"):
            async with open_store(valkey.url, partitions=8):
                pass
        assert raw.get("a2p:partitions") == b"7"
