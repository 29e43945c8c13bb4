"""Work beside a statement: both are done at the end, whatever happens to either."""

import asyncio

import pytest

from registry.beside import beside, in_turns


class TestBeside:
    async def test_both_are_done_at_the_end(self):
        """The work begins before the block goes on."""
        seen = []

        async def work():
            seen.append("begun")
            await asyncio.sleep(0)
            seen.append("ended")

        async with beside(work()):
            seen.append("block")
        assert seen == ["begun", "block", "ended"]

    async def test_what_the_work_raises_is_raised_as_it_is(self):
        """No group: who calls looks for one kind of error."""

        async def work():
            raise LookupError

        with pytest.raises(LookupError):
            async with beside(work()):
                await asyncio.sleep(0)

    async def test_a_block_that_raises_waits_for_the_work(self):
        """The connection is not in the middle of a statement when the transaction is rolled back."""
        ended = asyncio.Event()

        async def work():
            await asyncio.sleep(0.01)
            ended.set()

        with pytest.raises(LookupError):
            async with beside(work()):
                raise LookupError
        assert ended.is_set()


async def test_others_run_between_turns():
    """A statement that is being sent goes on being sent."""
    seen = []

    async def other():
        for place in range(3):
            seen.append(f"other {place}")
            await asyncio.sleep(0)

    async with beside(other()):
        async for some in in_turns([1, 2, 3, 4, 5], 2):
            seen += [list(some)]
    assert seen == ["other 0", [1, 2], "other 1", [3, 4], "other 2", [5]]
