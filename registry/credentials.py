"""API keys: how one is made, and the file that an import leaves them in.

A key is `a2p_<id>_<secret>` in base62. The id finds it, the secret proves it; 32 characters are 190 bits, so a plain
SHA-256 is enough at rest. The text of a key is nowhere but in the credentials file: not in SQL, not in the store, not
in a log.

Not here: how the gateway checks a key.
"""

import hashlib
import os
import secrets
import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.commands import change, find
from registry.records import ApiKey

TENANT_SCOPES: Final = ("send", "read", "admin")
USER_SCOPES: Final = ("send", "read")
#: For the admin API alone: who holds it can change what is registered, and send nothing.
ADMIN_SCOPES: Final = ("admin",)

_BASE62: Final = string.digits + string.ascii_letters
_ID_LENGTH: Final = 12
_SECRET_LENGTH: Final = 32


class CredentialsFileError(Exception):
    """The credentials file is there but is not one; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A new key: the record to keep, and the text to hand over once."""

    record: ApiKey
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a credentials file holds: texts of keys by tenant id, by user id, and by tenant id for admins."""

    api_keys: dict[str, str]
    user_keys: dict[str, str]
    admin_keys: dict[str, str]


def mint(*, tenant: str, user: str | None, scopes: tuple[str, ...], label: str, at: datetime | None = None) -> Minted:
    """Make a new key, of a tenant (user None) or of one of its users."""
    key_id = _random(_ID_LENGTH)
    text = f"a2p_{key_id}_{_random(_SECRET_LENGTH)}"
    record = ApiKey(
        id=key_id,
        sha256=_sha256(text),
        tenant=tenant,
        user=user,
        scopes=scopes,
        label=label,
        revoked_at=None,
        created_at=at,
    )
    return Minted(record=record, text=text)


def _random(length: int) -> str:
    return "".join(secrets.choice(_BASE62) for _ in range(length))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def ensure_keys(
    connection: AsyncConnection,
    path: Path,
    *,
    actor: str,
    tenants: Collection[str],
    users: Mapping[str, str],
) -> int:
    """Make path hold valid keys: two for each tenant (one for its admins), one for each user; returns how many are new.

    users are given with their tenants.

    connection is one of Database.writing(): two imports take turns, and the second keeps the keys of the first. The
    file is written before the commit, so that no key is ever live that nobody has. CredentialsFileError when path holds
    something else; OSError when it cannot be written.
    """
    old = read_credentials(path)
    texts = [*old.api_keys.values(), *old.user_keys.values(), *old.admin_keys.values()]
    known = await find(connection, ApiKey, {(_id_of(text),) for text in texts})
    valid = {(record.tenant, record.user, record.sha256) for record in known.values() if record.revoked_at is None}
    taken: set[str] = set()
    now = datetime.now(UTC)
    fresh: list[Minted] = []

    def kept_or_new(text: str | None, tenant: str, user: str | None, scopes: tuple[str, ...]) -> str:
        if text is not None and text not in taken and (tenant, user, _sha256(text)) in valid:
            taken.add(text)  # A key has one place: a copy in another is a slip.
            return text
        fresh.append(mint(tenant=tenant, user=user, scopes=scopes, label="minted by import", at=now))
        return fresh[-1].text

    api_keys = {tenant: kept_or_new(old.api_keys.get(tenant), tenant, None, TENANT_SCOPES) for tenant in tenants}
    user_keys = {
        user: kept_or_new(old.user_keys.get(user), tenant, user, USER_SCOPES) for user, tenant in users.items()
    }
    admin_keys = {tenant: kept_or_new(old.admin_keys.get(tenant), tenant, None, ADMIN_SCOPES) for tenant in tenants}
    if fresh:
        await change(connection, actor=actor, put=[minted.record for minted in fresh])
        write_credentials(
            path,
            Credentials(
                api_keys=old.api_keys | api_keys,
                user_keys=old.user_keys | user_keys,
                admin_keys=old.admin_keys | admin_keys,
            ),
        )
    return len(fresh)


def _id_of(text: str) -> str:
    return text.removeprefix("a2p_").partition("_")[0]


def read_credentials(path: Path) -> Credentials:
    """Read a credentials file; a file that is not there is an empty one."""
    try:
        data = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return Credentials(api_keys={}, user_keys={}, admin_keys={})
    except orjson.JSONDecodeError:
        data = None
    if type(data) is not dict:
        data = {}
    admin_keys = data.get("admin_keys", {})  # (earlier versions minted none)
    if not all(_is_texts(keys) for keys in (data.get("api_keys"), data.get("user_keys"), admin_keys)):
        raise CredentialsFileError(f"{path} is not a credentials file and is left as it is: name another file")
    return Credentials(api_keys=data["api_keys"], user_keys=data["user_keys"], admin_keys=admin_keys)


def _is_texts(data: Any) -> bool:
    return type(data) is dict and all(type(value) is str for value in data.values())


def write_credentials(path: Path, credentials: Credentials) -> None:
    """Write a credentials file whole or not at all, readable by its owner only."""
    beside = path.with_name(f"{path.name}.{_random(8)}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(credentials, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
