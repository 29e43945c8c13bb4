"""Known pitfalls that a rule on the code, or on every test, keeps away; tests/README.md has the list."""

import ast
import asyncio
import gc
import re
from collections.abc import Iterator

import pytest

from tests.hidden import nothing_hidden
from tests.test_architecture import MAY_IMPORT, broken, calls, imported, tree

#: Where leases are measured: of a partition, and of the registry's facts.
LEASES = ("gateway/clock.py", "gateway/near", "gateway/queue", "gateway/work")
#: Where the wall clock is right: the times in messages, and a worker's default for them.
WALL_CLOCK = "gateway/work/worker.py"
CLOCKS = frozenset({"time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns"})


def asserts(module: ast.Module) -> Iterator[str]:
    """Python -O removes them, and with them whatever they guarded.

    That something is not None may be said to the type checker: without the assert the next line fails all the same.
    """
    for node in ast.walk(module):
        if isinstance(node, ast.Assert) and not re.fullmatch(r"[\w.]+ is not None", ast.unparse(node.test)):
            yield f"{node.lineno}: assert"


def unfit_clocks(module: ast.Module) -> Iterator[str]:
    """One steps when somebody sets the time, the other stands still while the machine sleeps."""
    yield from (f"imports {name}" for name in imported(module) if name in CLOCKS)
    yield from (f"{call.lineno}: {name}" for name, call in calls(module) if name in CLOCKS)


def deaf_clients(module: ast.Module) -> Iterator[str]:
    """An async Redis client with a socket_timeout sends through wait_for, which before Python 3.12 loses a cancel.

    Then a task that somebody waits for goes on for ever. Set to None is what it must be: left out it is 5 s.
    """
    if "redis.asyncio.Redis" in imported(module):
        for name, call in calls(module):
            unlimited = any(one.arg == "socket_timeout" and ast.unparse(one.value) == "None" for one in call.keywords)
            if name in {"Redis", "Redis.from_url"} and not unlimited:
                yield f"{call.lineno}: {name} with a socket_timeout"


class TestCode:
    def test_nothing_rests_on_assert(self):
        """So that python -O is the same program."""
        assert broken(asserts, *MAY_IMPORT) == []

    def test_leases_are_measured_by_the_clock_that_counts_sleep(self):
        """CLOCK_BOOTTIME, and nothing else."""
        assert [line for line in broken(unfit_clocks, *LEASES) if not line.startswith(WALL_CLOCK)] == []

    def test_clients_of_the_store_hear_a_cancel(self):
        """In our code and in its tests."""
        assert broken(deaf_clients, *MAY_IMPORT, "tests") == []

    @pytest.mark.parametrize(
        ("check", "source"),
        [
            (deaf_clients, "from redis.asyncio import Redis\nRedis.from_url('redis://x')"),
            (deaf_clients, "from redis.asyncio import Redis\nRedis(socket_timeout=5)"),
            (asserts, "assert x"),
            (asserts, "assert x is not None and y"),
            (unfit_clocks, "import time\nnow = time.time()"),
            (unfit_clocks, "from time import monotonic"),
            (unfit_clocks, "now = time.time_ns() // 1_000_000"),
        ],
    )
    def test_these_checks_find(self, check, source):
        """A check that cannot fail would keep nothing so."""
        assert list(check(tree(source))) != []


class TestHiddenExceptions:
    """What the fixture in conftest.py does for every test."""

    async def test_a_task_that_died_unseen(self):
        """Nobody awaited it."""

        async def die():
            raise RuntimeError("unseen")

        async def lose():
            task = asyncio.create_task(die())
            await asyncio.sleep(0)
            del task
            gc.collect()

        await assert_seen(lose)

    async def test_a_future_that_failed_unseen(self):
        """Nobody waited for it any more."""

        async def lose():
            asyncio.get_running_loop().create_future().set_exception(RuntimeError("unseen"))
            gc.collect()

        await assert_seen(lose)

    async def test_a_callback_that_crashed(self):
        """It runs for nobody in particular."""

        async def crash():
            asyncio.get_running_loop().call_soon(lambda: 1 / 0)
            await asyncio.sleep(0)

        await assert_seen(crash)

    async def test_an_exception_that_was_taken(self):
        """Is nothing to report."""
        with nothing_hidden():
            task = asyncio.get_running_loop().create_future()
            task.set_exception(RuntimeError("seen"))
            with pytest.raises(RuntimeError):
                await task
            del task
            gc.collect()


async def assert_seen(act):
    """Do something, and find that it was reported."""
    with pytest.raises(AssertionError, match="nobody took"):
        await watched(act)


async def watched(act):
    """Do something that asyncio will complain about."""
    with nothing_hidden():
        await act()
