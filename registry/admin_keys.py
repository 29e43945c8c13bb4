"""Who calls the admin API: API keys with a scope for it, checked against SQL.

The same keys as the gateway's (compliance/api_keys.py), and the tokens of people who signed in (user_tokens.py). SQL is
asked and not the copy: a key that was revoked here is refused here at once. Whatever is wrong with a key, the refusal
is the same.

Scopes: admin reads and changes one company's objects, support reads them, operator does what only the provider may do.
Keys of the provider's own tenant with support or operator may name another company in the header A2P-Tenant.
"""

from dataclasses import dataclass
from typing import Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.api_keys import read_bearer
from compliance.user_tokens import bearer_token
from registry.commands import find
from registry.people.user_tokens import key_of_token
from registry.problems import Problem
from registry.records import ApiKey, Tenant
from registry.rows import IDENTIFIER

#: Names the company that a provider's key acts for.
TENANT_HEADER: Final = "A2P-Tenant"
#: Compared with where there is no such key, so that the answer takes the same steps.
_NOBODY: Final = "0" * 64
_READERS: Final = frozenset({"admin", "support", "operator"})
_WRITERS: Final = frozenset({"admin", "operator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """Whose objects may be seen and changed."""

    tenant: str
    #: For the audit: key:<id>.
    actor: str
    #: Of the provider: may do what only operators may.
    operator: bool = False
    #: Of the provider, too, if only to look.
    provider: bool = False
    #: The employee whose own key it is, where employees may call; None: an admin.
    user: str | None = None


async def check_key(
    connection: AsyncConnection,
    authorization: str | None,
    *,
    tenant: str | None = None,
    writes: bool = False,
) -> Admin:
    """Return who calls; tenant is whom they act for, where that is not their own company.

    Problem: unauthenticated; forbidden without a scope for it, or for acting for others without being the provider's;
    not_found when there is no such company.
    """
    key = await _proven(connection, authorization)
    scopes = frozenset(key.scopes)
    if not scopes & (_WRITERS if writes else _READERS):
        raise Problem("forbidden")
    provider = bool(scopes & {"support", "operator"}) and await _is_provider(connection, key.tenant)
    if tenant is not None and tenant != key.tenant:
        if not provider:
            raise Problem("forbidden")
        await _check_tenant(connection, tenant)
        if writes and "operator" not in scopes:
            raise Problem("forbidden")
    return Admin(
        tenant=tenant or key.tenant,
        actor=f"key:{key.id}",
        operator=provider and "operator" in scopes,
        provider=provider,
    )


async def _proven(connection: AsyncConnection, authorization: str | None) -> ApiKey:
    """Return the key that is shown, or that of a user's token; Problem: unauthenticated."""
    token = bearer_token(authorization)
    if token is not None:
        of_token = await key_of_token(connection, token)
        if of_token is None or of_token.revoked_at is not None:
            raise Problem("unauthenticated")
        return of_token
    shown = read_bearer(authorization)
    if shown is None:
        raise Problem("unauthenticated")
    key = (await find(connection, ApiKey, {(shown.id,)})).get((shown.id,))
    proven = shown.proves(_NOBODY if key is None else key.sha256)
    if key is None or not proven or key.revoked_at is not None:
        raise Problem("unauthenticated")
    return key


async def check_employee(connection: AsyncConnection, request: web.BaseRequest, *, writes: bool = False) -> Admin:
    """Return which employee sends a request, with their own key: scope send to change, read to look.

    Problem: unauthenticated; forbidden for every other key, and for acting for another company.
    """
    authorization, tenant = _headers(request)
    key = await _proven(connection, authorization)
    if key.user is None or ("send" if writes else "read") not in key.scopes or tenant not in {None, key.tenant}:
        raise Problem("forbidden")
    return Admin(tenant=key.tenant, actor=f"key:{key.id}", user=key.user)


async def check_anybody(connection: AsyncConnection, request: web.BaseRequest) -> Admin:
    """Return who looks: an admin as check_caller has it, or else an employee; Problem as theirs."""
    key = await _proven(connection, _headers(request)[0])
    if key.user is not None and not _READERS & frozenset(key.scopes):
        return await check_employee(connection, request)
    return await check_caller(connection, request)


async def check_caller(connection: AsyncConnection, request: web.BaseRequest, *, writes: bool = False) -> Admin:
    """Return who sends a request, by its headers; Problem as check_key raises it."""
    authorization, tenant = _headers(request)
    return await check_key(connection, authorization, tenant=tenant, writes=writes)


def _headers(request: web.BaseRequest) -> tuple[str | None, str | None]:
    """Read which key is shown, and which company is meant; Problem not_found when several are."""
    keys, tenants = (request.headers.getall(name, []) for name in ("Authorization", TENANT_HEADER))
    if len(tenants) > 1:
        raise Problem("not_found")
    return keys[0] if len(keys) == 1 else None, tenants[0] if tenants else None


async def _is_provider(connection: AsyncConnection, tenant: str) -> bool:
    found = await find(connection, Tenant, {(tenant,)})
    return any(one.provider for one in found.values())


async def _check_tenant(connection: AsyncConnection, tenant: str) -> None:
    if not (IDENTIFIER.fullmatch(tenant) and tenant.isprintable() and await find(connection, Tenant, {(tenant,)})):
        raise Problem("not_found")
