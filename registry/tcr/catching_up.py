"""Asks TCR how one brand or campaign stands, and has it follow: for webhooks that got lost, and for reconciliation.

What TCR answers goes by the same marks as what it tells by itself, so neither undoes the other. TCR read its answer
somewhere between two instants. A word that takes something away counts as of the later, any other as of the earlier:
whoever is wrong about a moment then errs towards not sending, and asks again.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from registry.commands import find
from registry.database import Database
from registry.records import Brand, Campaign
from registry.tables import applications
from registry.tcr import events
from registry.tcr.applying import Applied, Outcome, Word, apply_score, apply_words, value_of
from registry.tcr.client import TcrClient
from registry.tcr.errors import TcrNotFoundError
from registry.tcr.events import Observation
from registry.tcr.values import AsOf

_MOCK: Final = "This brand is a mock at TCR, which can carry nothing: register a real one."
#: How long until an object is asked about again, whose answer was older than what we know.
_AGAIN: Final = timedelta(seconds=5)
#: Words of a carrier that it says only about a campaign which the aggregators have passed on.
_PASSED_ON: Final = frozenset({"approved", "suspended"})


async def catch_up(database: Database, client: TcrClient, name: str) -> Applied:
    """Ask about a brand or campaign, such as campaign:CAAAAA1, and apply the answer.

    The outcome is UNKNOWN_OBJECT for one that we do not have, UNCHANGED also for one that TCR does not have: that is
    drift, for a person to look at, and no reason to end anything. TcrError: TCR did not answer.
    """
    kind, _, object_id = name.partition(":")
    async with database.reading() as connection:
        brand = (await find(connection, Brand, {(object_id,)})).get((object_id,)) if kind == "brand" else None
        campaign = (await find(connection, Campaign, {(object_id,)})).get((object_id,)) if kind == "campaign" else None
        mine = sa.select(applications.c.id).where(applications.c.object_id == object_id)
        reference = (await connection.execute(mine)).scalar()
    if brand is not None:
        return await _catch_up_brand(database, client, brand, reference)
    if campaign is not None:
        return await _catch_up_campaign(database, client, campaign)
    return Applied(outcome=Outcome.UNKNOWN_OBJECT)


async def _catch_up_brand(database: Database, client: TcrClient, brand: Brand, reference: str | None) -> Applied:
    def seen(value: str, reasons: Iterable[str] = ()) -> Observation:
        return Observation("brand", brand.id, events.IDENTITY, value, tuple(reasons))

    try:
        found = await client.brand(brand.id)
    except TcrNotFoundError:
        now = datetime.now(UTC)
        if reference is None or not await client.is_deleted(brand.id, reference):
            return Applied(outcome=Outcome.UNCHANGED)
        return await _apply(database, [Word(seen=seen("deleted"), at=now)])
    score = await client.brand_score(brand.id)
    said: list[Observation] = []
    if found.is_mock:
        said = [seen("unverified", [_MOCK])]
    elif found.identity in events.GOOD[events.IDENTITY]:
        # An identity never shows a suspension: that it is "verified" does not lift one. TCR tells when it does.
        said = [seen(found.identity)] if brand.status != "suspended" else []
    elif found.identity:
        feedback = await client.brand_feedback(brand.id)
        # TCR shows UNVERIFIED while it is still working; what it has looked at has feedback.
        if feedback or brand.status != "pending":
            said = [seen(found.identity, feedback)]
    applied = await _apply(database, _dated(said, found.as_of, brand))
    async with database.writing() as connection:
        await apply_score(connection, brand.id, score, found.as_of.earliest)
    return applied


async def _catch_up_campaign(database: Database, client: TcrClient, campaign: Campaign) -> Applied:
    def seen(aspect: str, value: str, reasons: Iterable[str] = ()) -> Observation:
        return Observation("campaign", campaign.id, aspect, value, tuple(reasons))

    try:
        found = await client.campaign(campaign.id)
    except TcrNotFoundError:
        return Applied(outcome=Outcome.UNCHANGED)
    sharing = await client.sharing(campaign.id)
    operations = await client.operations(campaign.id)
    words: list[Word] = []
    # TCR itself knows active and expired: its "active" does not lift what those who review a campaign said.
    if found.status and (found.status != "active" or campaign.status not in {"suspended", "rejected"}):
        words += _dated([seen(events.STATUS, found.status)], found.as_of, campaign)
    if sharing.status:
        why = [sharing.explanation] if sharing.explanation else []
        words += _dated([seen(events.SHARING, sharing.status, why)], sharing.as_of, campaign)
    decided = [seen(carrier, state) for carrier, state in operations.by_carrier.items()]
    words += _dated(decided, operations.as_of, campaign)
    if sharing.status == "accepted" and _PASSED_ON.intersection(operations.by_carrier.values()):
        words += _dated([seen(events.DCA, "complete")], sharing.as_of, campaign)
    if found.is_mock:
        words = [word for word in words if word.seen.is_adverse]
    return await _apply(database, words)


def _dated(seen: Iterable[Observation], as_of: AsOf, record: Brand | Campaign) -> list[Word]:
    return [
        Word(
            seen=one,
            at=as_of.latest if one.is_adverse and one.value != value_of(record, one.aspect) else as_of.earliest,
        )
        for one in seen
    ]


async def _apply(database: Database, words: list[Word]) -> Applied:
    if not words:
        return Applied(outcome=Outcome.UNCHANGED)
    async with database.writing() as connection:
        # Not at once: their clock may be behind ours, and then asking helps only later.
        return await apply_words(connection, words, datetime.now(UTC) + _AGAIN)
