"""A text that came in from a carrier, as it lies in an inbox.

Written once, never changed. The bytes are JSON with a version, as those of an envelope are (envelope.py), and say that
they are none: fields are only added, at the end, with a default.

Not here: how carriers write it (edge/inbound.py), what it means (compliance/inbound.py).
"""

from typing import Final, NamedTuple

import orjson

from compliance.inbound import Meaning

VERSION: Final = 1
_TEXT: Final = "text"
#: What the bytes begin with; an envelope's go on with its tenant.
_HEAD: Final = b'{"v":1,"kind":"text",'


class ReceivedMedia(NamedTuple):
    """An attachment as the carrier describes it; its bytes are not fetched."""

    type: str
    bytes: int


class Received(NamedTuple):
    """One text from somebody outside."""

    #: Ours: the same whenever the carrier brings the same text.
    id: str
    carrier: str
    #: E.164, or as the carrier wrote it where it is none: a short code, a name, nothing.
    sender: str
    #: Our number that was texted, E.164; as written where it is none.
    recipient: str
    text: str
    media: tuple[ReceivedMedia, ...]
    #: Milliseconds since the epoch: by the carrier's clock if it says, and never later than it came.
    received_ms: int
    meaning: Meaning


def dump(received: Received) -> bytes:
    """Bytes for the inbox; one line."""
    return orjson.dumps(
        {
            "v": VERSION,
            "kind": _TEXT,
            "id": received.id,
            "carrier": received.carrier,
            "from": received.sender,
            "to": received.recipient,
            "text": received.text,
            "media": [{"type": item.type, "bytes": item.bytes} for item in received.media],
            "received_ms": received.received_ms,
            "meaning": received.meaning,
        }
    )


def is_received(raw: bytes) -> bool:
    """Say whether an inbox's bytes are a text from a carrier; otherwise they are an envelope."""
    return raw.startswith(_HEAD)


def load(raw: bytes) -> Received:
    """Read the bytes back; ValueError when they are none of ours."""
    data = orjson.loads(raw)
    if type(data) is not dict or data.get("v") != VERSION or data.get("kind") != _TEXT:
        raise ValueError(f"received: is not version {VERSION}")
    try:
        return Received(
            id=data["id"],
            carrier=data["carrier"],
            sender=data["from"],
            recipient=data["to"],
            text=data["text"],
            media=tuple(ReceivedMedia(item["type"], item["bytes"]) for item in data["media"]),
            received_ms=data["received_ms"],
            meaning=Meaning(data["meaning"]),
        )
    except (KeyError, TypeError) as wrong:
        raise ValueError("received: a field is missing, or of another type") from wrong
