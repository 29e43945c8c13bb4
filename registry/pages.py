"""Pages of a list, by the key of the last row seen (keyset): as quick at the end as at the beginning.

A cursor is opaque, and good for one company and one list. It holds the key and a check over all three, so that one that
was made up, cut, or taken from elsewhere is refused. It proves nothing: what may be seen is decided by the company in
the query itself.
"""

import base64
import binascii
from hashlib import sha256
from typing import Any

import orjson

from registry.problems import Problem

_CHECK: int = 12


def cursor(tenant: str, listing: str, key: list[Any]) -> str:
    """Return the cursor behind a row; key is what the list is ordered by, as JSON can hold it."""
    raw = orjson.dumps(key)
    return base64.urlsafe_b64encode(_check(tenant, listing, raw) + raw).decode().rstrip("=")


def key_of(tenant: str, listing: str, shown: str | None, *, length: int = 1) -> list[Any] | None:
    """Return the key in a cursor; None where there is none. Problem: invalid_cursor."""
    if shown is None:
        return None
    try:
        raw = base64.b64decode(shown + "=" * (-len(shown) % 4), altchars=b"-_", validate=True)
        key = orjson.loads(raw[_CHECK:])
    except (binascii.Error, ValueError):
        raise Problem("invalid_cursor") from None
    if raw[:_CHECK] != _check(tenant, listing, raw[_CHECK:]) or type(key) is not list or len(key) != length:
        raise Problem("invalid_cursor")
    return key


def _check(tenant: str, listing: str, raw: bytes) -> bytes:
    return sha256(b"\0".join((tenant.encode(), listing.encode(), raw))).digest()[:_CHECK]
