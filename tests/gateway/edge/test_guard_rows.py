"""Rows 1 to 28 of the catalogue of bad input: connections and framing, byte for byte, on a real gateway."""

import asyncio
import gzip

import pytest
import pytest_asyncio

from tests.gateway.edge.raw import GOOD, a_request, accepted, connected, metric
from tests.gateway.running_edge import CANARY, running_edge, secret

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Limits of time in this module, in seconds: short, and far enough apart to be told from each other.
HEAD_S, BODY_S = 0.4, 0.6


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge():
    """A gateway with little patience."""
    async with running_edge(
        head_timeout_s=HEAD_S, body_timeout_s=BODY_S, hosts=("Texts.example", "*.Apps.example")
    ) as one:
        yield one


async def refused(edge, data, *statuses, codes=()):
    """Send bytes that are no request: one answer, with nothing of them in it, then the end, and nothing is taken."""
    before = await accepted(edge)
    async with connected(edge.gateway.port) as raw:
        raw.send(data)
        said = await raw.answer()
        assert said.status in statuses, said
        assert said.is_last
        await raw.end()
    assert said.field("Content-Type") == "application/problem+json"
    assert said.field("Server") == "a2p-gateway"
    assert said.code in codes
    assert CANARY.encode() not in said.body
    assert secret("ann").encode() not in said.body
    assert await accepted(edge) == before
    return said


MALFORMED = ("malformed_request",)


class TestFraming:
    async def test_row_1_a_tls_client_hello(self, edge):
        """Somebody takes the port for HTTPS."""
        await refused(edge, bytes.fromhex("16030100c8010000c40303") + bytes(range(190)), 400, codes=MALFORMED)

    @pytest.mark.parametrize(
        "data",
        [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
            a_request(start="POST /v1/messages HTTP/1.2"),
            a_request(start="POST /v1/messages HTTP/9.9"),
            b"GET /v1/reasons\r\n\r\n",
            a_request(start="POST /v1/messages http/1.1"),
            b"\x00\x01\x02zq7canary\r\n\r\n",
        ],
    )
    async def test_row_2_other_protocols(self, edge, data):
        """HTTP/1.1 is what is spoken here."""
        await refused(edge, data, 400, 505, codes=MALFORMED)

    @pytest.mark.parametrize("second", [len(GOOD), len(GOOD) + 1, 0])
    async def test_row_7_two_lengths(self, edge, second):
        """Equal or not."""
        await refused(
            edge, a_request(f"Content-Length: {len(GOOD)}", f"Content-Length: {second}"), 400, codes=MALFORMED
        )

    @pytest.mark.parametrize("length", ["+3", "-1", "0x10", "1_0", "3, 3", "3.0", "", "\xb2", "9" * 30])
    async def test_row_8_lengths_that_are_none(self, edge, length):
        """Digits, and not too many."""
        await refused(edge, a_request(f"Content-Length: {length}"), 400, 413, codes=(*MALFORMED, "body_too_large"))

    @pytest.mark.parametrize(
        "lines",
        [
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Transfer-Encoding: identity\r\nX: y",
            "Transfer-Encoding: chunked, identity\r\nX: y",
            "Transfer-Encoding: \x0bchunked\r\nX: y",
            "Transfer-Encoding: xchunked\r\nX: y",
        ],
    )
    async def test_two_ways_to_end_a_body(self, edge, lines):
        """A request whose end can be read in two ways is none."""
        await refused(edge, a_request(lines, body=b"0\r\n\r\n"), 400, codes=MALFORMED)

    @pytest.mark.parametrize(
        "line",
        [
            "X: a\r\n folded",
            "X: a\nY: b",
            "X : a",
            "X\x00: a",
            "X: a\x00b",
            "X: a\x01b",
            "X: \x7f",
            ": nameless",
            "no colon zq7canary",
            "X\xe9: a",
        ],
    )
    async def test_row_10_fields_that_are_none(self, edge, line):
        """Folded, with bare line feeds, blanks before the colon, control characters."""
        await refused(edge, a_request(line), 400, codes=MALFORMED)

    @pytest.mark.parametrize(
        "data",
        [
            a_request("X: " + "x" * 8_200),
            a_request("X" * 8_200 + ": x"),
            a_request(start=f"GET /v1/{'x' * 8_200} HTTP/1.1"),
            a_request(*(f"X-{n}: y" for n in range(65))),
            a_request("X: " + "x" * 100_000),
        ],
    )
    async def test_row_11_large_heads(self, edge, data):
        """Lines of 8,190 bytes and 64 fields are enough."""
        await refused(edge, data, 400, 414, 431, codes=(*MALFORMED, "head_too_large"))

    async def test_row_13_a_thousand_requests_at_once(self, edge):
        """Pipelined requests are answered in order."""
        async with connected(edge.gateway.port) as raw:
            for n in range(1_000):
                raw.send(
                    f"GET /v1/messages/0-1-1-{n % 7}{'/events' * (n % 2)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
                )
            raw.send(b"GET /v1/problems HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            statuses = [(await raw.answer()).status for _ in range(1_001)]
            await raw.end()

        assert statuses == [401] * 1_000 + [200]

    @pytest.mark.parametrize("method", ["FOO", "TRACE", "DELETE", "PATCH", "PUT", "get", "BREW"])
    async def test_row_22_other_methods(self, edge, method):
        """Refused as no method, or with those that there are."""
        async with connected(edge.gateway.port) as raw:
            raw.send(f"{method} /v1/messages HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            said = await raw.answer()

        if said.status == 405:
            assert (said.code, said.field("Allow")) == ("method_not_allowed", "POST")
        else:
            assert (said.status, said.code) == (400, "malformed_request")

    async def test_row_22_connect(self, edge):
        """This is no proxy."""
        async with connected(edge.gateway.port) as raw:
            raw.send(b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n")
            said = await raw.answer()

        assert said.status in {400, 405, 421}

    @pytest.mark.parametrize(
        "path",
        [
            "//v1/messages",
            "/v1//messages",
            "/v1/../v1/messages",
            "/v1/x/../messages",
            "/%2e%2e/v1/messages",
            "/v1%2fmessages",
            "/v1/messages%00",
            "/v1/messages/",
            "/V1/messages",
            "/v1/Messages",
            "/v1/messages;x=y",
            "/v1/messages/%2e%2e/%2e%2e/metrics",
            "/metrics",
            "/healthz",
        ],
    )
    async def test_row_23_tricks_with_the_path(self, edge, path):
        """A path is as it is spelled, and nothing is taken through another spelling."""
        before = await accepted(edge)
        async with connected(edge.gateway.port) as raw:
            raw.send(a_request(start=f"POST {path} HTTP/1.1"))
            said = await raw.answer()

        assert (said.status, said.code) in {(404, "not_found"), (405, "method_not_allowed"), (400, "malformed_request")}
        assert await accepted(edge) == before


class TestHosts:
    @pytest.mark.parametrize(
        "host",
        ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:80x", "apps.example", "a b"],
    )
    async def test_row_4_a_host_that_is_not_ours(self, edge, host):
        """On the front's route and on any other."""
        await refused(edge, a_request(host=host), 400, 421, codes=("unknown_host", *MALFORMED))
        said = await refused(
            edge,
            f"GET /v1/reasons HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(),
            400,
            421,
            codes=("unknown_host", *MALFORMED),
        )
        assert (said.status == 421) == (said.code == "unknown_host")

    @pytest.mark.parametrize(
        "host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "texts.example", "a.b.apps.example:443"]
    )
    async def test_hosts_that_are_ours(self, edge, host):
        """Loopback, and what an operator set, with any port."""
        async with connected(edge.gateway.port) as raw:
            raw.send(a_request(host=host))
            assert (await raw.answer()).status == 202

    @pytest.mark.parametrize(
        "head", ["", "Host: localhost\r\nHost: localhost\r\n", "Host: localhost\r\nHost: evil\r\n"]
    )
    async def test_none_or_two(self, edge, head):
        """RFC 9112, 3.2: that is no request."""
        data = f"GET /v1/reasons HTTP/1.1\r\n{head}\r\n".encode()
        await refused(edge, data, 400, codes=MALFORMED)

    @pytest.mark.parametrize(
        "target", ["http://evil.example/v1/messages", "http://localhost/v1/messages", "https:/v1/messages"]
    )
    async def test_row_5_absolute_targets(self, edge, target):
        """This is no proxy, not even for itself."""
        await refused(edge, a_request(start=f"POST {target} HTTP/1.1"), 400, 421, codes=("unknown_host", *MALFORMED))


class TestTime:
    async def test_an_idle_connect(self, edge):
        """Who says nothing has as long as for a head, and is told nothing."""
        before = await metric(edge, 'gateway_timeouts_total{phase="connect"}')
        async with connected(edge.gateway.port) as raw:
            assert HEAD_S * 0.9 < await raw.end() < HEAD_S + 5

        assert await metric(edge, 'gateway_timeouts_total{phase="connect"}') == before + 1

    @pytest.mark.parametrize(
        "data", [b"P", b"POST /v1/messages HTTP/1.1\r\nHost: local", b"\r\n", a_request()[: -len(GOOD) - 2]]
    )
    async def test_row_14_half_a_head(self, edge, data):
        """It is told so, and closed."""
        before = await metric(edge, 'gateway_timeouts_total{phase="head"}')
        said = await refused(edge, data, 408, codes=("head_timeout",))
        assert said.field("Connection") == "close"
        assert await metric(edge, 'gateway_timeouts_total{phase="head"}') == before + 1

    async def test_row_14_a_slow_head(self, edge):
        """Byte by byte is no way to have more time."""
        async with connected(edge.gateway.port) as raw:
            sending = asyncio.create_task(_drip(raw, a_request()))
            assert ((said := await raw.answer()).status, said.code) == (408, "head_timeout")
            await raw.end()
            sending.cancel()

    async def test_a_slow_head_after_a_request(self, edge):
        """Each further head has its time, and the pause before it has its own."""
        async with connected(edge.gateway.port) as raw:
            for data in (a_request(), b"GET /v1/reasons HTTP/1.1\r\nHost: localhost\r\n\r\n"):
                raw.send(data)
                assert (await raw.answer()).status in {200, 202}
                await asyncio.sleep(HEAD_S * 2)
            raw.send(b"GET /v1/rea")
            assert (await raw.answer()).code == "head_timeout"

    @pytest.mark.parametrize(
        "start", ["POST /v1/messages", "POST /v1/messages/batch", "POST /v1/media", "POST /v1/decisions"]
    )
    async def test_row_16_a_body_that_stops(self, edge, start):
        """It is told so, and closed; nothing of it is taken."""
        before = await metric(edge, 'gateway_timeouts_total{phase="body"}')
        kind = "application/x-ndjson" if "batch" in start else "application/json"
        data = a_request(start=f"{start} HTTP/1.1").replace(b"application/json", kind.encode())[:-3]
        await refused(edge, data, 408, codes=("body_timeout",))
        assert await metric(edge, 'gateway_timeouts_total{phase="body"}') == before + 1

    async def test_row_16_a_slow_body(self, edge):
        """Byte by byte is slower than the slowest rate."""
        async with connected(edge.gateway.port) as raw:
            raw.send(a_request()[: -len(GOOD)])
            sending = asyncio.create_task(_drip(raw, GOOD * 10))
            assert ((said := await raw.answer()).status, said.code) == (408, "body_timeout")
            await raw.end()
            sending.cancel()

    async def test_a_body_that_is_slow_enough(self, edge):
        """What comes at the rate may take longer than any pause may."""
        body = GOOD + b" " * 2_000
        async with connected(edge.gateway.port) as raw:
            raw.send(a_request(body=body)[: -len(body)])
            for start in range(0, len(body), 400):
                raw.send(body[start : start + 400])
                await asyncio.sleep(BODY_S / 3)
            assert (await raw.answer()).status == 202

    async def test_row_16_chunks_that_stop(self, edge):
        """Whatever way the body is framed."""
        await refused(edge, a_request("Transfer-Encoding: chunked", body=b'5\r\n{"to'), 408, codes=("body_timeout",))


class TestBodies:
    @pytest.mark.parametrize("missing", [1, len(GOOD)])
    async def test_row_17_a_body_that_ends_too_soon(self, edge, missing):
        """The client is still there to hear it: it has only said that it sends no more."""
        before = await accepted(edge)
        async with connected(edge.gateway.port) as raw:
            raw.send(a_request()[:-missing])
            await asyncio.sleep(0.05)
            raw.writer.write_eof()
            said = await raw.answer()
            assert (said.status, said.code, said.is_last) == (400, "incomplete_body", True)
            await raw.end()
        assert await accepted(edge) == before

    @pytest.mark.parametrize("length", [10**12, 65_537, 20_000_001])
    async def test_row_19_go_on_is_not_said_to_what_is_too_long(self, edge, length):
        """413 at once, and no 100 before it."""
        await refused(
            edge,
            a_request(f"Content-Length: {length}", "Expect: 100-continue", body=b""),
            413,
            codes=("body_too_large",),
        )

    @pytest.mark.parametrize(
        ("path", "limit"),
        [
            ("/v1/messages/batch", 1 << 20),
            ("/v1/media", 20_000_000),
            ("/v1/opt-outs", 1 << 20),
            ("/carriers/x/receipts", 1 << 18),
        ],
    )
    async def test_row_19_each_route_has_its_limit(self, edge, path, limit):
        """One byte more is refused, whatever was to come."""
        data = a_request(
            f"Content-Length: {limit + 1}", "Expect: 100-continue", start=f"POST {path} HTTP/1.1", body=b""
        )
        await refused(edge, data, 413, codes=("body_too_large",))

    async def test_go_on_is_said_to_what_may_come(self, edge):
        """100, and then the answer."""
        async with connected(edge.gateway.port) as raw:
            raw.send(a_request("Expect: 100-continue")[: -len(GOOD)])
            assert (await raw.answer()).status == 100
            raw.send(GOOD)
            assert (await raw.answer()).status == 202

    @pytest.mark.parametrize("wish", ["200-ok", "100-continue, more", "zq7canary"])
    async def test_row_20_other_wishes(self, edge, wish):
        """They are not fulfilled."""
        await refused(edge, a_request(f"Expect: {wish}"), 417, codes=("expectation_failed",))

    async def test_row_25_the_answer_is_heard_while_the_body_still_comes(self, edge):
        """A connection that is closed too soon would take the answer with it."""
        async with connected(edge.gateway.port) as raw:
            raw.send(a_request(body=b" " * 1_000_000))
            said = await raw.answer()
            assert (said.status, said.code, said.is_last) == (413, "body_too_large", True)

    async def test_row_26_chunks_past_the_limit(self, edge):
        """413 where they pass it, and the end."""
        chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        await refused(edge, a_request("Transfer-Encoding: chunked", body=chunk * 5), 413, codes=("body_too_large",))

    @pytest.mark.parametrize("size", [b"g", b"-1", b"0x5", b"5 5", b"f" * 20])
    async def test_chunks_that_are_none(self, edge, size):
        """A length in hexadecimal digits."""
        data = a_request("Transfer-Encoding: chunked", body=size + b"\r\nhello\r\n0\r\n\r\n")
        await refused(edge, data, 400, 413, codes=(*MALFORMED, "incomplete_body", "body_too_large"))

    @pytest.mark.parametrize("path", ["/v1/messages", "/v1/media", "/v1/opt-outs", "/carriers/emulator/receipts"])
    @pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "zq7canary"])
    async def test_row_28_compressed_bodies_on_every_route(self, edge, path, encoding):
        """Before anything is read."""
        data = a_request(f"Content-Encoding: {encoding}", start=f"POST {path} HTTP/1.1", body=gzip.compress(GOOD))
        await refused(edge, data, 415, codes=("unsupported_encoding",))


async def _drip(raw, data):
    """Send a byte every now and then."""
    for n in range(len(data)):
        raw.send(data[n : n + 1])
        await asyncio.sleep(HEAD_S / 20)
