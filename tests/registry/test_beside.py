"""Work beside statements: all of it is done in order and at the end, or none behind what failed."""

import asyncio

import pytest

from registry import beside
from registry.beside import Line, in_turns


def pieces(seen):
    """Makes pieces of work that take a turn of the loop each."""

    def piece(name, error=None):
        async def work():
            seen.append(f"{name} begun")
            await asyncio.sleep(0)
            if error is not None:
                raise error
            seen.append(f"{name} ended")

        return work

    return piece


class TestLine:
    async def test_all_are_done_at_the_end_one_after_the_other(self):
        """A piece is begun before its giver goes on, and the next one behind its end."""
        seen = []
        piece = pieces(seen)
        async with Line() as line:
            await line.add(piece("one"))
            seen.append("block")
            await line.add(piece("two"))
        assert seen == ["one begun", "block", "one ended", "two begun", "two ended"]

    async def test_who_waits_finds_all_done(self):
        """And may add more then."""
        seen = []
        piece = pieces(seen)
        async with Line() as line:
            await line.add(piece("one"))
            await line.add(piece("two"))
            await line.done()
            seen.append("idle")
            await line.add(piece("three"))
        assert seen[3:] == ["two ended", "idle", "three begun", "three ended"]

    async def test_few_wait_at_a_time(self, monkeypatch):
        """What is prepared ahead is bounded, however slow the work."""
        monkeypatch.setattr(beside, "_WAITING", 2)
        begun = []

        async def work():
            begun.append(None)
            await asyncio.sleep(0.001)

        async with Line() as line:
            for place in range(1, 10):
                await line.add(work)
                assert place - len(begun) <= 2

    async def test_none_behind_what_failed_is_begun(self):
        """Whoever adds, waits or ends learns of it as it is: no group, for who calls looks for one kind of error."""
        seen = []
        piece = pieces(seen)

        async def fail(ask):
            async with Line() as line:
                await line.add(piece("one", LookupError()))
                await line.add(piece("two"))
                await asyncio.sleep(0.01)
                await ask(line)

        for ask in (lambda line: line.add(piece("late")), lambda line: line.done(), lambda _: asyncio.sleep(0)):
            seen.clear()
            with pytest.raises(LookupError):
                await fail(ask)
            assert seen == ["one begun"]

    async def test_a_giver_that_waits_learns_of_a_failure(self, monkeypatch):
        """It is not left waiting for room that nobody makes."""
        monkeypatch.setattr(beside, "_WAITING", 1)
        seen = []
        piece = pieces(seen)

        async def fail():
            async with asyncio.timeout(5), Line() as line:
                for _ in range(5):
                    await line.add(piece("one", LookupError()))

        with pytest.raises(LookupError):
            await fail()
        assert seen == ["one begun"]

    async def test_a_block_that_raises_waits_for_the_piece_that_is_being_done(self):
        """The connection is not in mid-statement when the transaction is rolled back; what waits is dropped."""
        seen = []

        async def work():
            seen.append("begun")
            await asyncio.sleep(0.01)
            seen.append("ended")

        async def fail():
            async with Line() as line:
                await line.add(work)
                await line.add(work)
                raise KeyError

        with pytest.raises(KeyError):
            await fail()
        assert seen == ["begun", "ended"]

    async def test_two_faults_are_both_told(self):
        """The block's goes up, and says which piece's it hides: that may be why."""

        async def work():
            await asyncio.sleep(0)
            raise LookupError("a secret of somebody's")

        async def fail():
            async with Line() as line:
                await line.add(work)
                raise KeyError

        with pytest.raises(KeyError) as caught:
            await fail()
        assert caught.value.__notes__ == ["Beside it, a piece of work raised LookupError."]


async def test_others_run_between_turns():
    """A statement that is being sent goes on being sent."""
    seen = []

    async def other():
        for place in range(3):
            seen.append(f"other {place}")
            await asyncio.sleep(0)

    async with Line() as line:
        await line.add(other)
        async for some in in_turns([1, 2, 3, 4, 5], 2):
            seen += [list(some)]
    assert seen == ["other 0", [1, 2], "other 1", [3, 4], "other 2", [5]]
