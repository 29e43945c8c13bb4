"""What a judgement costs: `python -m tests.bench_compliance [--rounds N] [--out FILE]`.

How it is measured: benching.py. The base is orjson.loads of one decision record.

Inputs vary (numbers, texts, records), so that no cache answers twice for the same.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import orjson

from compliance.case import Case
from compliance.decide import decide
from compliance.destinations import read_destination
from compliance.facts import Facts
from compliance.policy import SHIPPED, Policy, shipped
from compliance.record import Record, agrees, load_record
from compliance.rules import REGISTRATION_CHECKS, RULES, rule_id
from tests.benching import Measure, main, timed
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
BASE = "orjson.loads of one record"


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


if __name__ == "__main__":
    main("What a judgement costs.", measures, OUT)
