"""The admin port of a process: its metrics, whether it lives, whether it is ready.

A port of its own, because gateways share their public port (SO_REUSEPORT) and a scrape there would reach any one of
them, and because none of this is for customers. Nothing secret is said here: a reason is one word.

Not here: what is counted, and what ready means (each process says so through a function).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import prometheus_client
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

#: A scrape under way when the process stops has this long to end.
_SHUTDOWN_SECONDS: Final = 1.0


def admin_app(registry: CollectorRegistry, ready: Callable[[], str | None]) -> web.Application:
    """Build the admin application.

    ready returns None when this process may be given work, else one word that says why not; it is asked at every
    GET /readyz, so it must be cheap and must not wait.
    """
    # Process-wide in prometheus_client: without it every counter and histogram has a _created twin that nobody plots.
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped there

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def readyz(_: web.Request) -> web.Response:
        reason = ready()
        return web.Response(text="ok") if reason is None else web.Response(status=503, text=reason)

    app = web.Application()
    app.add_routes(
        [
            web.get("/metrics", make_aiohttp_handler(registry)),
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
        ],
    )
    return app


@asynccontextmanager
async def serve_admin(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve the admin application for as long as the block runs; yields the port, which the system chooses for 0.

    OSError when the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        async with listening(runner, host, port) as bound:
            yield bound
    finally:
        await runner.cleanup()


@asynccontextmanager
async def listening(runner: web.AppRunner, host: str, port: int) -> AsyncIterator[int]:
    """Listen for a runner that is set up; yields the port. What is no request is told so, and none of it repeated."""
    loop, server = asyncio.get_running_loop(), runner.server
    if server is None:
        raise RuntimeError("the runner is not set up")

    def connection() -> _Discreet:
        return _Discreet(server, loop=loop, access_log=None)  # type: ignore[arg-type] # How aiohttp is told to keep none.

    listener = await loop.create_server(connection, host, port)
    try:
        bound: int = listener.sockets[0].getsockname()[1]
        yield bound
    finally:
        listener.close()


class _Discreet(RequestHandler):
    """A connection whose answer to nonsense is not the nonsense."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request; aiohttp's own words quote it."""
        del message
        return super().handle_error(request, status, exc, "This is not a request that can be read.")
