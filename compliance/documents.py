"""The documents that the registry writes into the registry store and the gateway reads: their keys and their bytes.

One hash slot, {reg}. A number names its campaign, a campaign its brand: they are joined in memory, so a suspended
brand is one write. Values are JSON objects with a version v; the rule beside the format: fields are only added, at
the end, with a default, and readers skip fields they do not know. Golden bytes in tests/compliance/test_documents.py
keep it so.

Not here: who writes when (registry/projector.py) and who reads (gateway/directory.py).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson

from compliance import shapes
from compliance.facts import Brand, Campaign, SenderNumber
from compliance.shapes import ShapeError

VERSION: Final = 1

#: Where the last apply stands, a hash: epoch, seq (the last change applied) and at_ms (the store's clock).
MARK_KEY: Final = "{reg}:mark"
#: The changes themselves, a stream; an entry carries seq, from (the seq before it), then keys with their bytes (none:
#: deleted), so that a follower needs no second read and sees a gap.
FEED_KEY: Final = "{reg}:feed"
#: Which change each process has in memory, a hash: its name to "<epoch> <seq> <at_ms>".
PROCESSES_KEY: Final = "{reg}:procs"


def number_key(did: str) -> str:
    """Key of a number's document; did is E.164."""
    return f"{{reg}}:num:{did}"


def campaign_key(campaign_id: str) -> str:
    """Key of a campaign's document."""
    return f"{{reg}}:camp:{campaign_id}"


def brand_key(brand_id: str) -> str:
    """Key of a brand's document."""
    return f"{{reg}}:brand:{brand_id}"


def user_key(user_id: str) -> str:
    """Key of a user's document."""
    return f"{{reg}}:user:{user_id}"


def extension_key(tenant: str, digits: str) -> str:
    """Key of an extension's document; extensions are per tenant."""
    return f"{{reg}}:ext:{tenant}:{digits}"


def api_key_key(key_id: str) -> str:
    """Key of an API key's document."""
    return f"{{reg}}:key:{key_id}"


def token_key_key(key_id: str) -> str:
    """Key of a public key that user tokens are checked with (user_tokens.py)."""
    return f"{{reg}}:jwk:{key_id}"


def line_key(number: str) -> str:
    """Key of the number look-up of an outside number, E.164."""
    return f"{{reg}}:line:{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDocument:
    """A user, as the send path needs to know them."""

    id: str
    tenant: str
    customer_since: date
    #: The user's one SMS-enabled local number, E.164; None when there is none.
    number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionDocument:
    """Whose extension it is."""

    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDocument:
    """An API key: of a tenant (user None, origin api) or of one user (origin app). The secret is never stored."""

    id: str
    #: SHA-256 of the whole key as it travels, hexadecimal.
    sha256: str
    tenant: str
    user: str | None = None
    #: send, read, admin.
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKeyDocument:
    """A public key of the registry, Ed25519, that user tokens are checked with."""

    id: str
    #: As in a JWK (RFC 8037): 32 bytes, base64url without padding.
    x: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDocument:
    """What a number look-up said about an outside number."""

    carrier: str | None = None
    line: str | None = None


def _dump(body: dict[str, Any]) -> bytes:
    return orjson.dumps({"v": VERSION, **body})


def _load(raw: bytes, where: str) -> dict[str, Any]:
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ShapeError(f"{where}: is not JSON") from None
    if type(data) is not dict or data.get("v") != VERSION:
        raise ShapeError(f"{where}.v: is not version {VERSION}")
    return data


def dump_number(number: SenderNumber, *, pool_of: str = "") -> bytes:
    """Bytes of a number's document; pool_of is the tenant of a number that nobody has at present."""
    return _dump(shapes.number_to(number) | ({"pool_of": pool_of} if pool_of else {}))


def load_number(raw: bytes) -> SenderNumber:
    """Read a number's document; ShapeError when it is not one."""
    return shapes.number_from(_load(raw, "number"))


def load_pool_of(raw: bytes) -> str:
    """Read in which tenant's pool a number lies, "" for in none; ShapeError when it is no number's document."""
    return shapes.text(_load(raw, "number"), "pool_of", "number", "")


def dump_campaign(campaign: Campaign, *, help_message: str = "") -> bytes:
    """Bytes of a campaign's document; help_message is what it is registered to answer to HELP."""
    return _dump(shapes.campaign_to(campaign) | ({"help_message": help_message} if help_message else {}))


def load_campaign(raw: bytes) -> Campaign:
    """Read a campaign's document; ShapeError when it is not one."""
    return shapes.campaign_from(_load(raw, "campaign"))


def load_help_message(raw: bytes) -> str:
    """Read what a campaign is registered to answer to HELP, "" for nothing; ShapeError when it is no such document."""
    return shapes.text(_load(raw, "campaign"), "help_message", "campaign", "")


def dump_brand(brand: Brand, *, name: str = "") -> bytes:
    """Bytes of a brand's document; name is what people know it by."""
    return _dump(shapes.brand_to(brand) | ({"name": name} if name else {}))


def load_brand(raw: bytes) -> Brand:
    """Read a brand's document; ShapeError when it is not one."""
    return shapes.brand_from(_load(raw, "brand"))


def load_brand_name(raw: bytes) -> str:
    """Read what people know a brand by, "" where that is not told; ShapeError when it is no such document."""
    return shapes.text(_load(raw, "brand"), "name", "brand", "")


def dump_user(user: UserDocument) -> bytes:
    """Bytes of a user's document."""
    return _dump(
        {
            "id": user.id,
            "tenant": user.tenant,
            "customer_since": user.customer_since.isoformat(),
            "number": user.number,
        },
    )


def load_user(raw: bytes) -> UserDocument:
    """Read a user's document; ShapeError when it is not one."""
    data = _load(raw, "user")
    return UserDocument(
        id=shapes.text(data, "id", "user"),
        tenant=shapes.text(data, "tenant", "user"),
        customer_since=shapes.day(data, "customer_since", "user"),
        number=shapes.text_or_none(data, "number", "user"),
    )


def dump_extension(extension: ExtensionDocument) -> bytes:
    """Bytes of an extension's document."""
    return _dump({"user": extension.user})


def load_extension(raw: bytes) -> ExtensionDocument:
    """Read an extension's document; ShapeError when it is not one."""
    return ExtensionDocument(user=shapes.text(_load(raw, "extension"), "user", "extension"))


def dump_key(key: KeyDocument) -> bytes:
    """Bytes of an API key's document."""
    return _dump(
        {"id": key.id, "sha256": key.sha256, "tenant": key.tenant, "user": key.user, "scopes": list(key.scopes)},
    )


def load_key(raw: bytes) -> KeyDocument:
    """Read an API key's document; ShapeError when it is not one."""
    data = _load(raw, "key")
    return KeyDocument(
        id=shapes.text(data, "id", "key"),
        sha256=shapes.text(data, "sha256", "key"),
        tenant=shapes.text(data, "tenant", "key"),
        user=shapes.text_or_none(data, "user", "key"),
        scopes=shapes.texts(data, "scopes", "key"),
    )


def dump_token_key(key: TokenKeyDocument) -> bytes:
    """Bytes of a public key's document."""
    return _dump({"id": key.id, "x": key.x})


def load_token_key(raw: bytes) -> TokenKeyDocument:
    """Read a public key's document; ShapeError when it is not one."""
    data = _load(raw, "token_key")
    return TokenKeyDocument(id=shapes.text(data, "id", "token_key"), x=shapes.text(data, "x", "token_key"))


def dump_line(line: LineDocument) -> bytes:
    """Bytes of a number look-up."""
    return _dump({"carrier": line.carrier, "line": line.line})


def load_line(raw: bytes) -> LineDocument:
    """Read a number look-up; ShapeError when it is not one."""
    data = _load(raw, "line")
    return LineDocument(
        carrier=shapes.text_or_none(data, "carrier", "line"),
        line=shapes.text_or_none(data, "line", "line"),
    )
