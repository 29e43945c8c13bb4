"""Everything that can be set about a worker, with its unit. Checked once, when it is made.

Not here: where the values come from (settings.py), what one carrier needs (connectors/http_carrier.py).
"""

from dataclasses import dataclass, field

from gateway.queue.retry import Schedule
from gateway.work.routing import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How one worker process works."""

    #: Which carrier a message goes to; the first route that serves it.
    routes: tuple[Route, ...]
    #: A worker that has not renewed its lease on a partition for so long owns it no more. Longer than a carrier's
    #: time-out, or a slow carrier costs doubts whenever a worker dies.
    lease_ms: int = 15_000
    #: How often a partition that somebody else owns is asked for.
    own_every_ms: int = 250
    #: Most messages of one partition in hand; then no more are read. One log entry may exceed it.
    in_hand_max: int = 600
    #: Most messages of one partition that came back into one lane from the store (retries, schedules, spilled ones).
    due_in_hand_max: int = 150
    #: Shortest and longest pause between two reads of a partition where nothing is new.
    idle_min_ms: int = 2
    idle_max_ms: int = 50
    #: How often each lane is asked for what is due.
    due_every_ms: int = 200
    #: With a full hand, a lane whose oldest message has waited so long goes back into the store: others come through.
    patience_ms: int = 5_000
    #: Pause before a message is judged again whose registration nobody could look up.
    hold_ms: int = 1_000
    #: A message submitted so long ago without a receipt ends as unknown.
    receipt_window_ms: int = 72 * 3_600_000
    #: Longest wait at the end for carriers' answers and for the store.
    drain_ms: int = 20_000
    #: How often lanes and conservation are measured.
    measure_every_ms: int = 2_000
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        """Refuse what cannot work; ValueError names the setting."""
        if not self.routes:
            raise ValueError("routes: there must be one at least")
        at_least_one = ("lease_ms", "own_every_ms", "in_hand_max", "due_in_hand_max", "idle_min_ms", "due_every_ms")
        for name in (*at_least_one, "hold_ms", "receipt_window_ms", "measure_every_ms"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: must be 1 or more")
        if self.idle_max_ms < self.idle_min_ms:
            raise ValueError("idle_max_ms: must not be less than idle_min_ms")
