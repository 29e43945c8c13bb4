"""Who calls the admin API: API keys with the scope admin, checked against SQL.

The same keys as the gateway's (compliance/api_keys.py). SQL is asked and not the copy: a key that was revoked here is
refused here at once. Whatever is wrong with a key, the refusal is the same.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.api_keys import read_bearer
from registry.commands import find
from registry.problems import Problem
from registry.records import ApiKey

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
    shown = read_bearer(authorization)
    if shown is None:
        raise Problem("unauthenticated")
    key = (await find(connection, ApiKey, {(shown.id,)})).get((shown.id,))
    proven = shown.proves(_NOBODY if key is None else key.sha256)
    if key is None or not proven or key.revoked_at is not None:
        raise Problem("unauthenticated")
    if "admin" not in key.scopes:
        raise Problem("forbidden")
    return Admin(tenant=key.tenant, actor=f"key:{key.id}")
