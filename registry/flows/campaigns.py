"""The flows of a campaign that is there: deactivation, and leave for more numbers than the limit."""

from dataclasses import replace

from registry.flows import leaves
from registry.flows.desk import Desk
from registry.lifecycle import standing as steps
from registry.lifecycle.cycle import LifeCycle, NotAllowedError
from registry.lifecycle.numbers import ASSIGNMENT
from registry.lifecycle.registration import CAMPAIGN, NUMBER_POOL
from registry.lifecycle.standing import Standing
from registry.problems import Problem, wrong_field
from registry.records import Assignment, Campaign, Number, Record
from registry.tables import assignments


async def deactivate(desk: Desk, name: str, confirm: str) -> Campaign:
    """End a campaign for good: SMS off for every number in it, and each of them out of it.

    confirm is the campaign's id once more, as the admin typed it. Problem: not_found, wrong_confirmation, and
    not_from_here for one that has ended already.
    """
    campaign, _ = await desk.campaign(name)
    if confirm != campaign.id:
        raise wrong_field("/confirm", "wrong_confirmation")
    ended = replace(campaign, status=_after(CAMPAIGN, campaign.status, "deactivated"))
    links = await desk.all(Assignment, assignments.c.campaign_id == campaign.id)
    put: list[Record] = [ended]
    for link in links:
        if link.state != "removing":
            put.append(replace(link, state=ASSIGNMENT.after(link.state, "remove"), since=desk.now, fault=None))
        number = await desk.one(Number, link.did)
        if number is not None:
            put.append(replace(number, sms=steps.lose(Standing(sms=number.sms)).sms))
    await desk.save(put)
    await leaves.drop(desk, leaves.POOL, campaign.id)
    for link in links:
        await desk.ask_aggregator(link.did, "remove", campaign.id)
    await desk.ask_tcr("deactivate", campaign.id)
    return ended


async def request_number_pool(desk: Desk, name: str) -> Campaign:
    """Wish for leave to hold more numbers than the limit: the provider's people find it on their list."""
    campaign, _ = await desk.campaign(name)
    if campaign.status in CAMPAIGN.dead_ends:
        raise Problem("not_from_here")
    asked = replace(campaign, number_pool=_after(NUMBER_POOL, campaign.number_pool, "requested"))
    await desk.save([asked])
    await leaves.ask(desk, leaves.POOL, campaign.id, campaign.use_case)
    return asked


async def settle_number_pool(desk: Desk, name: str, *, approved: bool) -> Campaign:
    """Note what the carriers said about the number pool; numbers that are in the campaign stay, whatever it was."""
    campaign, _ = await desk.campaign(name)
    event = "approved" if approved else "revoked"
    settled = replace(campaign, number_pool=_after(NUMBER_POOL, campaign.number_pool, event))
    await desk.save([settled])
    outcome = leaves.APPROVED if approved else leaves.DECLINED
    await leaves.settle(desk, leaves.POOL, campaign.id, campaign.use_case, outcome)
    return settled


def _after(cycle: LifeCycle, state: str, event: str) -> str:
    try:
        return cycle.after(state, event)
    except NotAllowedError:
        raise Problem("not_from_here") from None
