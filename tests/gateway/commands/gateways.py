"""A real gateway in this process that knows the example company."""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from redis.asyncio import Redis

from compliance import documents, shapes
from gateway.app import running
from gateway.settings import Settings
from tests.gateway.running_edge import Registry
from tests.valkey import Valkey

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
COMPANY, DAY = EXAMPLES / "company.json", EXAMPLES / "day.ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A gateway that answers."""

    url: str
    admin_url: str
    #: As an import writes them.
    credentials: dict[str, dict[str, str]]


@contextlib.asynccontextmanager
async def a_gateway(server: Valkey) -> AsyncIterator[Live]:
    """Run a gateway on one Valkey with the example company, its opt-outs included."""
    company = orjson.loads(COMPANY.read_bytes())
    async with Redis.from_url(server.url, socket_timeout=None) as redis:
        written, credentials = _documents(company)
        registry = Registry(redis)
        await registry.load(written)
        await registry.start()
        settings = Settings(queue_url=server.url, registry_url=server.url, port=0, admin_port=0)
        async with running(settings) as gateway:
            live = Live(
                url=f"http://127.0.0.1:{gateway.port}",
                admin_url=f"http://127.0.0.1:{gateway.admin_port}",
                credentials=credentials,
            )
            await _put_opt_outs(live, company["opt_outs"])
            yield live
        await registry.stop()


def _documents(company: dict[str, Any]) -> tuple[dict[str, bytes], dict[str, dict[str, str]]]:
    """Make what the registry's projector would write, and the keys that go with it."""
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
    return written, credentials


async def _put_opt_outs(live: Live, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        body = {"opt_outs": [{field: value for field, value in row.items() if field != "tenant"}]}
        headers = {"Authorization": f"Bearer {live.credentials['api_keys'][row['tenant']]}"}
        async with aiohttp.request("PUT", f"{live.url}/v1/opt-outs", json=body, headers=headers) as response:
            response.raise_for_status()
