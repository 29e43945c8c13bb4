"""A day of texts as NDJSON, and the facts of each line out of a company file.

A line is {n, at, user, from, to, text, media, origin}: its number, the instant, who sends, from which number, to whom
as it was typed, the text, media as {type, bytes}, and app (typed by a person) or api (sent by a program). `from` may
be null and text, media and origin left out. All counters are zero, the registry is live, nobody else gets the message.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from compliance import shapes
from compliance.destinations import read_destination
from compliance.facts import Facts, Media, Message
from compliance.senders import canonical_sender
from compliance.shapes import ShapeError
from gateway.offline.company import Company
from gateway.send.assemble import build_facts, sender_of

_FIELDS: Final = frozenset({"n", "at", "user", "from", "to", "text", "media", "origin"})
_MEDIA: Final = frozenset({"type", "bytes"})
_ORIGINS: Final = frozenset({"app", "api"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLine:
    """One message of a day."""

    #: Number of the line, from 1; names the message in reports and records.
    n: int
    at: datetime
    #: Id of the sending user.
    user: str
    message: Message


def read_day_line(raw: bytes) -> DayLine:
    """Read a line; ShapeError names the field that is wrong."""
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as broken:
        raise ShapeError(f"message: not JSON: {broken}") from None
    shapes.known(data, _FIELDS, "message")
    media = data.get("media", [])
    if type(media) is not list:
        raise ShapeError("message.media: must be an array")
    return DayLine(
        n=shapes.whole(data, "n", "message"),
        at=shapes.instant(data, "at", "message"),
        user=shapes.text(data, "user", "message"),
        message=Message(
            to=shapes.text(data, "to", "message"),
            sender=shapes.text_or_none(data, "from", "message"),
            text=shapes.text(data, "text", "message", ""),
            media=tuple([_media(item) for item in media]),
            origin=shapes.one_of(data, "origin", "message", _ORIGINS, "app"),
        ),
    )


def _media(data: Any) -> Media:
    shapes.known(data, _MEDIA, "media")
    return Media(type=shapes.text(data, "type", "media").lower(), bytes=shapes.whole(data, "bytes", "media"))


def facts_of(line: DayLine, company: Company) -> Facts:
    """Look everything up that the judgement of a line needs; ShapeError when the user is nobody."""
    user = company.users.get(line.user)
    if user is None:
        raise ShapeError("message.user: is not in the company file")
    message = line.message
    number = company.numbers.get(canonical_sender(message.sender or "") or "")
    link = None if number is None else number.assignment
    campaign = None if link is None else company.campaigns.get(link.campaign_id or "")
    brand = None if campaign is None else company.brands.get(campaign.brand_id)
    recipient = read_destination(message.to)[1]
    return build_facts(
        at=line.at,
        message=message,
        sender=sender_of(user, number, campaign, brand),
        directory=company.directory(user.tenant, message.to),
        line=company.lines.get(recipient),
        opt_out=company.opt_outs.get((user.tenant, recipient)),
    )
