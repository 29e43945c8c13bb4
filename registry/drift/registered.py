"""Does TCR have our brands and campaigns as we have them? Pure: what it answers in, drift out.

TCR itself knows a campaign as active or expired only; what those who review it said (pending, rejected, suspended) is
ours to know, and no drift. What nobody has said anything about is none, either.
"""

from collections.abc import Iterator, Sequence
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


def undecided(brand: Brand, found: TcrBrand) -> bool:
    """Say whether TCR may still be working on a brand: it shows unverified then, too. Its feedback says which."""
    return not found.is_mock and (found.identity, brand.status) == ("unverified", "pending")


def of_brand(brand: Brand, found: TcrBrand | None, feedback: Sequence[str] = ()) -> Iterator[Drift]:
    """Compare a brand with TCR's; None: TCR does not know it. feedback: why it is not verified, if it was looked at."""
    name = f"brand:{brand.id}"
    if found is None:
        if brand.status != "deleted":
            yield Drift("brand_not_at_tcr", name, brand.tenant, "not there")
        return
    # (Nothing can be carried for a mock: to us it is not verified, whatever TCR calls it)
    identity = "unverified" if found.is_mock else found.identity
    if identity in {"", brand.status} or brand.status in _OVERLAYS or (undecided(brand, found) and not feedback):
        return
    yield Drift("brand_state_differs", name, brand.tenant, f"{identity} there, {brand.status} here")


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
    shared = None if sharing is None else sharing.status
    # (What is shared with nobody there is drift where we would send by it)
    if shared is not None and shared != campaign.sharing and (shared or campaign.sharing == "accepted"):
        detail = f"{shared or 'none'} there, {campaign.sharing} here"
        yield Drift("sharing_state_differs_at_tcr", name, tenant, detail)
    told = {} if operations is None else operations.by_carrier
    differ = [
        f"{carrier}: {state} there, {getattr(campaign, carrier)} here"
        for carrier, state in sorted(told.items())
        if state != getattr(campaign, carrier)
    ]
    if differ:
        yield Drift("carrier_state_differs", name, tenant, "; ".join(differ))
