"""What was seen from outside in one run, as plain values: the client's ledger, the carrier's, the product's own words.

Nobody in the product writes any of it but the status events and the counters, which are what is checked. A folder holds
a run as NDJSON files, so that a run that failed can be looked at, and checked again.

Not here: who takes these notes (client.py, collect.py), what they must say (checkers.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import orjson

#: Statuses that end a message.
TERMINAL: Final = frozenset("delivered undelivered failed expired cancelled blocked unknown".split())
ACCEPTED: Final = 202

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message that the client wanted sent, however many attempts that took."""

    #: Its idempotency key.
    key: str
    #: Who to whom.
    conversation: str
    #: Stands for sender, recipient and text, as in the carrier's ledger; "" for an instant message.
    digest: str
    #: It may never reach a carrier: its sender is not registered, or it is an instant message.
    inside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request of the client's and its answer, if there was one."""

    key: str
    #: Wall clock, ns.
    sent_ns: int
    ended_ns: int
    #: HTTP status; None: no answer.
    status: int | None
    #: The message's id, or the refusal's.
    id: str = ""
    #: The decision's reason, the problem's code, or what broke the connection.
    said: str = ""
    #: The server had it before.
    replayed: bool = False

    @property
    def accepted(self) -> bool:
        """It was answered with 202."""
        return self.status == ACCEPTED

    @property
    def final(self) -> bool:
        """It was answered, and asking again would give the same: 202 or a refusal of the message itself."""
        return self.status is not None and self.status < 500 and self.status != 429  # noqa: PLR2004 - HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One submission as the carrier saw it."""

    #: Wall clock, ns.
    at_ns: int
    #: The message's id.
    reference: str
    digest: str
    #: False: the carrier said no.
    taken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a message's status, as the product tells it."""

    id: str
    seq: int
    status: str
    terminal: bool
    #: Why, where there is a reason: doubt_... for an attempt whose answer was lost.
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The queue store's own counters."""

    accepted: int
    terminal: int
    open: int
    #: accepted - terminal - open.
    difference: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledgers:
    """All of one run. Everything is in the order in which it happened."""

    lines: tuple[Line, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    #: By message id, every message that was answered with 202; empty where the product does not know it.
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=lambda: MappingProxyType({}))
    #: None: nobody told.
    counted: Counted | None = None


def write_rows(file: Path, rows: Iterable[Any]) -> None:
    """Write dataclasses as NDJSON."""
    file.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))


def read_rows(file: Path, kind: type[Row]) -> tuple[Row, ...]:
    """Read what write_rows() wrote; nothing where there is no file."""
    if not file.exists():
        return ()
    return tuple(kind(**orjson.loads(line)) for line in file.read_bytes().splitlines())


def write_ledgers(ledgers: Ledgers, folder: Path) -> None:
    """Write a run into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "lines.ndjson", ledgers.lines)
    write_rows(folder / "attempts.ndjson", ledgers.attempts)
    write_rows(folder / "arrivals.ndjson", ledgers.arrivals)
    messages = ({"id": name, "changes": [asdict(one) for one in changes]} for name, changes in ledgers.changes.items())
    write_rows(folder / "changes.ndjson", messages)
    write_rows(folder / "counted.ndjson", () if ledgers.counted is None else (ledgers.counted,))


def read_ledgers(folder: Path) -> Ledgers:
    """Read a run from its folder."""
    messages = read_rows(folder / "changes.ndjson", dict)
    counted = read_rows(folder / "counted.ndjson", Counted)
    return Ledgers(
        lines=read_rows(folder / "lines.ndjson", Line),
        attempts=read_rows(folder / "attempts.ndjson", Attempt),
        arrivals=read_rows(folder / "arrivals.ndjson", Arrival),
        changes={one["id"]: tuple(Change(**change) for change in one["changes"]) for one in messages},
        counted=counted[0] if counted else None,
    )
