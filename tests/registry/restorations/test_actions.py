"""What admins say about opt-outs through the API: kept as a row with the evidence, in the audit, and on its way."""

from dataclasses import replace

import orjson
import pytest
import pytest_asyncio
import sqlalchemy as sa

from registry.commands import change
from registry.database import Database
from registry.records import OptOut
from registry.tables import audit, restorations
from tests.registry.admin import serving, two_companies
from tests.registry.builders import AT
from tests.registry.notices.conftest import nobody
from tests.valkey import Valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOBILE, TYPED = "+13035550111", "(303) 555-0111"
EVIDENCE = "Signed our form at the counter;\nfolder 12."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(databases, tmp_path_factory):
    """A served registry with acme and solo, whose gateway is away: what is asked for stays as it is."""
    with databases.new(tmp_path_factory.mktemp("data"), migrated=True) as settings, Valkey() as server:
        async with Database.opened(settings) as database, nobody() as away:
            texts = await two_companies(database)
            async with serving(settings, server.url, texts, gateway_url=away) as api:
                yield api, database


async def restore(api, recipient=TYPED, evidence=EVIDENCE, key="admin"):
    """Take an opt-out back."""
    return await api.call("POST", "/v1/opt-outs/restore", {"recipient": recipient, "evidence": evidence}, key=key)


async def listed(api, query="", key="admin"):
    """What admins said."""
    return (await api.get(f"/v1/restorations{query}", key=key)).body["restorations"]


async def test_it_is_a_row_and_a_record_of_the_audit(shared):
    """In one transaction: who said it, when, about whom, with which evidence."""
    api, database = shared
    answer = await restore(api)

    assert answer.status == 200
    name = answer.body["id"]
    wanted = {"recipient": MOBILE, "act": "restore", "evidence": EVIDENCE, "state": "pending", "outcome": None}
    assert {field: answer.body[field] for field in wanted} == wanted
    assert answer.body["asked_by"] == f"key:{api.texts['admin'].split('_')[1]}"
    (shown,) = await listed(api, f"?recipient={MOBILE.replace('+', '%2B')}")
    assert {**shown, "fault": None} == {field: answer.body[field] for field in shown}
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(audit).where(audit.c.kind == "restorations").order_by(audit.c.id))
        first = next(row for row in rows if orjson.loads(row.row_key) == [name])
    assert (first.action, first.tenant, first.actor) == ("created", "acme", answer.body["asked_by"])
    assert orjson.loads(first.after)["evidence"] == EVIDENCE


async def test_a_second_click_is_the_same(shared):
    """While it waits; other evidence is another row."""
    api, _ = shared
    first = await restore(api, "+13035550112")
    assert (await restore(api, "+13035550112")).body["id"] == first.body["id"]
    assert (await restore(api, "+13035550112", "Called us; recording 7.")).body["id"] != first.body["id"]


async def test_that_it_was_an_opt_out_needs_no_evidence(shared):
    """Whoever is in doubt takes it for one."""
    api, _ = shared
    answer = await api.call("POST", "/v1/opt-outs/confirm", {"recipient": "+13035550113"})
    assert (answer.status, answer.body["act"], answer.body["evidence"]) == (200, "opt_out", "")


async def test_the_list_is_the_companys_and_in_pages(shared):
    """The newest first; another company has its own."""
    api, _ = shared
    solo = (await restore(api, "+13035550114", key="solo")).body["id"]
    names = [(await restore(api, f"+130355502{n:02}")).body["id"] for n in range(5)]

    found, query = [], "?limit=2&state=pending"
    while True:
        page = (await api.get(f"/v1/restorations{query}")).body
        found += [one["id"] for one in page["restorations"]]
        if page["next"] is None:
            break
        query = f"?limit=2&state=pending&cursor={page['next']}"
    assert found[:5] == names[::-1]
    assert solo not in found
    assert [one["id"] for one in await listed(api, key="solo")] == [solo]


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"evidence": EVIDENCE}, 422, "missing_field", "/recipient"),
        ({"recipient": MOBILE}, 422, "missing_field", "/evidence"),
        ({"recipient": "646", "evidence": EVIDENCE}, 422, "invalid_value", "/recipient"),
        ({"recipient": 1, "evidence": EVIDENCE}, 422, "invalid_type", "/recipient"),
        ({"recipient": MOBILE, "evidence": "Said OK."}, 422, "invalid_value", "/evidence"),
        ({"recipient": MOBILE, "evidence": f"{' ' * 30}OK"}, 422, "invalid_value", "/evidence"),
        ({"recipient": MOBILE, "evidence": "x" * 1_001}, 422, "invalid_value", "/evidence"),
        ({"recipient": MOBILE, "evidence": "Signed our form\u0000"}, 422, "invalid_value", "/evidence"),
        ({"recipient": MOBILE, "evidence": "Signed our form\u001b"}, 422, "invalid_value", "/evidence"),
        ({"recipient": MOBILE, "evidence": EVIDENCE, "tenant": "solo"}, 422, "unknown_field", "/tenant"),
    ],
)
async def test_what_says_nothing_is_refused(shared, body, status, code, pointer):
    """By the name of the field; nothing is written."""
    api, database = shared
    counted = sa.select(sa.func.count()).select_from(restorations)
    async with database.reading() as connection:
        before = await connection.scalar(counted)
    answer = await api.call("POST", "/v1/opt-outs/restore", body)

    assert (answer.status, answer.body["code"]) == (status, code)
    assert [one["pointer"] for one in answer.body["errors"]] == [pointer]
    async with database.reading() as connection:
        assert await connection.scalar(counted) == before


async def test_an_imported_copy_that_was_taken_back_is_not_listed(shared):
    """Nobody is to read there that somebody is out who is not."""
    api, database = shared
    out = OptOut(tenant="acme", recipient="+13035550171", at=AT, keyword="stop", number=None)
    back = replace(out, recipient="+13035550172", lifted_at=AT)
    async with database.writing() as connection:
        await change(connection, actor="test", put=[out, back])

    answer = await api.get("/v1/opt-outs")

    assert [one["recipient"] for one in answer.body["items"]] == ["+13035550171"]
