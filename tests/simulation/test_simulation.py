"""Many seeds of the whole product on virtual time: whatever a nemesis does, the promises hold. And: they can fail."""

import asyncio
import contextlib
import random
from unittest.mock import patch

import pytest

from gateway.near.cache import NearCache
from gateway.near.source import Reading
from gateway.queue import Begun, OutcomeUnknown, Park, Status
from gateway.queue.commit import GroupCommit
from gateway.send.gather import Gatherer
from gateway.work.dispatcher import Dispatcher
from gateway.work.doubts import Doubts
from gateway.work.lanes import _Lane
from gateway.work.tenure import Tenure
from tests.simulation.__main__ import in_words
from tests.simulation.world import simulate

SEEDS = 500
CHUNK = 25
#: So many seeds at most until a mistake must be found.
MISTAKE_SEEDS = 300


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_the_promises_hold(first):
    """No seed breaks any of them; one that does is named, with the command that shows it again."""
    broken = [report for report in map(simulate, range(first, first + CHUNK)) if report.violations]

    assert not broken, "\n\n".join(
        f"{in_words(report)}\nagain: python -m tests.simulation {report.plan.seed} --trace" for report in broken
    )


def begin_in_memory_only(patched):
    """Say that an attempt is begun without writing it down."""

    async def begin(_, jobs):
        return [Begun(id=job.id, attempt=job.attempts + 1, status=Status.SUBMITTING) for job in jobs]

    patched(Tenure, "begin", begin)


def retry_lost_accepts(patched):
    """Send a flush again whose answer was lost, key or no key."""
    flush = GroupCommit._flush

    async def retrying(commit, batch):
        accept = commit._accept

        async def again(requests):
            answers = await accept(requests)
            if any(isinstance(answer, OutcomeUnknown) for answer in answers):
                await asyncio.sleep(0.1)
                return await accept(requests)
            return answers

        commit._accept = again
        try:
            await flush(commit, batch)
        finally:
            commit._accept = accept

    patched(GroupCommit, "_flush", retrying)


def facts_never_age(patched):
    """Believe what is in memory however long nobody confirmed it."""
    reading = NearCache.reading

    def young(cache):
        known = reading(cache)
        return None if known is None else Reading(known.documents, known.seq, 0)

    patched(NearCache, "reading", young)


def lost_answers_are_failures(patched):
    """Take a time-out at the carrier for a no, and send again each time."""

    def resend(_, doubt, stored, answer):
        del answer
        job = doubt.job
        job.tenure.park(
            Park(
                id=job.id,
                payload=job.payload,
                lane=job.lane,
                due_ms=1,
                status=Status.QUEUED,
                attempt=stored.attempts,
                code="carrier_timeout",
            )
        )

    patched(Doubts, "_decide", resend)


def nobody_waits_for_the_one_before(patched):
    """Let a conversation's messages go as if they were of different ones, the newest first."""

    def take(lane, size):
        waiting = [job for behind in lane._behind.values() for job in behind]
        lane._ready.extend(waiting)
        for behind in lane._behind.values():
            behind.clear()
        return [lane._ready.pop() for _ in range(min(size, len(lane._ready)))]

    patched(_Lane, "take", take)


def judge_only_once(patched):
    """Take what was allowed once for allowed for ever."""

    async def clear(_, jobs):
        return list(jobs)

    patched(Dispatcher, "_clear", clear)


def acknowledge_at_once(patched):
    """Let log entries go before their messages have come to an end."""
    take = Tenure.take

    async def taking(tenure, **options):
        taken, cursor = await take(tenure, **options)
        for stamp in {tuple(one.id.split("-")[1:3]) for one in taken}:
            partition = tenure._queue._server.partitions[tenure.partition]
            partition._retire((int(stamp[0]), int(stamp[1])))
        return taken, cursor

    patched(Tenure, "take", taking)


def opt_outs_are_for_ever(patched):
    """Believe an opt-out that was read once, whatever came after it."""
    read = Gatherer._read_opt_outs

    async def remembering(gatherer, searches):
        found = await read(gatherer, searches)
        remembered = vars(gatherer).setdefault("_remembered", {})
        remembered.update({pair: said for pair, said in found.items() if said is not None})
        return {**found, **remembered}

    patched(Gatherer, "_read_opt_outs", remembering)


@pytest.mark.parametrize(
    ("mistake", "rules"),
    [
        (begin_in_memory_only, {"one_terminal", "doubles_explained"}),
        (retry_lost_accepts, {"nothing_blocked_submitted", "conservation"}),
        (facts_never_age, {"revocations_hold"}),
        (lost_answers_are_failures, {"doubles_explained"}),
        (nobody_waits_for_the_one_before, {"order_kept"}),
        (judge_only_once, {"revocations_hold", "opt_outs_hold"}),
        (acknowledge_at_once, {"no_lost", "conservation"}),
        (opt_outs_are_for_ever, {"no_wrong_block"}),
    ],
)
def test_a_mistake_is_found(mistake, rules):
    """A simulation in which nothing can go wrong would show nothing: each of these some seed finds, by its rule."""
    patches = []

    def patched(owner, name, stand_in):
        patches.append(patch.object(owner, name, stand_in))

    mistake(patched)
    with contextlib.ExitStack() as stack:
        for one in patches:
            stack.enter_context(one)
        seeds = random.Random("mistakes").sample(range(10_000), MISTAKE_SEEDS)
        assert any(rules & {one.rule for one in simulate(seed).violations} for seed in seeds), "no seed finds it"
