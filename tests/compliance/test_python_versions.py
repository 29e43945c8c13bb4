"""The same facts are decided alike by the oldest and a newer Python.

What differs between them is Unicode's data: 3.11 has version 14, 3.13 has 15.1. Characters that the older one does not
know yet are left out; of the others neither case folding nor composition ever changes, so all decisions, destinations,
segments and meanings are compared.

The other interpreter is the one that A2P_PYTHON313 names, with orjson, phonenumbers and tzdata; in continuous
integration (CI=true) a throwaway environment is made for a python3.13 that is found.
"""

import os
import random
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import orjson
import pytest

from compliance.decide import decide
from compliance.recording import record_to
from tests.builders import CURRENT, a_message, some_facts
from tests.compliance.strategies import sample_facts

ROOT = Path(__file__).resolve().parent.parent.parent
CASES = ROOT / "tests" / "cases"
NEEDED = ("orjson", "phonenumbers", "tzdata")

#: Reads lines of all four kinds and writes what is made of each.
JUDGE = """
import sys, orjson
from compliance import decide, shipped
from compliance.destinations import read_destination
from compliance.inbound import meaning_of
from compliance.record import parse_record
from compliance.segments import count_segments

def judged(case):
    if "to" in case:
        return read_destination(case["to"])
    if "facts" not in case:
        count = count_segments(case["text"])
        return [meaning_of(case["text"]), count.encoding, count.units, count.segments]
    record, options = parse_record(case), case.get("options", {})
    switches = {name: options.get(name, False) for name in ("toll_free_allowed", "registry_fail_open", "monitor")}
    decision = decide(record.facts, shipped(record.policy).with_options(**switches))
    return [decision.verdict, decision.reason, [[each.code, each.severity] for each in decision.findings]]

for line in open(sys.argv[1], "rb"):
    print(orjson.dumps(judged(orjson.loads(line))).decode())
"""


@pytest.fixture(scope="module")
def newer_python(tmp_path_factory):
    """Find or make an interpreter that can run compliance."""
    if named := os.environ.get("A2P_PYTHON313"):
        return named
    if os.environ.get("CI") != "true":
        pytest.skip("A2P_PYTHON313 names no interpreter with orjson, phonenumbers and tzdata, and CI is not true")
    found = next(filter(runs, candidates()), None)
    if found is None:
        pytest.skip("no python3.13 on this machine")
    folder = tmp_path_factory.mktemp("newer") / "venv"
    subprocess.run([found, "-m", "venv", folder], check=True, timeout=100)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", *NEEDED], check=True)
    return python


def candidates():
    """Where a python3.13 may be: on the path, where it may be a shim that leads nowhere, and among pyenv's."""
    if on_path := shutil.which("python3.13"):
        yield on_path
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], check=True, capture_output=True, text=True).stdout.strip()
        yield from map(str, sorted(Path(root).glob("versions/3.13*/bin/python")))


def runs(python):
    """Say whether it is one."""
    return subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0


def lines():
    """Acceptance cases, drawn facts, and facts with drawn texts."""
    for path in sorted(CASES.glob("*.jsonl")):
        yield from path.read_bytes().splitlines()
    draw = random.Random(313)
    known = [mark for mark in map(chr, range(0x110000)) if unicodedata.category(mark) not in {"Cn", "Cs", "Co"}]
    texts = ["".join(draw.choices(known, k=draw.randrange(40))) for _ in range(500)]
    for number, facts in enumerate([*sample_facts(500), *(some_facts(message=a_message(text=text)) for text in texts)]):
        yield orjson.dumps(record_to(f"drawn-{number}", facts, CURRENT, decide(facts, CURRENT)))
    for text in texts:
        yield orjson.dumps({"text": f"stop {text}"})
        yield orjson.dumps({"to": f"(202) 555{text[:3]}-0143"})


def judge(python, path):
    """Run the judge under an interpreter."""
    command = [python, "-c", JUDGE, path]
    return subprocess.run(command, check=True, capture_output=True, cwd=ROOT, timeout=100).stdout.splitlines()


def test_decisions_are_the_same(newer_python, tmp_path):
    """Line by line."""
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b"\n".join(lines()))

    ours, theirs = judge(sys.executable, path), judge(newer_python, path)

    assert len(ours) > 2_000
    assert theirs == ours
