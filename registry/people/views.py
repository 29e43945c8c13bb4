"""Lists of people, keys and companies. A search finds what is in the name, taken literally; no sign stands for others.

Not here: how a list is cut into pages (registry.lists).
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import sqlalchemy as sa
from pydantic import Field

from registry.action import Look, PageQuery, Query
from registry.commands import find
from registry.flows.desk import SYSTEM_ROLE
from registry.lists import page_of
from registry.pages import contains
from registry.people.keys import ends_at
from registry.people.logins import login_of
from registry.problems import Problem
from registry.records import Tenant, User
from registry.rows import IDENTIFIER
from registry.tables import api_keys, extensions, numbers, tenants, users

_SEARCH_MAX: Final = 100
TENANT: Final = ("id", "name", "country", "time_zone", "currency", "customer_since", "provider")
USER: Final = ("id", "name", "role", "licence")
KEY: Final = ("id", "user", "scopes", "label", "created_at", "revoked_at")


class UserQuery(PageQuery):
    """Which people."""

    #: A part of the name.
    search: str | None = Field(default=None, min_length=1, max_length=_SEARCH_MAX)
    role: Literal["employee", "admin", "support", "operator"] | None = None


class KeyQuery(PageQuery):
    """Which keys."""

    user: str | None = Field(default=None, max_length=128)
    revoked: bool | None = None
    #: Only the keys of sign-ins to the console, or only the others.
    sign_ins: bool | None = None


class TenantQuery(PageQuery):
    """Which companies."""

    search: str | None = Field(default=None, min_length=1, max_length=_SEARCH_MAX)


async def list_users(look: Look, _: Mapping[str, str], query: UserQuery) -> dict[str, Any]:
    """List the people who have not left, by name."""
    wanted = sa.select(users).where(
        users.c.tenant == look.tenant, users.c.left_at.is_(None), users.c.role != SYSTEM_ROLE
    )
    if query.search is not None:
        wanted = wanted.where(contains(look.connection, users.c.name, query.search))
    if query.role is not None:
        wanted = wanted.where(users.c.role == query.role)
    rows, after = await page_of(look, "users", query, wanted, [users.c.name, users.c.id])
    names = [row["id"] for row in rows]
    short = await _grouped(look, extensions.c.user, extensions.c.digits, names)
    theirs = await _grouped(look, numbers.c.user, numbers.c.did, names)
    texting = await _grouped(look, numbers.c.user, numbers.c.did, names, numbers.c.sms == "enabled")
    items = [
        {name: row[name] for name in USER}
        | {
            "extensions": short.get(row["id"], []),
            "numbers": theirs.get(row["id"], []),
            "texts_from": next(iter(texting.get(row["id"], [])), None),
        }
        for row in rows
    ]
    return {"items": items, "next": after}


async def list_keys(look: Look, _: Mapping[str, str], query: KeyQuery) -> dict[str, Any]:
    """List keys by id, without what proves them."""
    wanted = sa.select(api_keys, users.c.name.label("user_name"))
    wanted = wanted.select_from(api_keys.outerjoin(users, users.c.id == api_keys.c.user)).where(
        api_keys.c.tenant == look.tenant, sa.or_(users.c.role.is_(None), users.c.role != SYSTEM_ROLE)
    )
    if query.user is not None:
        wanted = wanted.where(api_keys.c.user == query.user.replace("\x00", "\ufffd"))
    if query.revoked is not None:
        gone = api_keys.c.revoked_at.is_not(None)
        wanted = wanted.where(gone if query.revoked else ~gone)
    if query.sign_ins is not None:
        of_sign_in = sa.and_(api_keys.c.sha256 == "", api_keys.c.user.is_not(None))
        wanted = wanted.where(of_sign_in if query.sign_ins else ~of_sign_in)
    rows, after = await page_of(look, "keys", query, wanted, [api_keys.c.id])
    ending = await ends_at(look.connection, [row["id"] for row in rows])
    return {"items": [_key(row) | {"revoke_at": ending.get(row["id"])} for row in rows], "next": after}


def _key(row: sa.RowMapping) -> dict[str, Any]:
    shown = {name: row[name] for name in (*KEY, "user_name")}
    return shown | {"scopes": list(row["scopes"]), "sign_in": row["sha256"] == "" and row["user"] is not None}


async def list_tenants(look: Look, _: Mapping[str, str], query: TenantQuery) -> dict[str, Any]:
    """List all companies by id."""
    wanted = sa.select(tenants)
    if query.search is not None:
        wanted = wanted.where(contains(look.connection, tenants.c.name, query.search))
    rows, after = await page_of(look, "tenants", query, wanted, [tenants.c.id])
    return {"items": [{name: row[name] for name in TENANT} for row in rows], "next": after}


async def get_login(look: Look, path: Mapping[str, str], _: Query) -> dict[str, Any]:
    """Show a person's login, without what proves it. Problem: not_found."""
    user = (await find(look.connection, User, {(path["id"],)})).get((path["id"],)) if _is_id(path["id"]) else None
    if user is None or user.tenant != look.tenant or user.left_at is not None or user.role == SYSTEM_ROLE:
        raise Problem("not_found")
    login = await login_of(look.connection, user=user.id)
    return {
        "email": None if login is None else login.email,
        "has_password": login is not None and bool(login.password),
        "changed_at": None if login is None else login.changed_at,
        "invited_until": None if login is None else login.invited_until,
    }


def _is_id(name: str) -> bool:
    return bool(IDENTIFIER.fullmatch(name)) and name.isprintable()


async def get_tenant(look: Look, path: Mapping[str, str], _: Query) -> dict[str, Any]:
    """Show a company: to its own admins, and to the provider's people; Problem not_found to others."""
    name = path["id"]
    if not (look.provider or name == look.tenant) or not _is_id(name):
        raise Problem("not_found")
    tenant = (await find(look.connection, Tenant, {(name,)})).get((name,))
    if tenant is None:
        raise Problem("not_found")
    return tenant_shown(tenant)


def tenant_shown(tenant: Tenant) -> dict[str, Any]:
    """Return a company as JSON."""
    return {name: getattr(tenant, name) for name in TENANT}


async def _grouped(
    look: Look, by: sa.Column[Any], value: sa.Column[Any], names: list[str], *where: sa.ColumnElement[bool]
) -> dict[str, list[str]]:
    """Return values by the people whose they are, in order."""
    rows = await look.connection.execute(sa.select(by, value).where(by.in_(names), *where).order_by(value))
    found: dict[str, list[str]] = {}
    for owner, one in rows:
        found.setdefault(owner, []).append(one)
    return found
