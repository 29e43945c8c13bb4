"""What the ledger's answers look like: rows in, plain data out.

Not here: the rows (queries.py), HTTP (routes.py).
"""

from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from compliance.journal import with_text
from registry.ledger.erasure import Erasure
from registry.ledger.queries import Count, Whole


def message(row: sa.Row[Any]) -> dict[str, Any]:
    """Show a message in a list: without what was written."""
    return {
        "id": row.id,
        "accepted_at": _instant(row.accepted_ms),
        "user": row.user_id,
        "from": row.sender,
        "to": row.recipient,
        "channel": row.channel,
        "origin": row.origin,
        "class": row.traffic_class,
        "kind": row.kind,
        "verdict": row.verdict,
        "reason": row.reason,
        "campaign_id": row.campaign_id,
        "segments": row.segments,
        "encoding": row.encoding,
        "participants": row.participants,
        "media": orjson.loads(row.media),
        "client_message_id": row.client_message_id,
        "send_at": _instant(row.not_before_ms),
        "expires_at": _instant(row.expires_ms),
        "status": row.status,
        "status_at": _instant(row.status_ms),
        "attempts": row.attempts,
        "doubts": row.doubts,
    }


def whole(found: Whole) -> dict[str, Any]:
    """Show a message with all that is known of it."""
    record = None
    if found.record is not None:
        record = with_text(found.record, found.judged) | {"id": found.message.id}
    return message(found.message) | {
        "text": found.text,
        "text_erased_at": None if found.erased_ms is None else _instant(found.erased_ms),
        "decision": record,
        "events": [_event(row) for row in found.events],
    }


def _event(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "seq": row.seq,
        "status": row.status,
        "at": _instant(row.at_ms),
        "attempt": row.attempt,
        "carrier": row.carrier or None,
        "reference": row.reference or None,
        "code": row.code or None,
        "detail": row.detail or None,
        "carrier_at": _instant(row.carrier_ms),
    }


def count(found: Count) -> dict[str, Any]:
    """Show a count."""
    return {
        "at": _instant(found.at_ms),
        "verdict": found.verdict,
        "reason": found.reason,
        "messages": found.messages,
    }


def erasure(found: Erasure) -> dict[str, Any]:
    """Show an erasure as it stands."""
    return {
        "erasure": found.id,
        "at": _instant(found.at_ms),
        "texts": found.texts,
        "done": found.done_ms is not None,
    }


def _instant(ms: int) -> datetime | None:
    """Return an instant; 0 is none."""
    return datetime.fromtimestamp(ms / 1000, UTC) if ms else None
