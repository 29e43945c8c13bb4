"""A gateway comes when it listens, and on its way out is not ready, and every answer closes its connection."""

import asyncio
import contextlib

import aiohttp
from aiohttp import web

import gateway.app
from gateway.leaving import Leaving
from loadtests.ports import free_port
from tests.gateway.running_edge import running_edge


async def answered(leaving):
    """Let an answer pass; its Connection header, and whether the server keeps the connection."""
    response = web.Response()
    await leaving.close_connection(None, response)
    return response.headers.get("Connection"), response.keep_alive


async def test_until_it_leaves_it_is_as_ready_as_what_it_depends_on():
    """And keeps connections, as clients ask."""
    reasons = [None, "queue_unavailable"]
    leaving = Leaving(reasons.pop, 0)
    leaving.listens = True

    assert leaving.not_ready() == "queue_unavailable"
    assert leaving.not_ready() is None
    assert await answered(leaving) == (None, None)


async def test_nobody_is_sent_where_nobody_listens_yet(monkeypatch):
    """Who hears that it is ready may connect at once, however long the listener takes."""
    port, seen = free_port(), []

    async def look():
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/readyz") as answer:
            seen.append((answer.status, await answer.text()))

    @contextlib.asynccontextmanager
    async def slow(*given, really=gateway.app.serving):
        await look()
        async with really(*given) as listening:
            yield listening

    monkeypatch.setattr(gateway.app, "serving", slow)
    async with running_edge(admin_port=port):
        await look()

    assert seen == [(503, "starting"), (200, "ok")]


async def test_it_says_so_at_once_and_serves_on():
    """Whoever routes to it must have the time to notice."""
    leaving = Leaving(lambda: None, 300)

    going = asyncio.create_task(leaving.leave())
    await asyncio.sleep(0)

    assert leaving.not_ready() == "stopping"
    assert await answered(leaving) == ("close", False)
    assert not going.done()
    going.cancel()


async def test_without_a_wait_it_goes_on_at_once():
    """Where nothing routes by readiness."""
    leaving = Leaving(lambda: None, 0)

    await leaving.leave()

    assert leaving.not_ready() == "stopping"
