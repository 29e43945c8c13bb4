"""Users' tokens: signed here at sign-in, for the gateway and for this registry's own API.

Each registry makes a key pair of its own in memory, anew every day, and publishes the public half as a row: there is no
private key at rest anywhere, and every registry can check what another one signed. What a token says: user_tokens.py of
compliance.

Not here: who gets one (registry/console/), and what the gateway does with one.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
import structlog
from joserfc import jwt
from joserfc.jwk import OKPKey
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.user_tokens import ALGORITHM, AUDIENCE, ISSUER, LEEWAY_S, LIFETIME_S, TYPE, kid_of, read_token
from registry.commands import change, find
from registry.database import Database
from registry.records import ApiKey, TokenKey
from registry.tables import token_keys

ACTOR: Final = "token-keys"
#: How long a pair signs; its public half stays until the last token that it signed has ended.
_SIGNS_S: Final = 24 * 3_600.0
_AGAIN_S: Final = 1.0

_log = structlog.get_logger()


class TokenSigner:
    """Signs tokens with the pair of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pair: OKPKey | None = None

    @property
    def has_pair(self) -> bool:
        """Whether a person who signs in now gets a token; once true, for good."""
        return self._pair is not None

    async def run(self) -> None:
        """Keep a pair that is known to all, until cancelled."""
        while True:
            try:
                await self.renew()
            except (SQLAlchemyError, OSError) as failure:
                _log.error("database_unavailable", error=type(failure).__name__)
                await asyncio.sleep(_AGAIN_S)
            else:
                await asyncio.sleep(_SIGNS_S)

    async def renew(self) -> None:
        """Make a new pair, publish its public half, and take back those whose time is over."""
        pair = OKPKey.generate_key("Ed25519")
        now = datetime.now(UTC)
        until = now + timedelta(seconds=_SIGNS_S + LIFETIME_S + 2 * LEEWAY_S)
        row = TokenKey(id=pair.thumbprint(), x=str(pair.as_dict(private=False)["x"]), until=until)
        async with self._database.writing() as connection:
            over = (await connection.execute(sa.select(token_keys.c.id).where(token_keys.c.until < now))).scalars()
            await change(connection, actor=ACTOR, put=[row], remove=[(TokenKey, (one,)) for one in over])
        self._pair = pair

    def sign(self, key: ApiKey) -> str | None:
        """Return a token that opens what a user's key does, for LIFETIME_S; None before there is a pair."""
        if self._pair is None:
            return None
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": key.user,
            "tenant": key.tenant,
            "sid": key.id,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_S,
        }
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self._pair.thumbprint()}
        return jwt.encode(header, claims, self._pair, algorithms=[ALGORITHM])


async def key_of_token(connection: AsyncConnection, token: str) -> ApiKey | None:
    """Return the key of the sign-in that a token is of, revoked or not; None for a token that proves nothing."""
    kid = kid_of(token)
    row = None if kid is None else (await find(connection, TokenKey, {(kid,)})).get((kid,))
    claims = None if row is None else read_token(token, row.x, int(time.time()))
    if claims is None:
        return None
    key = (await find(connection, ApiKey, {(claims.key,)})).get((claims.key,))
    return key if key is not None and (key.user, key.tenant) == (claims.user, claims.tenant) else None
