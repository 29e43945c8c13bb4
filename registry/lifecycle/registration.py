"""The life cycles of what is registered: brand, campaign, its sharing, its state at a carrier, and an application.

Sources: TCR CSP API (brand identity status; campaign status; sharing), carriers' operation status, DCA review. PENDING,
SUSPENDED and REJECTED of a campaign are overlays of those who review it; TCR itself knows ACTIVE and EXPIRED only.
UNVERIFIED is no final answer: TCR shows it while it is still working, and a corrected brand is looked at again.
"""

from typing import Final

from registry.lifecycle.cycle import By, LifeCycle, move

#: Identity of a brand, as TCR confirmed it.
BRAND: Final = LifeCycle(
    "brand",
    (
        move("registered", By.ADMIN, "-", "pending"),
        move("resubmitted", By.ADMIN, "unverified", "pending"),
        move("declared", By.TCR, "pending unverified ?", "self_declared"),
        move("not_confirmed", By.TCR, "pending self_declared verified vetted_verified suspended ?", "unverified"),
        move("confirmed", By.TCR, "pending unverified vetted_verified suspended ?", "verified"),
        move("vetted", By.TCR, "pending unverified verified suspended ?", "vetted_verified"),
        move("suspended", By.TCR, "pending unverified self_declared verified vetted_verified ?", "suspended"),
        move("cleared", By.TCR, "suspended", "self_declared"),
        move("deleted", By.TCR, "pending unverified self_declared verified vetted_verified suspended ?", "deleted"),
    ),
    {"deleted": "The brand is deleted for good: register a new brand, and a campaign for it."},
)

#: A campaign as a whole.
CAMPAIGN: Final = LifeCycle(
    "campaign",
    (
        move("drafted", By.ADMIN, "-", "draft"),
        move("submitted", By.ADMIN, "- draft rejected", "pending"),
        move("reviewed_again", By.TCR, "active rejected ?", "pending"),
        move("accepted", By.TCR, "pending rejected suspended ?", "active"),
        move("rejected", By.TCR, "pending active suspended ?", "rejected"),
        move("suspended", By.CARRIER, "pending active ?", "suspended"),
        move("expired", By.TCR, "draft pending active rejected suspended ?", "expired"),
        move("deactivated", By.ADMIN, "draft pending active rejected suspended ?", "deactivated"),
    ),
    {
        "expired": "The campaign has ended at TCR: register a new campaign and move its numbers there.",
        "deactivated": "The campaign was deactivated for good: register a new campaign and move its numbers there.",
    },
)

#: Whether those upstream took the campaign.
SHARING: Final = LifeCycle(
    "sharing",
    (
        move("shared", By.REGISTRY, "-", "pending"),
        move("accepted", By.TCR, "pending declined ?", "accepted"),
        move("declined", By.TCR, "pending accepted ?", "declined"),
        move("shared_again", By.REGISTRY, "declined accepted ?", "pending"),
    ),
)

#: Whether all reviews of the aggregator are done, so that numbers can be assigned.
DCA: Final = LifeCycle(
    "dca",
    (
        move("completed", By.TCR, "incomplete", "complete"),
        move("reopened", By.TCR, "complete", "incomplete"),
    ),
)

#: A campaign's state at one carrier.
CARRIER: Final = LifeCycle(
    "carrier",
    (
        move("reviewed", By.CARRIER, "approved rejected suspended ?", "review"),
        move("approved", By.CARRIER, "review rejected suspended ?", "approved"),
        move("rejected", By.CARRIER, "review approved suspended ?", "rejected"),
        move("suspended", By.CARRIER, "review approved rejected ?", "suspended"),
    ),
)

#: Leave for more numbers in a campaign than the limit.
NUMBER_POOL: Final = LifeCycle(
    "number_pool",
    (
        move("requested", By.ADMIN, "none", "requested"),
        move("approved", By.CARRIER, "none requested ?", "approved"),
        move("revoked", By.CARRIER, "requested approved ?", "none"),
    ),
)

#: A form on its way to TCR. What came of it has a life cycle of its own.
APPLICATION: Final = LifeCycle(
    "application",
    (
        move("begun", By.ADMIN, "-", "draft"),
        move("submitted", By.ADMIN, "draft refused submitted", "submitting"),
        move("taken", By.TCR, "submitting", "submitted"),
        move("refused", By.TCR, "submitting", "refused"),
        move("withdrawn", By.ADMIN, "draft refused", "withdrawn"),
    ),
    {"withdrawn": "The form was withdrawn: begin a new one."},
)
