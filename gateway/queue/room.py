"""How much room the queue store has left, as far as it or its disk can be seen from here.

Not here: what follows from it (gateway/pressure.py).
"""

import asyncio
import os
from typing import NamedTuple

from gateway.queue.wire import Wire


class Room(NamedTuple):
    """Memory and disk of the store."""

    #: Part of the memory in use: of its limit, or of the machine's memory where it has none.
    memory_used: float
    #: Size of the append-only file.
    log_bytes: int
    #: The last write to it worked.
    log_is_written: bool
    #: Free bytes and size of the disk with it; None where it cannot be seen from here.
    disk: tuple[int, int] | None


async def read_room(wire: Wire, *, is_local: bool) -> Room:
    """Ask the store; raises QueueError. is_local: its folder is a folder of this machine."""
    memory, persistence, folder = await wire.all(("INFO", "memory"), ("INFO", "persistence"), ("CONFIG", "GET", "dir"))
    said = _fields(memory) | _fields(persistence)
    whole = int(said.get("maxmemory", 0)) or int(said.get("total_system_memory", 0)) or 1
    disk = await asyncio.to_thread(_disk, folder[1]) if is_local and folder else None
    return Room(
        memory_used=int(said.get("used_memory", 0)) / whole,
        log_bytes=int(said.get("aof_current_size", 0)),
        log_is_written=said.get("aof_last_write_status", "ok") == "ok",
        disk=disk,
    )


def _fields(info: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in info.decode().splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in lines}


def _disk(folder: bytes) -> tuple[int, int] | None:
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
