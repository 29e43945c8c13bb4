"""Reads the rows that a preflight is about, as the gateway would see them, and how they stand.

The facts are made of the very documents that gateways read (registry/documents.py), so that the judge judges here what
it would judge there. The text is an ordinary one, typed in the app. What only the gateway's own store knows is left
out: counters, opt-outs that are not confirmed yet, what people wrote.

Not here: the judgement (judge.py) and the way to yes (search.py).
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from compliance import facts
from compliance.destinations import DestinationClass, read_destination
from compliance.documents import (
    UserDocument,
    load_brand,
    load_campaign,
    load_extension,
    load_line,
    load_number,
    load_user,
)
from compliance.facts import Facts, SenderNumber
from compliance.senders import canonical_sender
from registry import documents
from registry.commands import find
from registry.counts import HOLDING, held_by_each
from registry.documents import Kind
from registry.flows import numbers as flow
from registry.flows.desk import Desk, Limits
from registry.lifecycle.cycle import ABSENT
from registry.lifecycle.numbers import may_text
from registry.lifecycle.standing import Standing
from registry.preflight.situation import NOT_ASKED, Situation
from registry.problems import Problem, wrong_field
from registry.provisioning.reasons import helps_with
from registry.records import Assignment, Brand, Campaign, Number, OptOut
from registry.remembered import once
from registry.rows import IDENTIFIER
from registry.tables import brands, campaigns, numbers

_TEXT: Final = "See you at ten"
_EXTENSION: Final = re.compile(r"ext:([0-9]{1,15})", re.ASCII)
_US: Final = frozenset({DestinationClass.US, DestinationClass.US_TERRITORY})
_OSR_TMOBILE: Final = 4
_NOBODY_SINCE: Final = date(9999, 12, 31)
#: The most campaigns of a company that are compared; the rest would not be nearer.
_MOST_CAMPAIGNS: Final = 50


class Asked(NamedTuple):
    """What is asked: may this number, or this person, text that one."""

    tenant: str
    #: A phone number as people write it, user:<id> or ext:<digits>.
    to: str
    #: In any spelling; None: the user's own.
    number: str | None = None
    #: Who sends; None: the owner of the number.
    user: str | None = None


class Read(NamedTuple):
    """What the rows say about it."""

    facts: Facts
    #: The number meant, E.164; None where the user has none.
    did: str | None
    #: Who sends; None where nobody has the number.
    user: str | None
    #: How the number stands towards each campaign that it can be aimed at, its own first.
    situations: tuple[Situation, ...]


async def read(connection: AsyncConnection, asked: Asked, limits: Limits, *, way: bool = True) -> Read:
    """Read it, all of one instant. Problem: not_found for another's number, unknown_user.

    way: what the way to yes begins at, too; without it there are no situations.
    """
    desk = Desk(connection=connection, tenant=asked.tenant, actor="preflight", now=datetime.now(UTC), limits=limits)
    number = await _number(desk, asked)
    user_id = asked.user or (None if number is None else number.user)
    sender = await _sender(connection, asked.tenant, user_id, number)
    to = read_destination(asked.to)[1]
    line = await _document(connection, documents.LINES, to) if to else None
    contact = None if line is None else load_line(line)
    given = Facts(
        at=desk.now.replace(microsecond=0),
        message=facts.Message(to=asked.to, sender=None if number is None else number.did, text=_TEXT),
        sender=sender,
        recipient=facts.Recipient(
            directory=await _colleague(connection, asked.tenant, asked.to, to),
            carrier=None if contact is None else contact.carrier,
            line=None if contact is None else contact.line,
            opted_out=await _opt_out(desk, to),
        ),
    )
    found = [one async for one in _situations(desk, number, given)] if way else []
    return Read(given, None if number is None else number.did, user_id, tuple(found))


async def _number(desk: Desk, asked: Asked) -> Number | None:
    """Return the number meant: the named one, else the user's enabled one, else the one that would be enabled."""
    if asked.number is not None:
        if canonical_sender(asked.number) is None:
            raise Problem("not_found")
        return await flow.number_of(desk, asked.number)
    if asked.user is None:
        raise wrong_field("/from", "missing_field", "Name a number in from, or a person in user.")
    try:
        user = await desk.user(asked.user)
    except Problem:
        raise wrong_field("/user", "unknown_user") from None
    theirs = await desk.all(Number, numbers.c.user == user.id, numbers.c.left_at.is_(None))
    local = [one for one in theirs if one.kind == "local"]
    document = await _document(desk.connection, documents.USERS, user.id)
    sending = None if document is None else load_user(document).number
    nearest = sorted(local, key=lambda one: (one.did != sending, one.sms != "superseded", not one.sms_page, one.did))
    return nearest[0] if nearest else None


async def _sender(connection: AsyncConnection, tenant: str, user_id: str | None, number: Number | None) -> facts.Sender:
    document = None if user_id is None else await _document(connection, documents.USERS, user_id)
    user = UserDocument(id="", tenant=tenant, customer_since=_NOBODY_SINCE) if document is None else load_user(document)
    whole: SenderNumber | None = None
    campaign: facts.Campaign | None = None
    brand: facts.Brand | None = None
    if number is not None and (raw := await _document(connection, documents.NUMBERS, number.did)) is not None:
        whole = load_number(raw)
    link = None if whole is None else whole.assignment
    if link is not None and link.campaign_id is not None:
        raw = await _document(connection, documents.CAMPAIGNS, link.campaign_id)
        campaign = None if raw is None else load_campaign(raw)
    if campaign is not None:
        raw = await _document(connection, documents.BRANDS, campaign.brand_id)
        brand = None if raw is None else load_brand(raw)
    return facts.Sender(
        tenant=tenant,
        customer_since=user.customer_since,
        user=user.id,
        number=whole,
        campaign=campaign,
        brand=brand,
    )


async def _colleague(connection: AsyncConnection, tenant: str, to: str, number: str) -> facts.Owner | None:
    """Say which colleague a destination is, as the gateway does."""
    if number:
        raw = await _document(connection, documents.NUMBERS, number)
        found = None if raw is None else load_number(raw)
        owner = None if found is None or found.kind == "service" else found.owner
        return owner if owner is not None and owner.tenant == tenant else None
    if to.startswith("user:"):
        name = to.removeprefix("user:")
        raw = await _document(connection, documents.USERS, name) if _is_id(name) else None
        user = None if raw is None else load_user(raw)
        return facts.Owner(tenant, user.id) if user is not None and user.tenant == tenant else None
    if match := _EXTENSION.fullmatch(to):
        raw = await _document(connection, documents.EXTENSIONS, tenant, match[1])
        return None if raw is None else facts.Owner(tenant, load_extension(raw).user)
    return None


async def _opt_out(desk: Desk, recipient: str) -> facts.OptOut | None:
    if not recipient:
        return None
    key, connection = (desk.tenant, recipient), desk.connection
    found = (await once(connection, lambda: (OptOut, *key), lambda: find(connection, OptOut, {key}))).get(key)
    if found is None or found.lifted_at is not None:
        return None
    return facts.OptOut(at=found.at, keyword=found.keyword, number=found.number)


async def _situations(desk: Desk, number: Number | None, given: Facts) -> AsyncIterator[Situation]:
    """Say how the number stands towards its own campaign and, unless something is suspended, towards the others."""
    if number is None:
        yield await _without_number(desk, given)
        return
    found = await flow.load(desk, number.did)
    link, standing = found.link, found.standing
    broken = link is not None and link.state in {"assigned", "pending"} and not _fits(link, found.campaign)
    if broken:
        standing = replace(standing, assignment="failed")
    fault = link.fault or "" if link is not None and link.state == "failed" else ""
    needs_support = bool(fault) and _needs_support(fault)
    first = _towards(standing, found.campaign, given, elsewhere=False)
    first = replace(first, fault=fault, needs_support=needs_support)
    yield first
    if first.suspended:
        return
    elsewhere = standing.assignment not in {ABSENT, "removing"}
    theirs = await _campaigns(desk)
    held = await _held(desk, [campaign.id for campaign, _ in theirs])
    for campaign, brand in theirs:
        if found.campaign is None or campaign.id != found.campaign.id:
            there = replace(
                standing,
                registered=flow.registered(campaign, brand),
                room=_has_room(campaign, link, held[campaign.id], desk.limits),
            )
            towards = _towards(there, campaign, given, elsewhere=elsewhere)
            yield replace(towards, fault=fault, needs_support=needs_support)


async def _without_number(desk: Desk, given: Facts) -> Situation:
    """Say how a number would stand that the user has yet to be given."""
    campaign, brand = await flow.chosen_campaign(desk)
    user = await desk.user(given.sender.user)
    standing = Standing(
        registered=flow.registered(campaign, brand),
        owned=False,
        licensed=may_text(user.licence),
        room=campaign is None or await flow.has_room(desk, campaign, ""),
    )
    return replace(_towards(standing, campaign, given, elsewhere=False), no_number=True)


def _has_room(campaign: Campaign, link: Assignment | None, held: int, limits: Limits) -> bool:
    """Say what flow.has_room() says, of a number's assignment."""
    is_in = link is not None and link.campaign_id == campaign.id and link.state in HOLDING
    return campaign.number_pool == "approved" or held - is_in < limits.numbers_per_campaign


async def _held(desk: Desk, names: Sequence[str]) -> Mapping[str, int]:
    connection = desk.connection
    return await once(connection, lambda: ("held", *names), lambda: held_by_each(connection, names))


async def _campaigns(desk: Desk) -> list[tuple[Campaign, Brand]]:
    theirs = await desk.all(Brand, brands.c.tenant == desk.tenant)
    by_id = {brand.id: brand for brand in theirs}
    found = await desk.all(Campaign, campaigns.c.brand_id.in_(list(by_id)), most=_MOST_CAMPAIGNS)
    return [(campaign, by_id[campaign.brand_id]) for campaign in found]


def _fits(link: Assignment, campaign: Campaign | None) -> bool:
    """Say whether an assignment agrees with its campaign, as rule 2.9 asks."""
    return campaign is not None and (link.campaign_id, link.brand_id) == (campaign.id, campaign.brand_id)


def _needs_support(fault: str) -> bool:
    """Say whether what helps with a failed assignment is support, and not assigning it again."""
    helps = helps_with(fault)
    return "Contact support" in helps and "Assign to campaign" not in helps


def _towards(standing: Standing, campaign: Campaign | None, given: Facts, *, elsewhere: bool) -> Situation:
    return Situation(
        standing=standing,
        carrier=_at_carrier(campaign, given),
        pool="none" if campaign is None else campaign.number_pool,
        elsewhere=elsewhere,
        campaign="" if campaign is None else campaign.id,
    )


def _at_carrier(campaign: Campaign | None, given: Facts) -> str:
    """Return the campaign's state at the recipient's carrier; of an unknown one what makes most of the four.

    As compliance.rules.carrier_approval has it: one approval among the four is enough to try.
    """
    if read_destination(given.message.to)[0] not in _US:
        return NOT_ASKED
    if campaign is None:
        return "review"
    states = {name: getattr(campaign, name) for name in facts.CarrierStates._fields}
    if campaign.osr_status is not None:
        tmobile = states["tmobile"] if states["tmobile"] != "approved" else "review"
        states["tmobile"] = "approved" if campaign.osr_status & _OSR_TMOBILE else tmobile
    carrier = given.recipient.carrier
    if carrier in states:
        return str(states[carrier])
    if set(states.values()) == {"suspended"}:
        return "suspended"
    for state in ("approved", "review", "rejected"):
        if state in states.values():
            return state
    return next(str(state) for state in states.values() if state != "suspended")


async def _document(connection: AsyncConnection, kind: Kind, *name: str) -> bytes | None:
    """Return a document as it would be projected now; None where there is none."""
    rendered = await once(connection, lambda: kind.key(*name), lambda: documents.render(connection, {kind: {name}}))
    return next(iter(rendered.values())) or None


def _is_id(name: str) -> bool:
    return IDENTIFIER.fullmatch(name) is not None and name.isprintable()
