"""What a judgement costs: `python -m tests.bench_compliance [--rounds N] [--out FILE]`.

Every measure runs for some milliseconds in each round, in turns with the base, orjson.loads of one decision record, so
that a busy machine slows both alike: the ratio is what may be compared between machines and days. Processor time, not
wall clock. Nothing is asserted here.

Inputs vary (numbers, texts, records), so that no cache answers twice for the same.
"""

import argparse
import gc
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from compliance.case import Case
from compliance.decide import decide
from compliance.destinations import read_destination
from compliance.facts import Facts
from compliance.policy import SHIPPED, Policy, shipped
from compliance.record import Record, agrees, load_record
from compliance.rules import REGISTRATION_CHECKS, RULES, rule_id
from tests.builders import CURRENT, a_message, a_recipient, some_facts

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "cases" / "decisions-open.jsonl"
OUT = ROOT / "bench-out" / "compliance.json"

#: A text of 160 characters as people write them, which no content rule minds.
CLEAN = (
    "Hello Dana, your appointment with Dr. Lee is on Tuesday at 3 pm. Please bring your card and come ten minutes "
    "early. Tell us if you need another day. Thank you, Kim"
).ljust(160, ".")
VARIED = 500
SLICE_S = 0.004
BASE = "orjson.loads of one record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One thing measured: what it does once, to which input."""

    name: str
    work: Callable[[Any], object]
    inputs: list[Any]


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


def numbers() -> Iterator[str]:
    """American numbers, each another one."""
    return (f"+1{npa}{exchange}0143" for exchange in range(220, 999) for npa in (202, 415, 713, 312, 206, 305))


def varied(text: str) -> list[Facts]:
    """Facts of messages with this text to numbers of every carrier."""
    carriers = itertools.cycle(("att", "tmobile", "verizon", "us_cellular", None))
    return [
        some_facts(message=a_message(to=to, text=text), recipient=a_recipient(carrier=carrier))
        for to, carrier in zip(itertools.islice(numbers(), VARIED), carriers, strict=False)
    ]


def replayed(policies: dict[str, Policy], line: bytes) -> bool:
    """Judge a stored record again."""
    record = load_record(line)
    return agrees(decide(record.facts, policy_of(record, policies)), record.expected)


def policy_of(record: Record, policies: dict[str, Policy]) -> Policy:
    """Find the policy that a record was judged under."""
    policy, options = policies[record.policy], record.options
    if not (options.toll_free_allowed or options.registry_fail_open or options.monitor):
        return policy
    return policy.with_options(
        toll_free_allowed=options.toll_free_allowed,
        registry_fail_open=options.registry_fail_open,
        monitor=options.monitor,
    )


def slowest(lines: list[bytes], policies: dict[str, Policy]) -> Record:
    """Find the case whose decision takes longest, by a few quick tries."""

    def cost_s(record: Record) -> float:
        policy = policy_of(record, policies)
        return min(timed(lambda facts: decide(facts, policy), [record.facts] * 20)[0] for _ in range(15))

    return max(map(load_record, lines), key=cost_s)


def measures() -> list[Measure]:
    """List everything that is measured, the base first."""
    lines = CASES.read_bytes().splitlines()
    policies = {name: shipped(name) for name in SHIPPED}
    worst = slowest(lines, policies)
    worst_policy = policy_of(worst, policies)
    clean = varied(CLEAN)
    cases = [Case(facts, CURRENT) for facts in clean]
    for case in cases:
        _ = case.segments, case.content
    return [
        Measure(name=BASE, work=orjson.loads, inputs=[lines[2]]),
        Measure(name="read_destination", work=read_destination, inputs=[facts.message.to for facts in clean]),
        Measure(name="Case", work=lambda facts: Case(facts, CURRENT), inputs=clean),
        Measure(name="segments, 160 characters", work=lambda facts: Case(facts, CURRENT).segments, inputs=clean),
        Measure(name="content, 160 characters", work=lambda facts: Case(facts, CURRENT).content, inputs=clean),
        Measure(
            name="decision, registration only",
            work=lambda facts: decide(facts, CURRENT, REGISTRATION_CHECKS),
            inputs=clean,
        ),
        Measure(name="decision, all rules, 160 characters", work=lambda facts: decide(facts, CURRENT), inputs=clean),
        Measure(
            name=f"decision, worst case ({worst.id})",
            work=lambda facts: decide(facts, worst_policy),
            inputs=[worst.facts],
        ),
        Measure(name="replay of a record, load to verdict", work=lambda line: replayed(policies, line), inputs=lines),
        *(Measure(name=f"rule {rule_id(rule)}", work=rule.check, inputs=cases) for rule in RULES),
    ]


def timed(work: Callable[[Any], object], inputs: list[Any]) -> tuple[float, float]:
    """Do the work once for each input: seconds of one call, and of all of them."""
    start = time.process_time()
    for item in inputs:
        work(item)
    total = time.process_time() - start
    return total / len(inputs), total


def run(all_measures: list[Measure], rounds: int) -> list[Result]:
    """Measure everything in turns, round by round."""
    empty_s = min(timed(lambda _: None, [None] * 10_000)[0] for _ in range(20))
    inputs = {}
    for measure in all_measures:
        once_s = max(min(timed(measure.work, measure.inputs)[0] for _ in range(3)), 1e-8)
        calls = max(int(SLICE_S / once_s), len(measure.inputs))
        inputs[measure.name] = list(itertools.islice(itertools.cycle(measure.inputs), calls))
    costs: dict[str, list[float]] = {measure.name: [] for measure in all_measures}
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for measure in all_measures:
            cost_s, _ = timed(measure.work, inputs[measure.name])
            costs[measure.name].append(max(cost_s - empty_s, 0) * 1e6)
    return [_result(name, found, costs[BASE]) for name, found in costs.items()]


def _result(name: str, costs: list[float], base: list[float]) -> Result:
    first, median, third = statistics.quantiles(costs, n=4)
    ratio = statistics.median(cost / of_base for cost, of_base in zip(costs, base, strict=True))
    return Result(name=name, best_us=min(costs), median_us=median, spread_us=third - first, ratio=ratio)


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description="What a judgement costs.")
    parser.add_argument("--rounds", type=int, default=30, help="rounds of a few milliseconds a measure (30)")
    parser.add_argument("--out", type=Path, default=OUT, help="JSON file (bench-out/compliance.json)")
    arguments = parser.parse_args()

    results = run(measures(), arguments.rounds)

    print(f"{'':42}{'best µs':>9}{'median':>9}{'spread':>9}{'x base':>9}")
    for result in results:
        print(f"{result.name:42}{result.best_us:9.2f}{result.median_us:9.2f}{result.spread_us:9.2f}{result.ratio:9.2f}")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
