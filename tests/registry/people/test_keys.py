"""Keys: made, shown once, renewed, taken back; who may give what; and how they follow a person. On both databases."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
import sqlalchemy as sa

from compliance.api_keys import read_bearer
from registry.commands import find
from registry.database import Database
from registry.people import retirements
from registry.records import ApiKey
from registry.tables import audit, outbox
from tests.registry.admin import serving
from tests.registry.builders import a_company, eventually, import_file, trail
from tests.registry.people.provider import PROVIDER, everybody, key_id
from tests.valkey import Valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(databases, tmp_path_factory):
    """A served registry, and its database."""
    with Valkey() as server, databases.new(tmp_path_factory.mktemp("keys")) as settings:
        async with Database.opened(settings) as database:
            texts = await everybody(database)
            async with serving(settings, server.url, texts) as api:
                yield api, database


@pytest.fixture
def api(shared):
    """The served registry."""
    return shared[0]


@pytest.fixture
def database(shared):
    """Its database."""
    return shared[1]


async def record(database, name):
    """A key's row."""
    async with database.reading() as connection:
        return (await find(connection, ApiKey, {(name,)}))[(name,)]


async def create(api, scopes, *, key="admin", tenant=None, **given):
    """Make a key."""
    headers = {} if tenant is None else {"A2P-Tenant": tenant}
    return await api.call("POST", "/v1/keys", {"scopes": scopes, **given}, key=key, headers=headers)


class TestCreating:
    async def test_the_secret_is_shown_once(self, api, database):
        """It opens the door at once; no list, no audit and no feed ever has it."""
        made = await create(api, ["admin", "read"], label="billing")
        secret = made.body["secret"]
        found = await record(database, made.body["key"]["id"])

        assert (made.status, found.scopes, found.label) == (201, ("read", "admin"), "billing")
        assert found.created_at is not None
        assert read_bearer(f"Bearer {secret}").proves(found.sha256)
        assert (await api.get("/v1/brands", key=f"Bearer {secret}")).status == 200
        listed = await api.get("/v1/keys?limit=500")
        assert made.body["key"]["id"] in {one["id"] for one in listed.body["items"]}
        assert "sha256" not in str(listed.body)
        async with database.reading() as connection:
            kept = [*(await connection.execute(sa.select(audit.c.before, audit.c.after))).all()]
            kept += (await connection.execute(sa.select(outbox.c.document))).all()
        assert secret.split("_")[2] not in str(kept) + str(listed.body)

    @pytest.mark.parametrize("scope", ["support", "operator"])
    @pytest.mark.parametrize(
        ("key", "tenant", "status"),
        [
            ("admin", None, 403),
            ("provider admin", None, 403),
            ("pretender", None, 403),
            ("operator", "acme", 403),
            ("operator", None, 201),
        ],
    )
    async def test_the_provider_s_scopes(self, api, database, scope, key, tenant, status):
        """An operator gives them, and to keys of the provider's own company only."""
        before = await trail(database)
        answer = await create(api, ["read", scope], key=key, tenant=tenant)

        assert answer.status == status
        if status == 403:
            assert answer.body["errors"] == [{"pointer": "/scopes/1", "code": "scope_not_yours"}]
            assert await trail(database) == before

    async def test_an_operator_makes_the_first_key_of_a_company(self, api, database):
        """Its admin goes on from there."""
        made = await create(api, ["admin"], key="operator", tenant="solo")

        assert (await record(database, made.body["key"]["id"])).tenant == "solo"
        assert (await create(api, ["send"], key=f"Bearer {made.body['secret']}")).status == 201

    @pytest.mark.parametrize(
        ("user", "scopes", "status", "code"),
        [
            ("ben", ["send", "read"], 201, ""),
            ("ben", ["send", "admin"], 422, "scope_beyond_role"),
            ("boss", ["send", "admin"], 201, ""),
            ("sol", ["send"], 422, "unknown_user"),
            ("nobody", ["send"], 422, "unknown_user"),
            ("a:b", ["send"], 422, "unknown_user"),
        ],
    )
    async def test_a_person_s_key_is_within_the_role(self, api, user, scopes, status, code):
        """And the person is of the company."""
        answer = await create(api, scopes, user=user)

        assert (answer.status, answer.body.get("code", "")) == (status, code)

    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            ({}, "/scopes", "missing_field"),
            ({"scopes": []}, "/scopes", "invalid_value"),
            ({"scopes": ["root"]}, "/scopes/0", "invalid_enum"),
            ({"scopes": ["read"], "label": "x" * 201}, "/label", "invalid_value"),
            ({"scopes": ["read"], "label": "a\x00b"}, "/label", "invalid_value"),
            ({"scopes": ["read"], "tenant": "solo"}, "/tenant", "unknown_field"),
        ],
    )
    async def test_what_cannot_be_asked_for(self, api, body, pointer, code):
        """Named by its field."""
        answer = await api.call("POST", "/v1/keys", body)

        assert (answer.status, answer.body["errors"][0]) == (422, {"pointer": pointer, "code": code})


class TestRotating:
    async def test_the_old_key_ends_at_once(self, api, database):
        """Unless an instant is named; the new one has its rights."""
        old = await create(api, ["read", "admin"], label="console")
        answer = await api.call("POST", f"/v1/keys/{old.body['key']['id']}/rotate", key=f"Bearer {old.body['secret']}")
        new = await record(database, answer.body["key"]["id"])

        assert answer.status == 201
        assert (new.scopes, new.label, new.user, new.revoked_at) == (("read", "admin"), "console", None, None)
        assert (await api.get("/v1/brands", key=f"Bearer {old.body['secret']}")).status == 401
        assert (await api.get("/v1/brands", key=f"Bearer {answer.body['secret']}")).status == 200
        again = await api.call("POST", f"/v1/keys/{old.body['key']['id']}/rotate")
        assert (again.status, again.body["code"]) == (409, "not_from_here")

    async def test_both_work_until_the_instant(self, api, database):
        """Then the old one is revoked, once, with an audit record; whoever looks may do it."""
        old = await create(api, ["read", "admin"])
        name, at = old.body["key"]["id"], datetime.now(UTC) + timedelta(hours=1)
        answer = await api.call("POST", f"/v1/keys/{name}/rotate", {"revoke_at": at.isoformat()})
        assert datetime.fromisoformat(answer.body["old"]["revoke_at"]) == at
        for text in (old.body["secret"], answer.body["secret"]):
            assert (await api.get("/v1/brands", key=f"Bearer {text}")).status == 200
        listed = {one["id"]: one["revoke_at"] for one in (await api.get("/v1/keys?limit=500")).body["items"]}
        assert listed[name] is not None

        assert await retirements.retire_due(database, at - timedelta(seconds=1)) == 0
        assert (await record(database, name)).revoked_at is None
        ends = await asyncio.gather(*(retirements.retire_due(database, at) for _ in range(4)))
        assert sum(ends) == 1
        assert (await record(database, name)).revoked_at == at
        assert (await api.get("/v1/brands", key=f"Bearer {old.body['secret']}")).status == 401
        async with database.reading() as connection:
            last = (await connection.execute(sa.select(audit.c.actor).order_by(audit.c.id.desc()).limit(1))).scalar()
        assert last == retirements.ACTOR

    async def test_the_registry_does_it_by_itself(self, api, database):
        """It looks every second, and what was due while nobody looked is done at the start."""
        old = await create(api, ["read"])
        name = old.body["key"]["id"]
        at = datetime.now(UTC) + timedelta(seconds=1)
        await api.call("POST", f"/v1/keys/{name}/rotate", {"revoke_at": at.isoformat()})
        looking = asyncio.create_task(retirements.run(database))

        async def revoked():
            return (await record(database, name)).revoked_at

        try:
            assert await eventually(revoked) >= at
        finally:
            looking.cancel()
            await asyncio.wait({looking})

    async def test_the_last_word_counts(self, api, database):
        """A second renewal may end the old key at once after all."""
        old = await create(api, ["read"])
        path = f"/v1/keys/{old.body['key']['id']}/rotate"
        later = datetime.now(UTC) + timedelta(days=1)
        await api.call("POST", path, {"revoke_at": later.isoformat()})
        await api.call("POST", path)

        assert (await record(database, old.body["key"]["id"])).revoked_at is not None
        assert await retirements.retire_due(database, later) == 0

    @pytest.mark.parametrize(
        "given", [timedelta(days=31), "2026-11-22T10:00:00", "0001-01-01T00:00:00+14:00", "soon", 5]
    )
    async def test_an_instant_that_is_none(self, api, given):
        """Within thirty days, and with an offset."""
        at = (datetime.now(UTC) + given).isoformat() if isinstance(given, timedelta) else given
        answer = await api.call("POST", f"/v1/keys/{key_id(api.texts['program'])}/rotate", {"revoke_at": at})

        assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/revoke_at")

    async def test_nobody_renews_what_is_wider_than_theirs(self, api, database):
        """An admin of the provider's company would be an operator otherwise; nor can they take it away."""
        before = await trail(database)
        path = f"/v1/keys/{key_id(api.texts['operator'])}"
        renewed = await api.call("POST", f"{path}/rotate", key="provider admin")
        revoked = await api.call("PATCH", path, {"revoked": True}, key="provider admin")

        assert (renewed.status, renewed.body["code"]) == (403, "scope_not_yours")
        assert (revoked.status, revoked.body["code"]) == (403, "forbidden")
        assert await trail(database) == before

    async def test_another_company_s_key_is_not_there(self, api):
        """Whatever is asked of it."""
        path = f"/v1/keys/{key_id(api.texts['solo'])}/rotate"

        assert (await api.call("POST", path)).status == 404
        assert (await api.call("POST", "/v1/keys/none/rotate")).status == 404


class TestFollowing:
    async def test_keys_follow_the_role(self, api, database):
        """Who administers no longer has no such key left; who does again has to be given one."""
        made = await create(api, ["send", "read", "admin"], user="boss")
        only = await create(api, ["admin"], user="boss")
        assert (await api.patch("/v1/users/boss", {"role": "employee"})).body["code"] == "last_admin"
        await api.patch("/v1/users/ben", {"role": "admin"})
        await api.patch("/v1/users/boss", {"role": "employee"})

        assert (await record(database, made.body["key"]["id"])).scopes == ("send", "read")
        assert (await record(database, only.body["key"]["id"])).revoked_at is not None
        assert (await api.get("/v1/brands", key=f"Bearer {made.body['secret']}")).status == 403
        await api.patch("/v1/users/boss", {"role": "admin"})
        await api.patch("/v1/users/ben", {"role": "employee"})
        assert (await record(database, made.body["key"]["id"])).scopes == ("send", "read")

    async def test_who_leaves_has_no_keys(self, api, database):
        """Revoked with the person, in one change."""
        person = await api.call("POST", "/v1/users", {"name": "Kim"})
        made = await create(api, ["send"], user=person.body["id"])
        await api.call("POST", f"/v1/users/{person.body['id']}/leave")

        assert (await record(database, made.body["key"]["id"])).revoked_at is not None
        assert (await create(api, ["send"], user=person.body["id"])).body["code"] == "unknown_user"

    @pytest.mark.parametrize("role", ["support", "operator"])
    @pytest.mark.parametrize(
        ("key", "tenant", "status"),
        [("admin", None, 403), ("provider admin", None, 403), ("operator", "acme", 403), ("operator", None, 201)],
    )
    async def test_the_provider_s_roles(self, api, role, key, tenant, status):
        """An operator gives them, to people of the provider's own company; also to somebody who is there already."""
        headers = {} if tenant is None else {"A2P-Tenant": tenant}
        joined = await api.call("POST", "/v1/users", {"name": "Pat", "role": role}, key=key, headers=headers)
        assert joined.status == status
        there = await api.call("POST", "/v1/users", {"name": "Sam"}, key=key, headers=headers)
        changed = await api.patch(f"/v1/users/{there.body['id']}", {"role": role}, key=key, headers=headers)
        assert changed.status == (200 if status == 201 else 403)

    async def test_an_operator_is_no_admin_s_to_demote(self, api):
        """Nor to let go."""
        assert (await api.patch("/v1/users/olga", {"role": "employee"}, key="provider admin")).status == 403
        assert (await api.call("POST", "/v1/users/olga/leave", key="provider admin")).status == 403

    async def test_keys_follow_an_import(self, api, database, tmp_path):
        """A file that gives a person another role takes the scopes away, and leaves the provider what it is."""
        await api.patch("/v1/users/ann", {"role": "admin"})
        made = await create(api, ["read", "admin"], user="ann")
        company = a_company(brands=[], campaigns=[], numbers=[], opt_outs=[], contacts=[])
        company["tenants"].append({"id": PROVIDER, "name": "Phone Co", "customer_since": "2019-04-01"})
        await import_file(database, tmp_path / "company.json", company)

        assert (await record(database, made.body["key"]["id"])).scopes == ("read",)
        assert (await api.get("/v1/tenants", key="operator")).status == 200
