"""POST /carriers/{name}/receipts: a carrier's receipts, answered with 200 only when they are on disk.

Whatever else is answered, or nothing, the carrier sends them again; that is why a delivery that comes twice does
nothing the second time, and why one that can never be used is answered with 200 as well.

Not here: who may deliver (deliveries.py), reading (receipts.py), what a receipt does (queue/).
"""

import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

from gateway.edge.deliveries import Deliveries, Secrets, malformed, not_kept
from gateway.edge.http_common import json_response
from gateway.edge.receipts import MalformedReceipts, read_delivery
from gateway.queue import Queue, QueueError
from metrics.gateway import GatewayMetrics

BODY_BYTES_MAX: Final = 256 * 1024
PATH: Final = "/carriers/{name}/receipts"


class ReceiptRoutes:
    """The carriers' way in with receipts."""

    def __init__(
        self, queue: Queue, metrics: GatewayMetrics, keys: Secrets, *, now_s: Callable[[], float] = time.time
    ) -> None:
        self._queue = queue
        self._metrics = metrics
        self._deliveries = Deliveries(keys, now_s=now_s)

    def routes(self) -> list[web.RouteDef]:
        """Name what to mount."""
        return [web.post(PATH, self.post)]

    async def post(self, request: web.Request) -> web.Response:
        """Take a delivery: check who sent it, read it, fold it in."""
        admitted = await self._deliveries.admit(request, bytes_max=BODY_BYTES_MAX)
        if isinstance(admitted, web.Response):
            return admitted
        try:
            delivery = read_delivery(admitted.body, carrier=admitted.carrier)
        except MalformedReceipts as reason:
            return malformed(str(reason))
        try:
            folded = await self._queue.receipts(delivery.receipts) if delivery.receipts else []
        except QueueError as failure:
            return not_kept(failure)
        for word in (*folded, *delivery.unusable):
            self._metrics.receipt(word)
        return json_response({"received": len(folded) + len(delivery.unusable)})
