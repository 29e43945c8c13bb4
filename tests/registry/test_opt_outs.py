"""Handing opt-outs to the gateway: a small server of the same contract stands in for it."""

import asyncio
import hashlib
from dataclasses import replace

import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer

from registry import opt_outs as module
from registry.commands import change, find
from registry.credentials import read_credentials
from registry.records import OptOut
from registry.tables import api_keys, opt_outs
from tests.registry.builders import AT, DID, a_company, import_file, trail

RECIPIENT = "+13035550199"


class GatewayDouble:
    """PUT /v1/opt-outs as the gateway has it; what it says can be changed by a test."""

    def __init__(self, database):
        self._database = database
        #: What was stored, as (tenant, recipient) to the rest.
        self.stored = {}
        self.requests = []
        #: Statuses to answer before doing anything; taken from the front.
        self.first = []

    async def put(self, request):
        """Answer one request."""
        body = await request.json()
        self.requests.append(len(body["opt_outs"]))
        if self.first:
            return web.json_response({"code": "not_now"}, status=self.first.pop(0))
        text = request.headers["Authorization"].removeprefix("Bearer ")
        async with self._database.reading() as connection:
            keys = await connection.execute(
                sa.select(api_keys.c.tenant, api_keys.c.scopes).where(
                    api_keys.c.id == text.split("_")[1],
                    api_keys.c.sha256 == hashlib.sha256(text.encode()).hexdigest(),
                    api_keys.c.revoked_at.is_(None),
                )
            )
            key = keys.one_or_none()
        if key is None or "admin" not in key.scopes:
            return web.json_response({"code": "unauthorized"}, status=401)
        for opt_out in body["opt_outs"]:
            self.stored[key.tenant, opt_out.pop("recipient")] = opt_out
        return web.json_response({"stored": len(body["opt_outs"])})


@pytest.fixture
def gateway(database):
    """The stand-in, not yet listening."""
    return GatewayDouble(database)


@pytest.fixture
async def url(gateway):
    """Where it listens."""
    app = web.Application()
    app.router.add_put("/v1/opt-outs", gateway.put)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@pytest.fixture
def path(tmp_path):
    """Where the company file is written."""
    return tmp_path / "company.json"


async def copies(database):
    """Of whom SQL has a copy."""
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(opt_outs.c.tenant, opt_outs.c.recipient))
        return {tuple(row) for row in rows}


async def live_keys(database):
    """How many keys are good."""
    async with database.reading() as connection:
        query = sa.select(sa.func.count()).select_from(api_keys).where(api_keys.c.revoked_at.is_(None))
        return await connection.scalar(query)


def many(count):
    """A file with that many opt-outs of acme, and one of solo."""
    rows = [{"tenant": "acme", "recipient": f"+1303{5550000 + n}", "at": "2026-10-01T15:00:00Z"} for n in range(count)]
    return a_company(opt_outs=[*rows, {"tenant": "solo", "recipient": RECIPIENT, "at": "2026-10-01T10:00:00-05:00"}])


class TestStored:
    async def test_the_gateway_gets_what_the_file_says(self, database, path, gateway, url):
        """Under the tenant's own key, which is gone afterwards; SQL keeps a copy."""
        company = a_company()
        company["opt_outs"][0]["number"] = DID
        report = await import_file(database, path, company, gateway_url=url)

        assert gateway.stored == {
            ("acme", RECIPIENT): {"at": "2026-10-01T15:00:00Z", "keyword": "stop", "number": DID},
        }
        assert (report.bad, report.opt_outs_stored) == ([], 1)
        assert await copies(database) == {("acme", RECIPIENT)}
        assert await live_keys(database) == 0

    async def test_a_key_of_the_credentials_file_is_used_if_there_is_one(self, database, path, gateway, url, tmp_path):
        """Then none is minted for the while."""
        keys = tmp_path / "keys.json"
        await import_file(database, path, a_company(), gateway_url=url, credentials=keys)

        assert len(gateway.stored) == 1
        assert await live_keys(database) == 2 * len(read_credentials(keys).api_keys) + 3
        async with database.reading() as connection:
            labels = await connection.scalars(sa.select(api_keys.c.label).distinct())
            assert labels.all() == ["minted by import"]

    async def test_at_most_a_thousand_a_request_and_one_tenant(self, database, path, gateway, url):
        """The gateway takes no more, and knows the tenant by the key."""
        report = await import_file(database, path, many(2001), gateway_url=url)

        assert gateway.requests == [1000, 1000, 1, 1]
        assert (len(gateway.stored), report.opt_outs_stored) == (2002, 2002)
        assert gateway.stored["solo", RECIPIENT]["at"] == "2026-10-01T15:00:00Z"

    async def test_the_same_file_again_sends_nothing(self, database, path, gateway, url):
        """No request, no key, no trace: an opt-out that was taken back since is not revived."""
        await import_file(database, path, a_company(), gateway_url=url)
        before = await trail(database)
        report = await import_file(database, path, a_company(), gateway_url=url)

        assert gateway.requests == [1]
        assert (await trail(database), report.opt_outs_stored) == (before, 1)

    async def test_one_that_was_taken_back_is_not_revived(self, database, path, gateway, url):
        """Its copy says since when it is over, and stays: the same file again sends nothing."""
        await import_file(database, path, a_company(), gateway_url=url)
        async with database.writing() as connection:
            (copy,) = (await find(connection, OptOut, {("acme", RECIPIENT)})).values()
            await change(connection, actor="test", put=[replace(copy, lifted_at=AT)])
        await import_file(database, path, a_company(), gateway_url=url)

        assert gateway.requests == [1]

    async def test_they_can_be_left_out(self, database, path, gateway, url):
        """Nothing is sent and no copy kept; the next import may still send them."""
        report = await import_file(database, path, a_company())

        assert (report.bad, report.opt_outs_stored, gateway.requests) == ([], None, [])
        assert await copies(database) == set()


class TestWaiting:
    @pytest.mark.parametrize("status", [401, 503])
    async def test_what_passes_is_waited_for(self, database, path, gateway, url, status):
        """A key that is not live yet, a gateway that is starting."""
        gateway.first = [status, status]
        report = await import_file(database, path, a_company(), gateway_url=url, wait_s=20)

        assert (report.bad, gateway.requests) == ([], [1, 1, 1])

    async def test_a_gateway_that_is_not_there_yet(self, database, path, gateway, unused_tcp_port):
        """It comes up while the import waits."""
        app = web.Application()
        app.router.add_put("/v1/opt-outs", gateway.put)
        url = f"http://127.0.0.1:{unused_tcp_port}"
        importing = asyncio.create_task(import_file(database, path, a_company(), gateway_url=url, wait_s=20))
        await asyncio.sleep(0.3)
        async with TestServer(app, port=unused_tcp_port):
            report = await importing

        assert (report.bad, len(gateway.stored)) == ([], 1)


class TestRefused:
    @pytest.mark.parametrize(
        ("statuses", "problem"),
        [
            ([401] * 9, "not stored: the gateway does not know our key; is `a2p-registry serve` running?"),
            ([503] * 9, "not stored: the gateway is not ready (503)"),
            ([404], "not stored: the gateway answered 404"),
            ([422], "not stored: the gateway answered 422"),
            ([500], "not stored: the gateway answered 500"),
            ([302], "not stored: the gateway answered 302"),
        ],
    )
    async def test_it_is_a_row_that_was_not_imported(self, database, path, gateway, url, statuses, problem):
        """With its place and why; the other rows are in, the key is gone, and no copy says otherwise."""
        gateway.first = list(statuses)
        report = await import_file(database, path, a_company(), gateway_url=url, wait_s=0)

        assert len(gateway.requests) == 1
        assert [(bad.kind, bad.index) for bad in report.bad] == [("opt_outs", 0)]
        assert report.bad[0].problem.startswith(problem)
        assert report.opt_outs_stored == 0
        assert (await copies(database), await live_keys(database)) == (set(), 0)

    async def test_a_gateway_that_never_comes(self, database, path, unused_tcp_port):
        """The import ends all the same."""
        url = f"http://127.0.0.1:{unused_tcp_port}"
        report = await import_file(database, path, many(2), gateway_url=url, wait_s=0.3)

        assert [(bad.index, bad.problem.partition(";")[0]) for bad in report.bad] == [
            (index, "not stored: the gateway does not answer") for index in range(3)
        ]

    @pytest.mark.parametrize("answer", ["", "[]", "<html>", '{"ok": true}', '{"stored": true}'])
    async def test_another_server_s_yes_is_not_taken(self, database, path, answer):
        """200 is not enough: only the gateway says how many it stored."""

        async def says_yes(_):
            return web.Response(text=answer)

        app = web.Application()
        app.router.add_put("/v1/opt-outs", says_yes)
        async with TestServer(app) as server:
            report = await import_file(database, path, a_company(), gateway_url=str(server.make_url("/")), wait_s=0)

        assert len(report.bad) == 1
        assert await copies(database) == set()

    async def test_one_tenant_s_trouble_is_not_the_other_s(self, database, path, gateway, url):
        """Each has its own request."""
        gateway.first = [500]
        report = await import_file(database, path, many(1), gateway_url=url, wait_s=0)

        assert [bad.index for bad in report.bad] == [0]
        assert list(gateway.stored) == [("solo", RECIPIENT)]

    async def test_the_key_is_revoked_even_if_the_import_breaks(self, database, path, gateway, url, monkeypatch):
        """A key of scope admin that nobody holds must not stay good."""

        async def breaks(*_):
            raise MemoryError

        monkeypatch.setattr(module, "_send_all", breaks)
        with pytest.raises(MemoryError):
            await import_file(database, path, a_company(), gateway_url=url)

        assert await live_keys(database) == 0
