"""Breaks the judge on purpose and sees whether the tests notice: `python -m tests.mutation [MODULE ...]`.

Each mutant is one small change to one module of compliance: a comparison shifted, a condition negated, `and` for `or`,
a number one more or less, a member dropped, a return value lost. It runs in a child process that imports the changed
module in place of the real one and calls the module's own tests first, then the rest, until one fails. What no test
notices is printed: a missing test, or a change that changes nothing, which then stands in EQUIVALENT with the reason.

The tests are called directly, without pytest, which knows more than is needed here: only plain tests with parametrize
marks are used, not those with fixtures or Hypothesis.
"""

import argparse
import ast
import importlib
import importlib.abc
import importlib.util
import itertools
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

# What every child would otherwise import anew.
import orjson  # noqa: F401
import phonenumbers  # noqa: F401
import pytest  # noqa: F401

from tests.mutation_equivalent import EQUIVALENT

ROOT = Path(__file__).resolve().parent.parent
RULES = sorted(path.stem for path in (ROOT / "compliance" / "rules").glob("*.py") if path.stem != "__init__")
MODULES = [
    *(f"compliance.rules.{rule}" for rule in RULES),
    "compliance.rules",
    *(
        f"compliance.{name}"
        for name in (
            *("decide", "reliefs", "case", "content", "segments", "destinations", "senders", "inbound"),
            *("policy", "pacific", "decision"),
        )
    ),
]
#: Asked after a module's own tests, in this order: what is quick and notices much comes first.
TESTS = [
    *("test_decide", "test_rules", "test_cases", "test_reliefs", "test_case", "test_policy", "test_pacific"),
    *("test_senders", "test_destinations", "test_inbound", "test_segments", "test_content"),
    *(f"rules.test_{rule}" for rule in RULES),
]
#: A mutant that runs longer than this never ends; it counts as noticed.
LONGEST_CPU_S = 20

SHIFTED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One changed module."""

    module: str
    line: int
    #: The line as it is, and what was changed to what.
    source: str
    change: str
    code: CodeType

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it while lines move."""
        return self.module, self.source, self.change


#: Fields of a node and what they become.
Change = dict[str, Any]


def changes(node: ast.AST) -> Iterator[Change]:  # noqa: C901, PLR0912 - a table of cases
    """Everything that may be changed at one node."""
    match node:
        case ast.Compare(ops=ops):
            for place, op in enumerate(ops):
                yield {"ops": [*ops[:place], SHIFTED[type(op)](), *ops[place + 1 :]]}
        case ast.BoolOp(op=op):
            yield {"op": ast.Or() if isinstance(op, ast.And) else ast.And()}
        case ast.BinOp(op=ast.Add()):
            yield {"op": ast.Sub()}
        case ast.BinOp(op=ast.Sub()):
            yield {"op": ast.Add()}
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield {"operand": negated(operand)}
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            yield {"test": negated(test)}
        case ast.comprehension(ifs=[test, *_]):
            yield {"ifs": [negated(test)]}
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield {"value": ast.Constant(None)}
        case ast.Constant(value=bool() as value):
            yield {"value": not value}
        case ast.Constant(value=int() as value):
            yield from ({"value": value + 1}, {"value": value - 1})
        case ast.Set(elts=members) | ast.Tuple(elts=members, ctx=ast.Load()):
            yield from ({"elts": without(members, place)} for place in range(len(members)))
        case ast.Dict(keys=keys, values=values):
            for place in range(len(keys)):
                yield {"keys": without(keys, place), "values": without(values, place)}
        case _:
            pass
    body = getattr(node, "body", None)
    if isinstance(body, list):
        for place, statement in enumerate(body):
            if isinstance(statement, ast.Break | ast.AugAssign) or is_call(statement):
                yield {"body": [*body[:place], ast.Pass(), *body[place + 1 :]]}


def negated(test: ast.expr) -> ast.expr:
    """Say the opposite."""
    return ast.UnaryOp(ast.Not(), test)


def without(members: list[Any], place: int) -> list[Any]:
    """Drop one member."""
    return [*members[:place], *members[place + 1 :]]


def is_call(statement: ast.stmt) -> bool:
    """Say whether a statement is there for its effect."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the nodes whose value matters: neither types nor decorators."""
    if isinstance(node, ast.Subscript) and brief(node.value) in {"Literal", "Callable"}:
        return
    yield node
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from executed(child)


@contextmanager
def applied(node: ast.AST, change: Change) -> Iterator[None]:
    """Change a node for a while."""
    before = {field: getattr(node, field) for field in change}
    for field, value in change.items():
        setattr(node, field, value)
    try:
        yield
    finally:
        for field, value in before.items():
            setattr(node, field, value)


def mutants(module: str) -> Iterator[Mutant]:
    """All mutants of a module."""
    path = path_of(module)
    text = path.read_text(encoding="utf-8")
    lines, tree = text.splitlines(), ast.parse(text)
    line = 0
    for node in executed(tree):
        line = getattr(node, "lineno", line)
        before = brief(node)
        for change in changes(node):
            with applied(node, change):
                yield Mutant(
                    module=module,
                    line=line,
                    source=lines[line - 1].strip() if line else "",
                    change=f"{before} -> {brief(node)}",
                    code=compile(ast.fix_missing_locations(tree), str(path), "exec"),
                )


def brief(node: ast.AST) -> str:
    """Write a node in one line, or what is first in it."""
    if isinstance(node, ast.Module):
        return "module"
    text = ast.unparse(node)
    return " / ".join(line.strip() for line in text.splitlines())[:160]


def path_of(module: str) -> Path:
    """Find a module's file."""
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


class Substitute(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Take the one module, leave all others."""
        if fullname != self._mutant.module:
            return None
        file = path_of(fullname)
        places = [str(file.parent)] if file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(fullname, file, loader=self, submodule_search_locations=places)

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code."""
        exec(self._mutant.code, module.__dict__)  # noqa: S102 - our own code, changed by us


def calls(module: ModuleType) -> Iterator[Callable[[], object]]:
    """Every test of a module, with its parameters bound."""
    for name, found in list(vars(module).items()):
        if name.startswith("test_"):
            yield from bound(found)
        elif name.startswith("Test") and isinstance(found, type):
            for method in list(vars(found)):
                if method.startswith("test_"):
                    yield from bound(getattr(found(), method))


def bound(test: Callable[..., object]) -> Iterator[Callable[[], object]]:
    """Bind the parameters of all parametrize marks of a test."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    names = [mark.args[0] if isinstance(mark.args[0], tuple) else (mark.args[0],) for mark in marks]
    for row in itertools.product(*(mark.args[1] for mark in marks)):
        arguments: dict[str, Any] = {}
        for keys, value in zip(names, row, strict=True):
            values = getattr(value, "values", None)
            given = values if isinstance(values, tuple) else value if len(keys) > 1 else (value,)
            arguments |= dict(zip(keys, given, strict=True))
        yield lambda arguments=arguments: test(**arguments)


def tests_for(module: str) -> list[str]:
    """The module's own tests, then all others."""
    name = module.rpartition(".")[2]
    own = f"rules.test_{name}" if module.startswith("compliance.rules.") else f"test_{name}"
    return [own, *(test for test in TESTS if test != own)] if own in TESTS else TESTS


def notices(mutant: Mutant) -> bool:
    """Say whether a test fails with the mutant; for a child process."""
    sys.meta_path.insert(0, Substitute(mutant))
    try:
        for name in tests_for(mutant.module):
            for call in calls(importlib.import_module(f"tests.compliance.{name}")):
                call()
    except BaseException:  # noqa: BLE001 - however it fails, it was noticed
        return True
    return False


def start(mutant: Mutant) -> int:
    """Try a mutant in a child process, which exits with 1 when it was noticed."""
    if child := os.fork():
        return child
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_CPU_S, LONGEST_CPU_S))
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    os._exit(int(notices(mutant)))


def survivors(wanted: Iterator[Mutant], jobs: int) -> tuple[int, list[Mutant]]:
    """Try all mutants, a few at a time; return how many there were, and those that no test noticed."""
    running: dict[int, Mutant] = {}
    survived: list[Mutant] = []
    count = 0
    for mutant in itertools.chain(wanted, itertools.repeat(None)):
        if mutant is None or len(running) == jobs:
            if not running:
                break
            child, status = os.wait()
            if status == 0:
                survived.append(running[child])
            del running[child]
        if mutant is not None:
            running[start(mutant)] = mutant
            count += 1
    return count, survived


def main() -> int:
    """Try every mutant of the modules that are named, or of all; 1 when one survives that should not."""
    parser = argparse.ArgumentParser(description="Break the judge on purpose and see whether the tests notice.")
    parser.add_argument("modules", nargs="*", help="such as content or rules.opt_out; none for all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="children at a time (one a processor)")
    arguments = parser.parse_args()
    modules = [f"compliance.{name}" for name in arguments.modules] or MODULES
    began = time.monotonic()

    whole = Mutant(module="", line=0, source="", change="", code=compile("", "", "exec"))
    if survivors(iter([whole]), 1)[1] != [whole]:
        print("the tests fail without any mutant; run them first")
        return 1
    count, survived = survivors(itertools.chain.from_iterable(map(mutants, modules)), arguments.jobs)

    found = {mutant.key for mutant in survived}
    missing = [mutant for mutant in survived if mutant.key not in EQUIVALENT]
    stale = [key for key in EQUIVALENT if key[0] in modules and key not in found]
    for mutant in missing:
        print(f"survived: {mutant.module}:{mutant.line}: {mutant.source}\n    {mutant.change}")
    for key in stale:
        print(f"listed as equivalent, but noticed or gone: {key}")
    print(
        f"{count} mutants in {time.monotonic() - began:.0f} s: {count - len(survived)} noticed, "
        f"{len(survived) - len(missing)} equivalent, {len(missing)} survived"
    )
    return 1 if missing or stale else 0


if __name__ == "__main__":
    sys.exit(main())
