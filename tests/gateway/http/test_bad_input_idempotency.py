"""Rows 104 to 110 of the catalogue of bad input: keys of requests, in the header and in the body."""

import pytest
from redis.asyncio import Redis

from tests.gateway.http.refusing import refused, refused_both_ways, refused_request
from tests.gateway.running_edge import MOBILE, OTHER_MOBILE, a_body, as_json, assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="session")

BAD_KEYS = [
    pytest.param("", id="row 107: empty"),
    pytest.param(" ", id="row 107: blank"),
    pytest.param("k" * 256, id="row 107: 256 characters"),
    pytest.param("k" * 5_000, id="row 107: 5,000 characters"),
    pytest.param("kéy-zq7canary", id="row 107: not ASCII"),
    pytest.param("k\u2028ey", id="row 107: line separator"),
    pytest.param("key\tzq7canary", id="row 107: tab"),
]
#: A client refuses to write these into a header.
IN_BODY_ONLY = [pytest.param("key\r\nX: zq7canary", id="row 107: CR LF"), pytest.param("key\x7f", id="row 107: DEL")]


class TestTheSameKey:
    async def test_row_104_same_body(self, edge):
        """The first answer again, marked as such; one message."""
        before = await edge.tally()

        first, second = [await edge.send(idempotency_key="row-104") for _ in range(2)]

        assert (first.status, second.status) == (202, 202)
        assert second.text == first.text
        assert second.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers
        assert (await edge.tally()).accepted == before.accepted + 1

    @pytest.mark.parametrize(
        "change", [{"text": "other"}, {"to": OTHER_MOBILE}, {"to": [MOBILE]}, {"client_message_id": None}]
    )
    async def test_row_104_other_body(self, edge, change):
        """Nobody knows which one was meant."""
        body = a_body(user="acme-ann", client_message_id="row-104b")
        await edge.post("/v1/messages", body, key="acme", Idempotency_Key="row-104b")
        before = await edge.tally()

        answer = await edge.post("/v1/messages", body | change, key="acme", Idempotency_Key="row-104b")

        assert_problem(answer, 422, "idempotency_mismatch", change)
        assert await edge.tally() == before

    @pytest.mark.parametrize(
        "raw",
        [
            b'{"text":"same","to":"%b"}' % MOBILE.encode(),
            b'\n{ "to" : "%b" ,\r\n\t"text": "same" }\n' % MOBILE.encode(),
            rb'{"to":"\u002b14155550143","text":"s\u0061me"}',
            b'{"to":"%b","text":"same","from":null,"media":null}' % MOBILE.encode(),
        ],
    )
    async def test_row_109_other_spellings_of_the_same_json(self, edge, raw):
        """Order, white space, escapes, and null for what is left out: one canonical form."""
        first = await edge.post("/v1/messages", a_body(text="same"), Idempotency_Key="row-109")

        second = await edge.post("/v1/messages", raw, Idempotency_Key="row-109")

        assert (second.status, second.json["id"]) == (202, first.json["id"])

    async def test_row_110_after_the_window(self, edge):
        """Keys are remembered for a day; then it is a new message."""
        first = await edge.send(idempotency_key="row-110")

        async with Redis.from_url(edge.queue_server.url, socket_timeout=None) as redis:
            forgotten = [key async for key in redis.scan_iter("{q:*}:i:*")]
            await redis.delete(*forgotten)
        second = await edge.send(idempotency_key="row-110")

        assert forgotten
        assert (second.status, second.json["id"] != first.json["id"]) == (202, True)
        assert "Idempotent-Replayed" not in second.headers


class TestKeysThatCannotBeUsed:
    @pytest.mark.parametrize("key", BAD_KEYS)
    async def test_row_107_in_the_header(self, edge, key):
        """1 to 255 visible ASCII characters."""
        headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)]

        await refused_request(edge, 400, "invalid_idempotency_key", data=as_json(a_body()), headers=headers)

    @pytest.mark.parametrize("key", [*BAD_KEYS, *IN_BODY_ONLY])
    async def test_row_107_in_the_body(self, edge, key):
        """The same rule."""
        await refused_both_ways(edge, a_body(client_message_id=key), 400, "invalid_idempotency_key")

    @pytest.mark.parametrize("values", [("one", "two"), ("same", "same"), ("one", "")])
    async def test_row_107_two_headers(self, edge, values):
        """Even when they agree."""
        headers = [("Content-Type", "application/json"), *(("Idempotency-Key", value) for value in values)]

        await refused_request(edge, 400, "invalid_idempotency_key", data=as_json(a_body()), headers=headers)

    async def test_header_and_body_differ(self, edge):
        """Two keys for one request."""
        body = a_body(client_message_id="zq7canary-1")

        await refused(edge, body, 422, "idempotency_mismatch", Idempotency_Key="zq7canary-2")

    @pytest.mark.parametrize("key", ["k", "k" * 255, "!~", "a b", "../../etc/passwd", "{q:0}:i:1"])
    async def test_keys_that_can(self, edge, key):
        """Up to 255, a blank inside, whatever they look like."""
        first = await edge.send(idempotency_key=key)
        second = await edge.send(client_message_id=key)

        assert first.status == 202
        assert (second.status, second.json["code"]) == (422, "idempotency_mismatch")
