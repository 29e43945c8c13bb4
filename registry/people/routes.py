"""The calls about people, companies and keys.

Not here: what they do (keys.py, tenants.py), and the lists (views.py).
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, WithJsonSchema

from apidocs.table import closed, nullable
from registry.action import Action, NoBody, Query, View
from registry.admin_patches import Patch
from registry.credentials import Minted
from registry.flows import people
from registry.flows.desk import Desk
from registry.lists import listed
from registry.people import colleagues, keys, logins, names, tenants, views
from registry.people.keys import OVERLAP_MAX
from registry.records import ApiKey

_CREATED: Final = 201
_NAME_MAX: Final = 200
_EARLIEST: Final = date(1980, 1, 1)


def _instant(value: Any) -> Any:
    """Read an RFC 3339 instant; bodies are read strictly, where a text is no instant."""
    if type(value) is not str:
        raise ValueError("not an instant")
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("no offset")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of range") from None


def _day(value: Any) -> Any:
    if type(value) is not str:
        raise ValueError("not a date")
    found = date.fromisoformat(value)
    if found < _EARLIEST:
        raise ValueError("too early")
    return found


Instant = Annotated[AwareDatetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Scope = Literal["send", "read", "admin", "support", "operator"]
Printable = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]


class NewKey(Patch):
    """A key: of the company, or of one person."""

    user: str | None = Field(default=None, max_length=128)
    scopes: list[Scope] = Field(min_length=1, max_length=5)
    #: What it is for.
    label: Printable = Field(default="", max_length=_NAME_MAX)


class Rotation(Patch):
    """How long the old key goes on; left out, it ends at once."""

    revoke_at: Instant | None = None


class NewTenant(Patch):
    """A company that becomes a customer."""

    #: Left out, one is made up.
    id: str | None = Field(default=None, min_length=1, max_length=128)
    name: str = Field(min_length=1, max_length=_NAME_MAX)
    country: Literal["US", "CA"] = "US"
    time_zone: str = Field(default="UTC", min_length=1, max_length=64)
    currency: Literal["USD", "CAD"] = "USD"
    #: Left out, today.
    customer_since: Day | None = None


class TenantPatch(Patch):
    """A company: what can be changed of it."""

    name: str = Field(default_factory=str, min_length=1, max_length=_NAME_MAX)
    country: Literal["US", "CA"] = "US"
    time_zone: str = Field(default="UTC", min_length=1, max_length=64)
    currency: Literal["USD", "CAD"] = "USD"


class Invitation(Patch):
    """Where the person signs in with."""

    email: Printable = Field(min_length=3, max_length=254)


async def _invite(desk: Desk, path: Mapping[str, str], body: Invitation) -> dict[str, Any]:
    secret, until = await logins.invite(desk, path["id"], body.email)
    return {"email": logins.read_email(body.email), "path": f"/console/invitation/{secret}", "until": until}


async def _withdraw(desk: Desk, path: Mapping[str, str], _: NoBody) -> dict[str, Any]:
    await people.withdraw_login(desk, path["id"])
    return {"id": path["id"], "removed": True}


async def _create_key(desk: Desk, _: Mapping[str, str], body: NewKey) -> dict[str, Any]:
    minted = await keys.create(desk, user=body.user, scopes=body.scopes, label=body.label)
    return _fresh(minted)


async def _rotate(desk: Desk, path: Mapping[str, str], body: Rotation) -> dict[str, Any]:
    minted, old = await keys.rotate(desk, path["id"], body.revoke_at)
    ends = old.revoked_at or body.revoke_at
    return _fresh(minted) | {"old": {"id": old.id, "revoke_at": ends}}


def _fresh(minted: Minted) -> dict[str, Any]:
    """Show a new key with its secret: this once."""
    return {"key": _shown(minted.record), "secret": minted.text}


def _shown(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in views.KEY} | {"scopes": list(key.scopes)}


async def _add_tenant(desk: Desk, _: Mapping[str, str], body: NewTenant) -> dict[str, Any]:
    given = {"name": body.name, "country": body.country, "time_zone": body.time_zone, "currency": body.currency}
    return views.tenant_shown(await tenants.add(desk, body.id, given, body.customer_since))


async def _edit_tenant(desk: Desk, path: Mapping[str, str], body: TenantPatch) -> dict[str, Any]:
    given = body.given("name", "country", "time_zone", "currency")
    return views.tenant_shown(await tenants.edit(desk, path["id"], given))


_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_INSTANT: Final = nullable({"type": "string", "format": "date-time"})
_CHANGE: Final = {"change": {"type": "object"}}
_USER: Final = {
    **dict.fromkeys(views.USER, _TEXT),
    "extensions": _TEXTS,
    "numbers": _TEXTS,
    "texts_from": {**nullable(_TEXT), "description": "The number whose SMS is enabled."},
}
_KEY: Final = {
    "id": _TEXT,
    "user": nullable(_TEXT),
    "scopes": _TEXTS,
    "label": _TEXT,
    "created_at": _INSTANT,
    "revoked_at": _INSTANT,
}
_SECRET: Final = {
    "key": closed(_KEY),
    "secret": {**_TEXT, "description": "The whole key, shown this once."},
}
_TENANT: Final = {
    **dict.fromkeys(views.TENANT, _TEXT),
    "customer_since": {"type": "string", "format": "date"},
    "provider": {"type": "boolean", "description": "The phone company itself."},
}

ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "POST",
        "/v1/keys",
        "createKey",
        NewKey,
        _create_key,
        "Make a key of the company, or of one person within their role. The answer holds the secret, this once. The"
        " scopes support and operator are given by an operator, to keys of the provider's own company.",
        status=_CREATED,
        problems=("missing_field", "unknown_user", "scope_not_yours", "scope_beyond_role"),
        shows=closed(_SECRET | _CHANGE),
    ),
    Action(
        "POST",
        "/v1/keys/{id}/rotate",
        "rotateKey",
        Rotation,
        _rotate,
        "Make a second key with the same rights; the answer holds its secret, this once. The old key ends at once, or"
        f" at `revoke_at`, at most {OVERLAP_MAX.days} days ahead: until then both work.",
        status=_CREATED,
        problems=("not_from_here", "scope_not_yours"),
        shows=closed({**_SECRET, "old": closed({"id": _TEXT, "revoke_at": _INSTANT}), **_CHANGE}),
    ),
    Action(
        "POST",
        "/v1/users/{id}/invitation",
        "inviteUser",
        Invitation,
        _invite,
        "Give a person a login to the console: the answer holds the path of a link, this once, where they choose their"
        f" password within {logins.INVITED.days} days. Whoever has the link can: hand it over in a safe way.",
        status=_CREATED,
        problems=("missing_field", "email_taken"),
        shows=closed(
            {"email": _TEXT, "path": _TEXT, "until": {"type": "string", "format": "date-time"}} | _CHANGE,
        ),
    ),
    Action(
        "DELETE",
        "/v1/users/{id}/login",
        "removeLogin",
        NoBody,
        _withdraw,
        "Take away what a person signs in to the console with: their sign-ins end at once, the email address is free."
        " Keys that programs have go on. Not the last admin's.",
        problems=("last_admin",),
        shows=closed({"id": _TEXT, "removed": {"const": True}} | _CHANGE),
    ),
    Action(
        "POST",
        "/v1/tenants",
        "addTenant",
        NewTenant,
        _add_tenant,
        "Take a company in.",
        operator=True,
        status=_CREATED,
        problems=("missing_field", "tenant_taken"),
        shows=closed(_TENANT | _CHANGE),
    ),
    Action(
        "PATCH",
        "/v1/tenants/{id}",
        "changeTenant",
        TenantPatch,
        _edit_tenant,
        "Change what is known about a company. Fields that are left out stay.",
        operator=True,
        problems=("empty_change",),
        shows=closed(_TENANT | _CHANGE),
        versioned=True,
    ),
)
VIEWS: Final[tuple[View, ...]] = (
    View(
        "/v1/users/{id}/login",
        "getLogin",
        Query,
        views.get_login,
        "With which email address a person signs in to the console, and whether an invitation is open.",
        shows=closed(
            {
                "email": nullable(_TEXT),
                "has_password": {"type": "boolean"},
                "changed_at": _INSTANT,
                "invited_until": _INSTANT,
            }
        ),
    ),
    View(
        "/v1/users",
        "listUsers",
        views.UserQuery,
        views.list_users,
        "The company's people by name, with their extensions and numbers; `search` is a part of the name.",
        shows=listed(_USER),
    ),
    View(
        "/v1/colleagues",
        "listColleagues",
        colleagues.ColleagueQuery,
        colleagues.list_colleagues,
        "The people of the caller's company by name, as every employee may see them with their own key (scope read).",
        employee=True,
        shows=listed(
            {
                "id": _TEXT,
                "name": _TEXT,
                "extensions": _TEXTS,
                "here": {"type": "boolean", "description": "false: they left, or it is the platform that speaks."},
            }
        ),
    ),
    View(
        "/v1/keys",
        "listKeys",
        views.KeyQuery,
        views.list_keys,
        "The company's keys, without what proves them.",
        shows=listed(
            {
                **_KEY,
                "user_name": nullable(_TEXT),
                "sign_in": {"type": "boolean", "description": "It stands for a sign-in to the console."},
                "revoke_at": {**_INSTANT, "description": "It ends then: it was renewed, or the sign-in ends."},
            }
        ),
    ),
    View(
        "/v1/names",
        "listNames",
        names.NamesQuery,
        names.list_names,
        "Whose names stand behind actors of the audit and senders of messages: people's names and keys' labels.",
        shows=closed({"names": {"type": "object", "additionalProperties": _TEXT}}),
    ),
    View(
        "/v1/tenants",
        "listTenants",
        views.TenantQuery,
        views.list_tenants,
        "All companies; for the provider's people.",
        provider=True,
        shows=listed(_TENANT),
    ),
    View(
        "/v1/tenants/{id}",
        "getTenant",
        Query,
        views.get_tenant,
        "A company; another one for the provider's people only.",
        shows=closed(_TENANT),
    ),
)
