"""A real gateway in this process that knows a company, and a door before it that misbehaves as told."""

import asyncio
import contextlib
import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from redis.asyncio import Redis

from compliance import documents, shapes
from gateway.app import running
from gateway.settings import Settings
from tests.valkey import Valkey

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
COMPANY, DAY = EXAMPLES / "company.json", EXAMPLES / "day.ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A gateway that answers."""

    url: str
    admin_url: str
    registry: Redis
    #: As an import writes them.
    credentials: dict[str, dict[str, str]]


@contextlib.asynccontextmanager
async def a_gateway(server: Valkey) -> AsyncIterator[Live]:
    """Run a gateway on one Valkey with the example company, its opt-outs included."""
    company = orjson.loads(COMPANY.read_bytes())
    async with Redis.from_url(server.url) as registry:
        credentials = await _load(registry, company)
        await _apply_nothing(registry)
        stop = asyncio.Event()
        heartbeats = asyncio.create_task(_beat(registry, stop))
        settings = Settings(queue_url=server.url, registry_url=server.url, port=0, admin_port=0)
        async with running(settings) as gateway:
            live = Live(
                url=f"http://127.0.0.1:{gateway.port}",
                admin_url=f"http://127.0.0.1:{gateway.admin_port}",
                registry=registry,
                credentials=credentials,
            )
            await _put_opt_outs(live, company["opt_outs"])
            yield live
        stop.set()
        await heartbeats


async def _load(registry: Redis, company: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Write what the registry's projector would write."""
    since = {row["id"]: date.fromisoformat(row["customer_since"]) for row in company["tenants"]}
    written: dict[str, bytes] = {}
    numbers: dict[str, str] = {}
    for row in company["numbers"]:
        owner = None if row["user"] is None else {"tenant": row["tenant"], "user": row["user"]}
        written[documents.number_key(row["did"])] = documents.dump_number(shapes.number_from({**row, "owner": owner}))
        if row["kind"] == "local" and row["sms"] == "enabled" and row["user"] is not None:
            numbers[row["user"]] = row["did"]
    for row in company["users"]:
        tenant, user = row["tenant"], row["id"]
        written[documents.extension_key(tenant, row["extension"])] = documents.dump_extension(
            documents.ExtensionDocument(user=user)
        )
        written[documents.user_key(user)] = documents.dump_user(
            documents.UserDocument(id=user, tenant=tenant, customer_since=since[tenant], number=numbers.get(user))
        )
    for row in company["campaigns"]:
        written[documents.campaign_key(row["id"])] = documents.dump_campaign(shapes.campaign_from(row))
    for row in company["brands"]:
        written[documents.brand_key(row["id"])] = documents.dump_brand(shapes.brand_from(row))
    for row in company["contacts"]:
        written[documents.line_key(row["number"])] = documents.dump_line(
            documents.LineDocument(carrier=row["carrier"], line=row["line"])
        )
    members = [("t", tenant, tenant, None) for tenant in since]
    members += [("u", row["id"], row["tenant"], row["id"]) for row in company["users"]]
    credentials: dict[str, dict[str, str]] = {"api_keys": {}, "user_keys": {}}
    for place, (kind, owner, tenant, user) in enumerate(members):
        key = f"a2p_{kind}{place}_{'s' * 32}"
        credentials["api_keys" if kind == "t" else "user_keys"][owner] = key
        written[documents.api_key_key(f"{kind}{place}")] = documents.dump_key(
            documents.KeyDocument(
                id=f"{kind}{place}",
                sha256=hashlib.sha256(key.encode()).hexdigest(),
                tenant=tenant,
                user=user,
                scopes=("send", "read", "admin") if kind == "t" else ("send", "read"),
            )
        )
    await registry.mset(written)
    return credentials


async def _beat(registry: Redis, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await _apply_nothing(registry)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await stop.wait()


async def _apply_nothing(registry: Redis) -> None:
    """Say that the facts are live, as a heartbeat does."""
    seconds, micros = await registry.time()
    mark = {"epoch": 1, "seq": 42, "at_ms": seconds * 1_000 + micros // 1_000}
    await registry.hset(documents.MARK_KEY, mapping=mark)


async def _put_opt_outs(live: Live, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        body = {"opt_outs": [{field: value for field, value in row.items() if field != "tenant"}]}
        headers = {"Authorization": f"Bearer {live.credentials['api_keys'][row['tenant']]}"}
        async with aiohttp.request("PUT", f"{live.url}/v1/opt-outs", json=body, headers=headers) as response:
            response.raise_for_status()


class Door:
    """Passes requests on to a gateway; the first ones it treats as told, a word each.

    pass, busy (503 with Retry-After), slow_down (429 with Retry-After), unknown (503 outcome_unknown after the gateway
    has it), drop (nobody has it), lose (the gateway has it, the answer is lost).
    """

    def __init__(self, target: str, *words: str, swallows: str = "") -> None:
        self._target = target
        self._words = list(words)
        #: The text of a message that is dropped whenever it comes.
        self._swallows = swallows
        #: Bodies of messages sent by themselves, in the order they came.
        self.bodies: list[dict[str, Any]] = []

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Listen on loopback; yields the address."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        is_message = request.path.startswith("/v1/messages")
        if request.path == "/v1/messages":
            self.bodies.append(orjson.loads(body))
        word = self._words.pop(0) if self._words and is_message else "pass"
        if self._swallows and self._swallows.encode() in body:
            word = "drop"
        if word == "busy":
            return web.json_response({"code": "queue_full"}, status=503, headers={"Retry-After": "0"})
        if word == "slow_down":
            return web.json_response({"code": "rate_limited"}, status=429, headers={"Retry-After": "1"})
        if word == "drop":
            return _dropped(request)
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        async with aiohttp.request(
            request.method, self._target + request.path_qs, data=io.BytesIO(body) if body else None, headers=headers
        ) as response:
            content = await response.read()
        if word == "lose":
            return _dropped(request)
        if word == "unknown":
            return web.json_response({"code": "outcome_unknown"}, status=503)
        kept = {
            name: value for name, value in response.headers.items() if name in {"Idempotent-Replayed", "Retry-After"}
        }
        return web.Response(body=content, status=response.status, content_type=response.content_type, headers=kept)


def _dropped(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
