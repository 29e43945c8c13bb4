"""The flows of numbers: enable, assign, disable, remove, change of hands, of tenant, and port-out.

One local number of a user is enabled at a time: enabling one takes the place of the others in the same transaction.
What has to happen at the aggregator is left as a wish (Desk.ask_aggregator) in the same transaction, too.

Source of the flows: the provider's Users and SMS pages (R8 to R12 of the console's rules).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.senders import canonical_sender
from registry.counts import HOLDING, held_by_each
from registry.flows.desk import Desk
from registry.lifecycle import standing as steps
from registry.lifecycle.cycle import ABSENT
from registry.lifecycle.numbers import may_text
from registry.lifecycle.standing import RefusedError, Registered, Standing, lacking
from registry.problems import Problem, wrong_field
from registry.records import Assignment, Brand, Campaign, Number, Record, Tenant, User
from registry.remembered import once
from registry.tables import assignments, brands, campaigns, numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A number with its rows, and how it stands."""

    number: Number
    link: Assignment | None
    user: User | None
    #: The campaign that it is in or is to be put into, with its brand; None where there is none.
    campaign: Campaign | None
    brand: Brand | None
    #: The owner's other enabled local numbers.
    others: list[Number]
    standing: Standing

    @property
    def is_there(self) -> bool:
        """It is in the campaign, or on its way into it."""
        link, campaign = self.link, self.campaign
        if link is None or campaign is None or link.state not in {"pending", "assigned"}:
            return False
        return (link.campaign_id, link.brand_id) == (campaign.id, campaign.brand_id)


async def number_of(desk: Desk, name: str) -> Number:
    """Return the tenant's number, in any spelling; Problem not_found."""
    number = await desk.one(Number, canonical_sender(name))
    if number is None or number.tenant != desk.tenant or number.left_at is not None:
        raise Problem("not_found")
    return number


async def load(desk: Desk, name: str, campaign_id: str | None = None) -> Found:
    """Return how a number stands towards a campaign: the named one, else the one it is in, else the one it would get.

    Problem: not_found; unknown_campaign when the named one is not the tenant's.
    """
    number = await number_of(desk, name)
    link = await desk.one(Assignment, number.did)
    user = None if number.user is None else await desk.one(User, number.user)
    campaign, brand = await _campaign_for(desk, link, campaign_id)
    others = await _others(desk, number)
    return Found(
        number=number,
        link=link,
        user=user,
        campaign=campaign,
        brand=brand,
        others=others,
        standing=Standing(
            registered=registered(campaign, brand),
            assignment=ABSENT if link is None else link.state,
            sms=number.sms,
            kind=number.kind,
            owned=user is not None,
            licensed=user is not None and may_text(user.licence),
            sms_page=number.sms_page,
            room=campaign is None or await has_room(desk, campaign, number.did),
            others=len(others),
        ),
    )


def registered(campaign: Campaign | None, brand: Brand | None) -> Registered:
    """Return what a campaign and its brand decide."""
    if campaign is None:
        return Registered() if brand is None else Registered(brand=brand.status)
    return Registered(
        brand=ABSENT if brand is None else brand.status,
        campaign=campaign.status,
        sharing=campaign.sharing,
        dca_complete=campaign.dca_complete,
        mock=campaign.mock,
        use_case=campaign.use_case,
    )


async def has_room(desk: Desk, campaign: Campaign, without: str) -> bool:
    """Say whether a campaign can take one more number than those it has, one number not counted."""
    if campaign.number_pool == "approved":
        return True
    limit = desk.limits.numbers_per_campaign
    # (no more than the limit are counted: a campaign that had a pool may hold very many)
    held = (
        sa.select(assignments.c.did)
        .where(
            assignments.c.campaign_id == campaign.id,
            assignments.c.state.in_(HOLDING),
            assignments.c.did != without,
        )
        .limit(limit)
    )
    return (await desk.connection.scalar(sa.select(sa.func.count()).select_from(held.subquery())) or 0) < limit


def superseded(number: Number) -> Number:
    """Return a number as it is when another one of its owner takes its place."""
    return replace(number, sms=steps.supersede(Standing(sms=number.sms)).sms)


async def enable(desk: Desk, name: str, campaign_id: str | None = None) -> Found:
    """Switch SMS on; the owner's other number is superseded, the campaign assigned where there is none."""
    return await _step(desk, await load(desk, name, campaign_id), steps.enable)


async def assign(desk: Desk, name: str, campaign_id: str | None = None) -> Found:
    """Put a number that stands on the SMS page into a campaign, or from one into another."""
    found = await load(desk, name, campaign_id)
    if found.is_there:
        return found
    return await _step(desk, found, steps.assign)


async def disable(desk: Desk, name: str) -> Found:
    """Switch SMS off."""
    return await _step(desk, await load(desk, name), steps.disable)


async def remove(desk: Desk, name: str) -> Found:
    """Take a number off the SMS page and out of its campaign."""
    return await _step(desk, await load(desk, name), steps.remove)


async def give(desk: Desk, name: str, user: str | None) -> Found:
    """Give a number to somebody else, or put it into the pool: SMS goes off, whatever it was."""
    found = await load(desk, name)
    if user is not None:
        await _check_user(desk, user)
    if user != found.number.user:
        number = replace(found.number, user=user, number_changed_at=desk.now)
        await _write(desk, replace(found, number=number), steps.lose(found.standing))
    return await load(desk, name)


async def port_out(desk: Desk, name: str) -> None:
    """Let a number go to another provider: nobody of ours has it any more, and the campaign is told."""
    found = await load(desk, name)
    number = replace(found.number, user=None, left_at=desk.now, number_changed_at=desk.now)
    await _write(desk, replace(found, number=number), steps.remove(found.standing))


async def move_to_tenant(desk: Desk, name: str, tenant: str) -> None:
    """Give a number to another company: out of its campaign first, and into the other company's pool."""
    if await desk.one(Tenant, tenant) is None:
        raise wrong_field("/tenant", "unknown_tenant")
    found = await load(desk, name)
    number = replace(found.number, tenant=tenant, user=None, number_changed_at=desk.now)
    await _write(desk, replace(found, number=number), steps.remove(found.standing))


async def add_number(desk: Desk, name: str, kind: str, user: str | None) -> Found:
    """Take a new number into the tenant's inventory, one that left before included."""
    did = canonical_sender(name)
    if did is None:
        raise wrong_field("/did", "invalid_value", "Give a US or Canadian number, such as +12025550123.")
    there = await desk.one(Number, did)
    if there is not None and there.left_at is None:
        raise Problem("number_taken")
    if user is not None:
        await _check_user(desk, user)
    number = Number(
        did=did,
        tenant=desk.tenant,
        user=user,
        kind=kind,
        sms="disabled",
        sms_enabled_at=None,
        number_changed_at=desk.now,
        licence_changed_at=None,
        toll_free_verification=None,
    )
    await desk.save([number])
    return await load(desk, did)


async def _step(desk: Desk, found: Found, step: Callable[[Standing], Standing]) -> Found:
    """Take one step of the life cycles and write what it comes to; Problem when it cannot be taken."""
    try:
        after = step(found.standing)
    except RefusedError as refused:
        raise Problem(refused.code) from None
    await _write(desk, found, after)
    return await load(desk, found.number.did, None if found.campaign is None else found.campaign.id)


async def _write(desk: Desk, found: Found, after: Standing) -> None:
    """Write a number as it is to stand, those that give way to it, and what the aggregator has to do."""
    number = replace(found.number, sms=after.sms, sms_page=after.sms_page)
    if after.sms == "enabled" != found.number.sms:
        number = replace(number, sms_enabled_at=desk.now)
    put: list[Record] = [number]
    if after.sms == "enabled" and after.others < found.standing.others:
        put += [superseded(other) for other in found.others]
    link = _link(desk, found, after.assignment)
    await desk.save([*put, *([] if link is None else [link])])
    if link is not None and link != found.link:
        action = "remove" if link.state == "removing" else "add"
        await desk.ask_aggregator(number.did, action, link.campaign_id)


def _link(desk: Desk, found: Found, state: str) -> Assignment | None:
    """Return the assignment as it is to be; None where there is none."""
    if state == ABSENT:
        return None
    campaign = found.campaign
    if state == "pending" and campaign is not None:
        same = found.link is not None and (found.link.state, found.link.campaign_id) == (state, campaign.id)
        if same:
            return found.link
        return Assignment(
            did=found.number.did, state=state, campaign_id=campaign.id, brand_id=campaign.brand_id, since=desk.now
        )
    if found.link is None or found.link.state == state:
        return found.link
    return replace(found.link, state=state, since=desk.now, fault=None)


async def _campaign_for(
    desk: Desk, link: Assignment | None, campaign_id: str | None
) -> tuple[Campaign | None, Brand | None]:
    if campaign_id is not None:
        try:
            return await desk.campaign(campaign_id)
        except Problem:
            raise wrong_field("/campaign_id", "unknown_campaign") from None
    if link is not None and link.state != "removing":
        campaign = await desk.one(Campaign, link.campaign_id)
        return campaign, await desk.one(Brand, None if campaign is None else campaign.brand_id)
    return await chosen_campaign(desk)


async def chosen_campaign(desk: Desk) -> tuple[Campaign | None, Brand | None]:
    """Return the campaign that a number of the tenant gets by itself: the first VERIFIED one that has room.

    Where none is, the one that is furthest, so that the refusal says what is lacking; a brand alone before nothing.
    """
    owners = {brand.id: brand for brand in await desk.all(Brand, brands.c.tenant == desk.tenant)}
    is_theirs = campaigns.c.brand_id.in_(sa.select(brands.c.id).filter_by(tenant=desk.tenant))
    first: Campaign | None = None
    nearest: Campaign | None = None
    portion = await desk.all(Campaign, is_theirs, most=_PORTION)
    while portion:
        good = [one for one in portion if lacking(registered(one, owners[one.brand_id])) is None]
        held = await held_by_each(desk.connection, [one.id for one in good])
        for campaign in good:
            if campaign.number_pool == "approved" or held[campaign.id] < desk.limits.numbers_per_campaign:
                return campaign, owners[campaign.brand_id]
        first = first or next(iter(good), None)
        nearest = min(portion if nearest is None else [nearest, *portion], key=_distance)
        portion = await desk.all(Campaign, is_theirs, campaigns.c.id > portion[-1].id, most=_PORTION)
    chosen = first or nearest
    if chosen is not None:
        return chosen, owners[chosen.brand_id]
    best = sorted(owners.values(), key=lambda one: one.status not in {"verified", "vetted_verified", "self_declared"})
    return None, best[0] if best else None


#: Campaigns that are read at a time.
_PORTION: Final = 100
#: Campaign states, the nearest to VERIFIED first.
_FURTHEST: Final = {state: place for place, state in enumerate(("active", "pending", "suspended", "rejected", "draft"))}


def _distance(campaign: Campaign) -> int:
    return _FURTHEST.get(campaign.status, len(_FURTHEST))


async def _others(desk: Desk, number: Number) -> list[Number]:
    """Return the owner's other local numbers that are enabled."""
    owner = number.user
    if owner is None or number.kind != "local":
        return []
    connection = desk.connection
    found = await once(connection, lambda: ("on", owner), lambda: numbers_on(connection, {owner}))
    return [one for one in found[owner] if one.did != number.did]


async def numbers_on(connection: AsyncConnection, people: Collection[str]) -> Mapping[str, list[Number]]:
    """Return the local numbers of each of these people that are enabled."""
    wanted = sa.select(numbers).where(numbers.c.user.in_(people), numbers.c.kind == "local", numbers.c.sms == "enabled")
    found: dict[str, list[Number]] = {one: [] for one in people}
    for row in (await connection.execute(wanted.order_by(numbers.c.did))).mappings():
        found[row["user"]].append(Number(**row))
    return found


async def _check_user(desk: Desk, name: str) -> None:
    try:
        await desk.user(name)
    except Problem:
        raise wrong_field("/user", "unknown_user") from None
