"""Carriers' receipts: what is read, what is answered, and what becomes of the messages."""

import base64
import time

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from gateway.connectors.http_carrier import HttpCarrier, HttpCarrierOptions
from gateway.edge.receipts import RECEIPT_WORDS, MalformedReceipts, Unusable, read_delivery
from gateway.edge.receipts_route import BODY_BYTES_MAX, ReceiptRoutes
from gateway.edge.webhooks import parse_secret
from gateway.queue import Begin, Finish, Folded, QueueUnavailable, Receipt, Status
from loadtests.carrier.app import running
from loadtests.carrier.settings import DEVELOPMENT_SECRET, Settings
from loadtests.carrier.signing import signed_headers
from metrics.gateway import GatewayMetrics
from tests.gateway.working import CARRIER, a_worker, accept, all_reach, at_work, log_is_empty, some_envelope

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four!").decode()
PATH = f"/carriers/{CARRIER}/receipts"


def some_receipt(**fields):
    """A receipt as a carrier writes it."""
    usual = {"id": "c1", "reference": "0-1-0-0", "status": "delivered", "code": "0"}
    return usual | {"occurred_at": "2026-11-20T20:00:00.250Z"} | fields


def read_one(**fields):
    """What a receipt with these fields is read as."""
    delivery = read_delivery(orjson.dumps(some_receipt(**fields)), carrier=CARRIER)
    return (*delivery.receipts, *delivery.unusable)[0]


class TestReading:
    def test_a_receipt_has_its_parts(self):
        """Ours, theirs, and when."""
        assert read_one() == Receipt(
            id="0-1-0-0",
            status=Status.DELIVERED,
            carrier=CARRIER,
            carrier_reference="c1",
            code="",
            at_ms=1_795_204_800_250,
        )

    @pytest.mark.parametrize(
        ("word", "status"),
        [
            ("enroute", Status.SUBMITTED),
            ("delivered", Status.DELIVERED),
            ("DELIVERED", Status.DELIVERED),
            ("undelivered", Status.UNDELIVERED),
            ("expired", Status.EXPIRED),
            ("rejected", Status.FAILED),
        ],
    )
    def test_each_word_has_its_status(self, word, status):
        """However it is written."""
        assert read_one(status=word).status is status

    def test_another_word_is_let_go(self):
        """It is counted, and asking for it again would not help."""
        assert read_one(status="buffered") is Unusable.UNKNOWN_STATUS

    @pytest.mark.parametrize(
        "fields", [{"reference": None}, {"reference": 7}, {"status": None}, {"status": ["delivered"]}]
    )
    def test_a_receipt_about_nothing_is_let_go(self, fields):
        """The same."""
        assert read_one(**fields) is Unusable.MALFORMED

    @pytest.mark.parametrize(
        ("code", "read"),
        [
            ("30003", "carrier_30003"),
            (69, "carrier_69"),
            ("000", ""),
            (0, ""),
            (None, ""),
            ({}, ""),
            ("+14155550143", ""),
            ("not a word", ""),
            ("x" * 41, ""),
        ],
    )
    def test_codes_are_the_carrier_s_and_hold_no_number(self, code, read):
        """A code is a word or a few digits; whatever else stands there is not kept."""
        assert read_one(status="undelivered", code=code).code == read

    @pytest.mark.parametrize(
        ("occurred_at", "at_ms"),
        [
            ("2026-11-20T12:00:00-08:00", 1_795_204_800_000),
            ("2026-11-20T20:00:00", 0),
            ("yesterday", 0),
            (1_795_204_800, 0),
            (None, 0),
            ("0001-01-01T00:00:00Z", 0),
        ],
    )
    def test_an_instant_needs_an_offset(self, occurred_at, at_ms):
        """Otherwise nobody knows when it was."""
        assert read_one(occurred_at=occurred_at).at_ms == at_ms

    def test_a_strange_name_for_a_message_is_not_kept(self):
        """Nor is one that is no name."""
        assert read_one(id="x" * 10_000).carrier_reference == ""
        assert read_one(id=["c1"]).carrier_reference == ""

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b"7", b'"delivered"', b"[1]", orjson.dumps([some_receipt()] * 101)]
    )
    def test_a_body_that_is_none_is_refused_as_a_whole(self, body):
        """The carrier should see that it sends something else."""
        with pytest.raises(MalformedReceipts):
            read_delivery(body, carrier=CARRIER)

    def test_a_hundred_come_together(self):
        """In order."""
        body = orjson.dumps([some_receipt(reference=f"0-1-0-{place}") for place in range(100)])

        receipts = read_delivery(body, carrier=CARRIER).receipts

        assert [receipt.id for receipt in receipts] == [f"0-1-0-{place}" for place in range(100)]


@pytest.fixture
def registry():
    """An empty registry."""
    return CollectorRegistry()


@pytest.fixture
async def client(store, registry):
    """A client of the route, on the real store."""
    async with client_of(store, registry) as opened:
        yield opened


def client_of(queue, registry):
    """Make a client of the route."""
    metrics = GatewayMetrics(
        registry, channels=(), verdicts=(), reasons=(), input_codes=(), folded=RECEIPT_WORDS, routes=()
    )
    app = web.Application()
    app.add_routes(ReceiptRoutes(queue, metrics, {CARRIER: [parse_secret(SECRET)]}).routes())
    return TestClient(TestServer(app))


async def post(client, body, *, secret=SECRET, at_s=None, path=PATH):
    """Send a delivery, signed; status and code of the answer."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    now_s = int(time.time()) if at_s is None else at_s
    headers = signed_headers(parse_secret(secret), webhook_id="msg_1", timestamp_s=now_s, body=raw)
    async with client.post(path, data=raw, headers=headers) as response:
        return response.status, (await response.json()).get("code")


async def a_submitted_message(store):
    """A message that a carrier has; its id."""
    (message,) = await accept(store, some_envelope())
    epoch = await store.own(0, "test", 60_000)
    await store.take(0, epoch, count=1, pending_after=None)
    await store.begin(0, epoch, [Begin(id=message, payload=b"{}")])
    await store.finish(
        0, epoch, [Finish(id=message, status=Status.SUBMITTED, attempt=1, carrier=CARRIER, carrier_reference="c1")]
    )
    return message


class TestRoute:
    async def test_a_receipt_moves_its_message(self, client, store, registry):
        """200 means that it is on disk; and coming again it does nothing."""
        message = await a_submitted_message(store)

        assert await post(client, some_receipt(reference=message)) == (200, None)
        assert await post(client, [some_receipt(reference=message)] * 2) == (200, None)

        (stored,) = await store.look([message])
        assert stored.status is Status.DELIVERED
        assert counted(registry, Folded.APPLIED) == 1
        assert counted(registry, Folded.REPEATED) == 2

    async def test_what_cannot_be_used_is_taken_and_counted(self, client, registry):
        """An unknown message, an unknown word, no id of ours: 200, or it would come for ever."""
        odd = [
            some_receipt(),
            some_receipt(status="buffered"),
            some_receipt(reference=None),
            some_receipt(reference="é"),
        ]

        assert await post(client, odd) == (200, None)

        assert counted(registry, Folded.UNKNOWN_MESSAGE) == 2
        assert counted(registry, Unusable.UNKNOWN_STATUS) == 1
        assert counted(registry, Unusable.MALFORMED) == 1

    async def test_a_stranger_is_not_heard(self, client, store):
        """Another secret, an old recording, another carrier: nothing changes."""
        message = await a_submitted_message(store)
        body = some_receipt(reference=message)
        stranger = "whsec_" + base64.b64encode(b"somebody else").decode()

        assert await post(client, body, secret=stranger) == (401, "invalid_signature")
        assert await post(client, body, at_s=int(time.time()) - 400) == (401, "stale_webhook")
        assert await post(client, body, path="/carriers/zeta/receipts") == (404, "not_found")

        (stored,) = await store.look([message])
        assert stored.status is Status.SUBMITTED

    async def test_nonsense_is_refused(self, client):
        """Signed or not."""
        assert await post(client, b"{") == (400, "malformed")
        assert await post(client, b" " * (BODY_BYTES_MAX + 1)) == (413, "body_too_large")
        assert await post(client, b" " * BODY_BYTES_MAX) == (400, "malformed")

    async def test_without_the_store_the_carrier_must_come_again(self, registry):
        """Never 200 for what is not on disk."""

        class Away:
            """A store that cannot be reached."""

            async def receipts(self, _):
                raise QueueUnavailable("unreachable")

        async with client_of(Away(), registry) as client:
            assert await post(client, some_receipt()) == (503, "queue_unavailable")


def counted(registry, word):
    """How many receipts were counted as this."""
    return registry.get_sample_value("gateway_receipts_total", {"folded": word})


class TestWithTheEmulator:
    async def test_texts_are_delivered(self, store, registry):
        """Worker, HTTP carrier, emulator, signed receipts, back: each text ends as its recipient wants it."""
        metrics = GatewayMetrics(
            registry, channels=(), verdicts=(), reasons=(), input_codes=(), folded=RECEIPT_WORDS, routes=()
        )
        app = web.Application()
        routes = ReceiptRoutes(store, metrics, {CARRIER: [parse_secret(DEVELOPMENT_SECRET)]})
        app.add_routes(routes.routes())
        expected = {
            "+13125550100": Status.DELIVERED,
            "+13125550110": Status.FAILED,
            "+13125550122": Status.DELIVERED,
            "+13125550131": Status.DELIVERED,
            "+13125550142": Status.DELIVERED,
            "+13125550160": Status.DELIVERED,
            "+13125550161": Status.UNDELIVERED,
            "+13125550163": Status.FAILED,
            "+13125550165": Status.DELIVERED,
        }
        async with TestServer(app) as server, running(Settings(port=0)) as emulator:
            options = HttpCarrierOptions(
                name=CARRIER,
                url=emulator.url,
                token="carrier-secret",
                receipt_url=str(server.make_url(PATH)),
                batch_max=3,
            )
            ids = await accept(store, *(some_envelope(recipient=recipient) for recipient in expected))
            async with HttpCarrier(options) as carrier, at_work(a_worker(store, carrier)):
                await all_reach(store, ids, *set(expected.values()))
                await log_is_empty(store)

        assert [one.status for one in await store.look(ids)] == list(expected.values())
