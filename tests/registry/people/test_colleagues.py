"""The directory for employees: names and extensions of their own company, and no more."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from registry.commands import change
from registry.records import Extension
from tests.registry.admin import serving, two_companies
from tests.registry.builders import a_user

PATH = "/v1/colleagues"


@pytest.fixture
async def api(settings, database, valkey_server, redis):
    """A served registry: acme has Ann (ext. 2101), Ben, Bob (102), Zoe who left, and a system user; solo has Sol."""
    del redis
    texts = await two_companies(database)
    put = [
        a_user("ann", name="Ann Lee"),
        a_user("ben", name="Ben Cho"),
        a_user("bob", name="Bob 100% Ray"),
        replace(a_user("zoe", name="Zoe"), left_at=datetime(2026, 11, 1, tzinfo=UTC)),
        a_user("system-acme", name="Texting registration", role="system"),
        Extension(tenant="acme", digits="102", user="bob"),
        Extension(tenant="acme", digits="2101", user="ann"),
        Extension(tenant="solo", digits="102", user="sol"),
    ]
    async with database.writing() as connection:
        await change(connection, actor="test", put=put)
    async with serving(settings, valkey_server.url, texts) as api:
        yield api


async def found(api, query="", key="person"):
    """Ids of all who are listed, page by page."""
    names, cursor = [], ""
    while cursor is not None:
        answer = await api.get(f"{PATH}?limit=2{query}{cursor and f'&cursor={cursor}'}", key=key)
        assert answer.status == 200, answer.body
        names += [one["id"] for one in answer.body["items"]]
        cursor = answer.body["next"]
    return names


async def test_everybody_who_is_here_by_name(api):
    """Nobody who left, nobody of another company, and no part of the platform."""
    assert await found(api) == ["ann", "ben", "bob"]


async def test_what_is_shown(api):
    """Enough to write to them: no role, no licence, no number."""
    (bob,) = (await api.get(f"{PATH}?search=bob", key="person")).body["items"]

    assert bob == {"id": "bob", "name": "Bob 100% Ray", "extensions": ["102"], "here": True}


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("LEE", ["ann"]),
        ("b", ["ben", "bob"]),
        ("10", ["bob"]),
        ("102", ["bob"]),
        ("%25", ["bob"]),
        ("_", []),
        ("%00", []),
    ],
)
async def test_a_search(api, search, names):
    """A part of the name in any case, taken literally, or how an extension begins."""
    assert await found(api, f"&search={search}") == names


async def test_names_of_those_whose_ids_are_known(api):
    """Who left still has the name that old messages are shown under; another company's are as unknown as none."""
    answer = await api.get(f"{PATH}?ids=zoe,sol,nobody,system-acme,%00,,ann", key="person")

    assert [(one["id"], one["here"]) for one in answer.body["items"]] == [
        ("ann", True),
        ("system-acme", False),
        ("zoe", False),
    ]


async def test_who_may(api):
    """Everybody with a key of their own that reads, and admins; a program's key is nobody's."""
    for key, status in (("", 401), ("sender", 403), ("person", 200), ("admin", 200)):
        assert (await api.get(PATH, key=key)).status == status, key
    assert (await api.get(PATH, key="solo")).body["items"][0]["id"] == "sol"
