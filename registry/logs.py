"""What the registry may write in its logs: every event, and every field with what it may hold.

Not here: what keeps to it (metrics/logs.py).
"""

from collections.abc import Mapping
from typing import Final

from metrics import logs
from metrics.logs import Check, count, position, word

EVENTS: Final = frozenset(
    {
        "database_unavailable",
        "projection_failed",
        "registry_started",
        "registry_stopped",
        "request_crashed",
        "store_rebuilt",
    }
)
FIELDS: Final[Mapping[str, Check]] = {
    "admin_port": count,
    "documents": count,
    "epoch": position,
    "error": word,
    "http_port": count,
    "seq": position,
    "trouble": word,
}


def log_as_json(level: str) -> None:
    """Set up logging for this process."""
    logs.log_as_json(level, events=EVENTS, fields=FIELDS)
