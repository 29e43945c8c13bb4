"""What the registry may write in its logs: every event, and every field with what it may hold.

Not here: what keeps to it (metrics/logs.py).
"""

from collections.abc import Mapping
from typing import Final

from metrics import logs
from metrics.logs import Check, count, position, word

EVENTS: Final = frozenset(
    {
        "audit_contradicts_anchor",
        "audit_not_anchored",
        "database_unavailable",
        "drift_found",
        "drift_look_failed",
        "drift_objects_left_out",
        "drift_phase_skipped",
        "ledger_falling_behind",
        "ledger_gap",
        "ledger_goes_on",
        "ledger_journal_replaced",
        "ledger_repaired",
        "ledger_stopped",
        "ledger_trimmed",
        "ledger_unreadable",
        "notice_given_up",
        "notice_hook_unsubscribed",
        "notice_unreadable",
        "notices_crashed",
        "notices_failed",
        "oidc_refused",
        "oidc_unavailable",
        "projection_failed",
        "provisioning_crashed",
        "provisioning_failed",
        "registry_started",
        "registry_stopped",
        "request_crashed",
        "requests_not_watched",
        "restorations_failed",
        "sign_in_refused",
        "store_rebuilt",
        "task_crashed",
        "task_ended",
        "tcr_denied_us",
        "tcr_job_crashed",
        "tcr_job_failed",
        "tcr_suspended_us",
        "tcr_word_unknown",
    }
)
FIELDS: Final[Mapping[str, Check]] = {
    "action": word,
    "admin_port": count,
    "attempts": count,
    "documents": count,
    "entries": count,
    "epoch": position,
    "error": word,
    "http_port": count,
    "kind": word,
    "messages": count,
    "missing": count,
    "partition": count,
    "rows": count,
    "seq": position,
    "task": word,
    "trouble": word,
    "word": word,
}


def log_as_json(level: str) -> None:
    """Set up logging for this process."""
    logs.log_as_json(level, events=EVENTS, fields=FIELDS)
