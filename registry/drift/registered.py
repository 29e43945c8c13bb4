"""Does TCR have our brands and campaigns as we have them? Pure: what it answers in, drift out.

TCR itself knows a campaign as active or expired only; what those who review it said (pending, rejected, suspended) is
ours to know, and no drift. What nobody has said anything about is none, either.
"""

from collections.abc import Iterator
from typing import Final

from registry.drift.classes import Drift
from registry.lifecycle.registration import CAMPAIGN
from registry.records import Brand, Campaign
from registry.tcr.values import Operations, Sharing, TcrBrand, TcrCampaign

OF_BRANDS: Final = ("brand_state_differs", "brand_not_at_tcr")
OF_CAMPAIGNS: Final = (
    "campaign_state_differs_at_tcr",
    "sharing_state_differs_at_tcr",
    "carrier_state_differs",
    "campaign_not_at_tcr",
)
#: Overlays of ours: events say them, and the identity status never does.
_OVERLAYS: Final = frozenset({"suspended"})


def of_brand(brand: Brand, found: TcrBrand | None) -> Iterator[Drift]:
    """Compare a brand with TCR's; None: TCR does not know it."""
    name = f"brand:{brand.id}"
    if found is None:
        if brand.status != "deleted":
            yield Drift("brand_not_at_tcr", name, brand.tenant, "not there")
        return
    # (TCR shows unverified while it is still working, too)
    working = found is not None and (found.identity, brand.status) == ("unverified", "pending")
    if found is not None and found.identity not in {"", brand.status} and brand.status not in _OVERLAYS and not working:
        yield Drift("brand_state_differs", name, brand.tenant, f"{found.identity} there, {brand.status} here")


def of_campaign(
    campaign: Campaign, tenant: str, found: TcrCampaign | None, sharing: Sharing | None, operations: Operations | None
) -> Iterator[Drift]:
    """Compare a campaign with TCR's; None: TCR does not know it."""
    name = f"campaign:{campaign.id}"
    ended = campaign.status in CAMPAIGN.dead_ends
    if found is None:
        if not ended:
            yield Drift("campaign_not_at_tcr", name, tenant, "not there")
        return
    if found.status and (found.status == "active") == ended:
        detail = f"{found.status} there, {campaign.status} here"
        yield Drift("campaign_state_differs_at_tcr", name, tenant, detail)
    if ended:
        return
    if sharing is not None and sharing.status and sharing.status != campaign.sharing:
        detail = f"{sharing.status} there, {campaign.sharing} here"
        yield Drift("sharing_state_differs_at_tcr", name, tenant, detail)
    told = {} if operations is None else operations.by_carrier
    differ = [
        f"{carrier}: {state} there, {getattr(campaign, carrier)} here"
        for carrier, state in sorted(told.items())
        if state != getattr(campaign, carrier)
    ]
    if differ:
        yield Drift("carrier_state_differs", name, tenant, "; ".join(differ))
