"""POST /carriers/{name}/receipts: a carrier's receipts, answered with 200 only when they are on disk.

Whatever else is answered, or nothing, the carrier sends them again; that is why a delivery that comes twice does
nothing the second time, and why one that can never be used is answered with 200 as well.

Not here: reading (receipts.py), signatures (webhooks.py), what a receipt does (queue/).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog
from aiohttp import web

from gateway.edge.http_common import json_response, response_of
from gateway.edge.receipts import MalformedReceipts, read_delivery
from gateway.edge.replies import problem_reply
from gateway.edge.webhooks import InvalidSignature, StaleWebhook, verify
from gateway.queue import Queue, QueueError
from metrics.gateway import GatewayMetrics

BODY_BYTES_MAX: Final = 256 * 1024
PATH: Final = "/carriers/{name}/receipts"
_RETRY_AFTER_S: Final = 1

log = structlog.get_logger(__name__)


class ReceiptRoutes:
    """The carriers' way in with receipts."""

    def __init__(
        self,
        queue: Queue,
        metrics: GatewayMetrics,
        keys: Mapping[str, Sequence[bytes]],
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Make the route; keys are each carrier's live secrets, as webhooks.parse_secret() reads them."""
        self._queue = queue
        self._metrics = metrics
        self._keys = keys
        self._now_s = now_s

    def routes(self) -> list[web.RouteDef]:
        """Name what to mount."""
        return [web.post(PATH, self.post)]

    async def post(self, request: web.Request) -> web.Response:
        """Take a delivery: check who sent it, read it, fold it in."""
        carrier = request.match_info["name"]
        keys = self._keys.get(carrier)
        if keys is None:
            return _refused(404, "not_found", "No such carrier")
        body = await _body(request)
        if body is None:
            return _refused(413, "body_too_large", "At most 256 KiB of receipts at once")
        try:
            verify(request.headers, body, keys=keys, now_s=self._now_s())
        except InvalidSignature:
            log.warning("receipts_not_signed", carrier=carrier)
            return _refused(401, "invalid_signature", "Not signed with a secret of this carrier")
        except StaleWebhook:
            log.warning("receipts_stale", carrier=carrier)
            return _refused(401, "stale_webhook", "Signed more than 5 minutes from now")
        try:
            delivery = read_delivery(body, carrier=carrier)
        except MalformedReceipts as malformed:
            return _refused(400, "malformed", str(malformed))
        try:
            folded = await self._queue.receipts(delivery.receipts) if delivery.receipts else []
        except QueueError as error:
            log.warning("receipts_not_kept", carrier=carrier, error=type(error).__name__)
            return _refused(503, "queue_unavailable", "Receipts cannot be kept right now", retry_after_s=_RETRY_AFTER_S)
        for word in (*folded, *delivery.unusable):
            self._metrics.receipt(word)
        return json_response({"received": len(folded) + len(delivery.unusable)})


async def _body(request: web.Request) -> bytes | None:
    """Read the body up to the limit; None when there is more."""
    if request.content_length is not None and request.content_length > BODY_BYTES_MAX:
        return None
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)


def _refused(status: int, code: str, title: str, *, retry_after_s: int | None = None) -> web.Response:
    body = {"type": f"/v1/problems#{code}", "title": title, "status": status, "code": code}
    return response_of(problem_reply(body, retry_after_s=retry_after_s))
