"""POST /v1/messages once its bytes are there, whatever server read them.

Not here: HTTP (http_messages.py, front.py), what a body means (wire.py), what becomes of it (send/pipeline.py).
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from gateway.edge import wire
from gateway.edge.keys import Principal
from gateway.edge.replies import Reply, message_reply
from gateway.errors import Problem
from gateway.send.pipeline import Pipeline, Result

_log = structlog.get_logger()


def read_one(keys: Sequence[str], raw: bytes, now: datetime) -> wire.Draft:
    """Read a request. Raises Problem."""
    return wire.read_draft(raw, header_key=wire.read_idempotency_key(keys), now=now)


async def send_one(pipeline: Pipeline, principal: Principal, keys: Sequence[str], raw: bytes) -> Reply:
    """Take one message: 202, or what the rules refused it with. Raises Problem.

    keys: the values of every Idempotency-Key header.
    """
    (result,) = await pipeline.send(((principal, read_one(keys, raw, datetime.now(UTC))),))
    if isinstance(result, Problem):
        raise result
    return told(result)


def told(result: Result) -> Reply:
    """Answer what became of a message. Raises Problem where that cannot be put into words: it may be on disk."""
    try:
        return message_reply(result)
    except Exception as failure:  # noqa: BLE001 - whatever it is, the message may be on disk
        _log.error("request_crashed", error=type(failure).__name__, exc_info=failure)
        raise Problem("outcome_unknown", retry_after_s=1) from None
