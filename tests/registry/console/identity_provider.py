"""An OpenID Connect provider for tests: it speaks the real protocol, and misbehaves on demand."""

import base64
import time
from hashlib import sha256
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

CLIENT, SECRET = "console", "a secret of the console"


class IdentityProvider:
    """Vouches for one person; claims, key and algorithm can be bent."""

    def __init__(self):
        self.email = "ada@console.example"
        self.claims = {}
        self.key = ECKey.generate_key("P-256", parameters={"kid": "one"})
        self.signs_with = None
        self.algorithm = "ES256"
        self.is_down = False
        self._asked = {}
        app = web.Application()
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self._about),
                web.get("/authorize", self._authorize),
                web.post("/token", self._token),
                web.get("/keys", self._keys),
            ]
        )
        self.server = TestServer(app)

    @property
    def issuer(self):
        """Its name, which is its address."""
        return f"http://127.0.0.1:{self.server.port}"

    async def _about(self, _):
        if self.is_down:
            raise web.HTTPServiceUnavailable
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        )

    async def _keys(self, _):
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def _authorize(self, request):
        """Nobody is asked: the person agrees."""
        asked = request.query
        assert (asked["client_id"], asked["response_type"], asked["code_challenge_method"]) == (CLIENT, "code", "S256")
        code = f"code-{len(self._asked)}"
        self._asked[code] = dict(asked)
        back = urlencode({"code": code, "state": asked["state"]})
        return web.Response(status=302, headers={"Location": f"{asked['redirect_uri']}?{back}"})

    async def _token(self, request):
        form = await request.post()
        asked = self._asked.pop(form["code"], None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if (
            asked is None
            or request.headers["Authorization"] != f"Basic {basic}"
            or challenge != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "somebody",
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
            "email": self.email,
            "email_verified": True,
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        key = self.signs_with or self.key
        header = {"alg": self.algorithm, "kid": "one"}
        if self.algorithm == "HS256":
            key = OctKey.import_key(self.key.as_pem(private=False))
        return web.json_response({"id_token": jwt.encode(header, claims, key, algorithms=[self.algorithm])})
