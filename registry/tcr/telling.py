"""What operators hear of TCR: counts of everything, and one line in the log for each new kind of what nobody knows."""

from typing import Final

import structlog

from metrics.registry import RegistryMetrics

#: Kinds that are told apart; beyond, they are only counted.
_KINDS_MAX: Final = 1_000

_log = structlog.get_logger()


class Telling:
    """Counts, and raises each alert once in the life of the process."""

    def __init__(self, metrics: RegistryMetrics) -> None:
        self._metrics = metrics
        self._told: set[tuple[str, str]] = set()

    def event(self, outcome: str) -> None:
        """Count a webhook by what became of it."""
        self._metrics.tcr_event(outcome)

    def request(self, outcome: str) -> None:
        """Count a request to TCR by how it ended."""
        self._metrics.tcr_request(outcome)

    def unknown(self, kind: str, name: str) -> None:
        """Raise an alert for an event type or a status that nobody knows, unless that was done already."""
        if (kind, name) in self._told or len(self._told) >= _KINDS_MAX:
            return
        self._told.add((kind, name))
        _log.error("tcr_word_unknown", kind=kind, word=name)

    def failing(self, action: str, code: str, attempts: int) -> None:
        """Say that something cannot be done at TCR yet."""
        _log.warning("tcr_job_failed", action=action, error=code, attempts=attempts)

    def denied(self) -> None:
        """Raise the alert that TCR does not take our credentials; once, until they are taken."""
        if ("denied", "") not in self._told:
            self._told.add(("denied", ""))
            _log.error("tcr_denied_us")

    def taken(self) -> None:
        """Note that TCR takes our credentials."""
        self._told.discard(("denied", ""))
