"""The hook and the list of notices through the admin API."""

import asyncio

import pytest
import sqlalchemy as sa

from registry.notices.sender import Sender
from registry.notices.speaker import NAME, system_user
from registry.work_tables import notice_hooks
from tests.registry.admin import serving, two_companies
from tests.registry.builders import a_campaign, a_user
from tests.registry.flows.desks import at_desk
from tests.registry.notices.changes import but, give_out, look, put, there

URL = "https://hooks.example.com/notices"


@pytest.fixture
async def api(database, settings, valkey_server, store, monkeypatch):
    """A served registry with two companies, which sends nothing by itself."""

    async def never(_):
        await asyncio.Event().wait()

    monkeypatch.setattr(Sender, "run", never)
    texts = await two_companies(database)
    await put(database, a_user("boss", role="admin"))
    await look(database)
    async with serving(settings, valkey_server.url, texts) as api:
        yield api


async def test_the_secret_is_shown_once(api, database):
    """When the hook is set; setting it again makes a new one."""
    set_one = await api.call("PUT", "/v1/notice-hook", {"url": URL})
    again = await api.call("PUT", "/v1/notice-hook", {"url": URL + "/2"})
    shown = await api.get("/v1/notice-hook")

    assert set_one.status == 200
    assert set_one.body["secret"].startswith("whsec_")
    assert again.body["secret"] != set_one.body["secret"]
    assert (shown.body["url"], shown.body["waiting"], "secret" in shown.body) == (URL + "/2", 0, False)
    async with database.reading() as connection:
        assert (await connection.scalar(sa.select(notice_hooks.c.secret))) == again.body["secret"]


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://127.0.0.1/", "https://169.254.169.254/", "x"])
async def test_a_url_that_is_not_public_is_refused(api, url):
    """With what to do about it, and nothing kept."""
    answer = await api.call("PUT", "/v1/notice-hook", {"url": url})

    assert (answer.status, answer.body["code"]) == (422, "hook_url_forbidden")
    assert answer.body["errors"] == [{"pointer": "/url", "code": "hook_url_forbidden"}]
    assert (await api.get("/v1/notice-hook")).status == 404


async def test_there_may_be_none(api):
    """Then there is nothing to remove, and nothing to try."""
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test")):
        assert (await api.call(method, f"/v1/notice-hook{path}")).status == 404


async def test_others_do_not_see_it(api):
    """Neither the hook nor the notices; programs without the scope see nothing of their own either."""
    await api.call("PUT", "/v1/notice-hook", {"url": URL})
    await api.call("POST", "/v1/notice-hook/test")

    assert (await api.get("/v1/notice-hook", key="solo")).status == 404
    assert (await api.get("/v1/notices", key="solo")).body == {"notices": [], "next": None}
    for method, path in (("GET", "-hook"), ("PUT", "-hook"), ("DELETE", "-hook"), ("POST", "-hook/test"), ("GET", "s")):
        body = {"url": URL} if method == "PUT" else None
        assert (await api.call(method, f"/v1/notice{path}", body, key="sender")).status == 403


async def test_trying_it_is_a_notice_for_the_hook_alone(api, database):
    """And the list says how far it got; taking the hook away gives it up."""
    await api.call("PUT", "/v1/notice-hook", {"url": URL})
    name = (await api.call("POST", "/v1/notice-hook/test")).body["notice"]
    await give_out(database)
    (one,) = (await api.get("/v1/notices")).body["notices"]
    assert (one["id"], one["kind"], one["text"]) == (name, "test", "This is a test.")
    assert [(row["to"], row["state"]) for row in one["deliveries"]] == [("hook", "waiting")]

    removed = await api.call("DELETE", "/v1/notice-hook")
    (one,) = (await api.get("/v1/notices")).body["notices"]

    assert (removed.body["removed"], removed.body["given_up"]) == (True, 1)
    assert [(row["state"], row["fault"]) for row in one["deliveries"]] == [("given_up", "removed")]


async def test_the_list_has_pages(api, database):
    """The newest first, each once; a cursor that is made up is refused."""
    for number in range(5):
        name = f"C{number}"
        await there(database, a_campaign(name))
        await put(database, a_campaign(name, status="suspended"))
        await look(database)
        await give_out(database)
    subjects, after = [], ""
    while after is not None:
        page = await api.get(f"/v1/notices?limit=2{after and f'&cursor={after}'}")
        subjects += [one["subject"] for one in page.body["notices"]]
        after = page.body["next"]

    assert subjects == [f"campaign:C{number}" for number in reversed(range(5))]
    assert (await api.get("/v1/notices?cursor=AAAA")).body["code"] == "invalid_cursor"


async def test_the_system_user_is_nobody_s_to_change(api, database):
    """It is in no list, has no number, and nobody can give it one, another role or a key."""
    async with at_desk(database) as desk:
        user = await system_user(desk)
        assert (await system_user(desk)).id == user.id
    assert (user.id, user.name, user.role) == ("system-acme", NAME, "system")

    for method, path, body in (
        ("GET", f"/v1/users/{user.id}", None),
        ("PATCH", f"/v1/users/{user.id}", {"role": "admin"}),
        ("POST", f"/v1/users/{user.id}/leave", None),
    ):
        assert (await api.call(method, path, body)).status == 404
    given = await api.patch("/v1/numbers/+12025550102", {"user": user.id})
    assert (given.status, given.body["code"]) == (422, "unknown_user")
    assert but(user, role="system") == user
