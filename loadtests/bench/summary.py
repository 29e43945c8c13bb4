"""What the rounds say side by side: rates, ratios within a round, CPU a message, stages of an accept.

A ratio is taken within each round and its median shown, so that a machine that drifts between rounds does not count.
Goals are printed beside what was reached, and never asserted: a figure of one machine fails no build.

Not here: how it looks (terminal.py, page.py).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from loadtests.bench.figures import Spread, ratio
from loadtests.bench.load import LOAD_TOOL
from loadtests.bench.results import Round, Run, Sample
from loadtests.bench.runner import MEASURES
from loadtests.bench.worker_stages import LOOP, STAGES, STAGES_NAME

CAVEAT: Final = (
    "Absolute figures are those of this machine, whose cores the load tool shares; only ratios of measures of the same "
    "round travel to another one."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One measure over all rounds."""

    name: str
    title: str
    group: str
    per_second: Spread
    p50_ms: Spread | None
    p99_ms: Spread | None
    #: Process to µs a message; what the system under test does not need, the load tool, stands last.
    cpu_us: dict[str, Spread]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A ratio over all rounds."""

    title: str
    reached: Spread
    goal: float | None
    #: The goal is a lower bound, or an upper one.
    higher_is_better: bool

    @property
    def goal_text(self) -> str:
        """Write the goal with its direction."""
        if self.goal is None:
            return "-"
        return f"{'≥' if self.higher_is_better else '≤'} {self.goal:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of a single accept."""

    title: str
    #: µs a text.
    took: Spread
    #: The same in units of orjson.loads of one decision record.
    units: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Everything that is shown."""

    rates: Sequence[Rate]
    ratios: Sequence[Reached]
    #: Parts of the CPU time, and parts of the waiting.
    cpu_stages: Sequence[Stage]
    waits: Sequence[Stage]
    #: Parts of the CPU time of a worker, 50 texts a request.
    worker_stages: Sequence[Stage]
    unit_us: Spread | None


def _per_second(sample: Sample) -> float | None:
    return sample.per_second


def _cpu_us(sample: Sample) -> float | None:
    """What serves a message: without the load tool, and without the registry, which is as busy when nobody sends."""
    return sum(us for name, us in sample.cpu_us.items() if name not in {LOAD_TOOL, "registry"}) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ratio:
    title: str
    over: str
    under: str
    of: Callable[[Sample], float | None]
    goal: float | None = None
    higher_is_better: bool = True


#: Goals are what a prototype without receipts, idempotency, metrics and retries reached beside the same floors.
RATIOS: Final = (
    _Ratio(title="rate: single accept / echo", over="single", under="echo", of=_per_second, goal=0.6),
    _Ratio(
        title="CPU a text: single accept / echo",
        over="single",
        under="echo",
        of=_cpu_us,
        goal=1.7,
        higher_is_better=False,
    ),
    _Ratio(title="rate: batch accept / echo", over="batch", under="echo", of=_per_second),
    _Ratio(title="rate: batch accept / single accept", over="batch", under="single", of=_per_second, goal=4.0),
    _Ratio(title="rate: batch accept / XADD, 64 in flight", over="batch", under="store-64", of=_per_second),
    _Ratio(title="rate: drain, one a request / single accept", over="drain-1", under="single", of=_per_second),
    _Ratio(title="rate: drain, 50 a request / single accept", over="drain-50", under="single", of=_per_second),
    _Ratio(
        title="rate: drain, 50 a request / one a request", over="drain-50", under="drain-1", of=_per_second, goal=1.5
    ),
    _Ratio(title="rate: XADD, 64 in flight / 1 in flight", over="store-64", under="store-1", of=_per_second),
)


def summarize(run: Run) -> Summary:
    """Put the rounds side by side."""
    return Summary(
        rates=[
            rate
            for rate in (_rate(measure.name, run.rounds) for measure in MEASURES if measure.name != STAGES_NAME)
            if rate is not None
        ],
        ratios=[reached for reached in (_reached(wanted, run.rounds) for wanted in RATIOS) if reached is not None],
        cpu_stages=_stages(run.rounds, _CPU_STAGES),
        waits=_stages(run.rounds, _WAITS),
        worker_stages=_stages(run.rounds, _WORKER_STAGES),
        unit_us=Spread.over(one.unit_us for one in run.rounds),
    )


def _rate(name: str, rounds: Sequence[Round]) -> Rate | None:
    samples = [one.samples[name] for one in rounds if name in one.samples]
    per_second = Spread.over(sample.per_second for sample in samples)
    if per_second is None:
        return None
    (measure,) = (measure for measure in MEASURES if measure.name == name)
    return Rate(
        name=name,
        title=measure.title,
        group=measure.group,
        per_second=per_second,
        p50_ms=Spread.over(sample.p50_ms for sample in samples),
        p99_ms=Spread.over(sample.p99_ms for sample in samples),
        cpu_us=_cpu(samples),
    )


def _cpu(samples: Sequence[Sample]) -> dict[str, Spread]:
    names = sorted({name for sample in samples for name in sample.cpu_us}, key=lambda name: (name == LOAD_TOOL, name))
    spreads = ((name, Spread.over(sample.cpu_us.get(name) for sample in samples)) for name in names)
    return {name: spread for name, spread in spreads if spread is not None}


def _reached(wanted: _Ratio, rounds: Sequence[Round]) -> Reached | None:
    both = [one.samples for one in rounds if wanted.over in one.samples and wanted.under in one.samples]
    reached = Spread.over(ratio(wanted.of(samples[wanted.over]), wanted.of(samples[wanted.under])) for samples in both)
    if reached is None:
        return None
    return Reached(title=wanted.title, reached=reached, goal=wanted.goal, higher_is_better=wanted.higher_is_better)


def _of_gateway(one: Round) -> float | None:
    return one.samples["single"].cpu_us.get("gateway") if "single" in one.samples else None


def _of_stack(one: Round) -> float | None:
    return one.samples["echo"].cpu_us.get("echo") if "echo" in one.samples else None


def _of_rest(one: Round) -> float | None:
    """What is the gateway's own beside stack and judge: key, reading, facts, envelope, the store's client."""
    gateway, stack, decision = _of_gateway(one), _of_stack(one), _detail("decision_us")(one)
    return None if gateway is None or stack is None or decision is None else gateway - stack - decision


def _of_store(one: Round) -> float | None:
    return one.samples["single"].cpu_us.get("queue store") if "single" in one.samples else None


def _detail(name: str) -> Callable[[Round], float | None]:
    return lambda one: one.samples["single"].details.get(name) if "single" in one.samples else None


def _of_worker(stage: str) -> Callable[[Round], float | None]:
    """Return the share of a stage in the CPU time of the worker, as it is when nobody profiles it."""

    def us(one: Round) -> float | None:
        if "drain-50" not in one.samples or STAGES_NAME not in one.samples:
            return None
        whole, share = one.samples["drain-50"].cpu_us.get("worker"), one.samples[STAGES_NAME].details.get(stage)
        return None if whole is None or share is None else whole * share

    return us


_Stages = tuple[tuple[str, Callable[[Round], float | None]], ...]
_CPU_STAGES: Final[_Stages] = (
    ("HTTP and JSON: the bare echo", _of_stack),
    ("the decision (gateway_decision_seconds: time passed)", _detail("decision_us")),
    ("key, reading, facts, envelope, store client, metrics: the rest", _of_rest),
    ("gateway, whole", _of_gateway),
    ("queue store", _of_store),
)
_WORKER_STAGES: Final[_Stages] = (
    *((stage, _of_worker(stage)) for stage in (*STAGES, LOOP)),
    ("worker, whole", lambda one: one.samples["drain-50"].cpu_us.get("worker") if "drain-50" in one.samples else None),
)
_WAITS: Final[_Stages] = (
    ("facts, decision, disk (gateway_accept_seconds)", _detail("accept_us")),
    ("of it one group commit (gateway_flush_seconds)", _detail("flush_us")),
)


def _stages(rounds: Sequence[Round], wanted: _Stages) -> list[Stage]:
    found = []
    for title, of in wanted:
        took = Spread.over(of(one) for one in rounds)
        units = Spread.over(_in_units(rounds, of))
        if took is not None and units is not None:
            found.append(Stage(title=title, took=took, units=units))
    return found


def _in_units(rounds: Sequence[Round], of: Callable[[Round], float | None]) -> Iterable[float | None]:
    return (ratio(of(one), one.unit_us) for one in rounds)
