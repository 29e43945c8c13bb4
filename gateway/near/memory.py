"""What a process knows by heart: the directory in full, the numbers' documents as far as there is room.

Campaigns, brands, keys, users, extensions and the owners of numbers are all here; so is which numbers there are at all,
ours and those looked up. What is not here does not exist: nobody has to ask the store about an unknown number. Only the
documents of numbers may be left out, the least recently used first, and must then be read.

Not here: where documents come from and how old they are (cache.py).
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, Protocol

from compliance.documents import line_key, number_key
from compliance.facts import Owner
from gateway.near import decoded

_NUMBER: Final = number_key("")
_LINE: Final = line_key("")


class Documents(Protocol):
    """Documents at hand."""

    #: Rises whenever a document may have become another.
    version: int

    def get(self, key: str) -> bytes | None:
        """Return a document that is at hand; None when there is none."""

    def __contains__(self, key: str) -> bool:
        """Say whether get() knows: the document is here, or there is none."""

    def colleague(self, did: str) -> Owner | None:
        """Return the person whom a number reaches; None for outsiders' numbers and for services."""

    def colleague_keys(self, did: str) -> tuple[str, ...]:
        """Name the documents that colleague() needs at hand."""


class Memory:
    """Documents kept from load to load; most_numbers bounds those of numbers."""

    def __init__(self, most_numbers: int) -> None:
        self._most_numbers = most_numbers
        self._kept: dict[str, bytes] = {}
        self._numbers: OrderedDict[str, bytes] = OrderedDict()
        #: Every number that has a document, with the colleague it reaches.
        self._owners: dict[str, Owner | None] = {}
        self._lines: set[str] = set()
        self.version = 0

    def get(self, key: str) -> bytes | None:
        """Return a document that is at hand; None when there is none."""
        if (kept := self._kept.get(key)) is not None:
            return kept
        if (number := self._numbers.get(key)) is not None:
            self._numbers.move_to_end(key)
        return number

    def __contains__(self, key: str) -> bool:
        """Say whether get() knows: the document is here, or there is none."""
        if key in self._numbers:
            return True
        if key.startswith(_NUMBER):
            return key.removeprefix(_NUMBER) not in self._owners
        return key not in self._lines

    def colleague(self, did: str) -> Owner | None:
        """Return the person whom a number reaches; None for outsiders' numbers and for services."""
        return self._owners.get(did)

    def colleague_keys(self, did: str) -> tuple[str, ...]:  # noqa: ARG002  the protocol's
        """Name none: the directory is here in full."""
        return ()

    def write(self, key: str, document: bytes | None) -> None:
        """Take what a document is from now on; None: there is none any more."""
        self.version += 1
        if key.startswith(_NUMBER):
            self._write_owner(key.removeprefix(_NUMBER), document)
        elif key.startswith(_LINE):
            (self._lines.discard if document is None else self._lines.add)(key)
        elif document is None:
            self._kept.pop(key, None)
            return
        else:
            self._kept[key] = document
            return
        self._numbers.pop(key, None)
        if document is not None:
            self.fill(key, document)

    def fill(self, key: str, document: bytes) -> None:
        """Take the document of a number that was left out so far; it makes room for itself."""
        self._numbers[key] = document
        while len(self._numbers) > self._most_numbers:
            self._numbers.popitem(last=False)

    def _write_owner(self, did: str, document: bytes | None) -> None:
        if document is None:
            self._owners.pop(did, None)
        else:
            self._owners[did] = _reached(document)


class JustRead:
    """Documents just read from the store, while none are kept; they serve one judgement."""

    def __init__(self) -> None:
        self._read: dict[str, bytes | None] = {}
        self.version = 0

    def take(self, documents: Mapping[str, bytes | None]) -> None:
        """Add what was read."""
        self.version += 1
        self._read.update(documents)

    def get(self, key: str) -> bytes | None:
        """Return a document that was read; None when there is none."""
        return self._read.get(key)

    def __contains__(self, key: str) -> bool:
        """Say whether get() knows."""
        return key in self._read

    def colleague(self, did: str) -> Owner | None:
        """Return the person whom a number reaches; None for outsiders' numbers and for services."""
        return _reached(self._read.get(number_key(did)))

    def colleague_keys(self, did: str) -> tuple[str, ...]:
        """Name the number's own document."""
        return (number_key(did),)


def _reached(document: bytes | None) -> Owner | None:
    """Say whom the document of a number names as the person it reaches."""
    number = decoded.number(document)
    return None if number is None or number.kind == "service" else number.owner
