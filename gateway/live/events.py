"""Makes events out of journal entries: whose each change is, and what that user is told.

An entry packs changes of any users. A message's first line has its envelope, which says whose it is; of later lines
only the id is known, so who sent what is remembered for the latest messages, and read from the store for those whose
first line was not seen here.

The entries of other users are most of the work: of a line no more is looked at than whose it is. That costs about 13 µs
a text with its four changes, and 2 in the store (`python -m tests.bench_live`).

Not here: who gets an event (journal_tail.py), with which seq (session.py).
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple

import orjson
import structlog

from compliance.journal import LINES, STATUS, Line, lines_of, read_leg, read_line
from gateway import envelope
from gateway.live.places import Place
from gateway.live.store import Entry, LiveStore
from gateway.queue import TERMINAL, InboxItem
from gateway.shown import exact_instant, inbox_item, sent_message

#: Messages of a partition whose sender is remembered.
_MOST_SENDERS: Final = 16_384
#: What an envelope begins with, nothing in it being escaped.
_HEAD: Final = re.compile(rb'\{"v":1,"tenant":"([^"\\\x80-\xff]+)","user":"([^"\\\x80-\xff]+)",')
#: Of a line of the journal: its kind, and the number of a message's first change, which alone has an envelope.
_STATUS: Final = STATUS.encode()
_FIRST: Final = b"1"
_TABS: Final = 11

_log = structlog.get_logger()


class User(NamedTuple):
    """Whose events they are."""

    tenant: str
    id: str


class Event(NamedTuple):
    """Something that happened to a user's messages."""

    #: Up to and including it.
    place: Place
    #: message, status or inbound.
    kind: str
    #: A JSON object, to which seq is added.
    body: bytes


class Changes:
    """Reads the changes in the entries of one partition."""

    def __init__(self, store: LiveStore, most_senders: int = _MOST_SENDERS) -> None:
        self._store = store
        self._most_senders = most_senders
        #: Who sent which message; None for one that is gone.
        self._senders: OrderedDict[str, User | None] = OrderedDict()

    async def of(self, entries: Sequence[Entry], wanted: Callable[[User], bool]) -> list[tuple[User, Event]]:
        """Return the events of wanted users, in order. Raises QueueError."""
        senders = self._senders
        lines: list[tuple[Entry, int, str, bytes]] = []
        for entry, place, raw in _lines(entries):
            # Of most lines nobody wants to know more than whose they are.
            kind, name, number, rest = raw.split(b"\t", 3) if raw.count(b"\t") >= _TABS else (b"", b"", b"", b"")
            if kind != _STATUS:
                continue
            message_id = name.decode(errors="replace")
            if number == _FIRST:
                senders[message_id] = _sender(rest.split(b"\t", _TABS - 3)[-1])
            lines.append((entry, place, message_id, raw))
        await self._find_senders({name: None for _, _, name, _ in lines if name not in senders})
        events = []
        for entry, place, message_id, raw in lines:
            sender = senders.get(message_id)
            if sender is not None and wanted(sender):
                event = _event(entry.place._replace(lines=place), raw)
                if event is not None:
                    events.append((sender, event))
        while len(senders) > self._most_senders:
            senders.popitem(last=False)
        return events

    async def _find_senders(self, ids: Collection[str]) -> None:
        """Ask the store whose messages these are."""
        if not ids:
            return
        for name, stored in zip(ids, await self._store.look(list(ids)), strict=True):
            self._senders[name] = None if stored is None else _sender(stored.payload)


def inbound(place: Place, item: InboxItem) -> Event:
    """Tell what came into a user's inbox. ValueError when nobody can read it."""
    body = {"type": "inbound", "event": f"i-{item.cursor}", **inbox_item(item)}
    return Event(place, "inbound", orjson.dumps(body))


def _lines(entries: Sequence[Entry]) -> Iterator[tuple[Entry, int, bytes]]:
    """Yield the lines of entries, each with its number in its entry, from 1."""
    for entry in entries:
        if entry.fields[0] == LINES:
            for number, raw in enumerate(entry.fields[1].split(b"\n"), start=1):
                yield entry, number, raw


def _sender(payload: bytes) -> User | None:
    """Read off an envelope who sends it; None when it is none of ours."""
    head = _HEAD.match(payload)
    if head is not None:
        return User(head[1].decode(), head[2].decode())
    try:
        leg = read_leg(payload.decode(errors="replace"))
    except ValueError as unreadable:
        _log.error("journal_line_unreadable", exc_info=unreadable)
        return None
    return User(leg.tenant, leg.user)


def _event(place: Place, raw: bytes) -> Event | None:
    """Tell a change: a message's first one as the message itself. None when nobody can read it."""
    try:
        line = read_line(lines_of(raw)[0])
        body = _message(line) if line.payload else _status(line)
    except ValueError as unreadable:
        _log.error("journal_line_unreadable", exc_info=unreadable)
        return None
    return Event(place, body["type"], orjson.dumps(body))


def _message(line: Line) -> dict[str, Any]:
    kept = envelope.load(line.payload.encode())
    return {"type": "message", "event": f"m-{line.message_id}", **sent_message(line.message_id, kept, line.status)}


def _status(line: Line) -> dict[str, Any]:
    return {
        "type": "status",
        "event": f"s-{line.message_id}-{line.seq}",
        "id": line.message_id,
        "change": line.seq,
        "status": line.status,
        "terminal": line.status in TERMINAL,
        "code": line.code or None,
        "detail": line.detail or None,
        "at": exact_instant(line.at_ms),
    }
