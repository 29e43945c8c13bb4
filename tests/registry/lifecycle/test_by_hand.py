"""No code of the registry writes a state by hand: what changes a record takes it from a life cycle."""

import ast
from pathlib import Path

import registry

ROOT = Path(registry.__file__).parent
#: Fields that have a life cycle.
STATES = {"status", "sharing", "sms", "state", "number_pool"}
STATES |= {"att", "tmobile", "verizon", "us_cellular"}
#: What changes a record or a row.
CHANGES = {"replace", "replaced", "values", "_keep", "_set"}


def by_hand(source):
    """Lines that give a state as a plain word."""
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        given = {word.arg: word.value for word in call.keywords}
        plain = [arg for arg in given.keys() & STATES if isinstance(getattr(given[arg], "value", None), str)]
        if name in CHANGES and plain and isinstance(given[plain[0]], ast.Constant):
            yield call.lineno


def test_no_state_is_written_by_hand():
    """Neither in a flow nor in an import; jobs of files, which are no records, have theirs in one place."""
    found = {
        f"{file.relative_to(ROOT)}:{line}"
        for file in ROOT.rglob("*.py")
        if "migrations" not in file.parts
        for line in by_hand(file.read_text(encoding="utf-8"))
    }

    assert {one.split(":")[0] for one in found} == {"bulk/jobs.py"}, found


def test_it_would_be_found():
    """A number that is switched off by a word, and a job that is said to be done."""
    assert list(by_hand('x = replace(number, sms="disabled")\ny = table.update().values(state="done")')) == [1, 2]
    assert list(by_hand("x = replace(number, sms=SMS.after(number.sms, 'lose'))")) == []
