"""Bulk over HTTP: a file in with its report out, and a file out; one's own rows only."""

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from registry.bulk.routes import BulkApi
from registry.flows.desk import Limits
from registry.http_common import answer_problems
from registry.openapi import openapi
from registry.records import Number
from tests.contracts.documented import Contract
from tests.registry.admin import SOLO_DID, two_companies
from tests.registry.builders import DID, OTHER_DID
from tests.registry.bulk.builders import records

CSV = {"Content-Type": "text/csv"}
#: What answers are held against.
_CONTRACT = Contract(openapi())


class Api:
    """The two calls."""

    def __init__(self, session, url, texts):
        self.session, self.url, self.texts = session, url, texts

    async def post(self, data, kind="numbers", key="admin", **headers):
        """Send a file; the status, and the report."""
        given = {"Authorization": f"Bearer {self.texts[key]}", **CSV} | headers
        async with self.session.post(f"{self.url}/v1/bulk/{kind}", data=data, headers=given) as answer:
            text = await answer.read()
            _CONTRACT.check("POST", f"/v1/bulk/{kind}", answer.status, answer.headers, text.decode())
            return answer.status, [orjson.loads(line) for line in text.splitlines()]

    async def get(self, path, key="admin"):
        """Get a file."""
        headers = {"Authorization": f"Bearer {self.texts[key]}"}
        async with self.session.get(f"{self.url}{path}", headers=headers) as answer:
            text = await answer.read()
            _CONTRACT.check("GET", path, answer.status, answer.headers, text.decode())
            return answer.status, text, answer.headers


@pytest.fixture
async def api(database):
    """The two routes, and two companies."""
    texts = await two_companies(database)
    app = web.Application(middlewares=[answer_problems])
    app.add_routes(BulkApi(database=database, limits=Limits()).routes())
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Api(session, str(server.make_url("")).rstrip("/"), texts)


class TestImport:
    async def test_a_report_comes_back(self, api, database):
        """A line for each row that was bad or changed something, and a summary."""
        status, lines = await api.post(f"did,enabled\n{DID},no\n{OTHER_DID},no\nx,no\n".encode())
        assert status == 200
        assert [(line["is"], line.get("row")) for line in lines] == [("changed", 1), ("bad", 3), ("summary", None)]
        assert lines[-1] == {"is": "summary", "rows": 3, "changed": 1, "bad": 1, "whole": True}
        (number,) = [one for one in await records(database, Number) if one.did == DID]
        assert number.sms == "disabled"

    async def test_another_companys_number_is_not_found(self, api, database):
        """Nor taken: the words are those for a number that nobody has."""
        before = await records(database)
        _, lines = await api.post(f"did,user\n{SOLO_DID},\n+12025550188,\n".encode())
        assert [line["faults"][0]["code"] for line in lines[:-1]] == ["not_found", "not_found"]
        assert await records(database) == before

    async def test_a_long_file_is_taken_whole_while_its_report_waits(self, api):
        """The caller reads nothing before everything is sent."""
        rows = 30_000
        _, lines = await api.post(b"did\n" + b"x\n" * rows)
        assert lines[-1]["bad"] == rows
        assert [line["row"] for line in lines[:-1]] == list(range(1, rows + 1))

    async def test_a_file_that_cannot_be_read_says_so_in_the_report(self, api):
        """The status has gone out by then."""
        status, lines = await api.post(b"did,colour\n1,2\n")
        assert (status, lines[0]["is"], lines[0]["code"], lines[1]["whole"]) == (200, "stopped", "bad_file", False)

    @pytest.mark.parametrize(
        ("kind", "key", "headers", "status"),
        [
            ("numbers", "sender", {}, 403),
            ("numbers", "person", {}, 403),
            ("colours", "admin", {}, 404),
            ("numbers", "admin", {"Content-Type": "text/plain"}, 415),
            ("numbers", "admin", {"Content-Encoding": "gzip"}, 415),
        ],
    )
    async def test_what_cannot_be_taken_is_refused_before_it_is_read(self, api, kind, key, headers, status):
        """By who asks, for what, and how it is sent."""
        assert (await api.post(b"did\n", kind, key, **headers))[0] == status


class TestExport:
    @pytest.mark.parametrize("form", ["csv", "ndjson"])
    async def test_a_file_comes_whole_and_is_ones_own(self, api, form):
        """Sending it back changes nothing."""
        status, data, headers = await api.get(f"/v1/bulk/numbers?format={form}")
        assert (status, "attachment" in headers["Content-Disposition"]) == (200, True)
        assert DID.encode() in data
        assert SOLO_DID.encode() not in data
        _, lines = await api.post(data)
        assert lines == [{"is": "summary", "rows": 2, "changed": 0, "bad": 0, "whole": True}]

    @pytest.mark.parametrize(("path", "status"), [("numbers?format=xls", 422), ("colours", 404), ("numbers?x=1", 422)])
    async def test_another_is_refused(self, api, path, status):
        """With a problem."""
        assert (await api.get(f"/v1/bulk/{path}"))[0] == status
