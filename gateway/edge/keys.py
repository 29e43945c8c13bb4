"""Who is asking: API keys and user tokens, checked against the registry's documents.

A key belongs to a tenant (what a program uses, origin api) or to one of its users (what the app uses, origin app). A
user's token (what a web page uses, origin app) stands for the key of a sign-in, and ends with it. Every refusal looks
the same, whatever was wrong.

Not here: what a key looks like and what proves it (compliance/api_keys.py), how a token is proved (user_tokens.py).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

import structlog

from compliance.api_keys import ApiKey, read_bearer
from compliance.documents import KeyDocument, api_key_key, load_key, token_key_key
from compliance.shapes import ShapeError
from compliance.user_tokens import Claims
from gateway.edge.user_tokens import UserTokens
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
    """Checks keys and tokens."""

    def __init__(
        self,
        near: NearCache,
        proved: Callable[[str | None, str], None] = _untold,
        tokens: UserTokens | None = None,
    ) -> None:
        """proved: told the field and the tenant of each key or token that was good."""
        self._near = near
        self._proved = proved
        self._tokens = UserTokens() if tokens is None else tokens

    def at_hand(self, authorization: str | None) -> Principal | None:
        """Return whose key it is, None when its document must be waited for. Raises Problem: unauthenticated."""
        memory = self._near.memory()
        if memory is None or self._near.reading() is None:
            return None
        key = read_bearer(authorization)
        if key is not None:
            return self._prove(authorization, key, memory.get(api_key_key(key.id)))
        kid = _kid(self._tokens, authorization)
        claims = _claims(self._tokens, authorization, memory.get(token_key_key(kid)))
        return self._sign_in(authorization, claims, memory.get(api_key_key(claims.key)))

    async def check(self, authorization: str | None) -> Principal:
        """Return whose key it is.

        Raises Problem: unauthenticated, or registry_unavailable while no key can be looked up.
        """
        key = read_bearer(authorization)
        if key is not None:
            return self._prove(authorization, key, await self._document(api_key_key(key.id)))
        kid = _kid(self._tokens, authorization)
        claims = _claims(self._tokens, authorization, await self._document(token_key_key(kid)))
        return self._sign_in(authorization, claims, await self._document(api_key_key(claims.key)))

    def _prove(self, authorization: str | None, key: ApiKey, document: bytes | None) -> Principal:
        principal = _principal(key, document)
        self._proved(authorization, principal.tenant)
        return principal

    def _sign_in(self, authorization: str | None, claims: Claims, document: bytes | None) -> Principal:
        """Return whose sign-in a token is of. A tenant's key is nobody's sign-in."""
        stored = None if document is None else _stored(document)
        if stored is None or stored.user != claims.user or stored.tenant != claims.tenant:
            raise Problem("unauthenticated")
        self._proved(authorization, stored.tenant)
        return Principal(tenant=stored.tenant, user=stored.user, scopes=frozenset(stored.scopes))

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


def _kid(tokens: UserTokens, authorization: str | None) -> str:
    kid = tokens.key_of(authorization)
    if kid is None:
        raise Problem("unauthenticated")
    return kid


def _claims(tokens: UserTokens, authorization: str | None, document: bytes | None) -> Claims:
    claims = tokens.claims(authorization, document)
    if claims is None:
        raise Problem("unauthenticated")
    return claims


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
