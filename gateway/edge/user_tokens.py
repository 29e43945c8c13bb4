"""Checks user tokens at the edge: which public key one names, and what it says once that key has proved it.

An Ed25519 check costs a quarter of a millisecond, as much as a whole message. So what was proved is kept by the
token's own bytes, for as long as the public key's document is the same and the token has not ended.

Not here: what a token says and what proves it (compliance/user_tokens.py), whether its sign-in still stands, which is
asked each time (keys.py), who signs (the registry).
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

import structlog

from compliance.documents import TokenKeyDocument, load_token_key
from compliance.shapes import ShapeError
from compliance.user_tokens import LEEWAY_S, LENGTH_MAX, Claims, kid_of, read_token

#: Tokens whose signature was checked and that are remembered.
_MOST_PROVED: Final = 4_096
_BEARER: Final = "bearer "
_TOKEN: Final = re.compile(r"([A-Za-z0-9_-]{1,512})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})", re.ASCII)
_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_SID: Final = re.compile(r"[A-Za-z0-9]{1,40}", re.ASCII)

_log = structlog.get_logger()


class _Proved(NamedTuple):
    """A token that was good once."""

    #: Bytes of the public key's document that it was checked with.
    document: bytes
    claims: Claims


class UserTokens:
    """Checks tokens, and remembers which were good."""

    def __init__(self, now_s: Callable[[], float] = time.time) -> None:
        """now_s: the wall clock, in seconds since the epoch."""
        self._now_s = now_s
        self._proved: OrderedDict[str, _Proved] = OrderedDict()

    def key_of(self, authorization: str | None) -> str | None:
        """Return the id of the public key that a bearer says it is signed for; None for what is no user token."""
        token = _token(authorization)
        return None if token is None else _kid(token.partition(".")[0])

    def claims(self, authorization: str | None, document: bytes | None) -> Claims | None:
        """Return what a token says if it is good now; None whatever is wrong with it.

        document: that of the key that key_of() named; None if there is none.
        """
        token = _token(authorization)
        if token is None or document is None:
            return None
        proved = self._proved.get(token)
        if proved is None or proved.document != document:
            claims = self._checked(token, document)
            if claims is None:
                return None
            self._remember(token, _Proved(document, claims))
            return claims
        if int(self._now_s()) >= proved.claims.until + LEEWAY_S:
            del self._proved[token]
            return None
        self._proved.move_to_end(token)
        return proved.claims

    def _checked(self, token: str, document: bytes) -> Claims | None:
        key = _public_key(document)
        if key is None:
            return None
        claims = read_token(token, key.x, int(self._now_s()))
        return claims if claims is not None and _SID.fullmatch(claims.key) else None

    def _remember(self, token: str, proved: _Proved) -> None:
        self._proved[token] = proved
        if len(self._proved) > _MOST_PROVED:
            self._proved.popitem(last=False)


def _token(authorization: str | None) -> str | None:
    """Return a bearer that has the form of a token; one that is too long is not looked at."""
    if authorization is None or len(authorization) > len(_BEARER) + LENGTH_MAX:
        return None
    token = authorization[len(_BEARER) :]
    return token if authorization[: len(_BEARER)].lower() == _BEARER and _TOKEN.fullmatch(token) else None


@lru_cache(maxsize=256)
def _kid(header: str) -> str | None:
    """Read a header, which all tokens of a public key have in common."""
    kid = kid_of(f"{header}.e30.")
    return kid if kid is not None and _KID.fullmatch(kid) else None


@lru_cache(maxsize=64)
def _public_key(document: bytes) -> TokenKeyDocument | None:
    """Read a public key's document, once per distinct bytes; a broken one opens nothing."""
    try:
        return load_token_key(document)
    except ShapeError as broken:
        _log.error("token_key_document_broken", exc_info=broken)  # Where it was, not its words.
        return None
