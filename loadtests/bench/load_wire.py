"""What the load tool is told on standard input and what it says on standard output: JSON both ways.

A child of its own sends the load, so that its CPU time is known apart from everything else's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, without what is the same in all."""

    #: API key; "" sends no Authorization.
    key: str
    body: str
    #: A GET of this path and query, instead of a POST of the body to the order's path.
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOrder:
    """What to send, to whom, how long. Bounded in time and in count."""

    port: int
    path: str
    content_type: str
    #: File of calls (write_calls); they are sent in turn, again and again.
    calls: str
    #: How many messages one request holds.
    messages: int
    #: What the answer to each message must contain to be a good one; "" when a 2xx is enough.
    mark: str
    connections: int
    warm_up_s: float
    seconds: float
    requests_max: int
    #: Name to process id, whose CPU time is wanted; the load tool adds itself.
    watched: Mapping[str, int]
    #: A refusal for now (429, 503) is no failure: the same is sent again, at once.
    patient: bool = False

    def dump(self) -> bytes:
        """Write it for the child."""
        return orjson.dumps(asdict(self))

    @classmethod
    def load(cls, raw: bytes) -> "LoadOrder":
        """Read it in the child."""
        return cls(**orjson.loads(raw))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What came of it, within the measured time; failures are those of the warm-up, too."""

    requests: int
    seconds: float
    #: None when nothing was answered.
    p50_ms: float | None
    p99_ms: float | None
    #: CPU seconds by process.
    cpu_s: Mapping[str, float]
    foreign_cores: float | None
    failures: int
    #: Status and code of the first failure.
    first_failure: str
    #: Refusals for now that were no failures, those of the warm-up, too.
    refusals: int = 0

    def dump(self) -> bytes:
        """Write it for the parent."""
        return orjson.dumps(asdict(self))

    @classmethod
    def load(cls, raw: bytes) -> "LoadReport":
        """Read it in the parent."""
        return cls(**orjson.loads(raw))


def write_calls(file: Path, calls: Sequence[Call]) -> None:
    """Write calls for the load tool; readable by their owner only, for they hold keys."""
    file.touch(mode=0o600)
    file.write_bytes(orjson.dumps([asdict(call) for call in calls]))


def read_calls(file: Path) -> list[Call]:
    """Read what write_calls wrote."""
    return [Call(**call) for call in orjson.loads(file.read_bytes())]
