"""Does the registry store have the documents that our rows give?

Compared are bytes, and only when the store has every change up to the very one that the rows were read at, before and
after the look: what is on its way is no drift. What differs is written again through the outbox, like any change.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple, Self, cast

import sqlalchemy as sa
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.documents import MARK_KEY
from registry import many
from registry.database import Database
from registry.documents import GONE, KINDS, Documents, Kind, render
from registry.drift.classes import Drift
from registry.drift.sides import StoreSide
from registry.projector import read_position
from registry.tables import outbox

OF_DOCUMENTS: Final = ("store_document_differs", "store_document_missing", "store_document_extra")
#: First word of a document's key to the object that it is about.
_OBJECTS: Final = {
    "num": "number",
    "camp": "campaign",
    "brand": "brand",
    "user": "user",
    "ext": "extension",
    "key": "key",
    "jwk": "token_key",
    "line": "line",
}
_PREFIX: Final = "{reg}:"
#: By that first word, as the keys of each kind begin.
_KINDS: Final[Mapping[str, Kind]] = {
    kind.key(*([""] * len(kind.id))).removeprefix(_PREFIX).partition(":")[0]: kind for kind in KINDS
}


class Wrong(NamedTuple):
    """A document that the store has otherwise."""

    kind: str
    key: str
    #: What it should be; GONE for one that should not be there.
    document: bytes

    @property
    def drift(self) -> Drift:
        """Return it for the table of drift; whose it is, the document does not say."""
        return Drift(self.kind, object_of(self.key), None, "")


def object_of(key: str) -> str:
    """Name the object that a document is about."""
    word, _, name = key.removeprefix(_PREFIX).partition(":")
    return f"{_OBJECTS.get(word, word)}:{name}"


def key_of(name: str) -> str | None:
    """Return the key of the document about an object; None when there is none about such."""
    kind, _, rest = name.partition(":")
    word = next((word for word, other in _OBJECTS.items() if other == kind), None)
    return None if word is None else f"{_PREFIX}{word}:{rest}"


def is_document(key: str) -> bool:
    """Say whether a key of the store is one of a document."""
    word, found, _ = key.removeprefix(_PREFIX).partition(":")
    return key.startswith(_PREFIX) and bool(found) and word in _KINDS


async def compare(database: Database, store: StoreSide, keys: Iterable[str]) -> list[Wrong] | None:
    """Compare some documents; None when the store is not where the rows are, so that nobody can say."""
    touched: dict[Kind, set[tuple[str, ...]]] = {}
    for key in keys:
        word, _, name = key.removeprefix(_PREFIX).partition(":")
        kind = _KINDS[word]
        parts = tuple(name.split(":", len(kind.id) - 1))
        if len(parts) == len(kind.id):
            touched.setdefault(kind, set()).add(parts)
    async with database.reading() as connection:
        position = await read_position(connection)
        rendered: Documents = await render(connection, touched)
    there = position.epoch, position.seq
    if await store.mark() != there:
        return None
    held = await store.documents(list(rendered))
    if await store.mark() != there:
        return None
    return [wrong for key, document in rendered.items() if (wrong := _wrong(key, document, held[key])) is not None]


async def heal(connection: AsyncConnection, wrong: Sequence[Wrong], now: datetime) -> None:
    """Have documents written again as the rows are now; connection is one of Database.writing()."""
    touched: dict[Kind, set[tuple[str, ...]]] = {}
    for one in wrong:
        word, _, name = one.key.removeprefix(_PREFIX).partition(":")
        touched.setdefault(_KINDS[word], set()).add(tuple(name.split(":", len(_KINDS[word].id) - 1)))
    rendered = await render(connection, touched)
    rows = [(key, document, now) for key, document in rendered.items()]
    await many.insert(connection, outbox, ("key", "document", "committed_at"), rows)


def keys_of(kind: Kind, rows: Iterable[sa.Row[Any]]) -> list[str]:
    """Return the keys of the documents that rows with their ids have."""
    return [kind.key(*row) for row in rows]


def _wrong(key: str, document: bytes, held: bytes | None) -> Wrong | None:
    if document == GONE:
        return None if held is None else Wrong("store_document_extra", key, document)
    if held is None:
        return Wrong("store_document_missing", key, document)
    return None if held == document else Wrong("store_document_differs", key, document)


class StoreReader:
    """Reads the registry store. RedisError from every method."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str) -> AsyncIterator[Self]:
        """Make a client for url; it connects when first used."""
        client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=None)
        try:
            yield cls(client)
        finally:
            await client.aclose()

    async def mark(self) -> tuple[int, int] | None:
        """As StoreSide."""
        epoch, seq = cast("list[Any]", await self._client.hmget(MARK_KEY, ["epoch", "seq"]))
        return None if epoch is None else (int(epoch), int(seq))

    async def documents(self, keys: Sequence[str]) -> Mapping[str, bytes | None]:
        """As StoreSide."""
        held = cast("list[bytes | None]", await self._client.mget(list(keys))) if keys else []
        return dict(zip(keys, held, strict=True))

    async def names(self, after: int, count: int) -> tuple[int, Sequence[str]]:
        """As StoreSide."""
        following, found = await self._client.scan(after, match=f"{_PREFIX}*", count=count)
        return int(following), [key.decode() for key in cast("list[bytes]", found)]
