"""What shares a request: everything of one turn and nothing that would have to wait for it, in order, within bounds."""

import asyncio

import pytest

from gateway.connectors import (
    CarrierAccepted,
    CarrierMisconfigured,
    CarrierRejected,
    CarrierTemporary,
    CarrierThrottled,
    InDoubt,
    Submission,
)
from gateway.connectors.gathering import Gathering, Item

REFUSED = CarrierTemporary("batch_refused")


def items(*references, to="+1415555{}", size=10):
    """Messages of so many bytes, each to somebody else unless told."""
    return [
        Item(Submission(reference=name, sender="+12025550111", recipient=to.format(name), text="Hi"), b"x" * size)
        for name in references
    ]


def yes(*references):
    """What the carrier says to each."""
    return [CarrierAccepted(f"c-{name}") for name in references]


class Carrier:
    """Takes requests, says yes unless told, and answers when it may."""

    def __init__(self):
        self.requests = []
        self.cancelled = 0
        #: What it says instead: of a request, by its number.
        self.words = {}
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def send(self, batch):
        """Take a request."""
        names = [item.submission.reference for item in batch]
        self.requests.append(names)
        said = self.words.get(len(self.requests) - 1, yes(*names))
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if isinstance(said, Exception):
            raise said
        return said

    def gathering(self, count_max=10, bytes_max=1_000):
        """Gather for this carrier."""
        return Gathering(self.send, count_max=count_max, bytes_max=bytes_max)


async def turns(count=5):
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


class TestOneTurn:
    async def test_what_is_submitted_together_shares_a_request(self):
        """Each submitter has the outcomes of its own messages, in order."""
        carrier = Carrier()
        gathering = carrier.gathering()

        said = await asyncio.gather(*(gathering.submit(items(*names)) for names in ("ab", "c", "de")))
        assert said == [yes("a", "b"), yes("c"), yes("d", "e")]
        assert carrier.requests == [["a", "b", "c", "d", "e"]]

    async def test_what_comes_later_waits_for_nobody(self):
        """A request that is on its way keeps nobody: what was judged leaves at once."""
        carrier = Carrier()
        carrier.may_answer.clear()
        gathering = carrier.gathering()
        first = asyncio.create_task(gathering.submit(items("a")))
        await turns()
        second = asyncio.create_task(gathering.submit(items("b")))
        await turns()

        assert carrier.requests == [["a"], ["b"]]
        carrier.may_answer.set()
        assert [await first, await second] == [yes("a"), yes("b")]

    @pytest.mark.parametrize(("count_max", "bytes_max"), [(4, 1_000), (10, 44)], ids=["count", "bytes"])
    async def test_a_request_is_bounded(self, count_max, bytes_max):
        """In messages and in bytes; whoever does not fit goes in the next, at the same time."""
        carrier = Carrier()
        gathering = carrier.gathering(count_max, bytes_max)

        assert await gathering.submit(items(*"abcdefghij")) == yes(*"abcdefghij")
        assert carrier.requests == [["a", "b", "c", "d"], ["e", "f", "g", "h"], ["i", "j"]]

    async def test_a_message_larger_than_any_request_goes_alone(self):
        """It is the carrier's to refuse."""
        carrier = Carrier()
        gathering = carrier.gathering(bytes_max=50)

        assert await gathering.submit(items("a") + items("b", size=80) + items("c")) == yes("a", "b", "c")
        assert carrier.requests == [["a"], ["b"], ["c"]]

    async def test_nothing_is_no_request(self):
        """And needs no answer."""
        carrier = Carrier()

        assert await carrier.gathering().submit([]) == []
        assert carrier.requests == []

    async def test_one_message_asked_for_twice_is_answered_twice(self):
        """It must not happen; if it does, nobody waits for ever."""
        carrier = Carrier()
        gathering = carrier.gathering()

        async with asyncio.timeout(5):
            said = await asyncio.gather(gathering.submit(items("a", "a")), gathering.submit(items("a")))
        assert said == [yes("a", "a"), yes("a")]


class TestConversations:
    async def test_a_conversation_is_never_in_two_requests_at_once(self):
        """What does not fit follows the first, once that has its answer."""
        carrier = Carrier()
        carrier.may_answer.clear()
        gathering = carrier.gathering(count_max=2)
        told = asyncio.create_task(gathering.submit(items(*"abc", to="+14155550143") + items("x")))
        await turns()
        assert carrier.requests == [["a", "b"], ["x"]]

        carrier.may_answer.set()
        assert await told == yes("a", "b", "c", "x")
        assert carrier.requests == [["a", "b"], ["x"], ["c"]]


class TestSuspects:
    async def test_a_no_to_a_batch_is_no_last_word_about_any_of_it(self):
        """Each is tried again, alone; whoever was to blame hears it alone, the others go."""
        carrier = Carrier()
        carrier.words = {0: CarrierRejected("malformed"), 2: CarrierRejected("malformed")}
        gathering = carrier.gathering()

        assert await gathering.submit(items("a", "b", "c")) == [REFUSED] * 3
        assert await gathering.submit(items("a", "b", "c", "d")) == [
            *yes("a"),
            CarrierRejected("malformed"),
            *yes("c", "d"),
        ]
        assert carrier.requests == [["a", "b", "c"], ["a"], ["b"], ["c"], ["d"]]
        await gathering.submit(items("a", "b"))
        assert carrier.requests[-1] == ["a", "b"], "the carrier has spoken, they are suspects no more"

    async def test_a_lost_answer_makes_suspects_too(self):
        """One of them may be what breaks the carrier: a second lost answer must not be that of the others."""
        carrier = Carrier()
        carrier.words = {0: InDoubt("disconnected")}
        gathering = carrier.gathering()

        assert await gathering.submit(items("a", "b")) == [InDoubt("disconnected")] * 2
        await gathering.submit(items("a", "b"))
        assert carrier.requests == [["a", "b"], ["a"], ["b"]]

    @pytest.mark.parametrize(
        "word", [CarrierTemporary("down"), CarrierThrottled(1.0), CarrierMisconfigured("unauthenticated")]
    )
    async def test_a_carrier_in_trouble_makes_none(self, word):
        """When it is back, what waited goes in batches."""
        carrier = Carrier()
        carrier.words = {0: word}
        gathering = carrier.gathering()

        assert await gathering.submit(items("a", "b")) == [word] * 2
        await gathering.submit(items("a", "b"))
        assert carrier.requests == [["a", "b"], ["a", "b"]]

    async def test_suspects_of_one_conversation_keep_their_order(self):
        """Alone, and one after the other."""
        carrier = Carrier()
        carrier.words = {0: CarrierRejected("malformed")}
        gathering = carrier.gathering()
        await gathering.submit(items("a", "b", to="+14155550143"))
        carrier.may_answer.clear()
        told = asyncio.create_task(gathering.submit(items("a", "b", to="+14155550143")))
        await turns()
        assert carrier.requests[1:] == [["a"]]

        carrier.may_answer.set()
        assert await told == yes("a", "b")
        assert carrier.requests[1:] == [["a"], ["b"]]


class TestTheEnd:
    async def test_one_that_leaves_does_not_take_the_others_along(self):
        """Their request goes on."""
        carrier = Carrier()
        carrier.may_answer.clear()
        gathering = carrier.gathering()
        leaving, staying = (asyncio.create_task(gathering.submit(items(name))) for name in "ab")
        await turns()
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        carrier.may_answer.set()

        assert leaving.cancelled()
        assert await staying == yes("b")

    async def test_a_request_that_nobody_waits_for_is_broken_off(self):
        """Its connection is closed."""
        carrier = Carrier()
        carrier.may_answer.clear()
        gathering = carrier.gathering()
        tasks = [asyncio.create_task(gathering.submit(items(name))) for name in "ab"]
        await turns()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await turns()

        assert carrier.cancelled == 1

    async def test_one_that_leaves_at_once_is_not_sent(self):
        """Nothing of it has left yet."""
        carrier = Carrier()
        gathering = carrier.gathering()
        leaving = asyncio.create_task(gathering.submit(items("a")))
        asyncio.get_running_loop().call_soon(leaving.cancel)
        staying = asyncio.create_task(gathering.submit(items("b")))

        assert await staying == yes("b")
        assert carrier.requests == [["b"]]

    async def test_a_crash_of_ours_reaches_all_who_wait(self):
        """The worker makes doubts of it; nobody waits for ever."""
        carrier = Carrier()
        carrier.words = {0: ZeroDivisionError()}
        gathering = carrier.gathering()

        said = await asyncio.gather(*(gathering.submit(items(name)) for name in "ab"), return_exceptions=True)
        assert [type(each) for each in said] == [ZeroDivisionError] * 2

    async def test_closing_ends_what_is_under_way(self):
        """And those who wait for it."""
        carrier = Carrier()
        carrier.may_answer.clear()
        gathering = carrier.gathering()
        task = asyncio.create_task(gathering.submit(items("a")))
        await turns()
        await gathering.close()

        with pytest.raises(asyncio.CancelledError):
            await task
        assert carrier.cancelled == 1
