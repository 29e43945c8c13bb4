"""Turns what was read from the journals into rows. Pure: bytes in, rows out.

What cannot be read stops nothing: it is counted, and the row of its message stands as far as it is known.

Not here: reading (journals.py), writing (writer.py), the bytes' format (compliance/journal.py).
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from compliance.journal import (
    DOUBT,
    LINES,
    REFUSAL,
    REFUSED,
    STATUS,
    URGENT,
    Leg,
    Line,
    instant_of,
    lines_of,
    read_leg,
    read_line,
    refusal_id,
    without_text,
)

_HOUR_MS: Final = 3_600_000

Row = tuple[Any, ...]


class Entry(NamedTuple):
    """One entry of a journal."""

    ms: int
    seq: int
    #: Field name and value, field name and value ...
    fields: Sequence[bytes]

    @property
    def name(self) -> str:
        """As the store has it."""
        return f"{self.ms}-{self.seq}"


class Standing(NamedTuple):
    """How a message stands after the lines that were read."""

    status: str
    status_ms: int
    changes: int
    attempts: int
    #: How many more than before.
    doubts: int


class Watch(NamedTuple):
    """An erasure that also concerns texts that the journal has yet to bring."""

    erasure: int
    tenant: str
    #: number or tenant.
    kind: str
    subject: str
    at_ms: int

    def concerns(self, leg: Leg) -> bool:
        """Whether a leg's text is one of those."""
        if leg.tenant != self.tenant or leg.accepted_ms > self.at_ms:
            return False
        return self.kind == "tenant" or self.subject in {leg.sender, leg.recipient}


_NEW: Final = Standing(status="queued", status_ms=0, changes=0, attempts=0, doubts=0)


@dataclass(slots=True)
class Batch:
    """Rows of some entries, of whatever partitions. Columns stand in the order of the tables."""

    watches: Sequence[Watch] = ()
    events: list[Row] = field(default_factory=list)
    texts: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    #: Legs that are told of for the first time, by message.
    legs: dict[str, Leg] = field(default_factory=dict)
    #: How messages stand now, those told of before and those for the first time.
    standing: dict[str, Standing] = field(default_factory=dict)
    tallies: dict[tuple[str, int, str, str, str], int] = field(default_factory=dict)
    #: Which erasure a leg's text fell to before it was written.
    erased: dict[str, int] = field(default_factory=dict)
    #: Lines and refusals that could not be read, by partition.
    unreadable: dict[int, int] = field(default_factory=dict)

    def add(self, partition: int, entry: Entry) -> None:
        """Take an entry in; those of a partition in their order."""
        for name, value in zip(entry.fields[::2], entry.fields[1::2], strict=False):
            if name == LINES:
                for place, raw in enumerate(lines_of(value)):
                    self._line(partition, entry, place, raw)
            elif name == REFUSAL:
                self._refusal(partition, entry, value)

    def _line(self, partition: int, entry: Entry, place: int, raw: str) -> None:
        try:
            line = read_line(raw)
            if line.message_id not in self.standing:
                _check_id(line.message_id)
        except ValueError:
            self._count_unreadable(partition)
            return
        kind, name, seq, status, at_ms, attempt, carrier, reference, code, detail, carrier_ms, payload = line
        at = (name, entry.ms, entry.seq, place)
        self.events.append((*at, kind, seq, status, at_ms, attempt, carrier, reference, code, detail, carrier_ms))
        self._stand(line)
        if payload:
            self._leg(partition, name, payload)

    def _stand(self, line: Line) -> None:
        before = self.standing.get(line.message_id)
        doubts = 0 if before is None else before.doubts
        attempts = line.attempt if before is None else max(before.attempts, line.attempt)
        if line.kind == STATUS:
            doubts += line.code.startswith(DOUBT)
            self.standing[line.message_id] = Standing(line.status, line.at_ms, line.seq, attempts, doubts)
        else:
            # It says nothing about where the message stands: an empty status leaves that as it is.
            kept = before or Standing("", 0, 0, 0, 0)
            self.standing[line.message_id] = kept._replace(doubts=doubts + 1)

    def _refusal(self, partition: int, entry: Entry, raw: bytes) -> None:
        name = refusal_id(partition, entry.name)
        self._leg(partition, name, raw.decode(errors="replace"))
        leg = self.legs.get(name)
        self.standing[name] = _NEW._replace(status=REFUSED, status_ms=entry.ms if leg is None else leg.accepted_ms)

    def _leg(self, partition: int, name: str, raw: str) -> None:
        try:
            leg = read_leg(raw)
            _check_words(leg)
            record, judged = without_text(leg.record) if leg.record else ("", leg.text)
        except ValueError:
            self._count_unreadable(partition)
            return
        self.legs[name] = leg
        tally = _tally_of(leg)
        self.tallies[tally] = self.tallies.get(tally, 0) + 1
        if record:
            self.decisions.append((name, leg.accepted_ms, record))
        for watch in self.watches:
            if watch.concerns(leg):
                self.erased[name] = watch.erasure
                return
        other = None if judged == leg.text else clean(judged)
        self.texts.append((name, leg.accepted_ms, int(leg.traffic_class == URGENT), clean(leg.text), other))

    def add_envelope(self, name: str, raw: bytes, standing: Standing) -> None:
        """Take in the envelope of a message of which only its standing was known."""
        self._leg(int(name.partition("-")[0]), name, raw.decode(errors="replace"))
        if name in self.legs:
            self.standing[name] = standing

    def _count_unreadable(self, partition: int) -> None:
        self.unreadable[partition] = self.unreadable.get(partition, 0) + 1

    def new_messages(self) -> list[Row]:
        """Return the rows of legs that are told of for the first time."""
        return [
            message_row(name, leg, self.standing.get(name, _NEW), self.erased.get(name))
            for name, leg in self.legs.items()
        ]

    def changed(self) -> Mapping[str, Standing]:
        """Return how messages stand that were told of before; those that a gap swallowed, too."""
        return {name: standing for name, standing in self.standing.items() if name not in self.legs}

    def leave_out(self, changes: Mapping[str, int], lines: AbstractSet[tuple[str, int, int, int]]) -> None:
        """Take out what is in the tables already: messages, with their number of changes there, and lines."""
        for name in self.legs.keys() & changes.keys():
            self.tallies[_tally_of(self.legs.pop(name))] -= 1
        self.events = [row for row in self.events if row[:4] not in lines]
        self.texts = [row for row in self.texts if row[0] not in changes]
        self.decisions = [row for row in self.decisions if row[0] not in changes]
        for name in self.standing.keys() & changes.keys():
            if self.standing[name].changes <= changes[name]:
                del self.standing[name]

    @property
    def rows(self) -> int:
        """How many rows it adds to tables, those of messages told of before not counted."""
        return len(self.events) + len(self.legs) + len(self.texts) + len(self.decisions)


def _tally_of(leg: Leg) -> tuple[str, int, str, str, str]:
    return leg.tenant, leg.accepted_ms - leg.accepted_ms % _HOUR_MS, leg.channel, leg.verdict, leg.reason


def _check_id(message_id: str) -> None:
    if instant_of(message_id) is None:
        raise ValueError("journal: no id of a message")


def _check_words(leg: Leg) -> None:
    """Refuse what is no word of the gateway's: those are kept as they are."""
    words = (leg.tenant, leg.channel, leg.origin, leg.traffic_class, leg.verdict, leg.reason, leg.encoding, leg.kind)
    if not leg.tenant or any("\0" in word for word in words):
        raise ValueError("envelope: a word is none")


def clean(text: str) -> str:
    """Return a text as PostgreSQL can hold it: without NUL, which nobody can have written."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _maybe(text: str | None) -> str | None:
    return None if text is None else clean(text)


def message_row(name: str, leg: Leg, standing: Standing, erasure: int | None) -> Row:
    """Return a message's row."""
    return (
        name,
        leg.tenant,
        leg.accepted_ms,
        clean(leg.user),
        leg.channel,
        leg.origin,
        _maybe(leg.sender),
        clean(leg.recipient),
        leg.traffic_class,
        leg.kind,
        leg.verdict,
        leg.reason,
        _maybe(leg.campaign_id),
        leg.segments,
        leg.encoding,
        leg.participants,
        leg.media,
        _maybe(leg.client_message_id),
        leg.not_before_ms,
        leg.expires_ms,
        standing.status or _NEW.status,
        standing.status_ms or leg.accepted_ms,
        standing.changes,
        standing.attempts,
        standing.doubts,
        int(name[0] == "r"),
        erasure,
    )


def unknown_row(name: str, standing: Standing) -> Row:
    """Return the row of a message whose first line is lost: it belongs to nobody until its envelope is found."""
    at_ms = instant_of(name) or 0
    nothing = Leg("", "", "", "", None, "", "", "[]", 0, "", None, 0, "", at_ms, 0, 0, None, "", "", "", "")
    return message_row(name, nothing, standing, None)
