"""What every delivery of a carrier passes, receipts and texts alike: known carrier, size, signature, age.

Not here: what it says (receipts.py, inbound.py), how a signature is checked (webhooks.py).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiohttp import web

from gateway.edge.http_common import read_body, response_of
from gateway.edge.replies import problem_body, problem_reply, reply_of
from gateway.edge.webhooks import InvalidSignature, StaleWebhook, verify
from gateway.errors import Problem, queue_problem
from gateway.queue import QueueError

log = structlog.get_logger(__name__)

#: Signed by them: each carrier's live secrets, as webhooks.parse_secret() reads them.
Secrets = Mapping[str, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A body that a carrier signed."""

    carrier: str
    body: bytes


class Deliveries:
    """Lets carriers' deliveries in."""

    def __init__(self, secrets: Secrets, *, now_s: Callable[[], float] = time.time) -> None:
        self._secrets = secrets
        self._now_s = now_s

    async def admit(self, request: web.Request, *, bytes_max: int) -> Delivery | web.Response:
        """Read a delivery, or say what is wrong with it."""
        carrier = request.match_info["name"]
        keys = self._secrets.get(carrier)
        if keys is None:
            return refused(Problem("not_found"))
        if request.content_length is not None and request.content_length > bytes_max:
            return refused(Problem("body_too_large"))
        try:
            body = await read_body(request, bytes_max)
            verify(request.headers, body, keys=keys, now_s=self._now_s())
        except Problem as problem:
            return refused(problem)
        except InvalidSignature:
            log.warning("delivery_not_signed", carrier=carrier)
            return refused(Problem("invalid_signature"))
        except StaleWebhook:
            log.warning("delivery_stale", carrier=carrier)
            return refused(Problem("stale_webhook"))
        return Delivery(carrier, body)


def refused(problem: Problem) -> web.Response:
    """Answer with a problem; the carrier's own is for the one who reads its logs."""
    response = response_of(reply_of(problem))
    if problem.code in {"body_too_large", "incomplete_body"}:
        response.force_close()  # What follows on the connection is no request.
    return response


def malformed(title: str) -> web.Response:
    """Answer that a body cannot be read; title says which field and why, without any of it."""
    return response_of(problem_reply(problem_body(Problem("malformed")) | {"title": title}))


def not_kept(failure: QueueError) -> web.Response:
    """Answer that a delivery is not on disk: the carrier is to send it again."""
    log.warning("delivery_not_kept", error=type(failure).__name__)
    return refused(queue_problem(failure, writes=False))
