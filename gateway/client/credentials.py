"""The file with the keys: a credentials file of an import, or the demo.json of a running demonstration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from compliance import shapes
from compliance.shapes import ShapeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Keys, and who belongs to which company."""

    #: By tenant id.
    api_keys: Mapping[str, str]
    #: By user id.
    user_keys: Mapping[str, str]
    #: User id to tenant id, for users that the file lists.
    tenants: Mapping[str, str]

    def tenant_of(self, user: str) -> str | None:
        """Say which company a user belongs to.

        A credentials file of an import has keys only. Then a user of the only company is its, and with several the
        id decides: those of a company begin with the company's id (acme-ana). A wrong guess does no harm: the gateway
        knows better and answers unknown_user.
        """
        if user in self.tenants:
            return self.tenants[user]
        if len(self.api_keys) == 1:
            return next(iter(self.api_keys))
        return max((tenant for tenant in self.api_keys if user.startswith(f"{tenant}-")), key=len, default=None)

    def key_of(self, user: str, origin: str) -> str | None:
        """Find the key that a message goes with: app with the user's, api with the company's."""
        return self.user_keys.get(user) if origin == "app" else self.api_keys.get(self.tenant_of(user) or "")


def read_credentials(raw: bytes) -> Credentials:
    """Read the file; ShapeError says what is wrong with it, without any of its keys."""
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ShapeError("credentials: not JSON") from None
    if type(data) is not dict:
        raise ShapeError("credentials: must be an object")
    return Credentials(
        api_keys=_keys(data, "api_keys"),
        user_keys=_keys(data, "user_keys"),
        tenants=dict(_member(row) for row in data.get("users") or []),
    )


def read_admin_key(raw: bytes, tenant: str) -> str | None:
    """Return the key of a tenant's admins; None when the file, of an earlier version or another kind, has none.

    Raises as read_credentials, which it follows.
    """
    data = orjson.loads(raw)
    return None if data.get("admin_keys") is None else _keys(data, "admin_keys").get(tenant)


def _keys(data: dict[str, Any], name: str) -> dict[str, str]:
    keys = shapes.required(data, name, "credentials")
    # They end up in a header: printable ASCII, as keys of ours are.
    if type(keys) is not dict or not all(
        type(key) is str and key.isascii() and key.isprintable() for key in keys.values()
    ):
        raise ShapeError(f"credentials.{name}: must be an object of keys")
    return keys


def _member(row: Any) -> tuple[str, str]:
    if type(row) is not dict:
        raise ShapeError("credentials.users: must be a list of objects")
    return shapes.text(row, "id", "credentials.users"), shapes.text(row, "tenant", "credentials.users")
