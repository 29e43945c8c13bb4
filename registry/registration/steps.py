"""How far a company is with being registered, in four steps: brand, campaign, numbers, people; and what comes next.

Not here: why one number cannot text (preflight).
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from compliance.catalogue import CATALOGUE
from compliance.reason import Page
from registry.counts import local_numbers, people, people_texting
from registry.flows.desk import Desk
from registry.flows.numbers import registered
from registry.lifecycle.numbers import may_text
from registry.lifecycle.standing import Registered, lacking
from registry.records import Application, Brand, Campaign
from registry.registration import fee
from registry.registration.flows import turned_down
from registry.tables import applications, brands, campaigns


class Stage(StrEnum):
    """How far a step is."""

    TODO = "todo"
    #: Others have it: TCR, reviewers, the aggregator.
    WAITING = "waiting"
    #: Somebody said no, and it has to be corrected.
    REFUSED = "refused"
    DONE = "done"


class Step(NamedTuple):
    """One of the four."""

    name: str
    stage: Stage
    #: What to do, or what is being waited for.
    text: str
    page: Page
    #: Counts by what they count.
    counts: Mapping[str, int]


_BRAND_TODO: Final = "Register the brand: who is responsible for the texts."
_BRAND_WAITING: Final = "TCR looks at the brand: minutes, at times a day."
_BRAND_REFUSED: Final = "TCR could not confirm the brand: correct the form and submit it again."
_CAMPAIGN_EARLY: Final = "The campaign can be registered as soon as the brand is VERIFIED."
_CAMPAIGN_TODO: Final = "Register a campaign: what the texts are for."
_CAMPAIGN_WAITING: Final = "TCR, the aggregator and the carriers review the campaign: days, at times weeks."
_CAMPAIGN_REFUSED: Final = "The campaign was turned down: read the reasons, correct the form and submit it again."
_NUMBERS_EARLY: Final = "Numbers can be enabled as soon as brand and campaign are VERIFIED."
_NUMBERS_TODO: Final = "Enable SMS for a number of each person who is to text."
_NUMBERS_WAITING: Final = "The aggregator writes the numbers into the campaign: up to 48 hours."
_NUMBERS_REFUSED: Final = "Some numbers failed: see the SMS page, and use Assign to campaign."
_PEOPLE_TODO: Final = "Give people who are to text a licence of X2 or higher, and a number."
_DONE: Final = "Done."
_ON_THE_WAY: Final = ("submitting",)
_CORRECTABLE: Final = ("refused",)


async def look(desk: Desk) -> dict[str, Any]:
    """Show the steps, the one that comes next, and what it costs."""
    forms = await desk.all(Application, applications.c.tenant == desk.tenant, applications.c.state != "withdrawn")
    theirs = await desk.all(Brand, brands.c.tenant == desk.tenant)
    of_them = await desk.all(
        Campaign, campaigns.c.brand_id.in_(sa.select(brands.c.id).where(brands.c.tenant == desk.tenant))
    )
    brand = _brand(theirs, [one for one in forms if one.kind == "brand"])
    campaign = _campaign(brand.stage, theirs, of_them, [one for one in forms if one.kind == "campaign"])
    owners = {one.id: one for one in theirs}
    good = [one.id for one in of_them if lacking(registered(one, owners[one.brand_id])) is None]
    number = _numbers(campaign.stage, await _number_counts(desk, good))
    steps = [brand, campaign, number, _people(await _people_counts(desk, good))]
    ahead = next((step for step in steps if step.stage is not Stage.DONE), None)
    return {
        "steps": [_shown(step) for step in steps],
        "done": ahead is None,
        "next": None if ahead is None else {"step": ahead.name, "text": ahead.text, "page": ahead.page},
        "fee": await fee.shown(desk),
    }


def _shown(step: Step) -> dict[str, Any]:
    return {
        "step": step.name,
        "stage": step.stage,
        "text": step.text,
        "page": step.page,
        "counts": dict(step.counts),
    }


def _brand(theirs: Sequence[Brand], forms: Sequence[Application]) -> Step:
    good = sum(_is_good(brand) for brand in theirs)
    counts = {"verified": good, "all": len(theirs)}
    refused = any(one.state in _CORRECTABLE for one in forms) or any(one.status == "unverified" for one in theirs)
    waiting = any(one.state in _ON_THE_WAY for one in forms) or any(one.status == "pending" for one in theirs)
    stage, text = Stage.TODO, _BRAND_TODO
    if good:
        stage, text = Stage.DONE, _DONE
    elif waiting:
        stage, text = Stage.WAITING, _BRAND_WAITING
    elif refused:
        stage, text = Stage.REFUSED, _BRAND_REFUSED
    elif any(one.status == "suspended" for one in theirs):
        why = lacking(Registered(brand="suspended"))
        stage, text = Stage.REFUSED, _BRAND_REFUSED if why is None else CATALOGUE[why].remediation[0].action
    return Step("brand", stage, text, Page.BRANDS, counts)


def _is_good(brand: Brand) -> bool:
    return brand.status in {"verified", "vetted_verified", "self_declared"}


def _campaign(
    before: Stage, theirs: Sequence[Brand], of_them: Sequence[Campaign], forms: Sequence[Application]
) -> Step:
    owners = {brand.id: brand for brand in theirs}
    lacks = [lacking(registered(one, owners[one.brand_id])) for one in of_them]
    good = sum(why is None for why in lacks)
    counts = {"verified": good, "all": len(of_them)}
    refused = any(one.state in _CORRECTABLE for one in forms) or any(turned_down(one) for one in of_them)
    at_work = any(one.status in {"pending", "active"} for one in of_them)
    waiting = at_work or any(one.state in _ON_THE_WAY for one in forms)
    stage, text = Stage.TODO, _CAMPAIGN_TODO if before is Stage.DONE else _CAMPAIGN_EARLY
    if good:
        stage, text = Stage.DONE, _DONE
    elif refused:
        stage, text = Stage.REFUSED, _CAMPAIGN_REFUSED
    elif waiting and before is Stage.DONE:
        stage, text = Stage.WAITING, _CAMPAIGN_WAITING
    return Step("campaign", stage, text, Page.CAMPAIGNS, counts)


async def _number_counts(desk: Desk, good: Sequence[str]) -> Mapping[str, int]:
    """Count local numbers; those text that are in a campaign that is good, which is VERIFIED with its brand."""
    return (await local_numbers(desk.connection, desk.tenant, good))._asdict()


def _numbers(before: Stage, counts: Mapping[str, int]) -> Step:
    stage, text = Stage.TODO, _NUMBERS_TODO if before is Stage.DONE else _NUMBERS_EARLY
    if counts["failed"]:
        stage, text = Stage.REFUSED, _NUMBERS_REFUSED
    elif counts["pending"]:
        stage, text = Stage.WAITING, _NUMBERS_WAITING
    elif counts["texting"] and before is Stage.DONE:
        stage, text = Stage.DONE, _DONE
    return Step("numbers", stage, text, Page.SMS, counts)


async def _people_counts(desk: Desk, good: Sequence[str]) -> Mapping[str, int]:
    by_licence = await people(desk.connection, desk.tenant)
    return {
        "all": sum(by_licence.values()),
        "licensed": sum(count for licence, count in by_licence.items() if may_text(licence)),
        "texting": await people_texting(desk.connection, desk.tenant, good),
    }


def _people(counts: Mapping[str, int]) -> Step:
    done = counts["texting"] > 0 and counts["texting"] >= counts["licensed"]
    text = _DONE if done else _PEOPLE_TODO
    return Step("people", Stage.DONE if done else Stage.TODO, text, Page.NUMBERS, counts)
