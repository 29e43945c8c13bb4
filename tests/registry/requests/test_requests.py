"""Ask my admin: employees open requests with their own keys, admins see and dismiss them."""

import pytest
import pytest_asyncio

from registry.commands import change
from registry.credentials import mint
from registry.database import Database
from registry.records import OptOut
from registry.requests import book
from tests.registry.admin import SOLO_DID, serving, two_companies
from tests.registry.builders import AT, DID, OTHER_DID, an_assignment, trail
from tests.valkey import Valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOBILE = "+13035550111"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(databases, tmp_path_factory):
    """A served registry with acme, whose Ann cannot text yet, and solo; keys of Ann, Ben and Sol."""
    with databases.new(tmp_path_factory.mktemp("data"), migrated=True) as settings, Valkey() as server:
        async with Database.opened(settings) as database:
            texts = await two_companies(database)
            theirs = {
                "ann": mint(tenant="acme", user="ann", scopes=("send", "read"), label="app"),
                "ann reads": mint(tenant="acme", user="ann", scopes=("read",), label="app"),
                "ann sends": mint(tenant="acme", user="ann", scopes=("send",), label="app"),
                "sol": mint(tenant="solo", user="sol", scopes=("send", "read"), label="app"),
                "support": mint(tenant="acme", user=None, scopes=("support",), label=""),
            }
            await put(database, *(one.record for one in theirs.values()))
            async with serving(settings, server.url, texts | {who: one.text for who, one in theirs.items()}) as api:
                yield api, database


async def put(database, *records):
    """Set rows."""
    async with database.writing() as connection:
        await change(connection, actor="test", put=records)


def asking(**fields):
    """What the app sends."""
    return {"to": MOBILE, "reason": "did_not_sms_enabled"} | fields


async def opened(api, *, key="ann", **fields):
    """Open a request."""
    answer = await api.call("POST", "/v1/requests", asking(**fields), key=key)
    assert answer.status in {200, 201}, answer.body
    return answer


async def test_a_request_holds_the_steps(shared):
    """It is opened with the employee's own key, and shows what is missing and who does it; the reason is for them."""
    api, _ = shared
    answer = await opened(api, to="(303) 555-0111", note="For the Smith order.")

    assert answer.status == 201
    request = answer.body
    wanted = {"user": "ann", "from": None, "to": MOBILE, "reason": "did_not_sms_enabled", "state": "open"}
    assert {name: request[name] for name in wanted} == wanted
    assert request["note"] == "For the Smith order."
    assert request["preflight"]["from"] == OTHER_DID
    assert [step["actor"] for step in request["preflight"]["steps"]] == ["admin", "nobody"]
    assert request["preflight"]["reason"]["text"].startswith("Texting isn't switched on for this number.")
    seen = (await api.get(f"/v1/requests/{request['id']}")).body
    assert seen["preflight"]["reason"]["text"].startswith("Number +1 202 ••• 0102")


async def test_the_same_again_is_the_same(shared):
    """One is open for a person, a number and a recipient; another recipient is another request."""
    api, _ = shared
    first = await opened(api, to="+13035550120")
    again = await opened(api, to="3035550120", note="Please!")
    other = await opened(api, to="+13035550121")
    named = await opened(api, to="+13035550120", **{"from": OTHER_DID})

    assert (first.status, again.status) == (201, 200)
    assert again.body["id"] == first.body["id"]
    assert again.body["note"] == ""
    assert len({one.body["id"] for one in (first, other, named)}) == 3


async def test_the_steps_are_those_of_now(shared):
    """What is missing is asked whenever the request is looked at."""
    api, database = shared
    request = (await opened(api, to="+13035550125")).body
    assert request["preflight"]["steps"][0]["actor"] == "admin"

    await put(database, an_assignment(OTHER_DID, state="failed"))
    seen = (await api.get(f"/v1/requests/{request['id']}", key="ann")).body
    assert seen["preflight"]["steps"][0]["action"] == "Assign the number to its campaign again."
    assert seen["state"] == "open"
    async with database.writing() as connection:
        await change(connection, actor="test", remove=[(type(an_assignment()), (OTHER_DID,))])


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"to": "nobody"}, 422, "invalid_value"),
        ({"to": "user:ben"}, 422, "invalid_value"),
        ({"to": "911"}, 422, "invalid_value"),
        ({"to": 4}, 422, "invalid_type"),
        ({"reason": "because"}, 422, "invalid_enum"),
        ({"reason": None}, 422, "invalid_type"),
        ({"from": SOLO_DID}, 422, "invalid_value"),
        ({"from": "+12025550199"}, 422, "invalid_value"),
        ({"from": "nonsense"}, 422, "invalid_value"),
        ({"from": DID}, 409, "nobody_can_help"),
        ({"to": "+442079460000"}, 409, "nobody_can_help"),
        ({"note": "x" * 1_001}, 422, "invalid_value"),
        ({"note": "a\x00b"}, 422, "invalid_value"),
        ({"user": "ben"}, 422, "unknown_field"),
    ],
    ids=str,
)
async def test_what_cannot_be_asked_for(shared, fields, status, code):
    """Wrong fields, numbers that are not the company's, a colleague's number, and what no admin can change."""
    api, database = shared
    before = await trail(database)
    answer = await api.call("POST", "/v1/requests", asking(**fields), key="ann")

    assert (answer.status, answer.body["code"]) == (status, code), answer.body
    assert await trail(database) == before


async def test_what_an_admin_cannot_help_with_is_not_asked(shared):
    """Who opted out is asked by nobody; who may text already has only to do so."""
    api, database = shared
    await put(database, OptOut(tenant="acme", recipient="+13035550166", at=AT, keyword="stop", number=None))

    out = await api.call("POST", "/v1/requests", asking(to="+13035550166"), key="ann")
    fine = await api.call("POST", "/v1/requests", asking(reason="did_unassigned"), key="person")

    assert (out.status, out.body["code"]) == (409, "nobody_can_help")
    assert (fine.status, fine.body["code"]) == (409, "already_possible")


@pytest.mark.parametrize(
    ("key", "status"),
    [("admin", 403), ("support", 403), ("sender", 403), ("ann reads", 403), ("", 401), ("Bearer a2p_x_y", 401)],
)
async def test_only_employees_ask(shared, key, status):
    """With their own key and the scope send; an admin has no need to ask."""
    api, database = shared
    before = await trail(database)

    assert (await api.call("POST", "/v1/requests", asking(), key=key)).status == status
    assert await trail(database) == before


async def test_nobody_asks_for_another_company(shared):
    """An employee's key is good for their own company."""
    api, _ = shared
    answer = await api.call("POST", "/v1/requests", asking(), key="ann", headers={"A2P-Tenant": "solo"})

    assert (answer.status, answer.body["code"]) == (403, "forbidden")


async def test_who_sees_what(shared):
    """Admins and support see all of the company's, employees their own; all else is as unknown as none."""
    api, _ = shared
    request = (await opened(api, to="+13035550130")).body
    path = f"/v1/requests/{request['id']}"

    for key, status in {"admin": 200, "support": 200, "ann": 200, "ann reads": 200, "ann sends": 403}.items():
        assert (await api.get(path, key=key)).status == status, key
    for key in ("person", "sol", "solo"):
        assert ((await api.get(path, key=key)).status, key) == (404, key)
    assert (await api.get(path, key="sender")).status == 403
    assert (await api.get("/v1/requests/r-none")).status == 404
    listed = {
        key: (await api.get("/v1/requests", key=key)).body["requests"] for key in ("admin", "ann", "person", "sol")
    }
    assert request["id"] in {one["id"] for one in listed["admin"]} & {one["id"] for one in listed["ann"]}
    assert {one["user"] for one in listed["ann"]} == {"ann"}
    assert listed["person"] == listed["sol"] == []
    assert all("preflight" not in one for one in listed["admin"])


async def test_a_list_comes_in_pages_in_the_order_of_time(shared):
    """By the id of the last one seen; a cursor of one's own list is good for no other."""
    api, _ = shared
    for place in range(3):
        await opened(api, to=f"+1303555014{place}")

    seen, behind = [], None
    while True:
        query = {"limit": 2, "state": "open"} | ({} if behind is None else {"cursor": behind})
        page = (await api.call("GET", "/v1/requests", params=query)).body
        seen += page["requests"]
        behind = page["next"]
        if behind is None:
            break
        first = behind
    everything = (await api.call("GET", "/v1/requests", params={"limit": 500, "state": "open"})).body["requests"]
    elsewhere = await api.call("GET", "/v1/requests", params={"cursor": first}, key="ann")

    assert seen == everything
    assert [one["opened_at"] for one in seen] == sorted(one["opened_at"] for one in seen)
    assert (elsewhere.status, elsewhere.body["code"]) == (400, "invalid_cursor")


async def test_an_admin_dismisses(shared):
    """Once; the note is for the employee, who may ask again."""
    api, _ = shared
    request = (await opened(api, to="+13035550150", note="Why not?")).body
    path = f"/v1/requests/{request['id']}"

    for key, status in {"ann": 403, "support": 403, "solo": 404}.items():
        assert (await api.call("POST", f"{path}/dismiss", {}, key=key)).status == status
    done = await api.call("POST", f"{path}/dismiss", {"note": "Use the main line."})
    twice = await api.call("POST", f"{path}/dismiss", {})
    again = await opened(api, to="+13035550150")

    assert done.status in {200, 202}, done.body
    seen = (await api.get(path, key="ann")).body
    assert (seen["state"], seen["note"], seen["answer"]) == ("dismissed", "Why not?", "Use the main line.")
    assert seen["closed_at"] is not None
    assert seen["closed_by"].startswith("key:")
    assert (twice.status, twice.body["code"]) == (409, "not_from_here")
    assert again.status == 201
    assert request["id"] not in {
        one["id"]
        for one in (await api.call("GET", "/v1/requests", params={"state": "open", "limit": 500})).body["requests"]
    }


async def test_an_app_that_asks_in_a_loop_stops(shared, monkeypatch):
    """So that nobody can fill the admins' list."""
    api, _ = shared
    await opened(api, to="+13035550191")
    mine = (await api.call("GET", "/v1/requests", params={"state": "open", "limit": 500}, key="ann")).body["requests"]
    monkeypatch.setattr(book, "MOST_OPEN", len(mine))
    answer = await api.call("POST", "/v1/requests", asking(to="+13035550190"), key="ann")

    assert (answer.status, answer.body["code"]) == (409, "too_many_requests")
    assert (await opened(api, to=mine[0]["to"], **({"from": mine[0]["from"]} if mine[0]["from"] else {}))).status == 200
