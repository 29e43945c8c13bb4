"""On disk means on disk: the order of the server's system calls, and a power cut after the last completed sync.

A kill shows nothing of this, because the page cache survives it.
"""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from gateway.queue import QueueError
from gateway.queue.commit import GroupCommit
from gateway.queue.keys import entry_of
from gateway.queue.store import open_store
from tests.gateway.faults.system_calls import Trace, strace
from tests.gateway.queue.builders import a_key, a_request, check_conservation
from tests.valkey import Valkey

AOF = Path("appendonlydir") / "appendonly.aof.1.incr.aof"
ENOUGH = 300


class Run(NamedTuple):
    """A server that was killed under load."""

    folder: Path
    trace: Trace
    #: What clients were told is kept: id and bytes of each message.
    acknowledged: Mapping[str, bytes]


@asynccontextmanager
async def recorded(tmp_path: Path, *, appendfsync: str = "always") -> AsyncIterator[Run]:
    """Accept messages from many clients at once, kill the server meanwhile, and read what it did."""
    record = tmp_path / "strace.txt"
    server = Valkey(under=strace(record))
    acknowledged: dict[str, bytes] = {}
    try:
        server.start()
        async with open_store(server.url) as store, GroupCommit(store) as commit:
            with redis.Redis.from_url(server.url, protocol=2) as raw:
                pid = raw.info("server")["process_id"]
                raw.config_set("appendfsync", appendfsync)  # As if nobody looked.

            async def client(number: int) -> None:
                for n in range(10_000):
                    name = f"{number}-{n}"
                    message = b'{"name":"%b"}' % name.encode()
                    # One partition: another one's entry of the same millisecond would have the same stamp.
                    request = a_request(message, idempotency=a_key(name))
                    try:
                        outcome = await commit.submit(request)
                    except QueueError:
                        return
                    acknowledged[outcome.message_ids[0]] = message
                    if len(acknowledged) == ENOUGH:
                        os.kill(pid, signal.SIGKILL)

            await asyncio.gather(*map(client, range(8)))
        server.wait()
        yield Run(server.folder, Trace(record, aof=str(AOF)), acknowledged)
    finally:
        server.close()


def spoken_too_early(run: Run) -> list[str]:
    """Messages whose id was in an answer before their entry was surely on disk."""
    early = []
    for message_id in run.acknowledged:
        stamp = entry_of(message_id)
        told = f"${len(stamp)}\r\n{stamp}\r\n".encode()
        first = next(said for said in run.trace.said if told in said.data)
        entry = b"{q:0}:log\r\n" + told
        if run.trace.aof.index(entry) + len(entry) > first.synced:
            early.append(message_id)
    return early


async def lost_in_a_power_cut(run: Run) -> list[str]:
    """Messages that were acknowledged and are gone when all is lost that was not surely on disk."""
    survivor = Valkey()
    try:
        shutil.copytree(run.folder / AOF.parent, survivor.folder / AOF.parent)
        os.truncate(survivor.folder / AOF, run.trace.synced)
        survivor.start()
        async with open_store(survivor.url) as store:
            stored = await store.look(list(run.acknowledged))
            await check_conservation(store)
        return [
            message_id
            for (message_id, message), one in zip(run.acknowledged.items(), stored, strict=True)
            if one is None or one.payload != message
        ]
    finally:
        survivor.close()


@pytest.fixture(autouse=True)
def _tracing() -> None:
    """Skip where nothing can be traced."""
    if shutil.which("strace") is None:
        pytest.skip("no program strace")
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"strace may not trace here: {tried.stderr.decode().strip()}")


def test_a_sync_counts_when_it_is_complete(tmp_path):
    """And for what was written before it began: another thread may write, or answer, while it runs."""
    record = tmp_path / "record"
    file, client = f"9<{shown('/x/' + str(AOF))}>", f"10<{shown('socket:[1]')}>"
    record.write_text(
        f"""1 write({file}, "{shown("one")}", 3) = 3
2 fdatasync({file} <unfinished ...>
1 write({file}, "{shown("two")}", 3) = 2
1 write({client}, "{shown("a")}", 1 <unfinished ...>
2 <... fdatasync resumed>) = 0
1 <... write resumed>) = 1
1 writev({client}, [{{iov_base="{shown("b")}", iov_len=1}}, {{iov_base="{shown("c")}", iov_len=1}}], 2) = 2
1 fdatasync({file}) = -1 EIO (Input/output error)
1 write({client}, "{shown("d")}", 1) = 1
1 +++ killed by SIGKILL +++
"""
    )
    trace = Trace(record, aof=str(AOF))

    assert (trace.aof, trace.synced) == (b"onetw", 3)
    assert trace.said == [(b"a", 0), (b"bc", 3), (b"d", 3)]


def shown(text: str) -> str:
    """Write bytes as strace does."""
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


async def test_every_answer_comes_after_its_sync(tmp_path):
    """For each accept that was answered: write to the file, then a completed sync of it, then write to the socket."""
    async with recorded(tmp_path) as run:
        assert len(run.acknowledged) >= ENOUGH
        assert (run.folder / AOF).read_bytes().startswith(run.trace.aof)
        assert spoken_too_early(run) == []


async def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path):
    """F58. The file as it was at the last completed sync, and a new server on it: every accept that was answered."""
    async with recorded(tmp_path) as run:
        assert 0 < run.trace.synced <= len(run.trace.aof)
        assert await lost_in_a_power_cut(run) == []


@pytest.mark.parametrize("appendfsync", ["everysec", "no"])
async def test_these_checks_find_a_server_that_lies(tmp_path, appendfsync):
    """One that syncs later, or never, speaks too early; and what it never synced is gone after a power cut."""
    async with recorded(tmp_path, appendfsync=appendfsync) as run:
        assert spoken_too_early(run) != []
        if appendfsync == "no":
            # The file as it was before the first accept.
            assert set(await lost_in_a_power_cut(run)) == set(run.acknowledged)
