"""Drift in the admin API: who sees what, and who decides what."""

import pytest

from registry.drift.book import note
from registry.drift.classes import Drift
from tests.registry.admin import serving, two_companies
from tests.registry.drift.builders import NOW

FOUND = [
    Drift("unknown_state", "brand:BACME", "acme", "status"),
    Drift("two_enabled_numbers", "user:ben", "acme", "2 numbers"),
    Drift("unknown_state", "campaign:CACME", "acme", "att"),
    Drift("unknown_state", "brand:BSOLO", "solo", "status"),
    Drift("store_document_extra", "number:+12025550177", None, ""),
]


@pytest.fixture
async def api(database, settings, valkey_server, redis):
    """A registry that is served, with two companies and some drift."""
    del redis
    texts = await two_companies(database)
    async with database.writing() as connection:
        kinds = {one.kind for one in FOUND}
        await note(connection, [one.object for one in FOUND], kinds, FOUND, NOW)
        await note(connection, ["campaign:CACME"], kinds, [], NOW)
    async with serving(settings, valkey_server.url, texts) as api:
        yield api


class TestList:
    async def test_a_company_sees_its_own(self, api):
        """With what each means, and what to do."""
        answer = await api.get("/v1/drift")
        listed = {(one["kind"], one["object"], one["state"]) for one in answer.body["drift"]}
        assert listed == {
            ("unknown_state", "brand:BACME", "open"),
            ("two_enabled_numbers", "user:ben", "open"),
            ("unknown_state", "campaign:CACME", "healed"),
        }
        assert answer.body["drift"][0]["remedy"]
        assert (answer.body["next"], answer.body["last_turn"]) == (None, None)

    async def test_it_is_filtered_and_cut_into_pages(self, api):
        """By class and state."""
        of_kind = (await api.get("/v1/drift?kind=unknown_state&state=open")).body["drift"]
        assert [one["object"] for one in of_kind] == ["brand:BACME"]
        first = (await api.get("/v1/drift?limit=2")).body
        second = (await api.get(f"/v1/drift?limit=2&cursor={first['next']}")).body
        assert (len(first["drift"]), len(second["drift"]), second["next"]) == (2, 1, None)

    async def test_only_the_provider_sees_everything(self, api):
        """What is nobody's included."""
        answer = await api.get("/v1/drift?everywhere=true")
        assert (answer.status, answer.body["code"]) == (403, "forbidden")


class TestAccept:
    async def test_a_person_decides_that_it_may_stay(self, api):
        """Twice is once; who and when is kept."""
        path = "/v1/drift/two_enabled_numbers/user:ben/accept"
        first = await api.call("POST", path)
        assert (first.status, first.body["state"], first.body["decided_by"][:4]) == (200, "accepted", "key:")
        second = await api.call("POST", path)
        assert second.body["decided_at"] == first.body["decided_at"]

    async def test_what_is_healed_is_past_deciding(self, api):
        """There is nothing that could stay."""
        answer = await api.call("POST", "/v1/drift/unknown_state/campaign:CACME/accept")
        assert (answer.status, answer.body["code"]) == (409, "not_from_here")

    @pytest.mark.parametrize(
        "path",
        ["unknown_state/brand:BSOLO", "store_document_extra/number:+12025550177", "unknown_state/brand:NONE"],
    )
    async def test_what_is_not_theirs_is_not_there(self, api, path):
        """Another company's, nobody's, and nothing: the same answer."""
        answer = await api.call("POST", f"/v1/drift/{path}/accept")
        assert (answer.status, answer.body["code"]) == (404, "not_found")
