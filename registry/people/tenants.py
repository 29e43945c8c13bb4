"""The flows of companies: taken in, changed, and the one that is the provider itself.

Not here: what belongs to a company.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from registry.flows.desk import Desk
from registry.problems import Problem, wrong_field
from registry.records import Tenant
from registry.rows import IDENTIFIER
from registry.tables import tenants


class ProviderTakenError(Exception):
    """Another company is the provider; the message names it."""


async def add(desk: Desk, name: str | None, given: Mapping[str, Any], since: date | None) -> Tenant:
    """Take a company in. Problem: tenant_taken."""
    key = name or f"t-{secrets.token_hex(8)}"
    if not (IDENTIFIER.fullmatch(key) and key.isprintable()):
        raise wrong_field("/id", "invalid_value", "Give 1 to 128 characters without blanks and colons.")
    if await desk.one(Tenant, key) is not None:
        raise wrong_field("/id", "tenant_taken")
    _check(given)
    tenant = Tenant(id=key, customer_since=since or desk.now.date(), **given)
    await desk.save([tenant])
    return tenant


async def edit(desk: Desk, name: str, given: Mapping[str, Any]) -> Tenant:
    """Change what is known about a company."""
    tenant = await desk.one(Tenant, name)
    if tenant is None:
        raise Problem("not_found")
    if not given:
        raise Problem("empty_change")
    _check(given)
    edited = replace(tenant, **given)
    await desk.save([edited])
    return edited


async def make_provider(desk: Desk, key: str, name: str) -> Tenant:
    """Make a company the provider's own, taking it in where it is not there. ProviderTakenError: another one is."""
    others = await desk.all(Tenant, tenants.c.provider.is_(sa.true()), tenants.c.id != key)
    if others:
        raise ProviderTakenError(f"{others[0].id} is the provider already: there is one")
    there = await desk.one(Tenant, key)
    if there is None:
        fresh = {"name": name or key, "country": "US", "time_zone": "UTC", "currency": "USD"}
        there = await add(desk, key, fresh, None)
    provider = replace(there, provider=True, name=name or there.name)
    await desk.save([provider])
    return provider


def _check(given: Mapping[str, Any]) -> None:
    """Refuse a time zone that is none, and a name that cannot be printed."""
    if "time_zone" in given:
        try:
            ZoneInfo(given["time_zone"])
        except (ZoneInfoNotFoundError, ValueError, OSError):
            fix = "Give an IANA time zone, such as America/New_York."
            raise wrong_field("/time_zone", "invalid_value", fix) from None
    if not given.get("name", "x").isprintable():
        raise wrong_field("/name", "invalid_value", "Leave out control characters.")
