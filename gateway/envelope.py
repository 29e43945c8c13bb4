"""A message as it lies in the queue: all that is needed to deliver it, to show it, and to prove why it was let through.

Written once, at accept; never changed. The bytes are JSON with a version; fields are only added, at the end, with a
default. The decision record (README, "Decision records") travels inside, so that proof and message cannot part.
"""

from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

VERSION: Final = 1

#: What stands before the record, the last field. Inside a JSON string its quotes would be escaped, so the first place
#: is the place; and who reads an envelope need not read the record.
_RECORD: Final = b',"record":'


class Channel(StrEnum):
    """How a leg travels."""

    IM = "im"
    SMS = "sms"
    MMS = "mms"


class TrafficClass(StrEnum):
    """Who goes first on a lane."""

    #: One-time codes, fraud and security alerts.
    URGENT = "urgent"
    #: Typed by a person.
    P2P = "p2p"
    BULK = "bulk"


class Kind(StrEnum):
    """Whose message it is: somebody's, or ours in answer to a word."""

    MESSAGE = "message"
    #: The one confirmation of an opt-out.
    STOP_REPLY = "stop_reply"
    #: The confirmation that an opt-out was taken back.
    START_REPLY = "start_reply"
    HELP_REPLY = "help_reply"


class Attachment(NamedTuple):
    """An uploaded medium."""

    id: str
    type: str
    bytes: int


class Envelope(NamedTuple):
    """One leg in the queue."""

    tenant: str
    #: The sending user.
    user: str
    channel: Channel
    #: app or api.
    origin: str
    #: Sender number, E.164; None for an IM from somebody without a number.
    sender: str | None
    #: E.164; for an IM the colleague's user id.
    recipient: str
    text: str
    traffic_class: TrafficClass
    #: Milliseconds since the epoch: taken, and not to be sent after.
    accepted_ms: int
    expires_ms: int
    verdict: str
    reason: str
    #: The decision record, JSON as bytes, its id left empty (the message's own id stands for it).
    record: bytes
    media: tuple[Attachment, ...] = ()
    participants: int = 1
    campaign_id: str | None = None
    segments: int = 1
    encoding: str = "gsm7"
    #: Milliseconds since the epoch: not to be sent before; 0: at once.
    not_before_ms: int = 0
    client_message_id: str | None = None
    kind: Kind = Kind.MESSAGE

    @property
    def ignores_opt_out(self) -> bool:
        """It goes to whoever asked for it, opted out or not: a confirmation of STOP, an answer to HELP."""
        return self.kind is Kind.STOP_REPLY or self.kind is Kind.HELP_REPLY

    @property
    def conversation(self) -> tuple[str | None, str]:
        """Messages of one conversation are first submitted in the order they were accepted."""
        return self.sender, self.recipient


def dump(envelope: Envelope) -> bytes:
    """Bytes for the queue; one line."""
    body = {
        "v": VERSION,
        "tenant": envelope.tenant,
        "user": envelope.user,
        "channel": envelope.channel,
        "origin": envelope.origin,
        "from": envelope.sender,
        "to": envelope.recipient,
        "text": envelope.text,
        "media": [{"id": item.id, "type": item.type, "bytes": item.bytes} for item in envelope.media],
        "participants": envelope.participants,
        "class": envelope.traffic_class,
        "campaign_id": envelope.campaign_id,
        "segments": envelope.segments,
        "encoding": envelope.encoding,
        "accepted_ms": envelope.accepted_ms,
        "not_before_ms": envelope.not_before_ms,
        "expires_ms": envelope.expires_ms,
        "client_message_id": envelope.client_message_id,
        "verdict": envelope.verdict,
        "reason": envelope.reason,
    }
    if envelope.kind is not Kind.MESSAGE:
        body["kind"] = envelope.kind
    head = orjson.dumps(body)
    return head[:-1] + _RECORD + envelope.record + b"}"


def load(raw: bytes) -> Envelope:
    """Read the queue's bytes back; ValueError when they are none of ours."""
    head, found, record = raw.partition(_RECORD)
    data = orjson.loads(head + b"}" if found else raw)
    if type(data) is not dict or data.get("v") != VERSION:
        raise ValueError(f"envelope: is not version {VERSION}")
    try:
        return _read(data, record[:-1] if found else data["record"])
    except (KeyError, TypeError) as wrong:
        raise ValueError("envelope: a field is missing, or of another type") from wrong


def _read(data: dict[str, Any], record: bytes) -> Envelope:
    return Envelope(
        tenant=data["tenant"],
        user=data["user"],
        channel=Channel(data["channel"]),
        origin=data["origin"],
        sender=data["from"],
        recipient=data["to"],
        text=data["text"],
        media=tuple(Attachment(id=item["id"], type=item["type"], bytes=item["bytes"]) for item in data["media"]),
        participants=data["participants"],
        traffic_class=TrafficClass(data["class"]),
        campaign_id=data["campaign_id"],
        segments=data["segments"],
        encoding=data["encoding"],
        accepted_ms=data["accepted_ms"],
        not_before_ms=data["not_before_ms"],
        expires_ms=data["expires_ms"],
        client_message_id=data["client_message_id"],
        verdict=data["verdict"],
        reason=data["reason"],
        kind=Kind(data.get("kind", Kind.MESSAGE)),
        record=record,
    )
