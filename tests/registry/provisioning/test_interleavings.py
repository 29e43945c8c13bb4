"""Whatever people wish, in whatever order calls fail and events come: in the end aggregator and SQL agree."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from loadtests.aggregator import app
from loadtests.aggregator.settings import DEVELOPMENT_SECRET, Settings
from registry.database import Database
from registry.provisioning.client import AggregatorClient, read_shown
from registry.provisioning.hook import NumbersHook
from tests.registry.builders import a_brand, a_campaign, a_number, a_tenant, a_user
from tests.registry.provisioning.conftest import KEY, PATIENCE, Clock, World

#: What can happen; what stands here twice happens twice as often.
WORDS = (
    *("C1", "C1", "C2", "remove", "remove", "in", "out"),
    *("done", "done", "done", "INTERNAL", "CARRIER_REJECTED"),
    *("event", "event", "newest", "late", "late", "days"),
    *("cut_after", "cut_before", "unavailable", "garbled", "ineffective", "killed before", "killed after"),
)
#: A word, which event of those there were, and whether the worker has a turn afterwards.
ACTIONS = st.tuples(st.sampled_from(WORDS), st.integers(0, 12), st.booleans())


def told(*words):
    """Return a story as actions; "event 3" is an event by its number, "turn" a turn of the worker."""
    return [(word.partition(" ")[0], int(word.partition(" ")[2] or 0), word == "turn") for word in words]


class KilledError(Exception):
    """Stands for the end of the process: nothing after it is done."""


@dataclass
class Story:
    """One number's life."""

    world: World
    hook: NumbersHook
    did: str
    #: Every event that the aggregator had to tell, in order.
    events: list = field(default_factory=list)
    #: The last wish: a campaign, or remove.
    wish: str = "remove"
    #: The last wish may have failed for good.
    may_have_failed: bool = False

    async def play(self, word, number):
        """Have one thing happen."""
        match word:
            case "remove":
                with contextlib.suppress(Exception):  # Nothing to remove is a refusal.
                    await self.world.remove(self.did)
                self.wish = word
            case "C1" | "C2":
                before = await self.world.job(self.did)
                await self.world.assign(self.did, word)
                if await self.world.job(self.did) != before:
                    self.wish, self.may_have_failed = word, False
            case "in" | "out":
                await self.play("C1" if word == "in" else "remove", number)
                for _ in range(3):
                    await self.turn()
                    self.finish(None)
            case "done":
                self.finish(None)
            case "INTERNAL" | "CARRIER_REJECTED":
                self.finish(word)
            case "event" | "newest" if self.events:
                event = self.events[-1 if word == "newest" else number % len(self.events)]
                await self.hook._apply(read_shown(event.shown()))
            case _:
                await self.trouble(word)

    async def trouble(self, word):
        """Have something go wrong, or time go by."""
        match word:
            case "late" | "days":
                self.world.clock.pass_by(hours=1 if word == "late" else 26)
            case "ineffective":
                self.rules({"operation": "add", "effective": False, "outcome": "never"})
            case "killed before" | "killed after":
                await self.crash(word)
            case "cut_after" | "cut_before" | "unavailable" | "garbled":
                self.rules({"answer": word, "times": 2, "outcome": "never"})

    async def turn(self):
        """Let a little time go by, and the worker look."""
        self.world.clock.pass_by(minutes=1)
        await self.world.worker.work_once()

    def rules(self, *first):
        """Have the emulator follow these, and otherwise wait to be told how operations end."""
        self.world.rules(*first, {"outcome": "never"})

    def finish(self, reason):
        """End what is under way, if anything is."""
        number = self.world.aggregator.book.find(self.did)
        if number is not None and number.state == "PENDING":
            self.world.finish(reason, self.did)
            self.may_have_failed |= reason is not None

    async def crash(self, when):
        """Work, and be killed at the first call that changes something, just before or just after it."""
        client, dying = self.world.worker._client, _Dying(self.world.client, when)
        self.world.worker._client = dying
        try:
            await self.world.worker.work_once()
        finally:
            self.world.worker._client = client

    async def end(self):
        """Let everything work again, and time go by."""
        self.rules()
        for _ in range(30):
            self.finish(None)
            await self.world.settle(self.did)
            self.world.clock.pass_by(hours=2)
            await self.world.turn()
            if await self.world.job(self.did) is None:
                break

    async def check(self):
        """The last wish won, or failed and is nowhere; SQL says what the aggregator says."""
        number = self.world.aggregator.book.find(self.did)
        link, job = await self.world.link(self.did), await self.world.job(self.did)
        assert job is None
        held = None if number is None else number.holds
        said = link.campaign_id if link is not None and link.state == "assigned" else None
        assert said == held, (link, number)
        assert link is None or link.state in {"assigned", "failed"}
        if not self.may_have_failed:
            assert said == (None if self.wish == "remove" else self.wish)
        if said is not None:
            assert number.osr == said
        # While an operation is under way nothing else was asked for, and the audit tells of it.
        mine = [call for call in self.world.aggregator.calls.log if call.tn == self.did]
        assert 409 not in {call.status for call in mine}


class _Dying:
    """A client whose process is killed around its first write."""

    def __init__(self, client, when):
        self._client = client
        self._when = when

    def __getattr__(self, name):
        call = getattr(self._client, name)
        if name not in {"assign", "remove"}:
            return call

        async def dying(*arguments):
            if self._when == "killed after":
                await call(*arguments)
            raise KilledError

        return dying


@contextlib.asynccontextmanager
async def a_world(registry_settings):
    """One world for all examples; each has a number of its own."""
    async with (
        Database.opened(registry_settings) as database,
        app.running(Settings(port=0, scale=0, reads_per_s=1e6, writes_per_s=1e6, campaign_numbers_max=10**6)) as there,
        AggregatorClient.opened(there.url, KEY, reads_per_s=1e6, writes_per_s=1e6, timeout_s=5) as client,
    ):
        world = World(database, there, client, Clock())
        await world.put(a_tenant(), a_user(), a_brand(), a_campaign("C1"), a_campaign("C2"))
        yield world


@pytest.mark.timeout(600)
def test_in_the_end_they_agree(settings):
    """Wishes, ends, failures, cuts, crashes, and events that are lost, late, repeated or out of order, in any order."""
    with asyncio.Runner() as runner:
        opened = a_world(settings)
        world = runner.run(opened.__aenter__())
        secrets = (DEVELOPMENT_SECRET,)
        hook = NumbersHook(world.database, world.worker, PATIENCE, world.metrics, secrets=secrets, now=world.clock)
        count = iter(range(10**6))

        @hypothesis.settings(
            max_examples=25,
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        )
        @hypothesis.example(told("in", "out", "in", "remove", "event 3"))
        @hypothesis.example(told("C1", "turn", "CARRIER_REJECTED", "turn", "in", "remove", "event 1"))
        @hypothesis.example(told("C1", "turn", "remove", "turn", "done", "turn", "turn"))
        @hypothesis.example(told("ineffective", "in", "days", "turn", "days", "turn", "turn"))
        @given(st.lists(ACTIONS, min_size=5, max_size=30))
        def examples(actions):
            runner.run(live(actions))

        async def live(actions):
            story = Story(world, hook, f"+1303{next(count) + 2_000_000:07}")
            world.aggregator.book._tell = lambda number, _: story.events.append(number)
            await world.put(a_number(story.did, user=None, sms="disabled", sms_page=True))
            story.rules()
            for word, number, turn in actions:
                await story.play(word, number)
                if turn:
                    await story.turn()
            await story.end()
            await story.check()

        try:
            examples()
        finally:
            runner.run(opened.__aexit__(None, None, None))
