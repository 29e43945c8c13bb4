"""Who is asking: API keys, checked against the registry's documents.

A key belongs to a tenant (what a program uses, origin api) or to one of its users (what the app uses, origin app).
Every refusal looks the same, whatever was wrong.

Not here: what a key looks like and what proves it (compliance/api_keys.py).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

import structlog

from compliance.api_keys import ApiKey, read_bearer
from compliance.documents import KeyDocument, api_key_key, load_key
from compliance.shapes import ShapeError
from gateway.errors import Problem
from gateway.near.cache import NearCache

_log = structlog.get_logger()

#: Compared with where there is no such key, so that the answer takes the same steps.
_NOBODYS: Final = "0" * 64


class Principal(NamedTuple):
    """Whose key it is."""

    tenant: str
    #: The user that the key belongs to; None for a tenant's key.
    user: str | None
    scopes: frozenset[str]

    @property
    def origin(self) -> str:
        """The origin that messages of this key have: app for a person's, api for a program's."""
        return "api" if self.user is None else "app"

    def require(self, scope: str) -> None:
        """Raise forbidden when the key lacks a scope."""
        if scope not in self.scopes:
            raise Problem("forbidden")


def _untold(authorization: str | None, tenant: str) -> None:
    """Tell nobody."""


class Keys:
    """Checks keys."""

    def __init__(self, near: NearCache, proved: Callable[[str | None, str], None] = _untold) -> None:
        """proved: told the field and the tenant of each key that was good."""
        self._near = near
        self._proved = proved

    def at_hand(self, authorization: str | None) -> Principal | None:
        """Return whose key it is, None when its document must be waited for. Raises Problem: unauthenticated."""
        memory = self._near.memory()
        if memory is None or self._near.reading() is None:
            return None
        key = _read(authorization)
        return self._prove(authorization, key, memory.get(api_key_key(key.id)))

    async def check(self, authorization: str | None) -> Principal:
        """Return whose key it is.

        Raises Problem: unauthenticated, or registry_unavailable while no key can be looked up.
        """
        key = _read(authorization)
        return self._prove(authorization, key, await self._document(api_key_key(key.id)))

    def _prove(self, authorization: str | None, key: ApiKey, document: bytes | None) -> Principal:
        principal = _principal(key, document)
        self._proved(authorization, principal.tenant)
        return principal

    async def _document(self, name: str) -> bytes | None:
        """Find a key's document. While the store is away keys are what they last were: colleagues write on."""
        memory = self._near.memory()
        if memory is None or self._near.reading() is None:
            reading = await self._near.read((name,))
            if reading.age_ms is not None:
                return reading.documents.get(name)
            if memory is None:
                raise Problem("registry_unavailable", retry_after_s=1)
        return memory.get(name)


def _read(authorization: str | None) -> ApiKey:
    key = read_bearer(authorization)
    if key is None:
        raise Problem("unauthenticated")
    return key


@lru_cache(maxsize=16_384)
def _stored(document: bytes) -> KeyDocument | None:
    """Read a key's document, once per distinct bytes; a broken one opens nothing."""
    try:
        return load_key(document)
    except ShapeError as broken:
        _log.error("key_document_broken", exc_info=broken)  # Where it was, not its words.
        return None


def _principal(key: ApiKey, document: bytes | None) -> Principal:
    stored = None if document is None else _stored(document)
    proven = key.proves(_NOBODYS if stored is None else stored.sha256)
    if stored is None or not proven:
        raise Problem("unauthenticated")
    return Principal(tenant=stored.tenant, user=stored.user, scopes=frozenset(stored.scopes))
