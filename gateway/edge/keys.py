"""Who is asking: API keys, checked against the registry's documents.

A key is a2p_<id>_<secret>, base62, and belongs to a tenant (what a program uses, origin api) or to one of its users
(what the app uses, origin app). Stored is the SHA-256 of the whole key. Every refusal looks the same, whatever was
wrong.
"""

import hmac
import re
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

import structlog

from compliance.documents import KeyDocument, api_key_key, load_key
from compliance.shapes import ShapeError
from gateway.errors import Problem
from gateway.near.cache import NearCache

_BEARER = re.compile(r"(?i:Bearer) +(a2p_([0-9A-Za-z]{1,40})_[0-9A-Za-z]{8,128})", re.ASCII)

_log = structlog.get_logger()


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


class Keys:
    """Checks keys."""

    def __init__(self, near: NearCache) -> None:
        self._near = near

    async def check(self, authorization: str | None) -> Principal:
        """Return whose key it is.

        Raises Problem: unauthenticated, or registry_unavailable while no key can be looked up.
        """
        match = _BEARER.fullmatch(authorization or "")
        if match is None:
            raise Problem("unauthenticated")
        name = api_key_key(match[2])
        return _principal(match[1], await self._document(name))

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


@lru_cache(maxsize=16_384)
def _stored(document: bytes) -> KeyDocument | None:
    """Read a key's document, once per distinct bytes; a broken one opens nothing."""
    try:
        return load_key(document)
    except ShapeError as broken:
        _log.error("key_document_broken", error=str(broken))
        return None


def _principal(key: str, document: bytes | None) -> Principal:
    stored = None if document is None else _stored(document)
    if stored is None:
        raise Problem("unauthenticated")
    if not hmac.compare_digest(sha256(key.encode()).hexdigest().encode(), stored.sha256.encode()):
        raise Problem("unauthenticated")
    return Principal(tenant=stored.tenant, user=stored.user, scopes=frozenset(stored.scopes))
