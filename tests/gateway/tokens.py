"""User tokens for tests, signed as the registry signs them, or wrongly."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import OKPKey

from compliance import documents
from compliance.documents import KeyDocument, TokenKeyDocument
from compliance.user_tokens import ALGORITHM, AUDIENCE, ISSUER, LEEWAY_S, LENGTH_MAX, LIFETIME_S, TYPE
from tests.gateway.running_edge import ANN

KID = "jwk1"
PAIR = OKPKey.generate_key("Ed25519")
STRANGERS = OKPKey.generate_key("Ed25519")
#: The sign-in of Ann's that tokens are of, unless they say otherwise.
SID = "signin1"


def public_key(kid: str = KID, pair: OKPKey = PAIR) -> dict[str, bytes]:
    """Build the document of a public key, by its name."""
    x = str(pair.as_dict(private=False)["x"])
    return {documents.token_key_key(kid): documents.dump_token_key(TokenKeyDocument(id=kid, x=x))}


def sign_in(sid: str = SID, user: str | None = ANN, tenant: str = "acme", **fields: Any) -> dict[str, bytes]:
    """Build the document of a sign-in's key, by its name."""
    given = {"sha256": "", "scopes": ("send", "read")} | fields
    key = KeyDocument(id=sid, tenant=tenant, user=user, **given)
    return {documents.api_key_key(sid): documents.dump_key(key)}


def claims(now: float | None = None, **fields: Any) -> dict[str, Any]:
    """Build what a good token says; None leaves a claim out."""
    at = int(time.time() if now is None else now)
    usual = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": ANN,
        "tenant": "acme",
        "sid": SID,
        "iat": at,
        "nbf": at,
        "exp": at + LIFETIME_S,
    }
    return {name: value for name, value in (usual | fields).items() if value is not None}


def token(
    now: float | None = None, *, header: Mapping[str, Any] | None = None, pair: OKPKey = PAIR, **fields: Any
) -> str:
    """Sign a token; header fields are added to those of a good one."""
    head = {"alg": ALGORITHM, "typ": TYPE, "kid": KID} | dict(header or {})
    return jwt.encode(head, claims(now, **fields), pair, algorithms=[ALGORITHM])


def part(value: Any) -> str:
    """Encode a part of a token; bytes as they are."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def forged(now: float, header: Mapping[str, Any], signature: bytes = b"\0" * 64, **said: Any) -> str:
    """Write a token that nobody signed."""
    return f"{part(header)}.{part(claims(now, **said))}.{part(signature)}"


def by_hmac(now: float, secret: bytes, alg: str = "HS256") -> str:
    """Sign with a secret that everybody knows: the public key."""
    head = f"{part({'alg': alg, 'typ': 'a2p-user+jwt', 'kid': KID})}.{part(claims(now))}"
    return f"{head}.{part(hmac.new(secret, head.encode(), hashlib.sha256).digest())}"


def signed_header(now: float, **fields: Any) -> str:
    """Sign rightly a token whose header is not ours; None leaves a field out."""
    head = {"alg": "Ed25519", "typ": "a2p-user+jwt", "kid": KID} | fields
    said = f"{part({name: value for name, value in head.items() if value is not None})}.{part(claims(now))}"
    return f"{said}.{part(PAIR.get_op_key('sign').sign(said.encode()))}"


OURS = {"alg": "Ed25519", "typ": "a2p-user+jwt", "kid": KID}
X = str(PAIR.as_dict(private=False)["x"])
JWK = {"kty": "OKP", "crv": "Ed25519", "x": str(STRANGERS.as_dict(private=False)["x"])}


def bad(now: float) -> dict[str, str]:
    """Row 89 of the catalogue of bad input, and its neighbours: one thing is wrong with each, by known() documents."""
    good = token(now)
    return {
        "alg none": forged(now, OURS | {"alg": "none"}, b""),
        "alg none, with a signature": forged(now, OURS | {"alg": "none"}),
        "alg None": forged(now, OURS | {"alg": "None"}),
        "HS256 with the public key": by_hmac(now, base64.urlsafe_b64decode(X + "=")),
        "HS256 with the public key as it is written": by_hmac(now, X.encode()),
        "HS256 under our algorithm's name": by_hmac(now, base64.urlsafe_b64decode(X + "="), "Ed25519"),
        "the algorithm's old name": signed_header(now, alg="EdDSA"),
        "alg is a list": forged(now, OURS | {"alg": ["Ed25519"]}),
        "no alg": forged(now, {"typ": "a2p-user+jwt", "kid": KID}),
        "unknown kid": token(now, header={"kid": "jwk2"}),
        "no kid": signed_header(now, kid=None),
        "kid of another type": signed_header(now, kid=7),
        "kid of a path": signed_header(now, kid="../{reg}:key:ann"),
        "kid of a key": token(now, header={"kid": "ann"}),
        "jku": signed_header(now, jku="https://evil.example/keys"),
        "x5u": signed_header(now, x5u="https://evil.example/cert"),
        "jwk": signed_header(now, jwk=JWK),
        "x5c": signed_header(now, x5c=["AA=="]),
        "another's key, brought along": token(now, pair=STRANGERS),
        "crit": signed_header(now, crit=["exp"], exp=1),
        "b64": signed_header(now, cty="JWT"),
        "another typ": token(now, header={"typ": "JWT"}),
        "no typ": signed_header(now, typ=None),
        "expired": token(now - LIFETIME_S - LEEWAY_S - 1),
        "nbf ahead": token(now, nbf=int(now) + LEEWAY_S + 60),
        "iat ahead": token(now, iat=int(now) + LEEWAY_S + 60),
        "longer than one lives": token(now, exp=int(now) + LIFETIME_S + 1),
        "no exp": token(now, exp=None),
        "no nbf": token(now, nbf=None),
        "no iat": token(now, iat=None),
        "exp is a text": token(now, exp=str(int(now) + 100)),
        "exp never": token(now, exp=2**70),
        "exp true": token(now, exp=True),
        "wrong aud": token(now, aud="a2p-console"),
        "no aud": token(now, aud=None),
        "wrong iss": token(now, iss="https://evil.example"),
        "no iss": token(now, iss=None),
        "no sub": token(now, sub=None),
        "empty sub": token(now, sub=""),
        "sub of a colleague": token(now, sub="acme-bob"),
        "sub is a list": token(now, sub=[ANN]),
        "no tenant": token(now, tenant=None),
        "another tenant": token(now, tenant="rival"),
        "no sid": token(now, sid=None),
        "unknown sid": token(now, sid="signin9"),
        "sid of a tenant's key": token(now, sid="tenants"),
        "sid of another name": token(now, sid="x:../y"),
        "1 MB": token(now, padding="x" * 1_000_000),
        "longer than any": token(now, padding="x" * LENGTH_MAX),
        "two parts": good.rpartition(".")[0],
        "four parts": good + ".AAAA",
        "a part is empty": good.rpartition(".")[0] + ".",
        "signature in another writing": good + "=",
        "payload is a list": f"{part(OURS)}.{part([])}.{part(bytes(64))}",
        "header is a list": f"{part([])}.{part(claims(now))}.{part(bytes(64))}",
        "header nested": f"{part(b'[' * 350)}.{part(claims(now))}.{part(bytes(64))}",
        "nothing": "",
        "words": "Bearer Bearer",
    }


def known() -> dict[str, bytes]:
    """Everything that the bad ones name, so that each has one thing wrong."""
    tenants_key = sign_in("tenants", user=None)
    rivals = sign_in("rivals", user="rival-rob", tenant="rival")
    broken = {documents.token_key_key("broken"): b'{"v":1,"id":"broken","x":"AAAA"}'}
    return public_key() | sign_in() | tenants_key | rivals | broken
