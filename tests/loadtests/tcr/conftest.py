"""A TCR emulator on a real socket, somebody who asks it, and somebody who takes its webhooks."""

import asyncio
import contextlib

import aiohttp
import orjson
import pytest
from aiohttp import web

from loadtests.tcr.app import running
from loadtests.tcr.settings import Pace, Settings

KEY, SECRET = "tcr-key", "tcr-secret"
#: Everything happens at once.
AT_ONCE = Pace(brand_s=0.05, vetting_s=0.05, share_s=0.05, dca_s=0.05, carrier_s=0.05)
_PATIENCE_S = 20


class Receiver:
    """Takes webhooks and answers as a test wants."""

    def __init__(self):
        self.url = ""
        #: Signature and body of each delivery, in order.
        self.taken = []
        #: Status codes for the next answers; 200 when used up.
        self.answers = []
        self._arrived = asyncio.Condition()

    async def post(self, request):
        """Keep a delivery and answer it."""
        body = orjson.loads(await request.read())
        async with self._arrived:
            self.taken.append((request.headers.get("X-Registry-Signature"), body))
            self._arrived.notify_all()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    @property
    def types(self):
        """The event types, in order of arrival."""
        return [body["eventType"] for _, body in self.taken]

    async def wait_until(self, count):
        """Wait until so many have come."""
        async with asyncio.timeout(_PATIENCE_S), self._arrived:
            await self._arrived.wait_for(lambda: len(self.taken) >= count)

    async def wait_for(self, *types):
        """Wait until each of these has come; gives the last body of the last type."""
        async with asyncio.timeout(_PATIENCE_S), self._arrived:
            await self._arrived.wait_for(lambda: set(types) <= set(self.types))
        return next(body for _, body in reversed(self.taken) if body["eventType"] == types[-1])


class Asker:
    """Asks one emulator."""

    def __init__(self, url, session):
        self.url = url
        self._session = session

    async def ask(self, method, path, body=None, **query):
        """Ask; gives the status and the answer's JSON."""
        async with self._session.request(method, self.url + path, json=body, params=query) as answer:
            raw = await answer.read()
            return answer.status, orjson.loads(raw) if raw else None

    async def ok(self, method, path, body=None, **query):
        """Ask for what must succeed; gives the answer's JSON."""
        status, found = await self.ask(method, path, body, **query)
        assert status in {200, 204}, found
        return found

    async def control(self, method, path, body=None):
        """Use the control API."""
        return await self.ok(method, f"/_control{path}", body)


@contextlib.asynccontextmanager
async def asking(**given):
    """Run an emulator and ask it."""
    settings = Settings(port=0, **{"pace": AT_ONCE, "hook_backoff_s": 0.02} | given)
    headers = {"Authorization": aiohttp.encode_basic_auth(KEY, SECRET)}
    async with running(settings) as tcr, aiohttp.ClientSession(headers=headers) as session:
        yield Asker(tcr.url, session)


@pytest.fixture
async def receiver():
    """Somebody who takes webhooks."""
    found = Receiver()
    application = web.Application()
    application.router.add_post("/hook", found.post)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield found
    await runner.cleanup()


@pytest.fixture
async def tcr(receiver):
    """An emulator that tells the receiver everything."""
    async with asking(hook_url=receiver.url) as asker:
        yield asker
