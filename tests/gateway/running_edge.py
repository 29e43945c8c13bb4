"""A whole gateway on two real stores with a small company in them, for tests that come in by HTTP.

The company is written as documents, as the registry would; a heartbeat keeps the mark fresh. Ann and Bob of acme can
text, the others of acme each lack something, and rival is somebody else's business.

Not here: the fixtures (http/conftest.py).
"""

import asyncio
import contextlib
import io
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import orjson
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from compliance import documents
from compliance.documents import ExtensionDocument, KeyDocument, LineDocument, UserDocument
from compliance.facts import Owner, SenderNumber
from gateway.app import Running, running
from gateway.edge.openapi import openapi
from gateway.queue.store import QueueStore, open_store
from gateway.settings import Settings
from tests.builders import a_brand, a_campaign, an_assignment
from tests.contracts.documented import Contract
from tests.valkey import Valkey

ANN, BOB, CAT, ROB = "acme-ann", "acme-bob", "acme-cat", "rival-rob"

#: Ann's and Bob's numbers are registered; the others are acme's, too, and each lacks one thing.
ANNS, BOBS = "+12025550111", "+12025550112"
UNASSIGNED, PENDING, DISABLED = "+12025550113", "+12025550114", "+12025550115"
SUPERSEDED, SERVICE, NOBODYS = "+12025550116", "+12025550117", "+12025550118"
ROBS = "+13105550121"
#: Nobody's in any inventory.
FOREIGN = "+12025550199"

MOBILE, OTHER_MOBILE, LANDLINE, CANADA = "+14155550143", "+14155550144", "+14155550145", "+16135550143"
OUTSIDERS = tuple(f"+1415555{n:04}" for n in range(200, 212))

#: Long enough not to be in an id by chance.
_NUMBER_OF_THE_COMPANY = re.compile("(?:202|310|415|613)5550")

#: What the registry loads into its store, and the change that its copy begins with.
FUNCTIONS = Path(__file__).parents[2] / "registry" / "functions.lua"
FIRST_SEQ = 42

#: Stands in whatever a test sends and must not come back in a refusal.
CANARY = "zq7canary"

#: What answers are held against.
_CONTRACT = Contract(openapi())

#: Key of the API by its name, and whose it is.
_KEYS: Mapping[str, tuple[str, str | None, tuple[str, ...]]] = {
    "ann": ("acme", ANN, ("send", "read")),
    "bob": ("acme", BOB, ("send", "read")),
    "cat": ("acme", CAT, ("send", "read")),
    "uma": ("acme", "acme-uma", ("send", "read")),
    "pen": ("acme", "acme-pen", ("send", "read")),
    "dis": ("acme", "acme-dis", ("send", "read")),
    "rob": ("rival", ROB, ("send", "read")),
    "gone": ("acme", "acme-left", ("send", "read")),
    "acme": ("acme", None, ("send", "read", "admin")),
    "rival": ("rival", None, ("send", "read", "admin")),
    "reader": ("acme", ANN, ("read",)),
    "sender": ("acme", ANN, ("send",)),
}


def secret(name: str) -> str:
    """Spell an API key of the company."""
    return f"a2p_{name}_{sha256(name.encode()).hexdigest()}"


def _number(user: str | None, tenant: str = "acme", **fields: Any) -> bytes:
    defaults = {
        "owner": None if user is None else Owner(tenant=tenant, user=user),
        "sms": "enabled",
        "sms_enabled_at": datetime(2024, 3, 1, tzinfo=UTC),
        "assignment": an_assignment(campaign_id=f"C-{tenant}", brand_id=f"B-{tenant}"),
    }
    return documents.dump_number(SenderNumber(**defaults | fields))


def _numbers() -> Iterator[tuple[str, bytes]]:
    yield ANNS, _number(ANN)
    yield BOBS, _number(BOB)
    yield UNASSIGNED, _number("acme-uma", assignment=None)
    yield PENDING, _number("acme-pen", assignment=an_assignment(state="pending"))
    yield DISABLED, _number("acme-dis", sms="disabled")
    yield SUPERSEDED, _number(ANN, sms="superseded")
    yield SERVICE, _number(ANN, kind="service")
    yield NOBODYS, _number(None)
    yield ROBS, _number(ROB, "rival")


def _users() -> Iterator[UserDocument]:
    numbers = {ANN: ANNS, BOB: BOBS, "acme-uma": UNASSIGNED, "acme-pen": PENDING}
    for user in (ANN, BOB, CAT, "acme-uma", "acme-pen", "acme-dis"):
        yield UserDocument(id=user, tenant="acme", customer_since=date(2024, 3, 1), number=numbers.get(user))
    yield UserDocument(id=ROB, tenant="rival", customer_since=date(2024, 3, 1), number=ROBS)


def company() -> dict[str, bytes]:
    """Every document of the company, by key."""
    kept = {documents.number_key(did): raw for did, raw in _numbers()}
    kept |= {documents.user_key(user.id): documents.dump_user(user) for user in _users()}
    for tenant, digits, user in (
        ("acme", "101", ANN),
        ("acme", "102", BOB),
        ("acme", "103", CAT),
        ("rival", "101", ROB),
    ):
        kept[documents.extension_key(tenant, digits)] = documents.dump_extension(ExtensionDocument(user=user))
    for tenant in ("acme", "rival"):
        campaign = a_campaign(id=f"C-{tenant}", brand_id=f"B-{tenant}", use_case="low_volume")
        kept[documents.campaign_key(campaign.id)] = documents.dump_campaign(campaign)
        kept[documents.brand_key(f"B-{tenant}")] = documents.dump_brand(a_brand(id=f"B-{tenant}"))
    for number in (MOBILE, OTHER_MOBILE, *OUTSIDERS):
        kept[documents.line_key(number)] = documents.dump_line(LineDocument(carrier="verizon", line="mobile"))
    kept[documents.line_key(LANDLINE)] = documents.dump_line(LineDocument(carrier="verizon", line="landline"))
    for name, (tenant, user, scopes) in _KEYS.items():
        key = KeyDocument(
            id=name, sha256=sha256(secret(name).encode()).hexdigest(), tenant=tenant, user=user, scopes=scopes
        )
        kept[documents.api_key_key(name)] = documents.dump_key(key)
    return kept


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return orjson.loads(self.text)

    @property
    def lines(self) -> list[Any]:
        """The body of a batch's answer, decoded line by line."""
        return [orjson.loads(line) for line in self.text.splitlines()]


class Tally(NamedTuple):
    """What the queue store has counted since it was new."""

    accepted: int
    refused: int


class Registry:
    """The registry store with the company in it, and the projector's heartbeat: its own functions, and its feed."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._heart: asyncio.Task[None] | None = None

    async def load(self, kept: Mapping[str, bytes]) -> None:
        """Make a copy of epoch 1 out of these documents, as a rebuild does."""
        await self._redis.function_load(FUNCTIONS.read_text(), replace=True)
        await self._redis.fcall("reset", 1, documents.MARK_KEY, 1)
        await self._redis.mset(kept)
        await self._apply(0, FIRST_SEQ)

    async def write(self, changes: Mapping[str, bytes | None]) -> None:
        """Change documents, None removes one; every gateway has it when this returns."""
        seq = await self.seq()
        pairs = [part for key, document in changes.items() for part in (key, document or b"")]
        await self._apply(seq, seq + 1, *pairs)
        await self._until(lambda said: said[1] > seq)

    async def seq(self) -> int:
        """Read which change was the last."""
        return int(await self._redis.hget(documents.MARK_KEY, "seq"))

    async def read(self, key: str) -> bytes | None:
        """Read a document, to put it back later."""
        return await self._redis.get(key)

    async def beat(self, *, age_ms: int = 0) -> None:
        """Write the mark as an apply of so many milliseconds ago does; every gateway has it when this returns."""
        await self._redis.hset(documents.MARK_KEY, "at_ms", await self._now_ms() - age_ms)
        await self.settle()

    async def lose_mark(self) -> None:
        """Take the mark away, as a rebuild does."""
        await self._redis.delete(documents.MARK_KEY)
        await self.settle()

    async def settle(self) -> None:
        """Wait until every gateway has taken what the store says now: it asked, and asked again."""
        for _ in range(2):
            since_ms = await self._now_ms()
            await self._until(lambda said, since_ms=since_ms: said[2] > since_ms)

    async def _apply(self, from_seq: int, to_seq: int, *pairs: str | bytes) -> None:
        keys = (documents.MARK_KEY, documents.FEED_KEY)
        until_ms = await self._now_ms() + 10_000
        await self._redis.fcall("apply", 2, *keys, 1, from_seq, to_seq, 1, until_ms, len(pairs) // 2, *pairs)

    async def _until(self, fits: Callable[[list[int]], bool]) -> None:
        """Wait until what each gateway said last (epoch, change, when) fits."""
        async with asyncio.timeout(10):
            while True:
                said = await self._redis.hvals(documents.PROCESSES_KEY)
                if all(fits([int(part) for part in raw.split()]) for raw in said):
                    return
                await asyncio.sleep(0.005)

    async def _now_ms(self) -> int:
        seconds, micros = await self._redis.time()
        return seconds * 1_000 + micros // 1_000

    async def start(self) -> None:
        """Keep the mark fresh from now on."""
        await self.beat()
        self._heart = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Let the mark grow old, as it does when the projector is gone."""
        if self._heart is not None:
            self._heart.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._heart
            self._heart = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            seq = await self.seq()
            with contextlib.suppress(ResponseError):  # A change came in between, which is as good as a heartbeat.
                await self._apply(seq, seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A running gateway, and ways into it and behind it."""

    http: aiohttp.ClientSession
    queue: QueueStore
    registry: Registry
    queue_server: Valkey
    registry_server: Valkey
    gateway: Running

    async def call(self, method: str, path: str, *, key: str | None = "ann", **options: Any) -> Answer:
        """Send any request; key names one of the company's, None sends none. Its answer is as the API describes it."""
        headers = [("Authorization", f"Bearer {secret(key)}")] if key is not None else []
        given = options.pop("headers", {})
        headers += list(given.items() if isinstance(given, Mapping) else given)
        async with self.http.request(method, path, headers=headers, **options) as response:
            answer = Answer(response.status, response.headers.copy(), await response.text())
        _CONTRACT.check(method, path, *answer)
        return answer

    async def get(self, path: str, *, key: str | None = "ann") -> Answer:
        """Read something."""
        return await self.call("GET", path, key=key)

    async def post(self, path: str, body: Any, *, key: str | None = "ann", **headers: str) -> Answer:
        """Send a body as JSON; bytes go as they are."""
        raw = as_json(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call("POST", path, key=key, data=raw, headers={"Content-Type": "application/json"} | named)

    async def send(self, key: str | None = "ann", idempotency_key: str | None = None, **fields: Any) -> Answer:
        """Send one text, to an outside mobile unless said otherwise; `from` is written sender."""
        headers = {} if idempotency_key is None else {"Idempotency_Key": idempotency_key}
        return await self.post("/v1/messages", a_body(**fields), key=key, **headers)

    async def batch(self, *lines: Any, key: str = "ann") -> Answer:
        """Send lines, each JSON or raw bytes."""
        raw = b"\n".join(as_json(line) for line in lines)
        headers = {"Content-Type": "application/x-ndjson"}
        return await self.call("POST", "/v1/messages/batch", key=key, data=io.BytesIO(raw), headers=headers)

    async def tally(self) -> Tally:
        """Read what was accepted and refused so far."""
        counts = await self.queue.counts()
        return Tally(sum(one.accepted for one in counts), sum(one.refused for one in counts))


def as_json(body: Any) -> bytes:
    """Write a body, numbers of any size included; bytes stay as they are."""
    return body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()


def a_body(**fields: Any) -> dict[str, Any]:
    """Build the body of a text to an outside mobile; sender stands for `from`, and None leaves a field out."""
    body = {"to": MOBILE, "text": f"Hi, {CANARY}"} | fields
    if "sender" in body:
        body["from"] = body.pop("sender")
    return {name: value for name, value in body.items() if value is not None}


def assert_problem(answer: Answer, status: int, code: str, *sent: Any) -> None:
    """Check that a refusal looks as every refusal does, and repeats nothing of what was sent."""
    body = answer.json
    assert (answer.status, body.get("code")) == (status, code), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert body["status"] == status
    assert len(body["request_id"]) == 16
    assert_plain(body, *sent)


def assert_plain(body: Any, *sent: Any) -> None:
    """Check the words of a refusal, alone or in the line of a batch."""
    assert body["title"]
    assert body["detail"]
    shown = orjson.dumps(body).decode()
    assert CANARY not in shown
    assert not _NUMBER_OF_THE_COMPANY.search(shown)
    for value in sent:
        for leaf in _leaves(value):
            assert leaf not in shown


def _leaves(value: Any) -> Iterator[str]:
    """Every text in a body that is long enough not to be there by chance."""
    if isinstance(value, bytes):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return
    unread = [value]
    while unread:
        item = unread.pop()
        if isinstance(item, str) and len(item) > 5:
            yield orjson.dumps(item).decode()[1:-1]
        elif isinstance(item, dict):
            unread += item.values()
        elif isinstance(item, list):
            unread += item


@contextlib.asynccontextmanager
async def running_edge(*, queue_server: Valkey | None = None, **settings: Any) -> AsyncIterator[Edge]:
    """Start two stores, the company and a gateway; end them all.

    A queue server that runs already may be given, and with queue_url another way to it for the gateway.
    """
    async with contextlib.AsyncExitStack() as stack:
        queue_server = queue_server or stack.enter_context(Valkey())
        registry_server = stack.enter_context(Valkey(settings={"appendonly": "no", "appendfsync": "no"}))
        redis = await stack.enter_async_context(Redis.from_url(registry_server.url, socket_timeout=None))
        registry = Registry(redis)
        await registry.load(company())
        # The first heartbeat comes before the gateway, which then is ready at once.
        await registry.start()
        stack.push_async_callback(registry.stop)
        urls = {"queue_url": queue_server.url, "registry_url": registry_server.url}
        gateway = await stack.enter_async_context(running(Settings(**(urls | {"port": 0, "admin_port": 0} | settings))))
        yield Edge(
            http=await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{gateway.port}")),
            queue=await stack.enter_async_context(open_store(queue_server.url)),
            registry=registry,
            queue_server=queue_server,
            registry_server=registry_server,
            gateway=gateway,
        )
