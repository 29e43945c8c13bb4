"""What the benchmarks of pure code share: measures in turns with a base, on the processor's clock.

Every measure runs for some milliseconds in each round, in turns with the base, so that a busy machine slows both alike:
the ratio is what may be compared between machines and days. Processor time, not wall clock. Nothing is asserted.
"""

import argparse
import gc
import itertools
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SLICE_S = 0.004


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One thing measured: what it does once, to which input."""

    name: str
    work: Callable[[Any], object]
    inputs: list[Any]
    #: One call does it so many times.
    times: int = 1
    #: Seconds of processor time that were spent, wherever the work is done.
    clock: Callable[[], float] = time.process_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one call cost over the rounds, in microseconds of processor time."""

    name: str
    best_us: float
    median_us: float
    #: From the first to the third quartile.
    spread_us: float
    #: Median over the rounds of the cost relative to the base's in the same round.
    ratio: float


def timed(
    work: Callable[[Any], object], inputs: list[Any], clock: Callable[[], float] = time.process_time
) -> tuple[float, float]:
    """Do the work once for each input: seconds of one call, and of all of them."""
    start = clock()
    for item in inputs:
        work(item)
    total = clock() - start
    return total / len(inputs), total


def run(all_measures: Sequence[Measure], rounds: int) -> list[Result]:
    """Measure everything in turns, round by round; the first is the base."""
    empty_s = min(timed(lambda _: None, [None] * 10_000)[0] for _ in range(20))
    inputs = {}
    for measure in all_measures:
        once_s = max(min(timed(measure.work, measure.inputs, measure.clock)[0] for _ in range(3)), 1e-8)
        calls = max(int(SLICE_S / once_s), len(measure.inputs))
        inputs[measure.name] = list(itertools.islice(itertools.cycle(measure.inputs), calls))
    costs: dict[str, list[float]] = {measure.name: [] for measure in all_measures}
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for measure in all_measures:
            cost_s, _ = timed(measure.work, inputs[measure.name], measure.clock)
            costs[measure.name].append(max(cost_s - empty_s, 0) / measure.times * 1e6)
    return [_result(name, found, costs[all_measures[0].name]) for name, found in costs.items()]


def _result(name: str, costs: list[float], base: list[float]) -> Result:
    first, median, third = statistics.quantiles(costs, n=4)
    ratio = statistics.median(cost / of_base for cost, of_base in zip(costs, base, strict=True))
    return Result(name=name, best_us=min(costs), median_us=median, spread_us=third - first, ratio=ratio)


def main(description: str, all_measures: Callable[[], Sequence[Measure]], out: Path) -> None:
    """Read the command line, measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=30, help="rounds of a few milliseconds a measure (30)")
    parser.add_argument("--out", type=Path, default=out, help=f"JSON file (bench-out/{out.name})")
    arguments = parser.parse_args()

    results = run(all_measures(), arguments.rounds)

    print(f"{'':42}{'best µs':>9}{'median':>9}{'spread':>9}{'x base':>9}")
    for result in results:
        print(f"{result.name:42}{result.best_us:9.2f}{result.median_us:9.2f}{result.spread_us:9.2f}{result.ratio:9.2f}")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n", encoding="utf-8")
