"""The house rules that a linter does not know, as tests on the code itself.

A rule is a function from one module's tree to the lines that break it, and is shown below to find what it looks for.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compliance.rules import RULES, rule_id

ROOT = Path(__file__).resolve().parent.parent

#: Package to the packages of ours it may import. Adding an arrow is a design decision.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "apidocs": frozenset(),
    "compliance": frozenset(),
    "metrics": frozenset(),
    "gateway": frozenset({"apidocs", "compliance", "metrics"}),
    "registry": frozenset({"apidocs", "compliance", "metrics"}),
    "loadtests": frozenset(),
}

#: What does I/O, reads a clock, draws or logs: compliance has no business with any of it.
IMPURE = frozenset({"aiohttp", "asyncio", "logging", "os", "random", "redis", "secrets", "socket"}) | frozenset(
    {"sqlalchemy", "structlog", "subprocess", "threading", "time"}
)
LONGEST_FUNCTION = 70
LONGEST_FILE = 500

Check = Callable[[ast.Module], Iterator[str]]


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module that is imported, with the names taken from it: `from a import b` is both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call, with what is called as it is written, such as asyncio.sleep."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def impure(tree: ast.Module) -> Iterator[str]:
    """No I/O, no clock, no log: the instant is a fact."""
    yield from (f"imports {name}" for name in imported(tree) if name.partition(".")[0] in IMPURE)
    yield from (
        f"{call.lineno}: reads the clock"
        for name, call in calls(tree)
        if name.rpartition(".")[2] in {"now", "utcnow", "today"}
    )


def imports_a_rule(tree: ast.Module) -> Iterator[str]:
    """A rule knows no other rule: each has one source, one code, one test."""
    yield from (f"imports {name}" for name in imported(tree) if name.startswith(("compliance.rules", ".")))


def long_functions(tree: ast.Module) -> Iterator[str]:
    """A function that fits the screen is read before it is changed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            lines = node.end_lineno - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{node.lineno}: {node.name} has {lines} lines"


def reads_the_environment(tree: ast.Module) -> Iterator[str]:
    """Settings are read once, in one place, and checked there."""
    yield from (f"imports {name}" for name in imported(tree) if name in {"os.environ", "os.getenv", "os.putenv"})
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv", "os.putenv"}:
            yield f"{node.lineno}: {ast.unparse(node)}"


def waits_for(tree: ast.Module) -> Iterator[str]:
    """wait_for swallows a cancellation in a race (Python 3.11): asyncio.timeout() does not."""
    yield from (f"{call.lineno}: {name}" for name, call in calls(tree) if name in {"wait_for", "asyncio.wait_for"})


def loses_a_task(tree: ast.Module) -> Iterator[str]:
    """A loop keeps only weak references to its tasks, and nobody sees the exception of one that was thrown away.

    A TaskGroup keeps its own: only what hangs on asyncio or on a loop is looked at.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
            continue
        owner, _, called = ast.unparse(node.value.func).rpartition(".")
        if called in {"create_task", "ensure_future"} and (not owner or owner.endswith(("asyncio", "loop", "loop()"))):
            yield f"{node.lineno}: {called}"


def modules(*packages: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every module below these folders, parsed."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"), str(path))


def broken(check: Check, *packages: str) -> list[str]:
    """What breaks a rule below these folders, as path and line."""
    return [f"{path.relative_to(ROOT)}: {line}" for path, tree in modules(*packages) for line in check(tree)]


def text_files(folder: Path = ROOT) -> Iterator[Path]:
    """Every text file that is or may be committed; hidden folders are tools' own, but for .ci."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in {"__pycache__", "bench-out", "var"} and (path.name == ".ci" or path.name[0] != "."):
                yield from text_files(path)
        elif b"\0" not in path.read_bytes()[:1024]:
            yield path


class TestImports:
    def test_imports_point_one_way(self):
        """Gateway and registry exchange data, never code; the others are leaves."""
        wrong = [
            f"{path.relative_to(ROOT)} imports {name}"
            for package, allowed in MAY_IMPORT.items()
            for path, tree in modules(package)
            for name in imported(tree)
            if (top := name.partition(".")[0]) in MAY_IMPORT and top not in allowed | {package}
        ]
        assert wrong == []

    def test_compliance_is_pure(self):
        """Facts in, decision out: the same function in the send path, the worker, the dry run and the replay."""
        assert broken(impure, "compliance") == []


class TestRules:
    def modules(self):
        """Names of the rules' modules, by their files."""
        return {path.stem for path, _ in modules("compliance/rules")} - {"__init__"}

    def test_every_rule_is_in_the_list_once(self):
        """A file that is in no tuple is a rule silently off."""
        listed = [rule_id(rule) for rule in RULES]

        assert sorted(listed) == sorted(self.modules())

    def test_every_rule_has_a_test_of_its_name(self):
        """Where a rule is, is where its test is."""
        tests = {path.stem.removeprefix("test_") for path, _ in modules("tests/compliance/rules")}

        assert self.modules() - tests == set()

    def test_no_rule_knows_another(self):
        """What two rules share is in a module beside them."""
        assert [line for line in broken(imports_a_rule, "compliance/rules") if "__init__.py" not in line] == []


class TestShape:
    def test_functions_fit_the_screen(self):
        """Their docstring included."""
        assert broken(long_functions, *MAY_IMPORT) == []

    def test_files_stay_small(self):
        """A file that outgrows this is split by noun."""
        lengths = {path: len(path.read_text().splitlines()) for path, _ in modules(*MAY_IMPORT, "tests")}

        assert [str(path.relative_to(ROOT)) for path, lines in lengths.items() if lines >= LONGEST_FILE] == []

    def test_only_settings_and_entry_points_read_the_environment(self):
        """Everything that an operator can set is in one class, with its unit, checked at the start."""
        found = broken(reads_the_environment, *MAY_IMPORT)

        assert [line for line in found if not line.split(":")[0].endswith(("/settings.py", "/__main__.py"))] == []

    def test_nothing_waits_with_wait_for(self):
        """Neither in the tests."""
        assert broken(waits_for, *MAY_IMPORT, "tests") == []

    def test_no_task_is_thrown_away(self):
        """Neither in the tests."""
        assert broken(loses_a_task, *MAY_IMPORT, "tests") == []


class TestFiles:
    def test_constraints_hold_names_and_versions_only(self):
        """An address in a lock file is this machine's, and wrong on every other."""
        assert "://" not in (ROOT / "constraints.txt").read_text()

    def test_no_file_names_a_package_index(self):
        """Where packages come from is each machine's own setting."""
        index = re.compile(
            r"index[-_]url|find[-]links|pythonhosted[.]org|pypi[.]org/simple|registry[.]npmjs", re.IGNORECASE
        )

        assert [str(path) for path in text_files() if index.search(path.read_text(encoding="utf-8"))] == []

    @pytest.mark.parametrize("name", ["uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml"])
    def test_there_is_no_lock_file_with_addresses(self, name):
        """constraints.txt locks."""
        assert not (ROOT / name).exists()


def tree(*lines: str) -> ast.Module:
    """Parse some lines."""
    return ast.parse("\n".join(lines))


class TestTheseChecksFind:
    """A check that cannot fail would keep nothing so."""

    @pytest.mark.parametrize(
        ("check", "source"),
        [
            (impure, "import redis.asyncio"),
            (impure, "from time import monotonic"),
            (impure, "at = datetime.now(UTC)"),
            (imports_a_rule, "from compliance.rules import opt_out"),
            (imports_a_rule, "from . import opt_out"),
            (imports_a_rule, "import compliance.rules.opt_out"),
            (long_functions, "def f():" + "\n    pass" * LONGEST_FUNCTION),
            (long_functions, "class A:\n  async def f(self):" + "\n    pass" * LONGEST_FUNCTION),
            (reads_the_environment, "url = os.environ['URL']"),
            (reads_the_environment, "url = os.getenv('URL')"),
            (reads_the_environment, "from os import environ"),
            (waits_for, "await asyncio.wait_for(it(), 1)"),
            (waits_for, "await wait_for(it(), 1)"),
            (loses_a_task, "asyncio.create_task(it())"),
            (loses_a_task, "create_task(it())"),
            (loses_a_task, "asyncio.get_running_loop().create_task(it())"),
            (loses_a_task, "self._loop.create_task(it())"),
            (loses_a_task, "asyncio.ensure_future(it())"),
        ],
    )
    def test_what_breaks_the_rule(self, check, source):
        """One way to break it each."""
        assert list(check(tree(source))) != []

    @pytest.mark.parametrize(
        ("check", "source"),
        [
            (impure, "from datetime import datetime, time"),
            (impure, "at = facts.at.now"),
            (imports_a_rule, "from compliance.decision import Finding"),
            (long_functions, "def f():" + "\n    pass" * (LONGEST_FUNCTION - 1)),
            (reads_the_environment, "os.path.join(a, b)"),
            (waits_for, "async with asyncio.timeout(1): await it()"),
            (loses_a_task, "task = asyncio.create_task(it())"),
            (loses_a_task, "group.create_task(it())"),
        ],
    )
    def test_what_keeps_the_rule(self, check, source):
        """The nearest thing that is allowed."""
        assert list(check(tree(source))) == []

    def test_imports_are_seen_whichever_way_they_are_written(self):
        """The whole name, so that its first part is the package."""
        found = set(imported(tree("import gateway.queue as q", "from registry import app", "from .near import x")))

        assert found == {"gateway.queue", "registry", "registry.app", ".near", ".near.x"}
