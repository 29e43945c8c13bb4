"""Does the aggregator have our numbers where we have them? Pure: what it shows in, drift out.

Nothing is said about a number that is being worked on, there or here: it will change.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from registry.drift.classes import Drift
from registry.drift.ours import Whole
from registry.drift.sides import Rules
from registry.provisioning.client import Shown

OF_NUMBERS: Final = (
    "number_not_at_aggregator",
    "number_extra_at_aggregator",
    "campaign_differs_at_aggregator",
    "shown_not_effective",
)
OF_STRANGERS: Final = ("unknown_number_at_aggregator",)


def compared(whole: Whole, shown: Shown | None) -> Iterator[Drift]:
    """Compare a number with what the aggregator shows of it."""
    link = whole.link
    if whole.job or (shown is not None and shown.status == "PENDING"):
        return
    holds = None if shown is None else shown.holds
    if link is None or link.state in {"", "failed"}:
        if link is None and holds is not None:
            yield whole.drift("number_extra_at_aggregator", "in a campaign there")
    elif link.state == "assigned" and link.campaign_id is not None:
        if holds is None:
            yield whole.drift("number_not_at_aggregator", "in no campaign there")
        elif holds != link.campaign_id:
            yield whole.drift("campaign_differs_at_aggregator", "in another campaign there")


def worth_looking_up(whole: Whole, shown: Shown | None, rules: Rules, now: datetime) -> bool:
    """Say whether carriers should see a number by now: it is done here and there, and was for long enough."""
    link = whole.link
    if whole.job or link is None or link.state != "assigned" or shown is None or shown.status != "ADDED":
        return False
    return shown.holds == link.campaign_id and (link.since is None or now - link.since > rules.grace)


def seen(whole: Whole, campaign_id: str | None) -> Iterator[Drift]:
    """Compare a number with the campaign that carriers see for it."""
    if whole.link is not None and campaign_id != whole.link.campaign_id:
        yield whole.drift("shown_not_effective", "carriers see none" if campaign_id is None else "carriers see another")


def stranger(shown: Shown) -> Iterator[Drift]:
    """Look at a number of the aggregator's that we have never had."""
    if shown.holds is not None:
        yield Drift("unknown_number_at_aggregator", f"number:{shown.did}", None, "in a campaign of ours there")
