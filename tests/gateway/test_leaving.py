"""A gateway on its way out: not ready, and every answer closes its connection."""

import asyncio

from aiohttp import web

from gateway.leaving import Leaving


async def answered(leaving):
    """Let an answer pass; its Connection header, and whether the server keeps the connection."""
    response = web.Response()
    await leaving.close_connection(None, response)
    return response.headers.get("Connection"), response.keep_alive


async def test_until_it_leaves_it_is_as_ready_as_what_it_depends_on():
    """And keeps connections, as clients ask."""
    reasons = [None, "queue_unavailable"]
    leaving = Leaving(reasons.pop, 0)

    assert leaving.not_ready() == "queue_unavailable"
    assert leaving.not_ready() is None
    assert await answered(leaving) == (None, None)


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
