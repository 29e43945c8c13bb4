"""What a user's token says and how it is signed: a JWT that the registry gives at sign-in and the gateway takes.

One algorithm, one issuer, one audience; nothing in a token may choose another. It lives for minutes. What it opens is
not in it: sid names the sign-in's key among the registry's documents (documents.KeyDocument), whose company, user and
scopes count, and which is gone when the person signs out, leaves, or is shut out. So a token ends when that does.

Source: RFC 7519, RFC 8725 (best practices), RFC 9864 (Ed25519 by its own name).

Not here: signing (registry/people/user_tokens.py), and looking its keys up (gateway/edge/user_tokens.py).
"""

from typing import Any, Final, NamedTuple

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

ALGORITHM: Final = "Ed25519"
#: The header's typ, so that no other token of ours is ever taken for one.
TYPE: Final = "a2p-user+jwt"
ISSUER: Final = "a2p-registry"
AUDIENCE: Final = "a2p-gateway"
#: How long a token lives, in seconds.
LIFETIME_S: Final = 300
#: What the clocks of the two may differ by, in seconds.
LEEWAY_S: Final = 60
#: The longest token that is looked at, in characters.
LENGTH_MAX: Final = 2_048
#: Claims that each token has, besides jti: sub is the user's id, tenant the company's, sid the id of the sign-in's key.
CLAIMS: Final = ("iss", "aud", "sub", "tenant", "sid", "iat", "nbf", "exp")
_HEADER: Final = frozenset({"alg", "typ", "kid"})


class Claims(NamedTuple):
    """What a good token says."""

    user: str
    tenant: str
    #: The id of the sign-in's key.
    key: str
    #: When it ends, in seconds since 1970.
    until: int


def bearer_token(authorization: str | None) -> str | None:
    """Return what an Authorization header shows if it may be a user's token; nothing about it is proven."""
    scheme, _, token = (authorization or "").partition(" ")
    is_one = scheme.lower() == "bearer" and token.startswith("ey") and len(token) <= LENGTH_MAX and token.isascii()
    return token if is_one else None


def kid_of(token: str) -> str | None:
    """Return which public key a token says it is signed for; None where its header is not exactly one of ours."""
    try:
        header: dict[str, Any] = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, RecursionError):
        return None
    kid = header.get("kid")
    is_ours = header.keys() == _HEADER and header["alg"] == ALGORITHM and header["typ"] == TYPE
    return kid if is_ours and type(kid) is str else None


def read_token(token: str, x: str, now: int) -> Claims | None:
    """Return what a token says that the key x signed (documents.TokenKeyDocument), and whose time it is; else None.

    now: seconds since 1970.
    """
    try:
        public = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x})
        claims = jwt.decode(token, public, algorithms=[ALGORITHM]).claims
        rules = jwt.JWTClaimsRegistry(now=now, leeway=LEEWAY_S, iss={"value": ISSUER}, aud={"value": AUDIENCE})
        rules.validate(claims)
    except (JoseError, ValueError, TypeError, RecursionError):
        return None
    if not claims.keys() >= set(CLAIMS) or claims["aud"] != AUDIENCE:
        return None
    user, tenant, key, begin, end = (claims[name] for name in ("sub", "tenant", "sid", "iat", "exp"))
    if not all(type(one) is str for one in (user, tenant, key)) or not type(begin) is type(end) is int:
        return None
    is_ours = end - begin <= LIFETIME_S and begin <= now + LEEWAY_S
    return Claims(user=user, tenant=tenant, key=key, until=end) if is_ours else None
