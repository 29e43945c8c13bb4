"""The load tool against servers that a test controls: what it sends, what it counts, when it ends."""

import asyncio
import contextlib

import pytest
from aiohttp import web

from loadtests.bench.http_client import BadAnswerError
from loadtests.bench.load import LOAD_TOOL
from loadtests.bench.load_wire import Call

OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"


class TestSending:
    async def test_it_sends_what_it_was_told_and_no_more(self, server, load):
        """Bounded in count; the calls go out in turn, each with its own key."""
        calls = [Call(key="a", body='{"n":1}'), Call(key="b", body='{"n":2}')]

        report = await load(server.port, calls, connections=1, requests_max=5)

        expected = [("Bearer a", b'{"n":1}'), ("Bearer b", b'{"n":2}')] * 2 + [("Bearer a", b'{"n":1}')]
        assert (report.requests, report.failures, server.requests) == (5, 0, expected)

    async def test_a_call_without_a_key_has_no_authorization(self, server, load):
        """An empty Authorization is another request than none."""
        await load(server.port, [Call(key="", body="{}")], requests_max=1)

        assert server.requests == [(None, b"{}")]

    async def test_it_ends_when_the_time_is_over(self, server, load):
        """Bounded in time, whatever the count; what was answered while warming up is not counted."""
        report = await load(server.port, warm_up_s=0.1, seconds=0.2, requests_max=10_000_000)

        assert 0 < report.requests < len(server.requests)
        assert 0 < report.p50_ms <= report.p99_ms

    async def test_each_connection_has_one_request_under_way(self, load):
        """No pipelining: latency is that of one request."""
        under_way, most = 0, 0

        async def serve(reader, writer):
            nonlocal under_way, most
            with contextlib.suppress(asyncio.IncompleteReadError):
                while True:
                    await reader.readuntil(b"}")
                    under_way += 1
                    most = max(most, under_way)
                    await asyncio.sleep(0.005)
                    under_way -= 1
                    writer.write(OK)
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
            await load(listening.sockets[0].getsockname()[1], connections=3, requests_max=30)

        assert most == 3

    async def test_it_knows_its_own_cpu(self, server, load):
        """The load tool shares the cores with what it measures, so its share is shown."""
        report = await load(server.port)

        assert LOAD_TOOL in report.cpu_s


class TestFailures:
    async def test_answers_that_are_not_2xx_are_counted_and_the_first_is_named(self, server, load):
        """A fast refusal is not a fast accept."""
        codes = {3: "did_unassigned", 5: "later"}
        server.answer = lambda n: web.json_response({"code": codes.get(n)}, status=403 if n in codes else 202)

        report = await load(server.port, connections=1)

        assert (report.failures, report.first_failure) == (2, "403 did_unassigned")
        assert report.requests == 18

    async def test_an_answer_without_the_mark_is_a_failure(self, server, load):
        """202 is also said for a flagged or deferred text, which a worker may never bring to the carrier."""
        server.answer = lambda _: web.json_response(
            {"verdict": "defer", "reason": {"code": "throughput_did"}}, status=202
        )

        report = await load(server.port, mark='"verdict": "allow"', requests_max=1)

        assert (report.failures, report.first_failure) == (1, "202 throughput_did")

    async def test_every_line_of_a_batch_must_have_the_mark(self, server, load):
        """A batch is answered 200 whatever became of its lines."""
        lines = '{"status":202}\n{"status":403,"code":"recipient_opted_out"}\n'
        server.answer = lambda _: web.Response(text=lines)

        report = await load(server.port, mark='"status":202', messages=2, requests_max=1)

        assert (report.failures, report.first_failure) == (1, "200 recipient_opted_out")

    @pytest.mark.parametrize("body", ["<html>", "", "[1]", '{"code":null}'])
    async def test_a_failure_without_a_code_is_named_by_its_status(self, server, load, body):
        """Whatever stands in front of the gateway may answer too."""
        server.answer = lambda _: web.Response(text=body, status=502)

        assert (await load(server.port, requests_max=1)).first_failure == "502 without a code"


class TestBytes:
    async def test_an_answer_may_come_in_pieces(self, load):
        """TCP has no messages."""

        async def serve(reader, writer):
            await reader.readuntil(b"}")
            for cut in range(len(OK)):
                writer.write(OK[cut : cut + 1])
                await asyncio.sleep(0)
            await writer.drain()
            await reader.read()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
            report = await load(listening.sockets[0].getsockname()[1], connections=1, requests_max=1)

        assert (report.requests, report.failures) == (1, 0)

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 202 Accepted\r\nContent-Length: two\r\n\r\n{}",
            b"SMTP ready\r\n\r\n",
            OK + b"more",
        ],
    )
    async def test_what_is_no_plain_answer_ends_the_run(self, raw_server, load, answer):
        """A guess would be counted as an accept."""
        with pytest.raises(BadAnswerError):
            await load(await raw_server(answer), connections=1)

    async def test_a_closed_connection_ends_the_run(self, load):
        """A server that dies under load has not been measured."""

        async def serve(reader, writer):
            await reader.readuntil(b"}")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
            with pytest.raises(BadAnswerError, match="closed"):
                await load(listening.sockets[0].getsockname()[1])


async def test_patience_sends_again_what_was_turned_away(server, load):
    """Refusals for now are counted, and all that was ordered goes in the end; anything else is a failure still."""
    server.answer = lambda number: web.json_response({"verdict": "allow"}, status=(429, 503, 202, 202)[number % 4])
    patient = await load(server.port, requests_max=10, patient=True)
    server.answer = lambda _: web.json_response({"code": "queue_full"}, status=429)
    hasty = await load(server.port, requests_max=2)

    assert (patient.requests, patient.failures) == (10, 0)
    assert patient.refusals >= 8
    assert (hasty.failures, hasty.refusals, hasty.first_failure) == (2, 0, "429 queue_full")
