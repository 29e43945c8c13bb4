"""The registry store in memory: its documents, its feed, its functions; and the SQL database behind it.

Functions are called by name with the arguments that registry/functions.lua takes, so that the registry's own client
runs on this. test_registry_conformance.py holds this and the real functions together.

Not here: the ways that lead to it (registry_ports.py).
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from redis.exceptions import ResponseError

from compliance.documents import MARK_KEY, PROCESSES_KEY
from gateway.near.source import Change
from tests.simulation.network import Server

_REBUILD_TTL_MS: Final = 5_000
_SILENT_MS: Final = 60_000
_APPLY_WITHIN_MS: Final = 1_500
#: Changes in one piece, as gateway/near/store.py reads them.
_CHANGES: Final = 10


class RegistryServer(Server):
    """A registry store."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        super().__init__("registry")
        self._now_ms = now_ms
        self.documents: dict[str, bytes] = {}
        self.mark: tuple[int, int, int] | None = None
        self.processes: dict[str, tuple[int, int, int]] = {}
        self.feed: list[Change] = []
        self._rebuild: tuple[int, int] | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def now_ms(self) -> int:
        """Read the store's clock."""
        return self._now_ms()

    def lose_everything(self) -> None:
        """Come up empty, as a store without persistence does."""
        self.documents.clear()
        self.mark = self._rebuild = None
        self.processes.clear()
        self.feed.clear()

    @property
    def rebuilding(self) -> int | None:
        """The epoch that is being made, if any."""
        if self._rebuild is None or self._rebuild[1] <= self.now_ms():
            return None
        return self._rebuild[0]

    def call(self, function: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Do what FCALL does. Arguments are str, int or bytes."""
        del keys  # They are always the same.
        plain = [arg.decode() if isinstance(arg, bytes) else str(arg) for arg in args[:6]]
        match function:
            case "apply":
                return self._apply(*map(int, plain), list(_pairs(args[6:])))
            case "reset":
                return self._reset(int(plain[0]))
            case "stage":
                return self._stage(int(plain[0]), _pairs(args[1:]))
            case "follow":
                return self._follow(plain[0], int(plain[1]), int(plain[2]))
            case "leave":
                self.processes.pop(plain[0], None)
                return b"OK"
            case "followers":
                return self._followers()
        raise ResponseError("ERR Function not found")

    def last_change(self) -> str:
        """Return the place of the feed's last entry."""
        return self.feed[-1].id if self.feed else "0-0"

    def changes(self, after: str) -> list[Change]:
        """Read the feed after a place."""
        place = _place(after)
        return [change for change in self.feed if _place(change.id) > place][:_CHANGES]

    def change_comes(self) -> "asyncio.Future[None]":
        """Give a future that is done at the next entry of the feed."""
        self._waiting.append(coming := asyncio.get_running_loop().create_future())
        return coming

    def _apply(
        self, epoch: int, from_seq: int, to_seq: int, age_ms: int, until_ms: int, n: int, pairs: list[tuple[str, bytes]]
    ) -> int:
        now_ms = self.now_ms()
        if len(pairs) != n or to_seq < from_seq:
            raise ResponseError("ERR apply: the arguments do not fit together")
        if now_ms > until_ms:
            raise ResponseError("STALE the apply came too late")
        before = self.mark
        if before is not None:
            if before[:2] != (epoch, from_seq):
                raise ResponseError(f"STALE {before[0]} {before[1]}")
        elif from_seq != 0 or not self._may_begin(epoch, to_seq, n):
            raise ResponseError("STALE 0 0")
        else:
            self._rebuild = None
        if pairs:
            for key, document in pairs:
                self._write(key, document)
            self._tell(from_seq, to_seq, [(key, document or None) for key, document in pairs])
        set_out_ms = min(now_ms, until_ms - _APPLY_WITHIN_MS)
        at_ms = set_out_ms - age_ms if age_ms or before is None else before[2]
        self.mark = (epoch, to_seq, at_ms)
        return now_ms

    def _may_begin(self, epoch: int, to_seq: int, n: int) -> bool:
        """Whether a mark may be set where there is none; over nothing only if there never was anything."""
        return self.rebuilding == epoch or (self.rebuilding is None and (n > 0 or to_seq == 0))

    def _reset(self, epoch: int) -> bytes:
        if self.mark is not None and self.mark[0] >= epoch:
            raise ResponseError(f"STALE {self.mark[0]} {self.mark[1]}")
        if self.rebuilding is not None and self.rebuilding >= epoch:
            raise ResponseError("STALE 0 0")
        processes = dict(self.processes)
        self.lose_everything()
        self.processes.update(processes)
        self._rebuild = (epoch, self.now_ms() + _REBUILD_TTL_MS)
        return b"OK"

    def _stage(self, epoch: int, pairs: Iterator[tuple[str, bytes]]) -> bytes:
        if self.rebuilding != epoch:
            raise ResponseError("STALE 0 0")
        for key, document in pairs:
            self._write(key, document)
        self._rebuild = (epoch, self.now_ms() + _REBUILD_TTL_MS)
        return b"OK"

    def _follow(self, name: str, epoch: int, seq: int) -> list[bytes]:
        self.processes[name] = (epoch, seq, self.now_ms())
        return self._standing()

    def _followers(self) -> list[bytes]:
        answer, now_ms = self._standing(), self.now_ms()
        self.processes = {name: at for name, at in self.processes.items() if at[2] + _SILENT_MS >= now_ms}
        for name, (epoch, seq, at_ms) in self.processes.items():
            answer += [name.encode(), b"%d %d %d" % (epoch, seq, at_ms)]
        return answer

    def _standing(self) -> list[bytes]:
        mark = [b"", b"", b""] if self.mark is None else [b"%d" % part for part in self.mark]
        return [*mark, b"%d" % self.now_ms()]

    def _write(self, key: str, document: bytes) -> None:
        assert key not in {MARK_KEY, PROCESSES_KEY}
        if document:
            self.documents[key] = document
        else:
            self.documents.pop(key, None)

    def _tell(self, from_seq: int, to_seq: int, documents: list[tuple[str, bytes | None]]) -> None:
        last_ms, last = _place(self.last_change())
        now_ms = self.now_ms()
        place = f"{now_ms}-0" if now_ms > last_ms else f"{last_ms}-{last + 1}"
        self.feed.append(Change(id=place, from_seq=from_seq, seq=to_seq, documents=documents))
        waiting, self._waiting = self._waiting, []
        for coming in waiting:
            if not coming.done():
                coming.set_result(None)


def _pairs(args: Sequence[Any]) -> Iterator[tuple[str, bytes]]:
    values = iter(args)
    for key in values:
        yield key if isinstance(key, str) else key.decode(), next(values)


def _place(entry: str) -> tuple[int, int]:
    ms, _, seq = entry.partition("-")
    return int(ms), int(seq)
