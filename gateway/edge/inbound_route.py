"""POST /carriers/{name}/inbound: a text that somebody sent to one of our numbers, answered with 200 once it is on disk.

Whatever else is answered, or nothing, the carrier brings it again; each step knows what it did already, so it comes to
one text in the inbox, one change of standing, one confirmation. After the 200 to a STOP no submission to that person
begins.

Not here: who may deliver (deliveries.py), reading (inbound.py), the order of the steps (inbound_desk.py).
"""

import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

from gateway.edge.deliveries import Deliveries, Secrets, not_kept, refused
from gateway.edge.http_common import json_response
from gateway.edge.inbound import read_inbound
from gateway.edge.inbound_desk import InboundDesk
from gateway.errors import Problem
from gateway.queue import QueueError

BODY_BYTES_MAX: Final = 64 * 1024
PATH: Final = "/carriers/{name}/inbound"


class InboundRoutes:
    """The carriers' way in with texts."""

    def __init__(self, desk: InboundDesk, keys: Secrets, *, now_s: Callable[[], float] = time.time) -> None:
        self._desk = desk
        self._deliveries = Deliveries(keys, now_s=now_s)
        self._now_s = now_s

    def routes(self) -> list[web.RouteDef]:
        """Name what to mount."""
        return [web.post(PATH, self.post)]

    async def post(self, request: web.Request) -> web.Response:
        """Take one text: check who brings it, read it, see to it."""
        admitted = await self._deliveries.admit(request, bytes_max=BODY_BYTES_MAX)
        if isinstance(admitted, web.Response):
            return admitted
        try:
            inbound = read_inbound(admitted.body, carrier=admitted.carrier, now_ms=int(self._now_s() * 1_000))
            await self._desk.take(inbound)
        except Problem as problem:
            return refused(problem)
        except QueueError as failure:
            return not_kept(failure)
        return json_response({"received": 1})
