"""The journal: what the queue store says about every message, as bytes that the gateway writes and the ledger reads.

One stream a partition, `{q:<k>}:events`. An entry has one field. `lines`: changes of messages, one a line, columns
separated by tabs. `refusal`: the envelope of a leg that was not taken. A message's first line ends with its envelope,
JSON of version 1 whose last field is the decision record (record.py).

Fields are only added, with a default, and readers skip what they do not know: a golden-bytes test holds both.

Not here: who writes it (gateway/queue/functions, gateway/envelope.py), what becomes of it (registry/ledger).
"""

import re
from typing import Any, Final, NamedTuple

import orjson

#: How many partitions there are: a key of the queue store.
PARTITIONS_KEY: Final = "a2p:partitions"
#: Entries that a partition's journal holds, about: the oldest go when nobody reads it.
LENGTH: Final = 100_000
#: Fields of an entry.
LINES: Final = b"lines"
REFUSAL: Final = b"refusal"
#: Kinds of a line: a change of status; a second yes of the carrier's; a receipt against an end that was reached.
STATUS: Final = "status"
DOUBT: Final = "doubt"
CONTRADICTED: Final = "contradicted"
#: What a message can be. refused is no change of the journal's: it is what becomes of a leg that was not taken.
REFUSED: Final = "refused"
OPEN_STATUSES: Final = ("queued", "scheduled", "submitting", "submitted")
END_STATUSES: Final = ("delivered", "undelivered", "failed", "expired", "cancelled", "blocked", "unknown")
CHANNELS: Final = ("im", "sms", "mms")
#: Class of one-time codes and alerts.
URGENT: Final = "urgent"

_VERSION: Final = 1
_COLUMNS: Final = 12
#: What stands before an envelope's record, its last field (gateway/envelope.py says why this is safe).
_RECORD: Final = ',"record":'
_ID: Final = re.compile(r"(?:r-)?(?:0|[1-9][0-9]{0,3})-([0-9]{1,15})-[0-9]{1,15}(?:-(?:0|[1-9][0-9]{0,5}))?", re.ASCII)
_LARGEST: Final = 2**63 - 1


class Line(NamedTuple):
    """One change of a message."""

    #: status, doubt or contradicted.
    kind: str
    message_id: str
    #: Number of the message's changes of status so far, this one included, from 1.
    seq: int
    #: For contradicted: what the receipt said; the message's own status is what it was.
    status: str
    #: Milliseconds since the epoch.
    at_ms: int
    #: Which attempt it is about; 0: none.
    attempt: int
    carrier: str
    #: The carrier's name for the message.
    reference: str
    code: str
    detail: str
    #: The instant that the carrier gave, in milliseconds since the epoch; 0: none.
    carrier_ms: int
    #: The envelope, in a message's first line only.
    payload: str


class Leg(NamedTuple):
    """What an envelope says about one leg; fields are explained in gateway/envelope.py."""

    tenant: str
    user: str
    channel: str
    origin: str
    sender: str | None
    recipient: str
    text: str
    #: JSON array of attachments: id, type, bytes.
    media: str
    participants: int
    traffic_class: str
    campaign_id: str | None
    segments: int
    encoding: str
    accepted_ms: int
    not_before_ms: int
    expires_ms: int
    client_message_id: str | None
    verdict: str
    reason: str
    kind: str
    #: The decision record, JSON; "" where there is none.
    record: str


def journal_key(partition: int) -> str:
    """Return the key of a partition's journal."""
    return f"{{q:{partition}}}:events"


def message_key(partition: int, message_id: str) -> str:
    """Return the key of a message's state, a hash; its field p is the envelope."""
    return f"{{q:{partition}}}:m:{message_id}"


def refusal_id(partition: int, entry: str) -> str:
    """Return the id of the leg whose refusal is in an entry."""
    return f"r-{partition}-{entry}"


def instant_of(message_id: str) -> int | None:
    """Read off an id when the message was taken, in milliseconds since the epoch; None if it is no id of ours."""
    match = _ID.fullmatch(message_id)
    return int(match[1]) if match else None


def lines_of(value: bytes) -> list[str]:
    """Return the lines of an entry. What carriers said may be anything; it is shown and not refused."""
    text = value.decode(errors="replace")
    return (text.replace("\0", "\ufffd") if "\0" in text else text).split("\n")


def read_line(raw: str) -> Line:
    """Read one line; ValueError when it is none of ours."""
    columns = raw.split("\t", _COLUMNS - 1)
    if len(columns) != _COLUMNS:
        raise ValueError("journal: a line lacks columns")
    kind, message_id, seq, status, at, attempt, carrier, reference, code, detail, instant, payload = columns
    line = Line(
        kind,
        message_id,
        int(seq),
        status,
        int(at),
        int(attempt or 0),
        carrier,
        reference,
        code,
        detail,
        int(instant or 0),
        payload,
    )
    if not (0 <= line.seq < _LARGEST and 0 <= line.at_ms < _LARGEST and 0 <= line.attempt < _LARGEST):
        raise ValueError("journal: a number is out of range")
    return line


def read_leg(raw: str) -> Leg:
    """Read an envelope; ValueError when it is none of ours."""
    head, found, record = raw.partition(_RECORD)
    data = _json(head + "}" if found else raw, "envelope")
    if type(data) is not dict or data.get("v") != _VERSION:
        raise ValueError(f"envelope: is not version {_VERSION}")
    try:
        return _leg(data, record[:-1])
    except (KeyError, TypeError) as wrong:
        raise ValueError("envelope: a field is missing, or of another type") from wrong


def _leg(data: dict[str, Any], record: str) -> Leg:
    return Leg(
        _text(data["tenant"]),
        _text(data["user"]),
        _text(data["channel"]),
        _text(data["origin"]),
        _text_or_none(data["from"]),
        _text(data["to"]),
        _text(data["text"]),
        orjson.dumps(data["media"]).decode() if data["media"] else "[]",
        _whole(data["participants"]),
        _text(data["class"]),
        _text_or_none(data["campaign_id"]),
        _whole(data["segments"]),
        _text(data["encoding"]),
        _whole(data["accepted_ms"]),
        _whole(data["not_before_ms"]),
        _whole(data["expires_ms"]),
        _text_or_none(data["client_message_id"]),
        _text(data["verdict"]),
        _text(data["reason"]),
        _text(data.get("kind", "message")),
        record,
    )


def _json(raw: str, what: str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ValueError(f"{what}: is not JSON") from None


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _whole(value: Any) -> int:
    if type(value) is not int or not -1 < value <= _LARGEST:
        raise TypeError
    return value


def without_text(record: str) -> tuple[str, str]:
    """Take the message's text out of a decision record: the record with an empty one, and the text.

    What was decided stays when a text is erased. ValueError when it is no record.
    """
    data = _json(record, "record")
    try:
        message = data["facts"]["message"]
        text = _text(message["text"])
        message["text"] = ""
    except (KeyError, TypeError) as wrong:
        raise ValueError("record: has no message") from wrong
    return orjson.dumps(data).decode(), text


def with_text(record: str, text: str | None) -> dict[str, Any]:
    """Put the text back where without_text() took it out; None where it is gone."""
    data: dict[str, Any] = orjson.loads(record)
    data["facts"]["message"]["text"] = text
    return data
