"""GET /v1/audit: a company's own rows, the newest first, in pages, and no secrets."""

import pytest

from registry.audit import listing
from registry.commands import change
from registry.pages import cursor
from registry.records import ApiKey
from tests.registry.admin import SOLO_DID, serving, two_companies
from tests.registry.builders import DID, a_number


@pytest.fixture
async def api(settings, database, redis, valkey_server):
    """A served registry with two companies; a number of acme's changed hands within it, one of solo's left it."""
    texts = await two_companies(database)
    async with database.writing() as connection:
        await change(connection, actor="tess", put=[a_number(user="ann")])
        await change(connection, actor="tess", put=[a_number(SOLO_DID, tenant="acme", user=None)])
    async with serving(settings, valkey_server.url, texts) as api:
        yield api


async def listed(api, query="", **options):
    """All rows of all pages."""
    rows, following = [], ""
    while True:
        answer = await api.get(f"/v1/audit?limit=5{query}{following}", **options)
        assert answer.status == 200
        rows += answer.body["audit"]
        if answer.body["next"] is None:
            return rows
        assert len(answer.body["audit"]) == 5
        following = f"&cursor={answer.body['next']}"


@pytest.mark.parametrize("few", [1, 1_000])
async def test_of_a_kind_and_an_actor(api, monkeypatch, few):
    """The rows that are both, whichever of the two leads to them: the rare one does."""
    monkeypatch.setattr(listing, "_FEW", few)
    found = await listed(api, "&kind=numbers&actor=tess")
    assert [(row["kind"], row["actor"]) for row in found] == [("numbers", "tess")]
    assert [row["id"] for row in found] == [
        row["id"] for row in await listed(api) if (row["kind"], row["actor"]) == ("numbers", "tess")
    ]


class TestRows:
    async def test_they_are_the_company_s_own(self, api):
        """Each company's, without what went from one to the other; together not one too many."""
        acme, solo = await listed(api), await listed(api, key="solo")

        assert {row["kind"] for row in acme} >= {"tenants", "users", "brands", "campaigns", "numbers", "assignments"}
        told = [record for row in acme for record in (row["before"], row["after"]) if record]
        assert {record["tenant"] for record in told if "tenant" in record} == {"acme"}
        assert {row["key"][0] for row in solo if row["kind"] in {"tenants", "brands", "campaigns"}} == {
            *("solo", "BSOLO", "CSOLO")
        }
        assert not {row["id"] for row in acme} & {row["id"] for row in solo}

    async def test_the_newest_comes_first_and_is_whole(self, api):
        """Who, when, what, before and after."""
        newest, *rest = await listed(api)

        assert [row["id"] for row in rest] == sorted((row["id"] for row in rest), reverse=True)
        assert (newest["actor"], newest["action"], newest["kind"], newest["key"]) == (
            "tess",
            "changed",
            "numbers",
            [DID],
        )
        assert (newest["before"]["user"], newest["after"]["user"]) == ("ben", "ann")
        assert newest["at"].endswith("Z")

    async def test_what_proves_a_key_is_not_shown(self, api):
        """The record of a key is there, its hash is not."""
        keys = await listed(api, "&kind=api_keys")

        assert keys
        assert {name for row in keys for name in row["after"]} == {*ApiKey.__dataclass_fields__} - {"sha256"}

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("&actor=tess", 1),
            ("&kind=brands", 1),
            (f"&object=%2B{DID[1:]}", 3),
            (f"&object=%2B{DID[1:]}&kind=assignments", 1),
            ("&object=%2B1202", 0),
            ("&object=%25", 0),
            ("&actor=nobody", 0),
            ("&since=2020-01-01T00:00:00Z&actor=tess", 1),
            ("&until=2020-01-01T00:00:00Z", 0),
            ("&since=9999-12-31T23:59:59Z", 0),
        ],
    )
    async def test_filters(self, api, query, count):
        """As they stand; no sign in them means another."""
        assert len(await listed(api, query)) == count


class TestRefusals:
    async def test_a_cursor_is_one_s_own(self, api):
        """Cut, made up, of another company or list: all the same."""
        good = (await api.get("/v1/audit?limit=1")).body["next"]
        bad = [good[:-2], "x", cursor("solo", "audit", [5]), cursor("acme", "numbers", [5])]
        bad += [cursor("acme", "audit", [value]) for value in ("5", 0, -1, 1 << 63, True, None)]
        for one in bad:
            answer = await api.get(f"/v1/audit?cursor={one}")
            assert (answer.status, answer.body["code"]) == (400, "invalid_cursor"), one

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("since=yesterday", "invalid_value"),
            ("since=9999-12-31T23:59:59-01:00", "invalid_value"),
            ("actor=a%00b", "invalid_value"),
            ("who=me", "unknown_field"),
        ],
    )
    async def test_a_question_that_is_none(self, api, query, code):
        """Refused, on both databases alike."""
        answer = await api.get(f"/v1/audit?{query}")
        assert (answer.status, answer.body["code"]) == (422, code)

    @pytest.mark.parametrize(("key", "status"), [("sender", 403), ("person", 403), ("", 401)])
    async def test_who_may_not(self, api, key, status):
        """It is for admins."""
        assert (await api.get("/v1/audit", key=key)).status == status
