"""The worker against the emulator: each way that a wish can go."""

from dataclasses import replace
from datetime import timedelta

import pytest

from registry.provisioning import reasons
from registry.provisioning.jobs import stuck_jobs
from tests.registry.builders import DID, OTHER_DID, a_brand, a_campaign, a_number


async def test_a_number_gets_into_its_campaign(world):
    """Pending, asked once, added, seen by carriers; then the job is gone and the audit shows who did it."""
    world.rules({"operation": "add", "outcome": "never"})
    await world.assign()
    await world.turn()
    assert (await world.state(), (await world.job()).state, world.asked()) == ("pending", "asked", ["add"])
    world.finish()
    await world.later(minutes=1)
    link = await world.link()
    assert (link.state, link.campaign_id, link.fault) == ("assigned", "CACME", None)
    assert link.since > world.clock.now - timedelta(seconds=1)
    assert await world.job() is None
    assert world.asked("add", "remove", "osr") == ["add", "osr"]
    assert await world.trail() == ["assigned"]


async def test_a_number_gets_out_of_its_campaign(world):
    """Removing until the aggregator has done it; then there is no assignment."""
    await world.assign()
    await world.turn()
    await world.later(minutes=1)
    await world.remove()
    assert await world.state() == "removing"
    await world.turn()
    await world.later(minutes=1)
    assert (await world.state(), await world.job(), world.shown()) == ("", None, ("DELETED", None))
    assert await world.trail() == ["assigned", None]


async def test_what_the_aggregator_never_heard_of_is_removed_at_once(world):
    """Nothing is asked for: there is nothing to take out."""
    await world.assign()
    await world.remove()
    await world.turn()
    assert (await world.state(), await world.job(), world.asked()) == ("", None, [])


async def test_a_failure_ends_in_a_reason_and_the_admin_tries_again(world):
    """A final reason is told in our words, nothing is asked again by itself; a new wish is a new attempt."""
    world.rules({"operation": "add", "times": 1, "outcome": "failed", "reason": "CARRIER_REJECTED"})
    await world.assign()
    await world.turn()
    await world.later(minutes=1)
    link = await world.link()
    assert (link.state, link.fault) == ("failed", reasons.MEANINGS["CARRIER_REJECTED"].sentence)
    assert await world.job() is None
    await world.later(days=3)
    assert world.asked() == ["add"]
    await world.assign()
    await world.turn()
    await world.later(minutes=1)
    assert ((await world.link()).state, (await world.link()).fault) == ("assigned", None)


async def test_a_passing_failure_is_tried_again_after_growing_pauses(world):
    """Five times, each longer after the last; then the admin hears of it."""
    world.rules({"operation": "add", "outcome": "failed", "reason": "INTERNAL"})
    await world.assign()
    await world.turn()
    asked = []
    for _ in range(120):
        await world.later(seconds=10)
        asked.append(len(world.asked()))
    assert await world.state() == "failed"
    assert asked[-1] == 5
    pauses = [asked.count(count) for count in (1, 2, 3, 4)]
    assert pauses == sorted(pauses)
    assert pauses[0] >= 2
    assert pauses[3] >= 2 * pauses[0]


async def test_a_refusal_is_final_and_has_its_reason(world):
    """The fiftieth number: refused at once, failed with the sentence that says what helps."""
    for index in range(49):
        world.aggregator.book.put(f"+1303555{index:04}", {"campaignId": "CACME"})
    await world.assign()
    await world.turn()
    link = await world.link()
    assert (link.state, link.fault) == ("failed", reasons.MEANINGS["EXCEEDED_10DLC_LIMIT"].sentence)
    assert "number pool" in reasons.helps_with(link.fault)
    assert await world.job() is None


async def test_a_reason_that_nobody_knows_is_shown_as_it_came(world, monkeypatch):
    """Our table need not have every code of theirs."""
    monkeypatch.setitem(world.aggregator.book.__init__.__globals__["REASONS"], "CARRIER_REJECTED", "Because of blue.")
    monkeypatch.setattr(reasons, "MEANINGS", {})
    world.rules({"operation": "add", "outcome": "failed", "reason": "CARRIER_REJECTED"})
    await world.assign()
    await world.turn()
    await world.later(minutes=1)
    assert (await world.link()).fault == "Because of blue."


async def test_pending_for_ever_is_looked_at_less_and_less_and_fails_after_48_hours(world):
    """At most hourly; failed with a reason in the end, on the list of what a person looks at, and never toggled."""
    world.rules({"operation": "add", "outcome": "never"})
    await world.assign()
    await world.turn()
    for _ in range(47):
        await world.later(hours=1)
    assert await world.state() == "pending"
    for _ in range(3):
        await world.later(hours=1)
    assert (await world.state(), (await world.link()).fault) == ("failed", reasons.TIMED_OUT.sentence)
    assert world.asked() == ["add"]
    assert len(world.asked("read")) < 60
    async with world.database.reading() as connection:
        assert [job.did for job in await stuck_jobs(connection)] == [DID]
        assert await stuck_jobs(connection, [OTHER_DID]) == []


@pytest.mark.parametrize(("reason", "state"), [(None, "assigned"), ("CARRIER_REJECTED", "failed")])
async def test_what_comes_through_after_all_is_taken(world, reason, state):
    """Given up, and then the aggregator has a last word: SQL and it agree, and nothing is left on the list."""
    world.rules({"operation": "add", "outcome": "never"})
    await world.assign()
    await world.turn()
    await world.later(hours=49)
    assert (await world.job()).state == "stuck"
    world.finish(reason)
    for _ in range(3):
        await world.later(hours=1)
    assert (await world.state(), await world.job()) == (state, None)
    assert (await world.link()).fault == (None if reason is None else reasons.MEANINGS[reason].sentence)


async def test_shown_but_not_effective_is_remedied_once(world):
    """Assigned, but carriers do not see it: after the grace time off and on, pending meanwhile, and it works."""
    world.rules({"operation": "add", "effective": False})
    await world.assign()
    await world.turn()
    await world.later(minutes=1)
    assert (await world.state(), (await world.job()).remedied_at) == ("assigned", None)
    for _ in range(22):
        await world.later(hours=1)
    assert world.asked() == ["add"]  # Not before the grace time is over.
    for _ in range(16):
        await world.later(hours=1)
    assert world.asked() == ["add", "remove", "add"]
    assert (await world.state(), await world.job()) == ("assigned", None)
    assert world.aggregator.book.osr(DID) == "CACME"
    assert await world.trail() == ["assigned", "pending", "assigned"]


async def test_what_off_and_on_does_not_cure_is_left_to_a_person(world):
    """Once, and no second time; failed with a reason, listed; and taken when carriers see it one day."""
    world.rules({"operation": "add", "effective": False, "curable": False})
    await world.assign()
    await world.turn()
    for _ in range(100):
        await world.later(hours=1)
    assert world.asked() == ["add", "remove", "add"]
    assert (await world.state(), (await world.link()).fault) == ("failed", reasons.NOT_EFFECTIVE.sentence)
    assert (await world.job()).state == "stuck"
    world.aggregator.book._keep(replace(world.aggregator.book.find(DID), osr="CACME"))
    await world.later(hours=2)
    assert (await world.state(), (await world.link()).fault, await world.job()) == ("assigned", None, None)


async def test_nothing_is_toggled_while_it_is_pending(world):
    """A remedy that hangs in either half waits like everything else."""
    world.rules({"operation": "add", "effective": False})
    await world.assign()
    await world.turn()
    await world.later(minutes=1)
    world.rules({"operation": "remove", "outcome": "never"}, {"operation": "add", "outcome": "never"})
    for _ in range(40):
        await world.later(hours=1)
    assert (world.asked(), await world.state()) == (["add", "remove"], "pending")
    world.finish()
    await world.later(hours=2)
    for _ in range(3):
        await world.later(hours=2)
    assert world.asked() == ["add", "remove", "add"]
    world.finish()
    await world.later(hours=6)
    assert await world.state() == "assigned"


async def test_a_removal_while_the_addition_is_pending_waits_for_it(world):
    """Nothing is asked while it is pending; then it is taken out again: the last wish wins."""
    world.rules({"operation": "add", "outcome": "never"})
    await world.assign()
    await world.turn()
    await world.remove()
    await world.later(minutes=5)
    assert (world.asked(), await world.state()) == (["add"], "removing")
    world.finish()
    await world.later(minutes=30)
    await world.later(minutes=30)
    assert (await world.state(), await world.job(), world.shown()) == ("", None, ("DELETED", None))
    assert "assigned" not in await world.trail()


async def test_an_addition_while_the_removal_is_pending_waits_for_it(world):
    """And brings the number back in the end."""
    await world.assign()
    await world.turn()
    await world.later(minutes=1)
    world.rules({"operation": "remove", "outcome": "never"})
    await world.remove()
    await world.turn()
    await world.assign()
    await world.later(minutes=5)
    assert (world.asked(), await world.state()) == (["add", "remove"], "pending")
    world.finish()
    await world.later(minutes=30)
    await world.later(minutes=30)
    assert (await world.state(), await world.job(), world.shown()) == ("assigned", None, ("ADDED", "CACME"))


async def test_a_number_moves_to_another_campaign(world):
    """Out of the one before into the other."""
    await world.assign()
    await world.turn()
    await world.later(minutes=1)
    await world.assign(campaign="COTHER")
    await world.turn()
    for _ in range(3):
        await world.later(minutes=5)
    assert world.asked() == ["add", "remove", "add"]
    assert (await world.state(), world.shown()) == ("assigned", ("ADDED", "COTHER"))


async def test_a_campaign_that_is_deactivated_while_pending_keeps_no_number(world):
    """The flow wishes for a removal; it comes when the addition has ended."""
    world.rules({"operation": "add", "outcome": "never"})
    await world.assign()
    await world.turn()
    await world.deactivate()
    world.finish()
    for _ in range(3):
        await world.later(minutes=10)
    assert (await world.state(), await world.job(), world.shown()) == ("", None, ("DELETED", None))


async def test_a_campaign_that_ends_elsewhere_while_pending_keeps_no_number(world):
    """Expired at TCR, nobody wished for a removal: added all the same, taken back, and failed with the reason."""
    world.rules({"operation": "add", "outcome": "never"})
    await world.assign()
    await world.turn()
    await world.put(a_campaign(status="expired"))
    world.finish()
    for _ in range(3):
        await world.later(minutes=10)
    assert (await world.state(), await world.job(), world.shown()) == ("failed", None, ("DELETED", None))
    assert "register a new campaign" in (await world.link()).fault


@pytest.mark.parametrize("ended", [a_campaign(status="expired"), a_brand(status="deleted")])
async def test_an_ended_campaign_is_not_asked_for(world, ended):
    """Ended before anything was asked: nothing is."""
    await world.assign()
    await world.put(ended)
    await world.turn()
    assert (await world.state(), world.asked(), await world.job()) == ("failed", [], None)


async def test_a_paused_campaign_is_waited_for(world):
    """Suspended for a while: nothing is asked until it may have numbers again."""
    await world.assign()
    await world.put(a_campaign(status="suspended"))
    await world.turn()
    await world.later(hours=2)
    assert (await world.state(), world.asked()) == ("pending", [])
    await world.put(a_campaign())
    await world.later(hours=2)
    await world.later(hours=2)
    assert await world.state() == "assigned"


async def test_a_campaign_that_stays_paused_fails_after_48_hours(world):
    """With its own reason; and the number still gets in when the campaign is good again."""
    await world.assign()
    await world.put(a_campaign(status="suspended"))
    for _ in range(60):
        await world.later(hours=1)
    assert ((await world.link()).fault, world.asked()) == (reasons.CAMPAIGN_PAUSED.sentence, [])
    await world.put(a_campaign())
    for _ in range(3):
        await world.later(hours=1)
    assert (await world.state(), (await world.link()).fault) == ("assigned", None)


async def test_a_removal_that_fails_is_asked_again_until_it_is_done(world):
    """Disabling Failed, on the list; asked every hour, for the number has to come out."""
    await world.assign()
    await world.turn()
    await world.later(minutes=1)
    world.rules({"operation": "remove", "times": 3, "outcome": "failed", "reason": "CARRIER_REJECTED"})
    await world.remove()
    await world.turn()
    await world.later(minutes=1)
    job = await world.job()
    assert (await world.state(), job.state) == ("removing", "stuck")
    assert job.fault == reasons.MEANINGS["CARRIER_REJECTED"].sentence
    for _ in range(8):
        await world.later(hours=1)
    assert (await world.state(), await world.job(), world.shown()) == ("", None, ("DELETED", None))


async def test_a_number_that_somebody_changed_by_other_ways_is_left_alone(world):
    """The assignment is not what was wished for any more: the wish is dropped."""
    await world.assign()
    link = await world.link()
    await world.put(replace(link, campaign_id="COTHER"))
    await world.turn()
    assert (await world.job(), world.asked()) == (None, [])


@pytest.mark.parametrize("answer", ["throttle", "unavailable", "cut_before", "cut_after", "garbled"])
@pytest.mark.parametrize("operation", ["read", "add", "osr"])
async def test_calls_that_fail_are_made_again(world, answer, operation):
    """Whatever became of the call, the number is looked at later, and added once."""
    world.rules({"operation": operation, "answer": answer, "times": 2})
    await world.assign()
    await world.turn()
    for _ in range(10):
        await world.later(minutes=10)
    assert (await world.state(), await world.job(), world.shown()) == ("assigned", None, ("ADDED", "CACME"))
    assert world.worker.trouble is None
    added = [one for one in world.aggregator.calls.log if (one.operation, one.status) == ("add", 202)]
    assert len(added) <= 1


async def test_an_aggregator_that_is_gone_is_waited_out(world):
    """Pauses grow; after 48 hours the admin hears of it; when it is back, the number gets in."""
    world.rules({"answer": "unavailable"})
    await world.assign()
    await world.turn()
    assert world.worker.trouble == "UnavailableError"
    for _ in range(12):
        await world.later(minutes=5)
    assert await world.state() == "pending"
    assert len(world.aggregator.calls.log) < 20
    await world.later(hours=48)
    assert (await world.state(), (await world.link()).fault) == ("failed", reasons.TIMED_OUT.sentence)
    world.rules()
    for _ in range(4):
        await world.later(hours=1)
    assert (await world.state(), await world.job()) == ("assigned", None)


async def test_a_rate_limit_is_kept_to(world):
    """Retry-After of an answer is the least that is waited."""
    world.rules({"operation": "add", "answer": "throttle", "retry_after": 200, "times": 1})
    await world.assign()
    await world.turn()
    job = await world.job()
    assert job.next_at - world.clock.now >= timedelta(seconds=199)


async def test_many_numbers_are_worked_off_in_batches(world):
    """More than a batch; each gets there."""
    dids = [f"+1303555{index:04}" for index in range(20)]
    await world.put(*(a_number(did, user=None, sms="disabled") for did in dids))
    for did in dids:
        await world.assign(did)
    await world.turn()
    for did in dids:
        await world.settle(did)
    await world.later(minutes=5)
    assert {await world.state(did) for did in dids} == {"assigned"}


async def test_a_fault_with_one_number_does_not_stop_the_others(world, monkeypatch):
    """A bug of ours, met by one number: it is logged, and taken again later."""
    await world.put(a_number(OTHER_DID, user=None, sms="disabled"))
    await world.assign()
    await world.assign(OTHER_DID)
    read = world.client.read

    async def crash(did):
        if did == DID:
            raise ZeroDivisionError
        return await read(did)

    monkeypatch.setattr(world.client, "read", crash)
    await world.turn()
    await world.settle(OTHER_DID)
    monkeypatch.undo()
    await world.later(minutes=1)
    await world.later(minutes=1)
    assert (await world.state(), await world.state(OTHER_DID)) == ("assigned", "assigned")
