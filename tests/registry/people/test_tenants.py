"""Companies: who sees them, who takes them in, and the lists of people and keys. On both databases."""

import pytest
import pytest_asyncio

from registry.database import Database
from tests.registry.admin import serving
from tests.registry.builders import trail
from tests.registry.people.provider import PROVIDER, everybody
from tests.valkey import Valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(databases, tmp_path_factory):
    """A served registry."""
    with Valkey() as server, databases.new(tmp_path_factory.mktemp("tenants")) as settings:
        async with Database.opened(settings) as database:
            texts = await everybody(database)
            async with serving(settings, server.url, texts) as api:
                api.database = database
                yield api


async def ids(api, path, *, key="admin"):
    """All items of a list, page by page."""
    found, after = [], ""
    while after is not None:
        answer = await api.get(
            f"{path}{'&' if '?' in path else '?'}limit=2" + (f"&cursor={after}" if after else ""), key=key
        )
        assert answer.status == 200, answer.body
        assert len(answer.body["items"]) <= 2
        found += [one["id"] for one in answer.body["items"]]
        after = answer.body["next"]
    return found


class TestTenants:
    @pytest.mark.parametrize("key", ["support", "operator"])
    async def test_the_provider_sees_all(self, api, key):
        """In pages; a search is a part of the name."""
        assert {"acme", "solo", PROVIDER} <= set(await ids(api, "/v1/tenants", key=key))
        assert await ids(api, "/v1/tenants?search=hone%20c", key=key) == [PROVIDER]
        assert (await api.get("/v1/tenants/acme", key=key)).body["name"] == "Acme"

    async def test_a_company_sees_itself(self, api):
        """Another one is as unknown as none."""
        others = [await api.get(f"/v1/tenants/{name}", key="admin") for name in ("solo", "none", "%00", "a:b")]

        assert (await api.get("/v1/tenants/acme", key="admin")).body["id"] == "acme"
        assert {one.status for one in others} == {404}

    async def test_an_operator_takes_a_company_in(self, api):
        """With an id of theirs or a made-up one; taken ids and what is no time zone are refused."""
        body = {"id": "newco", "name": "New Co", "country": "CA", "currency": "CAD", "time_zone": "America/Toronto"}
        made = await api.call("POST", "/v1/tenants", body, key="operator")
        twin = await api.call("POST", "/v1/tenants", body, key="operator")
        other = await api.call("POST", "/v1/tenants", {"name": "X", "customer_since": "2020-02-29"}, key="operator")
        wrong = await api.call("POST", "/v1/tenants", {"name": "X", "time_zone": "../etc/passwd"}, key="operator")

        assert (made.status, made.body["provider"], made.body["currency"]) == (201, False, "CAD")
        assert (twin.status, twin.body["code"]) == (409, "tenant_taken")
        assert other.body["customer_since"] == "2020-02-29"
        assert (wrong.status, wrong.body["errors"][0]["pointer"]) == (422, "/time_zone")
        first = await api.call("POST", "/v1/users", {"name": "A"}, key="operator", headers={"A2P-Tenant": "newco"})
        assert first.body["tenant"] == "newco"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"name": ""}, "/name"),
            ({"name": "a\nb"}, "/name"),
            ({"name": "X", "id": "a b"}, "/id"),
            ({"name": "X", "id": "a:b"}, "/id"),
            ({"name": "X", "provider": True}, "/provider"),
            ({"name": "X", "customer_since": "2020-02-30"}, "/customer_since"),
            ({"name": "X", "country": "DE"}, "/country"),
        ],
    )
    async def test_what_no_company_is(self, api, body, pointer):
        """Named by its field."""
        before = await trail(api.database)
        answer = await api.call("POST", "/v1/tenants", body, key="operator")

        assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, pointer)
        assert await trail(api.database) == before

    async def test_a_change_names_its_version(self, api):
        """Two operators do not undo each other's work unseen."""
        shown = await api.get("/v1/tenants/solo", key="operator")
        version, path = shown.headers["ETag"], "/v1/tenants/solo"
        first = await api.patch(path, {"name": "Solo 2"}, key="operator", headers={"If-Match": version})
        late = await api.patch(path, {"name": "Solo 3"}, key="operator", headers={"If-Match": version})
        none = await api.call("PATCH", path, {"name": "x"}, key="operator", headers={"If-Match": ""})
        empty = await api.patch(path, {}, key="operator")

        assert (first.status, first.body["name"]) == (200, "Solo 2")
        assert (late.status, late.body["code"]) == (412, "version_conflict")
        assert none.status in {412, 428}
        assert (empty.status, empty.body["code"]) == (422, "empty_change")
        again = await api.patch(path, {"name": "Solo 4"}, key="operator", headers={"If-Match": first.headers["ETag"]})
        assert again.status == 200
        assert (await api.get(path, key="operator")).headers["ETag"] == again.headers["Etag"]


class TestPeople:
    async def test_people_are_listed_by_name(self, api):
        """With numbers and extensions; who left is not there, and nobody of another company."""
        await api.call("POST", "/v1/users", {"name": "Aaron", "extension": "77"})
        gone = await api.call("POST", "/v1/users", {"name": "Aachim"})
        await api.call("POST", f"/v1/users/{gone.body['id']}/leave")
        answer = await api.get("/v1/users?limit=500")
        found = {one["id"]: one for one in answer.body["items"]}

        assert answer.body["items"][0]["name"] == "Aaron"
        assert answer.body["items"][0]["extensions"] == ["77"]
        assert found["ben"]["texts_from"] in found["ben"]["numbers"]
        assert found["ann"]["texts_from"] is None
        assert gone.body["id"] not in found
        assert "sol" not in found
        assert await ids(api, "/v1/users") == [one["id"] for one in answer.body["items"]]

    async def test_a_search_is_literal(self, api):
        """Signs that stand for others elsewhere stand for themselves."""
        odd = await api.call("POST", "/v1/users", {"name": "100%_/\\ 'Zoe' \u00c9"})
        for part in ("%25", "_", "/", "%5C", "'zoe'", "0%25_"):
            assert await ids(api, f"/v1/users?search={part}") == [odd.body["id"]]
        assert await ids(api, "/v1/users?search=%25%25") == []
        assert await ids(api, "/v1/users?search=%00") == []
        assert await ids(api, "/v1/users?search=BEN&role=admin") == ["boss"]

    @pytest.mark.parametrize("path", ["/v1/users", "/v1/keys", "/v1/tenants", "/v1/numbers", "/v1/applications"])
    @pytest.mark.parametrize("query", ["cursor=x", "cursor=" + "A" * 40, "limit=0", "limit=501", "limit=x", "cursor="])
    async def test_no_page_of_it(self, api, path, query):
        """A cursor that was made up or cut, and a size that there is not."""
        answer = await api.get(f"{path}?{query}", key="operator")

        assert (answer.status, answer.body["code"]) == (400, "invalid_cursor")

    async def test_a_cursor_is_of_one_list_and_one_company(self, api):
        """Taken elsewhere it is none."""
        given = (await api.get("/v1/keys?limit=1")).body["next"]

        assert (await api.get(f"/v1/keys?limit=1&cursor={given}")).status == 200
        for path, key in (("/v1/users", "admin"), ("/v1/keys", "solo")):
            assert (await api.get(f"{path}?cursor={given}", key=key)).status == 400

    async def test_keys_are_listed(self, api):
        """Of one's own company; by person, and those that are revoked or not."""
        all_of_them = set(await ids(api, "/v1/keys"))
        revoked = set(await ids(api, "/v1/keys?revoked=true"))

        assert revoked
        assert set(await ids(api, "/v1/keys?revoked=false")) == all_of_them - revoked
        assert set(await ids(api, "/v1/keys?user=ben")) < all_of_them
        assert await ids(api, "/v1/keys?user=sol") == []
