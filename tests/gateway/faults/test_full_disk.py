"""The store's disk is full: the server ends itself rather than lie, and whoever used it waits for it to come back."""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.queue import Status
from gateway.queue.store import open_store
from tests.gateway.faults.standing import (
    NOT_NOW,
    assert_kept_once,
    until_all,
    until_kept,
    until_not_ready,
    until_ready,
)
from tests.gateway.running_edge import running_edge
from tests.gateway.working import Carrier, a_worker, at_work
from tests.valkey import Valkey

#: A small disk, and what it grows to when somebody makes room.
SMALL, LARGE = "1m", "64m"


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Put a file system in memory over a folder; skips where that is not allowed."""
    if shutil.which("mount") is None:
        pytest.skip("no program mount")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a file system of our own cannot be mounted: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def make_room(folder: Path) -> None:
    """Let the small disk grow."""
    subprocess.run(["mount", "-o", f"remount,size={LARGE}", str(folder)], check=True)


@pytest.fixture
def server() -> Iterator[Valkey]:
    """A server whose data are on the small disk."""
    server = Valkey()
    try:
        with small_disk(server.folder):
            try:
                server.start()
                yield server
            finally:
                server.kill()
    finally:
        server.close()


@pytest.mark.timeout(300)  # Several waits, each with a deadline of its own.
async def test_nothing_that_was_acknowledged_is_lost(server):
    """F13. Accepts until the disk is full, then room is made and the server is started again.

    The server ends with an error as soon as it cannot write; the gateway answers 503 and is not ready. With room and a
    restart of the server alone all is well again: what was answered with 202 is there, what was not is accepted once
    when it is repeated with its key, and the worker brings all of it to the carrier.
    """
    async with (
        running_edge(queue_server=server, shed_disk_free=0) as edge,  # The store itself is to run into it.
        open_store(server.url) as store,
    ):
        kept: dict[str, str] = {}
        unsure: set[str] = set()

        async def client(number: int) -> None:
            for n in range(10_000):
                key = f"{number}-{n}"
                answer = await edge.send(idempotency_key=key, text="x" * 900)
                if answer.status != 202:
                    assert answer.json["code"] in NOT_NOW
                    unsure.add(key)
                    return
                kept[key] = answer.json["id"]

        await asyncio.gather(*map(client, range(8)))
        assert server.wait() == 1
        assert kept
        assert len(unsure) == 8
        await until_not_ready(edge, "queue_unavailable")
        refused = await edge.send(idempotency_key="meanwhile")
        assert (refused.status, refused.json["code"]) == (503, "queue_unavailable")

        async with at_work(a_worker(store, Carrier())):  # It finds no store, and waits for one.
            make_room(server.folder)
            server.start()
            await until_ready(edge)
            for key in unsure:
                kept[key] = (await until_kept(edge, key, text="x" * 900)).json["id"]
            await assert_kept_once(edge, kept.values())
            await until_all(edge, kept.values(), Status.SUBMITTED)
        again = await edge.send(idempotency_key=next(iter(kept)), text="x" * 900)
        assert (again.json["id"], again.headers["Idempotent-Replayed"]) == (next(iter(kept.values())), "true")
