"""A served registry with two companies, and callers with keys, for the tests of the admin API."""

import contextlib
import json
from typing import NamedTuple

import aiohttp
from redis.asyncio import Redis

from registry.app import running
from registry.commands import change
from registry.credentials import mint
from registry.openapi import openapi
from registry.store import RegistryStore
from tests.contracts.documented import Contract
from tests.registry.builders import BASICS, DID, OTHER_DID, a_brand, a_campaign, a_number, a_tenant, a_user, eventually

#: What answers are held against.
_CONTRACT = Contract(openapi())

SOLO_DID = "+12025550103"

#: Every kind of object: the path of acme's, and that of the other company's.
PATHS = {
    "number": (f"/v1/numbers/{DID}", f"/v1/numbers/{SOLO_DID}"),
    "campaign": ("/v1/campaigns/CACME", "/v1/campaigns/CSOLO"),
    "brand": ("/v1/brands/BACME", "/v1/brands/BSOLO"),
    "key": ("/v1/keys/keyofacme", "/v1/keys/keyofsolo"),
}
#: A change of each kind that is in order.
BODIES = {
    "number": {"assignment": None},
    "campaign": {"status": "suspended"},
    "brand": {"status": "suspended"},
    "key": {"revoked": True},
}


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: dict
    headers: dict


def keys():
    """Keys by what they are for: their records and their texts."""
    minted = {
        "admin": mint(tenant="acme", user=None, scopes=("send", "read", "admin"), label="admin"),
        "solo": mint(tenant="solo", user=None, scopes=("send", "read", "admin"), label="admin"),
        "sender": mint(tenant="acme", user=None, scopes=("send", "read"), label="program"),
        "person": mint(tenant="acme", user="ben", scopes=("send", "read"), label="app"),
    }
    return [one.record for one in minted.values()], {name: one.text for name, one in minted.items()}


async def two_companies(database):
    """Fill the database; gives the texts of keys."""
    records, texts = keys()
    named = [mint(tenant=tenant, user=None, scopes=("send", "read"), label="") for tenant in ("acme", "solo")]
    fields = [{name: getattr(one.record, name) for name in one.record.__slots__} for one in named]
    put = [
        *BASICS,
        a_user("ann"),
        a_number(OTHER_DID, user="ann", sms="disabled", sms_enabled_at=None),
        a_campaign("CTWO"),
        a_tenant("solo"),
        a_user("sol", tenant="solo"),
        a_brand("BSOLO", tenant="solo"),
        a_campaign("CSOLO", brand_id="BSOLO"),
        a_number(SOLO_DID, tenant="solo", user="sol"),
        *records,
        *(type(named[0].record)(**one | {"id": f"keyof{one['tenant']}"}) for one in fields),
    ]
    async with database.writing() as connection:
        await change(connection, actor="test", put=put)
    return texts


class Api:
    """The admin API of a served registry."""

    def __init__(self, session, registry, texts):
        self.session, self.registry, self.texts = session, registry, texts

    async def call(self, method, path, body=None, *, key="admin", **options):
        """Call it; body is JSON, or bytes through data=; key names one of the texts, or is a header as it stands."""
        headers = {"Authorization": f"Bearer {self.texts[key]}" if key in self.texts else key} if key else {}
        headers |= ({"If-Match": "*"} if method == "PATCH" else {}) | options.pop("headers", {})
        if body is not None:
            options["json"] = body
        url = f"http://127.0.0.1:{self.registry.http_port}{path}"
        async with self.session.request(method, url, headers=headers, **options) as answer:
            text = await answer.text()
            _CONTRACT.check(method, path, answer.status, answer.headers, text)
            body = json.loads(text) if "json" in answer.headers["Content-Type"] else text
            return Answer(answer.status, body, answer.headers)

    async def get(self, path, **options):
        """Look at an object."""
        return await self.call("GET", path, **options)

    async def patch(self, path, body=None, **options):
        """Change an object."""
        return await self.call("PATCH", path, body, **options)

    async def metrics(self):
        """What the registry counts."""
        url = f"http://127.0.0.1:{self.registry.admin_port}/metrics"
        async with self.session.get(url) as answer:
            return await answer.text()


@contextlib.asynccontextmanager
async def serving(settings, store_url, texts=None, **more):
    """Serve a registry whose copy is in step, and in which states may be set by hand."""
    fields = {"registry_url": store_url, "http_port": 0, "admin_port": 0, "states_by_hand": True} | more
    settings = settings.model_copy(update=fields)
    async with running(settings) as registry, aiohttp.ClientSession() as session:
        api = Api(session, registry, texts or {})

        async def ready():
            async with session.get(f"http://127.0.0.1:{registry.admin_port}/readyz") as answer:
                return answer.ok

        await eventually(ready)
        yield api


@contextlib.asynccontextmanager
async def in_store(url):
    """A client of a store of one's own, functions loaded, and the registry's view of it."""
    async with Redis.from_url(url, socket_timeout=None) as redis, RegistryStore.connected(url) as store:
        await store.load_functions()
        yield redis, store
