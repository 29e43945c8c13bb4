"""What people do that changes no record is in the audit as well: who did it, whose it is, and nothing secret."""

import re
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import sqlalchemy as sa

from registry.audit.verifying import verify
from registry.drift.book import note
from registry.drift.classes import Drift
from registry.ledger.database import LedgerDatabase
from registry.notices import deliveries
from registry.tables import audit
from tests.registry.console.test_provider import LIST
from tests.registry.console.visitors import KEPT, PASSWORD, a_console
from tests.registry.drift.builders import NOW
from tests.registry.ledger.filling import fill

HOOK = "https://hooks.example.com/notices"
KINDS = ("logins", "notice_hooks", "drift", "erasures", "visits", "key_retirements")


@pytest.fixture
async def console(settings, store, valkey_server):
    """A served registry with two companies, and whoever visits its console."""
    del store
    async with a_console(settings, valkey_server.url) as console:
        yield console


async def deeds(console):
    """What was done: kind, key, action, whose, and the fields that are others now; the chain is whole."""
    async with console.database.reading() as connection:
        assert (await verify(connection, {}, lambda *_: None)).finding is None
        found = sa.select(audit).where(audit.c.kind.in_(KINDS), audit.c.actor != "terminal").order_by(audit.c.id)
        rows = (await connection.execute(found)).all()
    told = []
    for row in rows:
        before, after = orjson.loads(row.before or "{}"), orjson.loads(row.after or "{}")
        fields = {name for name in {**before, **after} if before.get(name) != after.get(name)}
        told.append((row.actor, row.kind, orjson.loads(row.row_key), row.action, row.tenant, fields))
    return told


async def test_the_address_of_notices(console):
    """Set, replaced, taken away by an admin or by its own server; the secret is nobody's to read."""
    secret = (await console.api.call("PUT", "/v1/notice-hook", {"url": HOOK})).body["secret"]
    await console.api.call("PUT", "/v1/notice-hook", {"url": HOOK + "/2"})
    assert (await console.api.call("PUT", "/v1/notice-hook", {"url": "http://127.0.0.1/"})).status == 422
    await console.api.call("DELETE", "/v1/notice-hook")
    await console.api.call("PUT", "/v1/notice-hook", {"url": HOOK})
    async with console.database.writing() as connection:
        await deliveries.drop_hook(connection, "acme", NOW, "unsubscribed", actor="notices")

    found = await deeds(console)
    assert [(action, fields) for _, _, _, action, _, fields in found] == [
        ("created", {"url", "created_at"}),
        ("changed", {"url", "created_at"}),
        ("removed", {"url", "created_at"}),
        ("created", {"url", "created_at"}),
        ("removed", {"url", "created_at"}),
    ]
    assert {(kind, *key, tenant) for _, kind, key, _, tenant, _ in found} == {("notice_hooks", "acme", "acme")}
    actors = [actor for actor, *_ in found]
    assert all(actor.startswith("key:") for actor in actors[:4])
    assert actors[4] == "notices"
    assert secret not in str((await console.api.get("/v1/audit?limit=200")).body)


async def test_how_people_sign_in(console):
    """An admin invites; who is invited chooses a password, and another one later. No hash, no link."""
    admin, ann = await console.visitor("admin"), await console.visitor()
    seen = await admin.send("/console/phone-system/users/ann/invitation", {"email": "ann@console.example"})
    (path,) = set(re.findall(r"/console/invitation/[\w-]+", seen.text))
    await ann.go(path)
    chosen = {"password": PASSWORD + " two", "again": PASSWORD + " two"}
    await ann.send(path, chosen)
    await ann.go("/console/password")
    await ann.send("/console/password", {"old": "not it", "password": "another good one", "again": "another good one"})
    await ann.send(
        "/console/password", {"old": chosen["password"], "password": "another good one", "again": "another good one"}
    )
    for zone in ("America/Denver", "America/Denver", "Mars/Base", ""):  # (the same once more is no news)
        await ann.send("/console/time-zone", {"time_zone": zone})

    assert await deeds(console) == [
        ("user:ada", "logins", ["ann"], "created", "acme", {"email", "has_password", "changed_at", "invited_until"}),
        ("user:ann", "logins", ["ann"], "changed", "acme", {"has_password", "changed_at", "invited_until"}),
        ("user:ann", "logins", ["ann"], "changed", "acme", {"changed_at"}),
        ("user:ann", "logins", ["ann"], "changed", "acme", {"time_zone"}),
        ("user:ann", "logins", ["ann"], "changed", "acme", {"time_zone"}),
    ]
    seen = await admin.go("/console/audit?kind=logins")
    assert "Login" in seen.words
    assert "ann@console.example" in seen.words
    assert KEPT not in seen.text
    assert path.rpartition("/")[2] not in seen.text
    assert "argon2" not in str((await console.api.get("/v1/audit?limit=200")).body)


async def test_decisions_about_drift(console):
    """Who decided that something may stay; deciding it again is no news."""
    found = Drift("unknown_state", "brand:BACME", "acme", "status")
    async with console.database.writing() as connection:
        await note(connection, [found.object], {found.kind}, [found], NOW)
    for _ in range(2):
        assert (await console.api.call("POST", "/v1/drift/unknown_state/brand:BACME/accept")).status == 200

    ((actor, *rest),) = await deeds(console)
    assert rest == ["drift", ["unknown_state", "brand:BACME"], "changed", "acme", {"state"}]
    assert actor.startswith("key:")


async def test_erasures(console, settings):
    """Who had what erased: a number masked, and no text; what is not there is no deed."""
    async with LedgerDatabase.made(settings) as ledger:
        (name,) = await fill(ledger, {"text": "Zqerased", "recipient": "+16465550177"})
    assert (await console.api.call("POST", "/v1/messages/erase", {"message": name})).status == 200
    assert (await console.api.call("POST", "/v1/messages/erase", {"message": "0-1-1-0"})).status == 404
    assert (await console.api.call("POST", "/v1/messages/erase", {"number": "+16465550177"})).status == 200

    found = await deeds(console)
    assert [(kind, action, tenant) for _, kind, _, action, tenant, _ in found] == [("erasures", "created", "acme")] * 2
    shown = (await console.api.get("/v1/audit?kind=erasures")).body["audit"]
    assert [row["after"]["kind"] for row in shown] == ["number", "message"]
    assert "6465550177" not in str(shown)
    assert "Zqerased" not in str(shown)


async def test_planned_ends_of_keys(console):
    """Who has a key end, and when; that it ends at once, or not after all, is told by the key itself."""
    name = (await console.api.call("POST", "/v1/keys", {"label": "app", "scopes": ["read"]})).body["key"]["id"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    renewed = await console.api.call("POST", f"/v1/keys/{name}/rotate", {"revoke_at": later})
    assert renewed.status == 201, renewed.body

    ((actor, *rest),) = await deeds(console)
    assert rest == ["key_retirements", [name], "created", "acme", {"ends_at"}]
    assert actor.startswith("key:")


async def test_visits_of_the_provider(console):
    """A company sees who of the provider's people looked at what is theirs, once a visit."""
    support = await console.visitor("support")
    await support.go(LIST)
    for _ in range(2):
        assert (await support.send(f"{LIST}/acme/look")).path == "/console"

    assert await deeds(console) == [("user:sam", "visits", ["sam"], "created", "acme", {"role"})]
    seen = await (await console.visitor("admin")).go("/console/audit?kind=visits")
    assert "Visit of the provider" in seen.words
