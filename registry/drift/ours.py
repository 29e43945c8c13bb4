"""Do our own rows fit together? Pure: rows in, drift out.

Rules: states are words of the life cycles; one local SMS number a person; SMS needs an owner with a licence for it; a
number that is enabled can send once it was set up; an assignment names a campaign of its company, and that one's brand;
49 numbers a campaign; what has left or ended is in no campaign. An import may break each of them, later events some.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from registry.drift.classes import Drift
from registry.drift.sides import Rules
from registry.flows.numbers import registered
from registry.lifecycle.cycle import LifeCycle
from registry.lifecycle.numbers import ASSIGNMENT, SMS, may_text
from registry.lifecycle.registration import BRAND, CAMPAIGN, CARRIER, NUMBER_POOL, SHARING
from registry.lifecycle.standing import lacking
from registry.records import Assignment, Brand, Campaign, Number, User

#: What is looked for on each kind of object.
OF_NUMBERS: Final = (
    "unknown_state",
    "enabled_without_licence",
    "enabled_number_cannot_send",
    "assignment_inconsistent",
    "orphan_assignment",
    "assignment_without_job",
    "provisioning_stuck",
)
OF_PEOPLE: Final = ("two_enabled_numbers",)
OF_CAMPAIGNS: Final = ("unknown_state", "over_number_limit")
OF_BRANDS: Final = ("unknown_state",)
_CARRIERS: Final = ("att", "tmobile", "verizon", "us_cellular")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A number with all that its row points at, as far as it is there."""

    number: Number
    link: Assignment | None = None
    user: User | None = None
    campaign: Campaign | None = None
    #: The campaign's.
    brand: Brand | None = None
    #: Somebody is working on it at the aggregator, or gave up.
    job: bool = False
    #: Gave up: what for, and why. It is only looked after from time to time.
    stuck: str | None = None

    @property
    def name(self) -> str:
        """What it is called in the table of drift."""
        return f"number:{self.number.did}"

    def drift(self, kind: str, detail: str) -> Drift:
        """Say that something was found on it."""
        return Drift(kind, self.name, self.number.tenant, detail)

    @property
    def working(self) -> bool:
        """It will change by itself."""
        return self.job and self.stuck is None

    @property
    def ended(self) -> bool:
        """Its campaign has ended for good."""
        return self.campaign is not None and self.campaign.status in CAMPAIGN.dead_ends

    @property
    def held(self) -> bool:
        """It is in a campaign, on its way there, or failed to get there."""
        return self.link is not None and self.link.state not in {"", "removing"}


def of_number(whole: Whole, rules: Rules, now: datetime) -> Iterator[Drift]:
    """Find what does not fit in a number."""
    number, link = whole.number, whole.link
    if whole.stuck is not None:
        yield whole.drift("provisioning_stuck", whole.stuck)
    if number.left_at is not None:
        if whole.held and not whole.working:
            yield whole.drift("orphan_assignment", "the number has left")
        elif link is not None and link.state == "removing" and not whole.job:
            yield whole.drift("assignment_without_job", link.state)
        return
    unknown = _unknown((("sms", SMS, number.sms), ("assignment", ASSIGNMENT, "" if link is None else link.state)))
    if unknown:
        yield whole.drift("unknown_state", unknown)
    inconsistent = _inconsistent(whole)
    if inconsistent:
        yield whole.drift("assignment_inconsistent", inconsistent)
    elif link is not None and whole.ended and whole.held and not whole.working:
        yield whole.drift("orphan_assignment", "the campaign has ended")
    elif link is not None and link.state in {"pending", "removing"} and not whole.job:
        yield whole.drift("assignment_without_job", link.state)
    if number.sms == "enabled":
        yield from _enabled(whole, rules, now)


def of_person(user: User, numbers: Sequence[Number]) -> Iterator[Drift]:
    """Find what does not fit in a person; numbers are theirs."""
    on = [one for one in numbers if (one.kind, one.sms, one.left_at) == ("local", "enabled", None)]
    if len(on) > 1:
        yield Drift("two_enabled_numbers", f"user:{user.id}", user.tenant, f"{len(on)} numbers")


def of_campaign(campaign: Campaign, tenant: str, held: int, rules: Rules) -> Iterator[Drift]:
    """Find what does not fit in a campaign that holds so many numbers."""
    name = f"campaign:{campaign.id}"
    states = (
        ("status", CAMPAIGN, campaign.status),
        ("sharing", SHARING, campaign.sharing),
        ("number_pool", NUMBER_POOL, campaign.number_pool),
        *((carrier, CARRIER, getattr(campaign, carrier)) for carrier in _CARRIERS),
    )
    unknown = _unknown(states)
    if unknown:
        yield Drift("unknown_state", name, tenant, unknown)
    if campaign.number_pool != "approved" and held > rules.limits.numbers_per_campaign:
        yield Drift("over_number_limit", name, tenant, f"{held} of {rules.limits.numbers_per_campaign}")


def of_brand(brand: Brand) -> Iterator[Drift]:
    """Find what does not fit in a brand."""
    unknown = _unknown((("status", BRAND, brand.status),))
    if unknown:
        yield Drift("unknown_state", f"brand:{brand.id}", brand.tenant, unknown)


def _inconsistent(whole: Whole) -> str:
    link, campaign = whole.link, whole.campaign
    if link is None or link.state in {"", "failed"}:
        return ""
    if link.campaign_id is None:
        return f"{link.state} without a campaign"
    if campaign is None or whole.brand is None:
        return "no such campaign"
    if whole.brand.tenant != whole.number.tenant:
        return "the campaign of another company"
    if link.brand_id is not None and link.brand_id != campaign.brand_id:
        return "a brand that is not the campaign's"
    return ""


def _enabled(whole: Whole, rules: Rules, now: datetime) -> Iterator[Drift]:
    number, link = whole.number, whole.link
    if whole.user is None or not may_text(whole.user.licence):
        yield whole.drift("enabled_without_licence", "nobody has it" if whole.user is None else "the licence")
        return
    since = None if link is None else link.since
    began = max((at for at in (number.sms_enabled_at, since) if at is not None), default=None)
    if began is not None and now - began <= rules.patience:
        return
    if link is None or link.state != "assigned":
        yield whole.drift("enabled_number_cannot_send", link.state if link is not None else "in no campaign")
    elif (why := lacking(registered(whole.campaign, whole.brand))) is not None:
        yield whole.drift("enabled_number_cannot_send", str(why))


def _unknown(states: Collection[tuple[str, LifeCycle, str]]) -> str:
    return ", ".join(name for name, cycle, state in states if state not in cycle.states)
