"""What gateways, workers and the canary may write in their logs: every event, and every field with what it may hold.

A log call that is not on these lists fails a test, and shows nothing when it runs. Never a number, a text or a key: a
field called "text" or "to" has no place here.

Not here: what keeps to it (metrics/logs.py).
"""

from collections.abc import Mapping
from typing import Final

from metrics import logs
from metrics.logs import Check, count, own_id, position, sentence, word

#: Short, and in the past.
EVENTS: Final = frozenset(
    {
        "begin_repeated",
        "canary_failed",
        "carrier_misconfigured",
        "child_ended",
        "child_restarted",
        "connector_crashed",
        "counts_unavailable",
        "decide_crashed",
        "delivery_not_kept",
        "delivery_not_signed",
        "delivery_stale",
        "entries_acknowledged_too_early",
        "events_crashed",
        "failpoint_armed",
        "flush_crashed",
        "front_closed_early",
        "guard_check_failed",
        "inbound_reply_blocked",
        "inbound_to_nobody",
        "inbox_item_unreadable",
        "inbox_not_read",
        "inbox_watch_crashed",
        "inboxes_not_watched",
        "journal_line_unreadable",
        "journal_not_followed",
        "journal_reader_crashed",
        "key_document_broken",
        "look_up_crashed",
        "message_crashed",
        "message_unusable",
        "opt_outs_indexed",
        "opt_outs_not_indexed",
        "partition_crashed",
        "partition_lost",
        "partition_owned",
        "partition_released",
        "queue_write_repeated",
        "readiness_changed",
        "recheck_crashed",
        "registry_document_broken",
        "registry_feed_lost",
        "registry_follower_crashed",
        "registry_loaded",
        "registry_not_followed",
        "registry_not_loaded",
        "registry_store_unreachable",
        "request_crashed",
        "token_key_document_broken",
        "watch_failed",
    }
)
FIELDS: Final[Mapping[str, Check]] = {
    "assigned": count,
    "at_pass": count,
    "carrier": word,
    "child": word,
    "code": word,
    "detail": sentence,
    "documents": count,
    "epoch": position,
    "error": word,
    "in_hand": count,
    "inbound": own_id,
    "lane": word,
    "meaning": sentence,
    "message": own_id,
    "messages": count,
    "partition": count,
    "paused_ms": count,
    "point": word,
    "pool_of": word,
    "readable": count,
    "reason": sentence,
    "requests": count,
    "seq": position,
    "status": count,
    "what": sentence,
}


def log_as_json(level: str) -> None:
    """Set up logging for this process."""
    logs.log_as_json(level, events=EVENTS, fields=FIELDS)
