"""A registry's database with acme and its admin, a gateway and a hook that do as they are told, and a set clock."""

import asyncio
import base64
import contextlib
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry, generate_latest

from metrics.registry import RegistryMetrics
from registry.notices.sender import Sender
from registry.work_tables import notice_hooks
from tests.registry.notices.changes import AT_ONCE, acme, delivered_to

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class Clock:
    """A time that moves when a test says so."""

    def __init__(self):
        self.now = datetime.now(UTC)

    def __call__(self):
        """Return the time."""
        self.now += timedelta(microseconds=1)
        return self.now

    def pass_by(self, **duration):
        """Let time go by."""
        self.now += timedelta(**duration)


class Recorder:
    """A server that answers as it is told, and remembers what it got."""

    def __init__(self):
        #: Status, or a coroutine function that gives a response.
        self.answer = 202
        #: Headers and body of each request.
        self.got = []
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self.server = TestServer(app)

    async def _handle(self, request):
        self.got.append((request.headers.copy(), await request.read()))
        if callable(self.answer):
            return await self.answer(request)
        return web.Response(status=self.answer)

    @property
    def url(self):
        """Where it is."""
        return str(self.server.make_url("/")).rstrip("/")


class World:
    """Everything."""

    def __init__(self, database, gateway, hook, clock):
        self.database, self.gateway, self.hook, self.clock = database, gateway, hook, clock
        self.instruments = CollectorRegistry()
        self.gateway_url = gateway.url
        self._sessions = contextlib.AsyncExitStack()
        self.sender = self.new_sender()

    def new_sender(self, *, allow_private_hooks=True):
        """A sender that knows nothing but the database."""
        self.instruments = CollectorRegistry()
        return Sender(
            self.database,
            RegistryMetrics(self.instruments),
            gateway_url=self.gateway_url,
            allow_private_hooks=allow_private_hooks,
            pace=AT_ONCE,
            now=self.clock,
            poll_s=0.01,
        )

    async def turn(self, times=1):
        """Let the sender do what is due, to the end."""
        async with self.sender._sessions() as sessions:
            for _ in range(times):
                await self.sender.turn(*sessions)
                await self.sender.settle()

    async def set_hook(self, url=None, tenant="acme"):
        """Give a company a hook."""
        async with self.database.writing() as connection:
            await connection.execute(
                sa.insert(notice_hooks).values(
                    tenant=tenant, url=url or self.hook.url, secret=SECRET, created_at=self.clock()
                )
            )

    async def states(self):
        """Every delivery by recipient: its state and fault, the newest notice's last."""
        return {recipient: (state, fault) for _, recipient, state, fault in await delivered_to(self.database)}

    def counted(self):
        """What the metrics say."""
        return generate_latest(self.instruments).decode()


@pytest.fixture
async def world(database):
    """Acme, and nothing to tell yet."""
    gateway, hook = Recorder(), Recorder()
    async with gateway.server, hook.server:
        await acme(database)
        yield World(database, gateway, hook, Clock())


@contextlib.asynccontextmanager
async def nobody():
    """An address at which nobody is."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def session():
    """A plain client."""
    async with aiohttp.ClientSession() as session:
        yield session
