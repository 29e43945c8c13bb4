"""What was measured, as values: a sample a measure and round.

Not here: how a sample is taken (measures.py, drain.py), what is made of all of them (summary.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class BenchError(Exception):
    """The run is worth nothing; the message says what went wrong, and what the first wrong answer was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one measure found in one round."""

    #: Messages (entries, for the store) within the measured time.
    messages: int
    #: The measured time; warming up does not count.
    seconds: float
    #: Of one request, from its first byte out to its last byte in; None where the measure has no requests.
    p50_ms: float | None = None
    p99_ms: float | None = None
    #: Process to µs of CPU (user and system) a message. Empty where the system has no /proc.
    cpu_us: Mapping[str, float] = field(default_factory=dict)
    #: Cores that processes other than ours were using meanwhile; None where the system does not tell.
    foreign_cores: float | None = None
    #: What only this measure has, by name with its unit, such as decision_us.
    details: Mapping[str, float] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One time through all measures."""

    #: µs that orjson.loads takes for one decision record: the unit that travels between machines.
    unit_us: float
    #: By the measure's name.
    samples: Mapping[str, Sample]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What a benchmark of the code by itself found; its words, passed on."""

    #: In files.
    name: str
    title: str
    #: Its table, as text.
    table: str
    #: What it wrote for programs.
    data: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that one run found."""

    #: RFC 3339.
    started_at: str
    machine: Mapping[str, Any]
    options: Mapping[str, Any]
    rounds: Sequence[Round]
    inside: Sequence[Inside]
    #: What speaks against trusting these figures, in sentences.
    warnings: Sequence[str]
