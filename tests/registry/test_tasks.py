"""Tasks that go on for as long as the process."""

import asyncio

import structlog

from registry import tasks
from registry.tasks import kept, never_ending
from tests.registry.builders import eventually


async def test_one_that_falls_over_begins_again_and_says_so():
    """Nothing of ours stops for good because of a bug, and none goes unseen."""
    runs = []

    async def run():
        runs.append(1)
        if len(runs) == 1:
            raise ValueError("a bug")
        await asyncio.sleep(3600)

    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(never_ending("sweep", run, pause_s=0))

        async def twice():
            return len(runs) == 2

        await eventually(twice)
        task.cancel()
        await asyncio.wait({task})

    assert [(line["event"], line["task"], line["error"]) for line in logs] == [("task_crashed", "sweep", "ValueError")]
    assert task.cancelled()


async def test_it_is_gone_at_the_end_of_the_block():
    """Before what it works with is closed."""
    ended = []

    async def run():
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(1)

    async with kept("sweep", run):
        await asyncio.sleep(0)
    assert ended == [1]


async def test_it_is_gone_though_its_cancellation_got_lost(monkeypatch):
    """Tidying up raised an error in its place, and errors are waited out."""
    monkeypatch.setattr(tasks, "_AGAIN_S", 0.05)
    begun = []

    async def run():
        begun.append(1)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if len(begun) == 1:
                raise OSError from None
            raise

    with structlog.testing.capture_logs():
        async with asyncio.timeout(60), kept("sweep", run):
            await asyncio.sleep(0)

    assert begun == [1]
