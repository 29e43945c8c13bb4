"""Bytes of a request to values, or a Problem that names the field. Knows JSON, not HTTP: other fronts parse here too.

Everything is refused as early as it can be seen, in the fixed order: JSON, shape, single fields. What a phone number
is, is not decided here: whatever was typed goes on as text, for compliance to read.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from compliance.facts import Media
from gateway.errors import Problem

MOST_RECIPIENTS: Final = 50
MOST_MEDIA: Final = 100
_MOST_PLAIN_KEYS: Final = 16
FARTHEST: Final = timedelta(days=7)

SEND_FIELDS: Final = frozenset(
    {"from", "user", "to", "text", "media", "client_message_id", "send_at", "expires_at", "status_url"},
)
#: What a field may be called to be named in an answer: a word; never room for a phone number or a key.
_PLAIN_NAME = re.compile(r"[A-Za-z_]{1,32}[0-9]{0,2}", re.ASCII)
USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}", re.ASCII)
MEDIA_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}", re.ASCII)
#: RFC 3339, which is far less than Python reads.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
#: The last two code points of every plane; Unicode keeps them out of texts, as it does U+FDD0 to U+FDEF.
_PLANE_ENDS: Final = "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
#: Control characters that no handset shows, and noncharacters. Not U+0080 to U+009F: in real texts they are quotation
#: marks of another code page, and a text must not be refused for its quotes.
_NOT_TEXT = re.compile(f"[\x00-\x08\x0b\x0e-\x1f\x7f\ufdd0-\ufdef{_PLANE_ENDS}]")
VISIBLE_ASCII = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
#: A JSON string, and whether a colon makes it a key; outside strings JSON has no quotes.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"(\s*:)?', re.DOTALL)


class Draft(NamedTuple):
    """A message as somebody wants it sent: shape checked, meaning not."""

    sender: str | None
    user: str | None
    to: tuple[str, ...]
    #: `to` was a list: one group message, answered leg by leg.
    is_group: bool
    text: str
    media_ids: tuple[str, ...] = ()
    #: Media described instead of uploaded, where nothing is sent.
    media: tuple[Media, ...] = ()
    key: str | None = None
    #: Digest of the canonical body; b"" without a key.
    fingerprint: bytes = b""
    client_message_id: str | None = None
    send_at: datetime | None = None
    expires_at: datetime | None = None


def read_draft(raw: bytes, *, header_key: str | None, now: datetime) -> Draft:
    """Read the body of POST /v1/messages or a line of a batch."""
    return _draft(read_object(raw), _media_ids, header_key, now)


def read_question(raw: bytes, *, now: datetime) -> Draft:
    """Read the body of POST /v1/decisions: the same, with media described as {type, bytes}."""
    return _draft(read_object(raw), _media_described, None, now)


def read_object(raw: bytes) -> dict[str, Any]:
    """Decode one JSON object; duplicate keys are refused, for nobody knows which was meant."""
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Problem("invalid_json") from None
    if type(data) is not dict:
        raise Problem("invalid_type")
    if not _is_plain(raw, data) and sum(1 for match in _STRING.finditer(raw) if match[1]) != _count_keys(data):
        raise Problem("duplicate_key", _twin(raw))
    return data


def _twin(raw: bytes) -> str:
    """Point at a field that stands twice; "" for one deeper inside, or whose name may be a value."""
    twin = ""

    def note(pairs: list[tuple[str, Any]]) -> None:
        nonlocal twin  # The outermost object is noted last.
        twin, seen = "", set()
        for name, _ in pairs:
            if name in seen:
                twin = name
                break
            seen.add(name)

    try:
        json.loads(raw, object_pairs_hook=note)
    except RecursionError:
        return ""
    return f"/{twin}" if _PLAIN_NAME.fullmatch(twin) else ""


def _is_plain(raw: bytes, data: dict[str, Any]) -> bool:
    """Say whether each key surely stands once: none can be escaped, nothing is nested, each quoted name is there once.

    True spares most requests the slower, exact count; False only means that it must be made.
    """
    if b"\\u" in raw or raw.count(b"{") > 1 or len(data) > _MOST_PLAIN_KEYS:
        return False
    return all(raw.count(b'"%b"' % key.encode()) == 1 for key in data)


def read_idempotency_key(values: Sequence[str]) -> str | None:
    """Read the Idempotency-Key headers of a request."""
    if not values:
        return None
    if len(values) > 1 or not VISIBLE_ASCII.fullmatch(values[0]):
        raise Problem("invalid_idempotency_key")
    return values[0]


def read_instant(value: Any, pointer: str) -> datetime:
    """Read an RFC 3339 instant with an offset."""
    if type(value) is not str:
        raise Problem("invalid_type", pointer)
    if not _INSTANT.fullmatch(value):
        raise Problem("invalid_time", pointer)
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Problem("invalid_time", pointer) from None


def only(data: dict[str, Any], fields: frozenset[str], where: str = "") -> None:
    """Refuse unknown fields; the pointer shows the name only where it is an ordinary one."""
    if data.keys() <= fields:
        return
    name = next(key for key in data if key not in fields)
    raise Problem("unknown_field", f"{where}/{name}" if _PLAIN_NAME.fullmatch(name) else where)


def _count_keys(value: dict[str, Any]) -> int:
    """Count the keys of all objects; by a list, for JSON may be nested deeper than Python's calls may be."""
    count = 0
    unread: list[Any] = [value]
    while unread:
        items = unread.pop()
        if type(items) is dict:
            count += len(items)
            items = items.values()
        unread += [item for item in items if type(item) in {dict, list}]
    return count


def _draft(
    data: dict[str, Any],
    read_media: Callable[[Any], dict[str, Any]],
    header_key: str | None,
    now: datetime,
) -> Draft:
    only(data, SEND_FIELDS)
    if data.get("status_url") is not None:
        raise Problem("not_supported", "/status_url")
    if data.get("to") is None:
        raise Problem("missing_field", "/to")
    own_key = _client_message_id(data.get("client_message_id"))
    if header_key is not None and own_key is not None and header_key != own_key:
        raise Problem("idempotency_mismatch", "/client_message_id")
    key = own_key if header_key is None else header_key
    text = _text(data.get("text"))
    media = read_media(data.get("media"))
    if not text and not any(media.values()):
        raise Problem("missing_field", "/text")
    send_at = _time(data, "send_at", now)
    return Draft(
        sender=_string(data.get("from"), "/from"),
        user=_user(data.get("user")),
        to=_recipients(data["to"]),
        is_group=type(data["to"]) is list,
        text=text,
        **media,
        key=key,
        fingerprint=b"" if key is None else _fingerprint(data),
        client_message_id=own_key,
        send_at=send_at,
        expires_at=_time(data, "expires_at", send_at or now),
    )


def _fingerprint(data: dict[str, Any]) -> bytes:
    """Digest a body in one form for all spellings: keys in order, and null as good as left out."""
    given = {field: value for field, value in data.items() if value is not None}
    return sha256(orjson.dumps(given, option=orjson.OPT_SORT_KEYS)).digest()[:16]


def _string(value: Any, pointer: str) -> str | None:
    if value is None or type(value) is str:
        return value
    raise Problem("invalid_type", pointer)


def _user(value: Any) -> str | None:
    user = _string(value, "/user")
    if user is not None and not USER.fullmatch(user):
        raise Problem("unknown_user", "/user")
    return user


def _recipients(value: Any) -> tuple[str, ...]:
    if type(value) is str:
        return (value,)
    if type(value) is not list or not all(type(item) is str for item in value):
        raise Problem("invalid_type", "/to")
    if not 1 <= len(value) <= MOST_RECIPIENTS or len(set(value)) != len(value):
        raise Problem("invalid_recipients", "/to")
    return tuple(value)


def _text(value: Any) -> str:
    text = _string(value, "/text") or ""
    if not text.isprintable() and _NOT_TEXT.search(text):
        raise Problem("invalid_character", "/text")
    return text


def _media_ids(value: Any) -> dict[str, Any]:
    ids = []
    for place, item in enumerate(_media_list(value)):
        only(item, frozenset({"id"}), f"/media/{place}")
        media_id = _string(item.get("id"), f"/media/{place}/id")
        if media_id is None:
            raise Problem("missing_field", f"/media/{place}/id")
        if not MEDIA_ID.fullmatch(media_id):
            raise Problem("unknown_media", f"/media/{place}/id")
        ids.append(media_id)
    return {"media_ids": tuple(ids)}


def _media_described(value: Any) -> dict[str, Any]:
    described = []
    for place, item in enumerate(_media_list(value)):
        where = f"/media/{place}"
        only(item, frozenset({"type", "bytes"}), where)
        kind, size = item.get("type"), item.get("bytes")
        if kind is None or size is None:
            raise Problem("missing_field", f"{where}/{'type' if kind is None else 'bytes'}")
        if type(kind) is not str or type(size) is not int:
            raise Problem("invalid_type", f"{where}/{'type' if type(kind) is not str else 'bytes'}")
        if not MEDIA_TYPE.fullmatch(kind.lower()) or size < 1:
            raise Problem("invalid_type", f"{where}/{'bytes' if size < 1 else 'type'}")
        described.append(Media(type=kind.lower(), bytes=size))
    return {"media": tuple(described)}


def _media_list(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if type(value) is not list or not all(type(item) is dict for item in value):
        raise Problem("invalid_type", "/media")
    if len(value) > MOST_MEDIA:
        raise Problem("too_many_items", "/media")
    return value


def _client_message_id(value: Any) -> str | None:
    name = _string(value, "/client_message_id")
    if name is not None and not VISIBLE_ASCII.fullmatch(name):
        raise Problem("invalid_idempotency_key", "/client_message_id")
    return name


def _time(data: dict[str, Any], field: str, after: datetime) -> datetime | None:
    if data.get(field) is None:
        return None
    instant = read_instant(data[field], f"/{field}")
    if not after < instant <= after + FARTHEST:
        raise Problem("invalid_time", f"/{field}")
    return instant
