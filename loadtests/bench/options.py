"""What a run is asked for. Read once, from the command line (__main__.py)."""

from dataclasses import dataclass
from pathlib import Path

from loadtests.bench.traffic import TEXTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much is measured, and where it goes."""

    #: Times through all measures, one after the other.
    rounds: int = 3
    #: Measured time of one measure in one round.
    seconds: float = 3.0
    #: Load just before that, so that all connections are busy when measuring begins.
    warm_up_s: float = 0.5
    #: Texts that a new gateway gets before that, so that what it keeps near is there; 0: measured cold.
    warm_up_texts: int = TEXTS
    #: Backlog that a worker drains.
    drain_messages: int = 5_000
    #: Rounds of the judge's own benchmark, a few milliseconds each.
    judge_rounds: int = 30
    #: Names of the measures to take; empty: all, and the judge's own benchmark.
    only: frozenset[str] = frozenset()
    #: Where bench.json and bench.html go.
    out: Path = Path("bench-out")
    #: Where the stores' data lives while it runs; None: the system's folder for temporary files.
    data_dir: Path | None = None

    @classmethod
    def quick(cls, *, only: frozenset[str], out: Path, data_dir: Path | None) -> "Options":
        """Return what shows that everything works, and measures nothing that is worth quoting."""
        return cls(
            rounds=1,
            seconds=0.4,
            warm_up_s=0.1,
            warm_up_texts=0,
            drain_messages=300,
            judge_rounds=3,
            only=only,
            out=out,
            data_dir=data_dir,
        )
