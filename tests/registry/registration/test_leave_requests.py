"""What carriers are asked leave for, from the wish to its outcome, by HTTP: who may, what is listed, what follows."""

import pytest
import pytest_asyncio

from registry.commands import change, find
from registry.database import Database
from registry.records import Campaign, LeaveRequest
from tests.registry.admin import serving
from tests.registry.builders import a_campaign
from tests.registry.people.provider import everybody
from tests.registry.registration.desks import audited
from tests.registry.registration.forms import CAMPAIGN
from tests.valkey import Valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")
WAITING = "/v1/leave-requests/waiting"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(databases, tmp_path_factory):
    """A served registry."""
    with Valkey() as server, databases.new(tmp_path_factory.mktemp("leave")) as settings:
        async with Database.opened(settings) as database:
            texts = await everybody(database)
            async with serving(settings, server.url, texts) as api:
                api.database = database
                yield api


async def waiting(api):
    """What stands on the provider's list."""
    return (await api.get(WAITING, key="support")).body["items"]


async def own(api, subject, key="admin"):
    """What a company sees of its wishes for something: settled or not, and the outcome."""
    found = await api.get(f"/v1/leave-requests?subject={subject}", key=key)
    return [(one["settled_at"] is not None, one["outcome"]) for one in found.body["items"]]


async def settle(api, wish, *, approved, key="operator"):
    """Note what the carriers said."""
    body = {"id": wish["id"], "approved": approved}
    return await api.call("POST", "/v1/leave-requests/settle", body, key=key)


async def a_form(api, use_case):
    """A form of acme's for a use case; its path."""
    body = {"kind": "campaign", "brand_id": "BACME", "fields": CAMPAIGN | {"use_case": use_case, "sub_use_cases": []}}
    begun = await api.call("POST", "/v1/applications", body)
    return f"/v1/applications/{begun.body['id']}"


async def test_a_number_pool(api):
    """Asked for by the company, on the provider's list with what carriers want to know, settled by an operator only."""
    assert await waiting(api) == []
    assert (await api.get(WAITING)).status == 403
    await api.call("POST", "/v1/campaigns/CACME/number-pool", {})
    (wish,) = await waiting(api)
    assert (wish["kind"], wish["tenant"], wish["subject"], wish["brand"]) == (
        "number_pool",
        "acme",
        "CACME",
        "Acme LLC",
    )
    assert wish["numbers"] >= 0
    assert await own(api, "CACME") == [(False, None)]
    assert await own(api, "CACME", key="solo") == []
    for key in ("admin", "support", "solo"):
        assert (await settle(api, wish, approved=True, key=key)).status == 403

    done = await settle(api, wish, approved=True)
    assert (done.status, done.body["outcome"]) == (200, "approved")
    assert (await settle(api, wish, approved=False)).body["code"] == "not_from_here"
    assert (await settle(api, {"id": "nothing"}, approved=True)).status == 404
    assert (await waiting(api), await own(api, "CACME")) == ([], [(True, "approved")])
    async with api.database.reading() as connection:
        assert (await find(connection, Campaign, {("CACME",)}))["CACME",].number_pool == "approved"
    assert [action for action, _ in await audited(api.database, LeaveRequest)] == ["created", "changed"]


async def test_a_special_use_case(api):
    """Asked for once, for a use case that needs it; declined, it can be asked for again; given, it can be submitted."""
    path = await a_form(api, "CONVERSATIONAL")
    name = path.rsplit("/", 1)[1]
    assert (await api.call("POST", f"{path}/leave", {})).status == 200
    assert (await api.call("POST", f"{path}/leave", {})).body["code"] == "not_from_here"
    (wish,) = await waiting(api)
    assert (wish["kind"], wish["use_case"], wish["numbers"]) == ("use_case", "CONVERSATIONAL", None)

    assert (await settle(api, wish, approved=False)).body["outcome"] == "declined"
    assert (await api.get(path)).body["leave"] is False
    await api.call("POST", f"{path}/leave", {})
    await settle(api, (await waiting(api))[0], approved=True)
    assert (await api.get(path)).body["leave"] is True
    assert await own(api, name) == [(True, "approved"), (True, "declined")]
    assert (await api.call("POST", f"{path}/leave", {})).body["code"] == "not_from_here"


async def test_what_nothing_needs_is_off_the_list(api):
    """A form with another use case, one that was withdrawn, one that needs no leave, and a campaign that ended."""
    changed, withdrawn = await a_form(api, "CONVERSATIONAL"), await a_form(api, "CONVERSATIONAL")
    for path in (changed, withdrawn):
        await api.call("POST", f"{path}/leave", {})
    assert len(await waiting(api)) == 2
    version = (await api.get(changed)).headers["ETag"]
    saved = await api.call("PUT", changed, {"fields": CAMPAIGN}, headers={"If-Match": version})
    assert saved.status == 200
    assert len(await waiting(api)) == 1
    assert (await api.call("POST", f"{changed}/leave", {})).body["code"] == "not_from_here"
    await api.call("POST", f"{withdrawn}/withdraw", {})
    assert await waiting(api) == []
    assert await own(api, withdrawn.rsplit("/", 1)[1]) == [(True, "dropped")]

    async with api.database.writing() as connection:
        await change(connection, actor="test", put=[a_campaign("CMORE")])
    await api.call("POST", "/v1/campaigns/CMORE/number-pool", {})
    assert len(await waiting(api)) == 1
    async with api.database.writing() as connection:
        await change(connection, actor="tcr", put=[a_campaign("CMORE", number_pool="requested", status="expired")])
    assert await waiting(api) == []
