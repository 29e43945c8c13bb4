"""What is to be billed: listed, written for a billing system, and marked as billed; on both databases."""

import asyncio
import csv
import io
from datetime import UTC, datetime

import orjson
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from registry.__main__ import app
from registry.commands import change
from registry.database import Database
from registry.records import Fee
from registry.registration.adjustments import mark_written, month_of, written
from tests.registry.admin import serving
from tests.registry.builders import a_tenant
from tests.registry.people.provider import everybody
from tests.registry.registration.desks import audited, fees_of, put
from tests.valkey import Valkey

NOVEMBER = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def a_fee(tenant="acme", at=NOVEMBER, **given):
    """An adjustment."""
    fields = {"kind": "registration", "cents": 8_900, "currency": "USD", "application": "a-1"} | given
    return Fee(tenant=tenant, at=at, **fields)


def test_a_month_ends_where_the_next_begins():
    """In UTC; December's next is of the next year, and what is no month is refused."""
    assert month_of("2026-11")[1] == month_of("2026-12")[0] == DECEMBER
    assert month_of("2026-12")[1] == datetime(2027, 1, 1, tzinfo=UTC)
    for wrong in ("2026-13", "2026-1", "26-01", "2026-00", "", "2026-11-01", "２026-11"):
        with pytest.raises(ValueError, match="no month"):
            month_of(wrong)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(databases, tmp_path_factory):
    """A served registry with adjustments of two companies."""
    with Valkey() as server, databases.new(tmp_path_factory.mktemp("adjustments")) as settings:
        async with Database.opened(settings) as database:
            texts = await everybody(database)
            await put(database, a_fee(), a_fee("solo", DECEMBER))
            async with serving(settings, server.url, texts) as api:
                api.database = database
                yield api


async def listed(api, query="", key="operator"):
    """Whose adjustments are listed."""
    return [one["tenant"] for one in (await api.get(f"/v1/adjustments{query}", key=key)).body["items"]]


@pytest.mark.asyncio(loop_scope="module")
class TestApi:
    async def test_it_lists_what_all_companies_owe(self, api):
        """By company, month and whether it is billed, a page at a time; for support, too, and for no customer."""
        assert await listed(api) == await listed(api, key="support") == ["acme", "solo"]
        assert await listed(api, "?month=2026-11") == ["acme"]
        assert await listed(api, "?month=2026-12") == await listed(api, "?tenant=solo") == ["solo"]
        assert await listed(api, "?billed=true") == []
        first = (await api.get("/v1/adjustments?limit=1", key="operator")).body
        assert [one["tenant"] for one in first["items"]] == ["acme"]
        assert await listed(api, f"?limit=1&cursor={first['next']}") == ["solo"]
        assert (await api.get("/v1/adjustments?month=2026-13", key="operator")).status == 422
        assert (await api.get("/v1/adjustments", key="admin")).status == 403

    async def test_marking_is_for_operators_and_happens_once(self, api):
        """All or none; the second time changes nothing, and the audit has each once. The company sees it."""

        async def mark(*tenants, key="operator"):
            body = {"adjustments": [{"tenant": one, "kind": "registration"} for one in tenants]}
            return await api.call("POST", "/v1/adjustments/billed", body, key=key)

        assert [(await mark("acme", key=key)).status for key in ("admin", "support")] == [403, 403]
        wrong = await mark("acme", "nobody")
        assert (wrong.status, wrong.body["errors"][0]["pointer"]) == (404, "/adjustments/1")
        assert [fee.billed_at for fee in await fees_of(api.database)] == [None, None]

        first, again = (await mark("acme")).body["items"], (await mark("acme", "acme")).body["items"]
        assert first == again
        assert first[0]["billed_at"] is not None
        assert (await listed(api, "?billed=true"), await listed(api, "?billed=false")) == (["acme"], ["solo"])
        assert [action for action, _ in await audited(api.database, Fee)] == ["created", "created", "changed"]
        own = (await api.get("/v1/fees")).body
        assert own["items"][0]["billed_at"] == own["registration"]["billed_at"] == first[0]["billed_at"]


async def parts(database, form, **given):
    """A file as it is written."""
    asked = {"tenant": None, "month": None, "billed": None} | given
    return b"".join([part async for _, part in written(database, form, **asked)])


class TestFiles:
    async def test_it_is_written_for_both_kinds_of_reader(self, database):
        """UTF-8, in UTC; in CSV a cell that could be a formula is none, in JSON it is as it is."""
        await put(database, a_tenant(name="=Müller+1"), a_tenant("solo"), a_fee(), a_fee("solo", DECEMBER))
        rows = list(csv.DictReader(io.StringIO((await parts(database, "csv", month="2026-11")).decode())))
        assert [(row["tenant"], row["company"], row["at"], row["cents"]) for row in rows] == [
            ("acme", "'=Müller+1", "2026-11-30T23:59:59Z", "8900")
        ]
        shown = orjson.loads(await parts(database, "json"))
        assert [one["company"] for one in shown if one["tenant"] == "acme"] == ["=Müller+1"]
        assert orjson.loads(await parts(database, "json", tenant="nobody")) == []

    async def test_many_are_written_page_by_page(self, database):
        """More than one page, each once and in order; no part has all of them."""
        names = [f"t{number:04}" for number in range(1_203)]
        await put(database, *(a_tenant(name) for name in names), *(a_fee(name) for name in names))
        pages = [some async for some, _ in written(database, "csv", tenant=None, month=None, billed=None)]
        assert [fee.tenant for some in pages for fee in some] == names
        assert max(map(len, pages)) <= 500
        assert len(orjson.loads(await parts(database, "json"))) == len(names)

    async def test_what_was_taken_back_meanwhile_is_told(self, database):
        """It is not marked, for it is not there; what somebody else marked stays as it was."""
        await put(database, a_tenant(), a_tenant("solo"), a_fee(), a_fee("solo", billed_at=DECEMBER))
        async with database.writing() as connection:
            await change(connection, actor="test", remove=[(Fee, ("acme", "registration"))])
        gone = await mark_written(database, [a_fee(), a_fee("solo")], "command")
        assert gone == [a_fee()]
        assert await fees_of(database) == [a_fee("solo", billed_at=DECEMBER)]


def run(settings, *options):
    """Run the command."""
    given = ["--data-dir", str(settings.data_dir)]
    given += ["--database-url", settings.database_url] if settings.database_url else []
    return CliRunner().invoke(app, ["adjustments", *options, *given])


class TestCommand:
    async def test_it_writes_and_marks_once(self, settings, database):
        """Without --mark-billed nothing changes; with it each is written and marked, and not written again."""
        await put(database, a_tenant(), a_tenant("solo"), a_fee(), a_fee("solo", DECEMBER))

        async def lines(*options):
            result = await asyncio.to_thread(run, settings, *options)
            assert result.exit_code == 0, result.output
            return [line.split(",")[0] for line in result.stdout.splitlines()[1:]]

        assert await lines() == await lines() == ["acme", "solo"]
        assert await lines("--mark-billed", "--month", "2026-11") == ["acme"]
        assert await lines("--mark-billed") == ["solo"]
        assert await lines("--mark-billed") == []
        assert [fee.billed_at is None for fee in await fees_of(database)] == [False, False]
        assert (await audited(database, Fee))[2:] == [("changed", "command")] * 2

    async def test_a_wrong_month_is_an_error_of_use(self, settings):
        """Exit status 2, before anything is read."""
        result = await asyncio.to_thread(run, settings, "--month", "November")
        assert result.exit_code == 2
        assert "--month" in result.output
