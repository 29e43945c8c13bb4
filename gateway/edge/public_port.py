"""The public port: the front before the general server, both behind one guard, and the door before every route.

Not here: which routes there are (app.py).
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from aiohttp import web

from gateway.edge.admission import Admission
from gateway.edge.connections import Connections, require_compiled_parser
from gateway.edge.door import Door
from gateway.edge.front import Ask, Connection, Front
from gateway.edge.guard import Guard, Limits
from gateway.edge.hosts import Hosts
from gateway.edge.http_messages import BATCH_LIMIT
from gateway.edge.http_people import MEDIA_LIMIT, OPT_OUTS_LIMIT
from gateway.edge.origins import Origins
from gateway.edge.receipts_route import BODY_BYTES_MAX
from gateway.leaving import Leaving
from gateway.settings import Settings
from metrics.edge import EdgeMetrics
from metrics.gateway import GatewayMetrics

_SHUTDOWN_S: Final = 10.0
#: Connections that may wait to be taken.
_BACKLOG: Final = 1_024
#: So much of an answer that is not read may lie with the system, a connection (it doubles it); else it is megabytes.
_UNREAD_BYTES: Final = 256 * 1024
#: Largest body by path, where it is not that of one message.
_LIMITS: Final = {"/v1/messages/batch": BATCH_LIMIT, "/v1/media": MEDIA_LIMIT, "/v1/opt-outs": OPT_OUTS_LIMIT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Who is told what happens on the port, and asked whether it goes on."""

    admission: Admission
    metrics: GatewayMetrics
    edge: EdgeMetrics
    leaving: Leaving


@contextlib.asynccontextmanager
async def serving(
    app: web.Application, take: Callable[[Ask, Connection], None], settings: Settings, watched: Watched
) -> AsyncIterator[int]:
    """Serve on the public port, which several processes may share; yields its number.

    Plain texts are taken by take(), everything else by app. Raises RuntimeError without a compiled parser.
    """
    require_compiled_parser()
    hosts = Hosts(settings.hosts, public_url=settings.public_url, bound=settings.host)
    guard = Guard(_limits(settings), watched.edge)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    general = runner.server
    assert general is not None, "setup makes it"  # noqa: S101 - for the type checker
    door = Door(
        hosts=hosts,
        guard=guard,
        admission=watched.admission,
        metrics=watched.metrics,
        origins=Origins(settings.web_origins),
        limits=_LIMITS,
        carriers_limit=BODY_BYTES_MAX,
    )
    # The server knows requests by their base class; the application makes web.Request.
    general.request_handler = cast(Any, door.before(cast(Any, general.request_handler)))
    front = Front(
        take,
        Connections(general, guard, watched.metrics),
        watched.metrics,
        guard=guard,
        admission=watched.admission,
        knows_host=hosts.knows,
        is_leaving=lambda: watched.leaving.has_begun,
    )
    watched.edge.show(
        {
            "gateway_connections_open": lambda: guard.open,
            "gateway_bodies_bytes": lambda: guard.body_bytes,
            "gateway_requests_under_way": lambda: watched.admission.under_way,
            "gateway_requests_limit": lambda: watched.admission.limit,
        }
    )
    try:
        server = await asyncio.get_running_loop().create_server(
            front, settings.host, settings.port, reuse_port=True, backlog=_BACKLOG
        )
        for listening in server.sockets:  # What is accepted inherits it.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD_BYTES)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            await front.close(_SHUTDOWN_S)
    finally:
        await runner.cleanup()
        guard.close()


def _limits(settings: Settings) -> Limits:
    return Limits(
        connections=settings.max_connections,
        per_peer=settings.max_connections_per_peer,
        head_s=settings.head_timeout_s,
        body_s=settings.body_timeout_s,
        body_rate=settings.body_rate,
        answer_s=settings.answer_timeout_s,
        idle_s=settings.keep_alive_s,
        body_bytes=settings.body_memory,
    )
