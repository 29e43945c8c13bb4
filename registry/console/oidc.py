"""Signing in with an OpenID Connect provider: the authorization code flow with PKCE, state and nonce.

The provider says which email address somebody has, and that it is verified; whose it is here is a login's to say
(people/logins.py). What it signs is checked with the keys that it publishes, by the algorithms below and no others.

Sources: OpenID Connect Core 1.0 (3.1), RFC 7636 (PKCE), RFC 9700 (best practices).
"""

import base64
import contextlib
import math
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import orjson
import structlog
from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from registry.commands import find
from registry.console.frame import Frame, leads_on
from registry.console.pages import HOME
from registry.console.sign_in import SignIn
from registry.database import Database
from registry.people.logins import login_of
from registry.problems import Problem
from registry.records import User
from registry.settings import Settings

START: Final = f"{HOME}/oidc"
_CALLBACK: Final = f"{HOME}/oidc/callback"
_ALGORITHMS: Final = ("RS256", "ES256", "PS256", "Ed25519")
_BEGUN_S: Final = 600
_KEPT_S: Final = 3_600.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
_ANSWER_MAX: Final = 256 * 1024

_log = structlog.get_logger()


class OidcError(Exception):
    """The provider did not vouch for anybody; the message is for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in that is under way in a browser, in its cookie."""

    state: str
    nonce: str
    verifier: str
    #: Where to go afterwards.
    behind: str


class Provider:
    """An OpenID Connect provider, with what it publishes about itself."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._session = session
        self._issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._secret = settings.oidc_client_secret
        self._callback = settings.console_url.rstrip("/") + _CALLBACK
        self._about: dict[str, Any] = {}
        self._keys: KeySet | None = None
        #: Not 0: that is not long ago on a machine that was started just now.
        self._read_at = -math.inf

    async def address(self, begun: Begun) -> str:
        """Return where to send a browser. OidcError: the provider cannot be asked."""
        about = await self._published()
        challenge = base64.urlsafe_b64encode(sha256(begun.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._callback,
            "scope": "openid email",
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{about['authorization_endpoint']}?{urlencode(asked)}"

    async def email(self, code: str, begun: Begun) -> str:
        """Return whom the provider vouches for, for a code that it gave a browser. OidcError when it does not."""
        about = await self._published()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": begun.verifier,
        }
        headers = {"Authorization": aiohttp.encode_basic_auth(self._client_id, self._secret)}
        answer = await self._ask("POST", str(about["token_endpoint"]), data=form, headers=headers)
        claims = await self._claims(answer.get("id_token"))
        email = claims.get("email")
        if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), begun.nonce.encode()):
            raise OidcError("nonce")
        if type(email) is not str or claims.get("email_verified") is not True:
            raise OidcError("email")
        return email.strip().lower()

    async def _claims(self, token: Any) -> dict[str, Any]:
        if type(token) is not str:
            raise OidcError("no_token")
        rules = jwt.JWTClaimsRegistry(
            now=int(time.time()),
            leeway=60,
            iss={"essential": True, "value": self._issuer},
            exp={"essential": True},
            sub={"essential": True},
        )
        for fresh in (False, True):  # A key that is not known may be a new one.
            if fresh:
                self._read_at = -math.inf
            await self._published()
            try:
                claims = jwt.decode(token, self._keys or KeySet([]), algorithms=list(_ALGORITHMS)).claims
                rules.validate(claims)
            except (JoseError, ValueError) as error:
                failure = error
                continue
            audience = claims.get("aud")
            if self._client_id not in (audience if type(audience) is list else [audience]):
                raise OidcError("aud")
            return claims
        raise OidcError("id_token") from failure

    async def _published(self) -> dict[str, Any]:
        """Return what the provider says about itself; read once an hour. OidcError."""
        if time.monotonic() - self._read_at > _KEPT_S or not self._about:
            about = await self._ask("GET", f"{self._issuer}/.well-known/openid-configuration")
            if about.get("issuer") != self._issuer:
                raise OidcError("issuer")
            try:
                self._keys = KeySet.import_key_set(await self._ask("GET", str(about["jwks_uri"])))  # type: ignore[arg-type]
            except (JoseError, KeyError, ValueError) as error:
                raise OidcError("keys") from error
            self._about, self._read_at = about, time.monotonic()
        return self._about

    async def _ask(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        try:
            async with self._session.request(method, url, allow_redirects=False, **options) as answer:
                raw = await answer.content.read(_ANSWER_MAX)
                found = orjson.loads(raw)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise OidcError("unreachable") from error
        if not answer.ok or type(found) is not dict:
            raise OidcError("refused")
        return found


@contextlib.asynccontextmanager
async def provider_of(settings: Settings) -> AsyncIterator[Provider | None]:
    """Yield the provider of the settings; None where there is none."""
    if not settings.oidc_issuer:
        yield None
        return
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        yield Provider(session, settings)


class OidcSignIn:
    """The handlers."""

    def __init__(self, frame: Frame, database: Database, provider: Provider, sign_in: SignIn) -> None:
        self._frame = frame
        self._database = database
        self._provider = provider
        self._sign_in = sign_in

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            self._frame.plain("GET", START.removeprefix(HOME), self.start),
            self._frame.plain("GET", _CALLBACK.removeprefix(HOME), self.end),
        ]

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Send the browser to the provider. Problem: provider_unavailable."""
        begun = Begun(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            behind=leads_on(request.query.get("next")),
        )
        try:
            address = await self._provider.address(begun)
        except OidcError as error:
            _log.warning("oidc_unavailable", error=str(error))
            raise Problem("provider_unavailable", retry_after_s=5) from None
        answer = web.Response(status=303, headers={"Location": address})
        kept = base64.urlsafe_b64encode(orjson.dumps(begun)).decode()
        # Lax: the way back begins on the provider's page.
        secure = self._frame.place.secure
        answer.set_cookie(self._cookie, kept, max_age=_BEGUN_S, path="/", httponly=True, samesite="Lax", secure=secure)
        return answer

    async def end(self, request: web.Request) -> web.StreamResponse:
        """Take what the provider sent the browser back with. Problem: wrong_sign_in."""
        begun = _begun(request.cookies.get(self._cookie, ""))
        code, state = request.query.get("code", ""), request.query.get("state", "")
        if begun is None or not code or not secrets.compare_digest(state.encode(), begun.state.encode()):
            raise Problem("wrong_sign_in")
        try:
            email = await self._provider.email(code, begun)
        except OidcError as error:
            _log.warning("oidc_refused", error=str(error))
            raise Problem("wrong_sign_in") from None
        signed_in = await self._sign_in.let_in(request, await self._user(email), begun.behind)
        # A page of ours that leads on: a redirect would still count as the provider's, and have no Strict cookie.
        answer = self._frame.show(request, "leads_on.html", {"title": "Signed in", "to": leads_on(begun.behind)})
        answer.cookies.update(signed_in.cookies)
        answer.del_cookie(self._cookie, path="/", secure=self._frame.place.secure)
        return answer

    @property
    def _cookie(self) -> str:
        return "__Host-a2p-oidc" if self._frame.place.secure else "a2p_oidc"

    async def _user(self, email: str) -> User:
        async with self._database.reading() as connection:
            login = await login_of(connection, email=email)
            user = None if login is None else (await find(connection, User, {(login.user,)})).get((login.user,))
        if user is None or user.left_at is not None:
            raise Problem("wrong_sign_in")
        return user


def _begun(cookie: str) -> Begun | None:
    """Read a sign-in that is under way."""
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cookie.encode()))
        begun = Begun(**found)
    except (ValueError, TypeError):
        return None
    return begun if all(type(getattr(begun, name)) is str for name in begun.__slots__) else None
