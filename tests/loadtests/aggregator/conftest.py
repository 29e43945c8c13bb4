"""An aggregator emulator of the test's own, a caller of it, and somebody who listens to its events."""

import asyncio
import contextlib

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from loadtests.aggregator.app import running
from loadtests.aggregator.settings import DEVELOPMENT_SECRET, Settings

_PATIENCE_S = 30
TN, OTHER_TN = "+12025550101", "+12025550102"


class Listener:
    """Takes events, and checks each signature with a library that is not ours."""

    def __init__(self):
        self.url = ""
        self.events = []
        #: What to answer, in order; then always 200.
        self.answers = []

    async def post(self, request):
        """Take an event, or answer what the test said."""
        body = await request.read()
        Webhook(DEVELOPMENT_SECRET).verify(body, dict(request.headers))
        self.events.append((await request.json())["data"])
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def until(self, count):
        """Return the events as soon as there are count of them."""
        async with asyncio.timeout(_PATIENCE_S):
            while len(self.events) < count:  # noqa: ASYNC110  another's list
                await asyncio.sleep(0.005)
        return self.events

    def words(self):
        """Type and status of each event."""
        return [(event["payload"]["type"], event["payload"]["status"]) for event in self.events]


class Caller:
    """One who knows the key."""

    def __init__(self, aggregator, session):
        self.aggregator = aggregator
        self._session = session

    async def call(self, method, path, body=None, **options):
        """Return status and decoded body of any call."""
        async with self._session.request(method, self.aggregator.url + path, json=body, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def add(self, tn=TN, campaign="C1", reference="r-1"):
        """Ask for an addition."""
        return await self.call("PUT", f"/v1/numbers/{tn}", {"campaignId": campaign, "reference": reference})

    async def remove(self, tn=TN, reference="r-2"):
        """Ask for a removal."""
        return await self.call("DELETE", f"/v1/numbers/{tn}?reference={reference}")

    async def read(self, tn=TN):
        """Return the number as shown."""
        return (await self.call("GET", f"/v1/numbers/{tn}"))[1]

    async def osr(self, tn=TN):
        """Return what OSR says."""
        return (await self.call("GET", f"/osr/{tn}"))[1]["campaignId"]

    async def rules(self, *rules):
        """Have these rules followed."""
        status, answer = await self.call("PUT", "/control/rules", {"rules": list(rules)})
        assert status == 200, answer

    async def until(self, state, tn=TN):
        """Return the number as soon as it is in a state."""
        async with asyncio.timeout(_PATIENCE_S):
            while (number := await self.read(tn)).get("status") != state:  # noqa: ASYNC110  another's state
                await asyncio.sleep(0.005)
        return number

    async def until_osr(self, campaign, tn=TN):
        """Wait until OSR says so."""
        async with asyncio.timeout(_PATIENCE_S):
            while await self.osr(tn) != campaign:  # noqa: ASYNC110  another's state
                await asyncio.sleep(0.005)


@pytest.fixture
async def listener():
    """Listen for events."""
    listener = Listener()
    application = web.Application()
    application.router.add_post("/hook", listener.post)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield listener
    await runner.cleanup()


@pytest.fixture
async def start(listener):
    """Start an emulator with settings of a test's own; it ends with the test."""
    quick = {"port": 0, "scale": 0.01, "webhook_url": listener.url, "reads_per_s": 1e6, "writes_per_s": 1e6}
    async with contextlib.AsyncExitStack() as stack:

        async def started(**settings):
            aggregator = await stack.enter_async_context(running(Settings(**{**quick, **settings})))
            headers = {"Authorization": "Bearer aggregator-key"}
            session = await stack.enter_async_context(aiohttp.ClientSession(headers=headers))
            return Caller(aggregator, session)

        yield started


@pytest.fixture
async def aggregator(start):
    """Return an emulator whose five seconds are fifty milliseconds."""
    return await start()
