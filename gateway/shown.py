"""How messages look to those whose they are: what lies in an inbox, and what a user sent.

Not here: a message that is asked for by its id (edge/http_messages.py), answers to a send (edge/answers.py).
"""

from datetime import UTC, datetime
from typing import Any

from compliance.catalogue import reason
from compliance.codes import Code
from compliance.shapes import render_instant
from gateway import envelope, received
from gateway.envelope import Channel, Envelope
from gateway.queue import InboxItem
from gateway.received import Received


def inbox_item(item: InboxItem) -> dict[str, Any]:
    """Show an instant message, or a text from outside, to whose inbox it is in. ValueError when it is neither."""
    if received.is_received(item.payload):
        return _text(item.cursor, received.load(item.payload))
    kept = envelope.load(item.payload)
    return {
        "cursor": item.cursor,
        "channel": kept.channel,
        "from_user": kept.user,
        "from": kept.sender,
        "to": None,
        "text": kept.text,
        "media": [{"id": media.id, "type": media.type, "bytes": media.bytes} for media in kept.media],
        "client_message_id": kept.client_message_id,
        "sent_at": instant(kept.accepted_ms),
        "meaning": None,
    }


def _text(cursor: str, text: Received) -> dict[str, Any]:
    return {
        "cursor": cursor,
        "channel": Channel.MMS if text.media else Channel.SMS,
        "from_user": None,
        "from": text.sender,
        "to": text.recipient,
        "text": text.text,
        "media": [{"id": None, "type": media.type, "bytes": media.bytes} for media in text.media],
        "client_message_id": None,
        "sent_at": instant(text.received_ms),
        "meaning": text.meaning,
    }


def sent_message(message_id: str, kept: Envelope, status: str) -> dict[str, Any]:
    """Show one leg of a message to the user who sent it."""
    return {
        "id": message_id,
        "kind": kept.kind,
        "channel": kept.channel,
        "user": kept.user,
        "from": kept.sender,
        "to": kept.recipient,
        "participants": kept.participants,
        "text": kept.text,
        "media": [{"id": media.id, "type": media.type, "bytes": media.bytes} for media in kept.media],
        "segments": kept.segments,
        "encoding": kept.encoding,
        "verdict": kept.verdict,
        "reason": {"code": kept.reason, "text": reason(Code(kept.reason)).user},
        "status": status,
        "client_message_id": kept.client_message_id,
        "sent_at": instant(kept.accepted_ms),
        "send_after": instant(kept.not_before_ms) if kept.not_before_ms else None,
        "expires_at": instant(kept.expires_ms),
    }


def instant(at_ms: int) -> str | None:
    """Write an instant, to the second; milliseconds since the epoch."""
    return render_instant(datetime.fromtimestamp(at_ms / 1_000, UTC))


def exact_instant(at_ms: int) -> str:
    """Write an instant, to the millisecond; milliseconds since the epoch."""
    at = datetime.fromtimestamp(at_ms / 1_000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
