"""Who calls the admin API: API keys with the scope admin, checked against SQL.

The same keys as the gateway's (a2p_<id>_<secret>). SQL is asked and not the copy: a key that was revoked here is
refused here at once. Whatever is wrong with a key, the refusal is the same.
"""

import hmac
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from registry.commands import find
from registry.problems import Problem
from registry.records import ApiKey

_BEARER: Final = re.compile(r"(?i:Bearer) +(a2p_([0-9A-Za-z]{1,40})_[0-9A-Za-z]{8,128})", re.ASCII)
#: Compared with where there is no such key, so that the answer takes the same steps.
_NOBODY: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """Whose objects may be seen and changed."""

    tenant: str
    #: For the audit: key:<id>.
    actor: str


async def check_key(connection: AsyncConnection, authorization: str | None) -> Admin:
    """Return who calls; Problem: unauthenticated, or forbidden without the scope admin."""
    match = _BEARER.fullmatch(authorization or "")
    if match is None:
        raise Problem("unauthenticated")
    key = (await find(connection, ApiKey, {(match[2],)})).get((match[2],))
    expected = _NOBODY if key is None else key.sha256
    proven = hmac.compare_digest(sha256(match[1].encode()).hexdigest().encode(), expected.encode())
    if key is None or not proven or key.revoked_at is not None:
        raise Problem("unauthenticated")
    if "admin" not in key.scopes:
        raise Problem("forbidden")
    return Admin(tenant=key.tenant, actor=f"key:{key.id}")
