"""A served registry with two customers and the phone company itself, and a key for everybody."""

from dataclasses import replace
from datetime import UTC, datetime

from registry.commands import change
from registry.credentials import mint
from registry.records import User
from tests.registry.admin import two_companies
from tests.registry.builders import a_tenant, a_user

PROVIDER = "phoneco"
#: Everybody: whose key, of which person, with which scopes.
KEYS = {
    "admin": ("acme", None, ("send", "read", "admin")),
    "admin only": ("acme", None, ("admin",)),
    "employee admin": ("acme", "boss", ("send", "read", "admin")),
    "program": ("acme", None, ("send", "read")),
    "employee": ("acme", "ben", ("send", "read")),
    "support": (PROVIDER, None, ("support",)),
    "operator": (PROVIDER, None, ("operator",)),
    "provider admin": (PROVIDER, None, ("send", "read", "admin")),
    "pretender": ("solo", None, ("send", "read", "support", "operator")),
    "revoked": ("acme", None, ("send", "read", "admin")),
}


async def everybody(database):
    """Fill the database; gives the texts of keys."""
    texts = await two_companies(database)
    minted = {
        name: mint(tenant=tenant, user=user, scopes=scopes, label=name) for name, (tenant, user, scopes) in KEYS.items()
    }
    records = {name: one.record for name, one in minted.items()}
    records["revoked"] = replace(records["revoked"], revoked_at=datetime(2026, 1, 1, tzinfo=UTC))
    people = [
        a_user("boss", role="admin"),
        User(id="olga", tenant=PROVIDER, name="Olga", role="operator", licence=""),
    ]
    async with database.writing() as connection:
        phoneco = a_tenant(PROVIDER, name="Phone Co", provider=True)
        await change(connection, actor="test", put=[phoneco, *people, *records.values()])
    return texts | {name: one.text for name, one in minted.items()}


def key_id(text):
    """The id of a key."""
    return text.split("_")[1]
