"""A carrier emulator on a real socket, and the gateway's side of it: a submitter and a receiver of receipts."""

import asyncio
import contextlib
import io

import aiohttp
import orjson
import pytest
from aiohttp import web

from loadtests.carrier.app import running
from loadtests.carrier.settings import Settings

_PATIENCE_S = 20


class Receiver:
    """Takes receipts as a gateway would, and answers as a test wants."""

    def __init__(self):
        self.url = ""
        #: Headers and body of every delivery, in order.
        self.deliveries = []
        #: Status codes for the next answers; 200 when used up.
        self.answers = []
        #: Set before a receipt is answered; a test that clears it holds the answers back.
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._arrived = asyncio.Condition()

    async def post(self, request):
        """Keep a delivery and answer it."""
        body = await request.read()
        async with self._arrived:
            self.deliveries.append((request.headers.copy(), body))
            self._arrived.notify_all()
        await self.may_answer.wait()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    def receipts(self):
        """Return the receipts of all deliveries, in order."""
        decoded = [orjson.loads(body) for _, body in self.deliveries]
        return [receipt for data in decoded for receipt in (data if type(data) is list else [data])]

    async def wait_for(self, count):
        """Return the receipts as soon as there are count of them."""
        async with asyncio.timeout(_PATIENCE_S), self._arrived:
            await self._arrived.wait_for(lambda: len(self.receipts()) >= count)
            return self.receipts()


class Client:
    """Talks to one emulator."""

    def __init__(self, carrier, session, receipt_url):
        self.url = carrier.url
        self.stopping = carrier.stopping
        self.session = session
        self._receipt_url = receipt_url

    def message(self, reference="m-1", **fields):
        """Return a valid submission."""
        return {
            "reference": reference,
            "from": "+14155550199",
            "to": "+12125550143",
            "text": "Your order is ready.",
            "media": [],
            "campaign_id": "C1",
            "receipt_url": self._receipt_url,
            **fields,
        }

    async def post(self, data):
        """Return status, headers and body of an answer; raises what a client raises without one."""
        body = data if isinstance(data, bytes) else orjson.dumps(data)
        async with self.session.post(f"{self.url}/messages", data=io.BytesIO(body)) as answer:
            return answer.status, answer.headers, await answer.read()

    async def submit(self, reference="m-1", **fields):
        """Submit one valid message; return status and decoded answer."""
        status, _, body = await self.post(self.message(reference, **fields))
        return status, orjson.loads(body)

    async def set_scenario(self, *rules):
        """Set a scenario of these rules."""
        async with self.session.put(f"{self.url}/scenario", json={"name": "test", "rules": rules}) as answer:
            assert answer.status == 200, await answer.text()

    async def get(self, path):
        """Return status and text."""
        async with self.session.get(f"{self.url}{path}") as answer:
            return answer.status, await answer.text()

    async def ledger(self, event=None):
        """Return the ledger's events, or those of one kind."""
        _, text = await self.get("/ledger")
        events = [orjson.loads(line) for line in text.splitlines()]
        return [each for each in events if event in {None, each["event"]}]

    async def ledger_until(self, event, count):
        """Return the events of one kind as soon as there are count of them."""
        async with asyncio.timeout(_PATIENCE_S):
            while len(events := await self.ledger(event)) < count:  # noqa: ASYNC110  the ledger is another's file
                await asyncio.sleep(0.02)
        return events


@pytest.fixture
async def receiver():
    """Listen for receipts."""
    receiver = Receiver()
    application = web.Application(client_max_size=2**22)
    application.router.add_post("/carriers/http/receipts", receiver.post)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/carriers/http/receipts"
    yield receiver
    receiver.may_answer.set()
    await runner.cleanup()


@pytest.fixture
async def start(receiver):
    """Start an emulator with settings of a test's own; it ends with the test."""
    quick = {"port": 0, "receipt_delay_ms": 10, "receipt_late_ms": 150, "receipt_backoff_ms": 20, "slow_ms": 100}
    async with contextlib.AsyncExitStack() as stack:

        async def started(**settings):
            carrier = await stack.enter_async_context(running(Settings(**{**quick, **settings})))
            headers = {"Authorization": "Bearer carrier-secret"}
            session = await stack.enter_async_context(aiohttp.ClientSession(headers=headers))
            return Client(carrier, session, receiver.url)

        yield started


@pytest.fixture
async def carrier(start):
    """Return an emulator that is quick to lose patience."""
    return await start(hang_s=0.2)
