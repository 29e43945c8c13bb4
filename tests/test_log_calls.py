"""Every log call in the code says what its process has listed, and every listed event is said somewhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import logs as gateway_logs
from registry import logs as registry_logs

ROOT = Path(__file__).resolve().parent.parent
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log", "msg"}
LOGGERS = {"log", "_log", "logger", "_logger"}
#: Gone before fields are looked at.
TAKEN_OUT = {"exc_info"}
LISTS = {"gateway": gateway_logs, "registry": registry_logs}
#: What does not log at all: it does not know which process it is in.
SILENT = ("compliance", "metrics", "apidocs")
#: Where a process sets logging up.
SETS_UP = {"metrics/logs.py"}


def log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call of a logger, by the names that loggers have here."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
            owner = node.func.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            if name in LOGGERS or (isinstance(owner, ast.Call) and ast.unparse(owner).endswith("get_logger()")):
                yield node


def faults(tree: ast.AST, events: object, fields: object) -> Iterator[str]:
    """What is wrong with the log calls of a module."""
    for call in log_calls(tree):
        event = call.args[0].value if len(call.args) == 1 and isinstance(call.args[0], ast.Constant) else None
        if event not in events:
            yield f"{call.lineno}: {ast.unparse(call.args[0]) if call.args else 'nothing'} is no listed event"
        yield from (
            f"{call.lineno}: {word.arg} is no listed field"
            for word in call.keywords
            if word.arg not in fields and word.arg not in TAKEN_OUT
        )


def speaks_otherwise(tree: ast.AST) -> Iterator[str]:
    """Ways around the lists: loggers by another name, other log libraries, words bound to a logger, and print."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("structlog."):
            yield from (f"{node.lineno}: {ast.unparse(to)}" for to in node.targets if ast.unparse(to) not in LOGGERS)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            yield from (f"{node.lineno}: {name}" for name in names if name.partition(".")[0] in {"logging", "warnings"})
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if (
                name == "print"
                or name.startswith(("traceback.print", "structlog.contextvars"))
                or (name.partition(".")[0] in LOGGERS and name.partition(".")[2] in {"bind", "new", "bind_contextvars"})
            ):
                yield f"{node.lineno}: {name}"


def modules(package: str) -> Iterator[tuple[str, ast.Module]]:
    """Every module of a package, parsed."""
    for path in sorted((ROOT / package).rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("package", LISTS)
def test_every_call_says_what_is_listed(package):
    """An event by its name in full, and fields by name: whoever adds one says on the list what it holds."""
    lists = LISTS[package]
    found = [f"{path}:{fault}" for path, tree in modules(package) for fault in faults(tree, lists.EVENTS, lists.FIELDS)]

    assert found == []


@pytest.mark.parametrize("package", LISTS)
def test_nothing_is_listed_that_nobody_says(package):
    """A list that is longer than the code keeps nobody from saying it by mistake."""
    calls = [call for _, tree in modules(package) for call in log_calls(tree)]

    assert {call.args[0].value for call in calls} == LISTS[package].EVENTS
    assert {word.arg for call in calls for word in call.keywords} - TAKEN_OUT == LISTS[package].FIELDS.keys()


def test_nobody_speaks_otherwise():
    """No other logger, no print: what is written goes by the lists."""
    found = [
        f"{path}:{fault}"
        for package in (*LISTS, *SILENT)
        for path, tree in modules(package)
        if path not in SETS_UP
        for fault in speaks_otherwise(tree)
    ]

    assert found == []


def test_leaves_say_nothing():
    """They do not know in which process they are."""
    calls = {path for package in SILENT for path, tree in modules(package) for _ in log_calls(tree)}

    assert calls - SETS_UP == set()


@pytest.mark.parametrize("name", ["text", "to", "from", "sender", "recipient", "number", "body", "key", "user", "url"])
def test_some_fields_have_no_place_in_a_log(name):
    """Whatever the lists say."""
    assert all(name not in lists.FIELDS for lists in LISTS.values())


@pytest.mark.parametrize(
    "source",
    [
        "log.info('never_listed')",
        "log.info('request_crashed', text=text)",
        "log.info(f'request of {who}')",
        "log.error('request_crashed', **everything)",
        "_log.error('request_crashed', 'and', more)",
        "structlog.get_logger().error('other')",
        "self._log.error('other')",
    ],
)
def test_the_check_finds(source):
    """A check that cannot fail would keep nothing so."""
    assert list(faults(ast.parse(source), gateway_logs.EVENTS, gateway_logs.FIELDS)) != []


@pytest.mark.parametrize(
    "source",
    [
        "import logging",
        "from logging import getLogger",
        "print(text)",
        "own = structlog.get_logger()",
        "traceback.print_exc()",
        "log.bind(text=text)",
        "structlog.contextvars.bind_contextvars(text=text)",
    ],
)
def test_ways_around_are_found(source):
    """The same."""
    assert list(speaks_otherwise(ast.parse(source))) != []
