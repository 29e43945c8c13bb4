"""What the store's own settings promise, read from the server itself: a 202 means nothing if they lie.

Not here: replicas. With one node, what is on its disk is what there is.
"""

from typing import Final

from gateway.queue import QueueUnavailable
from gateway.queue.wire import ServerFailed, Wire

#: Setting, the one value that keeps the promise, and what another value would do.
REQUIRED: Final = (
    ("appendonly", "yes", "without the append-only file nothing survives a restart"),
    ("appendfsync", "always", "otherwise an answer goes out before its message is on disk"),
    ("no-appendfsync-on-rewrite", "no", "otherwise fsync stops while the file is rewritten"),
    ("maxmemory-policy", "noeviction", "otherwise accepted messages are thrown away when memory is full"),
)
#: The level of durability that the check proves, for the log and the status page.
LEVEL: Final = "every 202 is on disk of one node"


async def check_durability(wire: Wire) -> str:
    """Return the level the store keeps; raise QueueUnavailable("settings") naming each wrong setting and its fix.

    An answer that was lost raises OutcomeUnknown, and says nothing about the settings.
    """
    names = [name for name, _, _ in REQUIRED]
    try:
        reply = await wire.one(("CONFIG", "GET", *names))
    except ServerFailed as refused:
        raise QueueUnavailable("settings", f"{wire.place} does not tell its settings: {refused}") from None
    settings = {reply[i].decode(): reply[i + 1].decode() for i in range(0, len(reply), 2)}
    wrong = [
        f"{name} is {settings.get(name, 'not told')}, must be {needed} ({why}): CONFIG SET {name} {needed}"
        for name, needed, why in REQUIRED
        if settings.get(name) != needed
    ]
    if wrong:
        raise QueueUnavailable("settings", f"{wire.place}: {'; '.join(wrong)}; and write it into the server's own file")
    return LEVEL
