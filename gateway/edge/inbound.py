"""What a carrier says of a text that somebody sent to one of our numbers, read into a value. Pure.

Only what nothing can be done without is asked for; a STOP is not turned away because its time is written oddly or its
sender is a short code. Fields that we do not know are skipped, as carriers add some.

Not here: the route (inbound_route.py), what happens to the text (inbound_desk.py), what it means (compliance/).
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from compliance.destinations import read_destination
from compliance.inbound import meaning_of
from compliance.senders import canonical_sender
from gateway.edge.wire import read_object
from gateway.errors import Problem
from gateway.received import Received, ReceivedMedia

#: Characters of a carrier's id, and of a number or name.
_ID_LENGTH: Final = 200
_PARTY_LENGTH: Final = 64
_TYPE_LENGTH: Final = 128
#: Attachments that are told of.
_MEDIA_MOST: Final = 20
_UNKNOWN_TYPE: Final = "application/octet-stream"
#: The longest keyword that is kept as evidence.
_KEYWORD_LENGTH: Final = 64


class Inbound(NamedTuple):
    """A text on its way in."""

    received: Received
    #: Who wrote it, E.164; "" where that is nobody who could be texted: a short code, a name.
    person: str
    #: Our number that was texted, E.164; "" where it is none.
    number: str
    #: Milliseconds since the epoch, by the carrier's clock, but not in the future; 0 where it does not say.
    said_ms: int

    @property
    def keyword(self) -> str:
        """The text as evidence of a word: on one line, and short."""
        shown = "".join(character if character.isprintable() else " " for character in self.received.text)
        return " ".join(shown.split())[:_KEYWORD_LENGTH]


def read_inbound(body: bytes, *, carrier: str, now_ms: int) -> Inbound:
    """Read one text; raises Problem, which names the field and none of what it holds."""
    data = read_object(body)
    text_id, recipient = _text(data, "id", _ID_LENGTH), _text(data, "to", _PARTY_LENGTH)
    for field, value in (("id", text_id), ("to", recipient)):
        if not value:
            raise Problem("missing_field", f"/{field}")
    sender, text = _text(data, "from", _PARTY_LENGTH), _text(data, "text", None)
    person, number = read_destination(sender)[1] or "", canonical_sender(recipient) or ""
    said_ms = min(_instant_ms(data.get("received_at")), now_ms)
    received = Received(
        id=_name(carrier, text_id),
        carrier=carrier,
        sender=person or sender,
        recipient=number or recipient,
        text=text,
        media=_media(data.get("media")),
        received_ms=said_ms or now_ms,
        meaning=meaning_of(text),
    )
    return Inbound(received, person, number, said_ms)


def _name(carrier: str, text_id: str) -> str:
    """Name a text by its carrier and the carrier's id of it, which may be anything."""
    return f"in-{carrier}-{blake2b(text_id.encode(), digest_size=16).hexdigest()}"


def _text(data: Mapping[str, Any], field: str, longest: int | None) -> str:
    """Read a string; "" where it is null or left out."""
    value = data.get(field)
    if value is None:
        return ""
    if type(value) is not str or (longest is not None and len(value) > longest):
        raise Problem("invalid_type", f"/{field}")
    return value


def _media(value: object) -> tuple[ReceivedMedia, ...]:
    """Read what is said about attachments, as far as it can be read."""
    items = value[:_MEDIA_MOST] if isinstance(value, list) else []
    return tuple(_attachment(item) for item in items if isinstance(item, dict))


def _attachment(item: Mapping[str, Any]) -> ReceivedMedia:
    kind, size = item.get("type"), item.get("bytes")
    return ReceivedMedia(
        kind if isinstance(kind, str) and len(kind) <= _TYPE_LENGTH else _UNKNOWN_TYPE,
        size if type(size) is int and size >= 0 else 0,
    )


def _instant_ms(value: object) -> int:
    """Read an RFC 3339 instant; 0 when it is none."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
        return 0 if instant is None or instant.tzinfo is None else max(0, int(instant.timestamp() * 1000))
    except (ValueError, OverflowError):
        return 0
