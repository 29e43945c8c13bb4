"""How the copy in memory is loaded, followed, believed, lost and filled."""

import asyncio

import pytest

from compliance.documents import number_key, user_key
from gateway.near.cache import NearCache
from gateway.near.source import Mark
from tests.gateway.near.copies import DID, OTHER_DID, Clock, Copy, a_company, a_number, a_user

NUMBER, USER = number_key(DID), user_key("ann")


class Seen:
    """What the cache tells its observer."""

    def __init__(self):
        self.loads, self.changes, self.fills = 0, [], 0

    def loaded(self, documents):
        """Count."""
        del documents
        self.loads += 1

    def changed(self, seconds):
        """Note."""
        self.changes.append(seconds)

    def filled(self, documents):
        """Count."""
        self.fills += documents


@pytest.fixture
def clock():
    """Time that passes when told."""
    return Clock()


@pytest.fixture
async def copy(clock):
    """A store with a company, at change 42."""
    return Copy(clock, a_company())


@pytest.fixture
def seen():
    """The observer."""
    return Seen()


@pytest.fixture
async def near(copy, clock, seen):
    """A cache that is loaded and follows."""
    async with NearCache(copy, seen, process="gateway:1", now_ms=clock) as cache:
        yield cache


async def until(fits):
    """Let the loop run until something holds."""
    async with asyncio.timeout(10):
        while not fits():  # noqa: ASYNC110 - what is awaited has no event
            await asyncio.sleep(0.001)


class TestFollowing:
    async def test_it_is_ready_when_it_has_started(self, near, seen):
        """Everything is there, and fresh."""
        assert near.reading()[1:] == (42, 0)
        assert near.memory().get(NUMBER) == a_number()
        assert seen.loads == 1

    async def test_a_change_comes_by_itself(self, near, copy, clock, seen):
        """How long that took is told."""
        copy.change({NUMBER: a_number(sms="disabled"), USER: None})
        clock.now_ms += 700
        await until(lambda: near.reading().seq == 43)

        assert near.memory().get(NUMBER) == a_number(sms="disabled")
        assert near.memory().get(USER) is None
        assert seen.changes == [0.7]
        assert seen.loads == 1

    async def test_it_says_what_it_has_at_once(self, near, copy):
        """Whoever revoked something waits for that word."""
        copy.change({NUMBER: None})
        await until(lambda: copy.said[-1] == ("gateway:1", Mark(1, 43, copy.mark.at_ms)))

    async def test_it_says_goodbye(self, copy, clock, seen):
        """Nobody waits for one that judges no more; a store that is away changes nothing."""
        async with NearCache(copy, seen, process="gateway:1", now_ms=clock):
            pass
        assert copy.left == ["gateway:1"]

        async with NearCache(copy, seen, process="gateway:2", now_ms=clock):
            copy.is_away = True
        assert copy.left == ["gateway:1"]

    async def test_changes_while_it_loads_are_not_lost(self, copy, clock, seen):
        """What was scanned may be older than what the feed said then; it is heard once more."""
        scan = copy.scan

        async def slow_scan():
            async for piece in scan():
                yield piece
                if piece[0][0] == USER:
                    copy.change({NUMBER: a_number(sms="disabled")})
                    copy.change({USER: a_user(number=None)})

        copy.scan = slow_scan
        async with NearCache(copy, seen, process="gateway:1", now_ms=clock) as near:
            await until(lambda: near.reading() is not None and near.reading().seq == 44)

            assert near.memory().get(NUMBER) == a_number(sms="disabled")
            assert near.memory().get(USER) == a_user(number=None)


class TestAge:
    async def test_facts_grow_old_by_themselves(self, near, clock):
        """Whether or not anything runs: a process that slept wakes up with old facts."""
        for age_ms in (0, 2_999, 3_001, 900_000):
            clock.now_ms = 1_000_000 + age_ms
            assert near.reading().age_ms == age_ms

    async def test_a_heartbeat_makes_them_young(self, near, copy, clock):
        """Without any change."""
        clock.now_ms += 2_000
        copy.beat()
        await until(lambda: near.reading().age_ms == 0)

        assert near.reading().seq == 42

    async def test_an_answer_that_took_long_counts_from_the_question(self, near, copy, clock):
        """It says how old the mark was then, and nothing of the time since."""
        follow = copy.follow

        async def follow_slowly(*args, **more):
            step = await follow(*args, **more)
            clock.now_ms += 4_000
            return step

        copy.follow = follow_slowly
        before_ms = clock.now_ms
        await until(lambda: clock.now_ms > before_ms)
        copy.follow = follow

        assert near.reading().age_ms >= 4_000

    async def test_a_store_that_is_away_makes_nothing_young(self, near, copy, clock):
        """What is in memory stays, ages, and is young again when the store is back."""
        copy.is_away = True
        clock.now_ms += 60_000
        await asyncio.sleep(0.05)
        assert near.reading()[1:] == (42, 60_000)
        assert near.memory().get(NUMBER) == a_number()

        copy.is_away = False
        copy.beat()
        await until(lambda: near.reading().age_ms == 0)

    async def test_until_it_has_caught_up_nothing_is_young(self, near, copy, clock):
        """A mark that is ahead of what is in memory proves nothing about the memory."""
        follow = copy.follow

        async def one_at_a_time(*args, **more):
            step = await follow(*args, **more)
            return step._replace(changes=step.changes[:1], mark=copy.mark)

        copy.follow = one_at_a_time
        ages = []
        clock.now_ms += 5_000
        for _ in range(3):
            copy.change({NUMBER: a_number()})
        while near.reading().seq < 45:
            ages.append((near.reading().seq, near.reading().age_ms))
            await asyncio.sleep(0)

        assert {age_ms for seq, age_ms in ages if seq < 45} == {5_000}


class TestLosing:
    @pytest.mark.parametrize(
        "ruin",
        [
            lambda copy: setattr(copy, "mark", copy.mark._replace(epoch=2, seq=7)),
            lambda copy: setattr(copy, "mark", copy.mark._replace(seq=41)),
            lambda copy: setattr(copy, "mark", copy.mark._replace(seq=43)),
            lambda copy: copy.change({USER: None}, from_seq=43, seq=44),
        ],
        ids=["a new epoch", "a store that went back", "a feed that lost its entries", "a gap in the feed"],
    )
    async def test_it_loads_again(self, near, copy, seen, ruin):
        """Nothing of before is believed."""
        before = near.memory()
        copy.kept[NUMBER] = a_number(sms="superseded")
        ruin(copy)
        await until(lambda: seen.loads == 2 and near.reading() is not None)

        assert near.memory() is not before
        assert near.memory().get(NUMBER) == a_number(sms="superseded")
        assert near.reading().seq == copy.mark.seq

    async def test_without_a_mark_nothing_is_believed_but_colleagues_are_known(self, near, copy, seen):
        """A rebuild is under way: there is no valid copy."""
        mark, copy.mark = copy.mark, None
        await until(lambda: near.reading() is None)
        assert near.memory().colleague(DID).user == "ann"

        copy.mark = mark._replace(epoch=2)
        await until(lambda: near.reading() is not None)
        assert seen.loads == 2

    async def test_a_store_that_is_away_at_the_start_is_waited_for(self, copy, clock, seen):
        """The process starts, and says that it knows nothing."""
        copy.is_away = True
        async with NearCache(copy, seen, process="gateway:1", now_ms=clock) as near:
            assert (near.reading(), near.memory()) == (None, None)
            assert (await near.read({NUMBER})).age_ms is None

            copy.is_away = False
            await until(lambda: near.reading() is not None)

    async def test_an_answer_that_nobody_understands_does_not_end_it(self, near, copy, seen):
        """A fault of ours, or of whoever writes the feed: it is loaded again."""
        follow, broken = copy.follow, []

        async def break_once(*args, **more):
            if not broken:
                broken.append(True)
                raise ValueError("no such field")
            return await follow(*args, **more)

        copy.follow = break_once
        copy.change({NUMBER: None})
        await until(lambda: seen.loads == 2 and near.reading() is not None)

        assert near.memory().get(NUMBER) is None


class TestFilling:
    @pytest.fixture
    async def near(self, copy, clock, seen):
        """A cache with room for one document of a number."""
        copy.kept[number_key(OTHER_DID)] = a_number()
        async with NearCache(copy, seen, process="gateway:1", now_ms=clock, most_numbers=1) as cache:
            await until(lambda: cache.reading() is not None)
            yield cache

    async def missing(self, near):
        """Name a number whose document is not in memory."""
        return next(key for key in (NUMBER, number_key(OTHER_DID)) if key not in near.memory())

    async def test_a_missing_document_is_read_once_however_many_ask(self, near, copy, seen):
        """Single flight."""
        key = await self.missing(near)
        copy.go.clear()
        asking = [asyncio.create_task(near.fill([key])) for _ in range(50)]
        await until(lambda: copy.reads)
        asking += [asyncio.create_task(near.fill([key])) for _ in range(50)]
        await asyncio.sleep(0)
        copy.go.set()

        assert await asyncio.gather(*asking) == [True] * 100
        assert copy.reads == [frozenset({key})]
        assert near.memory().get(key) == a_number()
        assert seen.fills == 1

    async def test_a_fill_that_the_feed_overtook_is_dropped(self, near, copy):
        """What it read is older than what is known by now."""
        key = await self.missing(near)
        copy.go.clear()
        asking = asyncio.create_task(near.fill([key]))
        await until(lambda: copy.reads)
        copy.change({key: a_number(sms="disabled")})
        await until(lambda: near.reading().seq == 43)
        copy.go.set()
        assert await asking

        assert near.memory().get(key) == a_number(sms="disabled")

    async def test_a_fill_of_what_was_removed_meanwhile_brings_nothing_back(self, near, copy):
        """Gone is gone."""
        key = await self.missing(near)
        copy.go.clear()
        asking = asyncio.create_task(near.fill([key]))
        await until(lambda: copy.reads)
        copy.change({key: None})
        await until(lambda: near.reading().seq == 43)
        copy.go.set()
        assert await asking

        assert key in near.memory()
        assert near.memory().get(key) is None

    async def test_who_asked_and_left_takes_nobody_along(self, near, copy):
        """The read belongs to the cache."""
        key = await self.missing(near)
        copy.go.clear()
        leaver, stayer = (asyncio.create_task(near.fill([key])) for _ in range(2))
        await until(lambda: copy.reads)
        leaver.cancel()
        await asyncio.wait({leaver})
        copy.go.set()

        assert await stayer
        assert leaver.cancelled()

    async def test_without_the_store_it_says_no(self, near, copy):
        """And the next one asks again."""
        key = await self.missing(near)
        copy.is_away = True
        assert not await near.fill([key])

        copy.is_away = False
        assert await near.fill([key])
