import asyncio
from itertools import groupby

import pytest

from gateway.client.backlog import Backlog


def a_backlog(*items: str, size: int = 1) -> Backlog[str]:
    """Items are <key><conversation><number>, such as "ka1"."""
    return Backlog(items, size=size, group_of=lambda item: item[0], conversation_of=lambda item: item[1])


async def test_a_conversation_is_in_one_pair_of_hands():
    """Its next message waits until the one before is done; others overtake it."""
    backlog = a_backlog("ka1", "ka2", "kb1")

    first, second = await backlog.take(), await backlog.take()
    third = asyncio.create_task(backlog.take())
    await asyncio.sleep(0)
    assert (first, second, third.done()) == (["ka1"], ["kb1"], False)

    backlog.done(first)
    assert await third == ["ka2"]


async def test_the_end_is_told_to_all_who_wait():
    """Also to those who waited while others had the last ones in hand."""
    backlog = a_backlog("ka1", "ka2")
    first = await backlog.take()
    waiting = [asyncio.create_task(backlog.take()) for _ in range(3)]
    await asyncio.sleep(0)

    backlog.done(first)
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    (last,) = [task.result() for task in done if task.result()]
    backlog.done(last)

    assert sorted(list(batch) for batch in await asyncio.gather(*waiting)) == [[], [], ["ka2"]]


async def test_a_batch_has_one_key():
    """And its messages are in the order of the day."""
    backlog = a_backlog("ka1", "jb1", "kc1", "ka2", "jb2", size=3)

    assert await backlog.take() == ["ka1", "kc1", "ka2"]
    assert await backlog.take() == ["jb1", "jb2"]
    assert await backlog.take() == ()


@pytest.mark.parametrize("size", [1, 2, 5])
async def test_everything_is_handed_out_once_and_in_order(size):
    """With several hands, whatever they take how long."""
    items = [f"{key}{conversation}{number}" for number in range(9) for key in "jk" for conversation in "abc"]
    backlog = a_backlog(*items, size=size)
    taken: list[str] = []

    async def work(turns: int) -> None:
        while batch := await backlog.take():
            taken.extend(batch)
            for _ in range(turns):
                await asyncio.sleep(0)
            backlog.done(batch)

    await asyncio.gather(*(work(turns) for turns in (1, 2, 7)))

    assert sorted(taken) == sorted(items)
    conversations = groupby(sorted(taken, key=lambda item: item[:2]), key=lambda item: item[:2])
    assert all((numbers := [item[2] for item in group]) == sorted(numbers) for _, group in conversations)
