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
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

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


async def along_index(connection: AsyncConnection, *, only: bool = True) -> None:
    """Have PostgreSQL find what follows along indexes only; not only: as it thinks best, which is how it begins.

    It takes a page of some rows for much of a table, above all behind the policies that confine a company, and then
    reads whole tables first. It holds until the transaction ends.
    """
    if connection.dialect.name == "postgresql":
        way = "off" if only else "on"
        ways = (sa.func.set_config(f"enable_{one}", way, sa.true()) for one in ("hashjoin", "mergejoin", "seqscan"))
        await connection.execute(sa.select(*ways))


def contains(connection: AsyncConnection, column: sa.Column[str], part: str) -> sa.ColumnElement[bool]:
    """Return the condition that a text has a part, in whichever case.

    For a part in ASCII PostgreSQL need not know other letters' cases, which takes it thrice as long.
    """
    typed = part.replace("\x00", "\ufffd")
    if connection.dialect.name == "postgresql" and typed.isascii():
        return sa.func.lower(sa.collate(column, "C")).contains(typed.lower(), autoescape=True)
    return column.icontains(typed, autoescape=True)


def _check(tenant: str, listing: str, raw: bytes) -> bytes:
    return sha256(b"\0".join((tenant.encode(), listing.encode(), raw))).digest()[:_CHECK]
