"""Which names this server goes by. A request for another one is not ours: a mistake, or a trick.

Not here: who answers it (door.py).
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

#: How this machine calls itself.
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
#: Bound to, these are no name of anybody.
_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})
#: Spellings of our own names that are remembered.
_MOST_SPELLINGS: Final = 256


class Hosts:
    """The names of this server, whatever the port: those given, the one in our public address, and loopback."""

    def __init__(self, names: Iterable[str], *, public_url: str, bound: str) -> None:
        """Take names; "*" is every name, and "*.example.com" every one below example.com."""
        own = {*_LOOPBACK, *(name.lower() for name in names), urlsplit(public_url).hostname or ""}
        if bound not in _EVERYWHERE:
            own.add(f"[{bound}]" if ":" in bound else bound.lower())
        self._every = "*" in own
        self._names = frozenset(f"[{name}]" if _is_bare_ipv6(name) else name for name in own - {""})
        self._below = tuple(name[1:] for name in own if name.startswith("*."))
        self._spelled: set[bytes] = set()

    def knows(self, spelled: bytes) -> bool:
        """Say whether the value of a Host field is one of our names."""
        if spelled in self._spelled:
            return True
        name = spelled.decode("latin-1").lower()
        host, colon, port = name.rpartition(":")
        if colon and not name.endswith("]"):
            if port and not (port.isascii() and port.isdigit()):
                return False
            name = host
        name = name.removesuffix(".")
        known = bool(name) and (self._every or name in self._names or name.endswith(self._below or ("\0",)))
        if known and len(self._spelled) < _MOST_SPELLINGS:
            self._spelled.add(spelled)
        return known


def _is_bare_ipv6(name: str) -> bool:
    return ":" in name and not name.startswith("[")
