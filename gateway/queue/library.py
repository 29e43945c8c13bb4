"""Puts our functions into the store and the number of partitions under lock: both are fixed before anybody sends.

Not here: what the functions do (functions/*.lua; call.lua says at its head what is stored).
"""

import re
from pathlib import Path
from typing import Final

from gateway.queue import QueueUnavailable, keys
from gateway.queue.wire import Wire, fcall

#: One library, in the order in which its parts build on each other.
_PARTS: Final = ("call.lua", "message.lua", "accept.lua", "edge.lua", "owner.lua", "beside.lua", "opt_outs.lua")
_FOLDER: Final = Path(__file__).parent / "functions"
CODE: Final = "\n".join((_FOLDER / part).read_text(encoding="utf-8") for part in _PARTS)


def version_of(code: str) -> int:
    """Read the version that a library's code states."""
    stated = re.search(r"^local VERSION = ([0-9]+)$", code, re.MULTILINE)
    if stated is None:
        raise ValueError("the function library states no version")
    return int(stated[1])


async def load_functions(wire: Wire, code: str = CODE) -> None:
    """Load the library where it is missing or older; refuse a newer one, which may keep data we cannot read."""
    ours, theirs = version_of(code), await _version(wire)
    if theirs > ours:
        raise QueueUnavailable(
            "functions",
            f"{wire.place} has version {theirs} of the library a2p_queue, this program is older ({ours}): upgrade it",
        )
    if theirs < ours:
        await wire.one(("FUNCTION", "LOAD", "REPLACE", code))


async def check_functions(wire: Wire) -> None:
    """Raise QueueUnavailable("functions") where the library is missing or older than this program.

    A later one is fine for a process that runs: somebody upgrades, and the present way to call it is still there.
    """
    ours, theirs = version_of(CODE), await _version(wire)
    if theirs < ours:
        found = f"version {theirs}" if theirs else "nothing"
        raise QueueUnavailable(
            "functions",
            f"{wire.place} has {found} of the library a2p_queue, {ours} is needed: a process that starts loads it",
        )


async def _version(wire: Wire) -> int:
    """Read the version of the library that is loaded; 0 for none."""
    try:
        return int(await wire.one(fcall("version", (), read_only=True)))
    except QueueUnavailable as missing:
        if missing.reason != "functions":
            raise
        return 0


async def fix_partitions(wire: Wire, wanted: int) -> None:
    """Write the number of partitions at the first start; refuse another number later, which would orphan messages."""
    fixed = await wire.one(("GET", keys.PARTITIONS))
    if fixed is None:
        # Whoever else starts now may be first.
        _, fixed = await wire.all(("SET", keys.PARTITIONS, wanted, "NX"), ("GET", keys.PARTITIONS))
    if int(fixed) != wanted:
        raise QueueUnavailable(
            "settings",
            f"{wire.place} was set up with {int(fixed)} partitions and keeps them; the setting says {wanted}: "
            f"set it to {int(fixed)}",
        )
