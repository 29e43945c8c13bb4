"""Every kind of notice: which change it is about, what the instant message says, and what the webhook holds.

A closed table. A sentence is for people who do not know the words of carriers: what happened to what, what that means,
what to do, and on which page of the console.

Not here: how a sentence is filled in (words.py), and how a change is found (causes.py).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Kind(NamedTuple):
    """One kind."""

    name: str
    #: Which change it is about.
    cause: str
    #: About one thing; words in braces are of words.py.
    one: str
    #: About several that came together.
    many: str
    #: What to do; "" where the thing itself says it, or nothing has to be done.
    todo: str
    #: The page of the console.
    page: str
    #: What the webhook has of each thing, besides subject, name and at.
    fields: tuple[str, ...] = ()
    #: It goes to the employee who asked, and not to the admins.
    to_requester: bool = False
    #: It goes to the hook only.
    hook_only: bool = False


_STOPPED: Final = ("brand", "reasons", "numbers", "number_count")

_ALL: Final = (
    Kind(
        "application_refused",
        "an application becomes refused: a form that did not become a brand or campaign",
        "Your registration of a {what} was not taken on {at}. {reasons}",
        "{count} registrations were not taken: {names}.",
        "Correct what is named, and submit the form again.",
        "Registrations",
        ("what", "reasons"),
    ),
    Kind(
        "brand_approved",
        "a brand becomes verified or vetted_verified",
        "Your brand {name} is verified.",
        "{count} brands are verified: {names}.",
        "Register a campaign for it, or enable numbers if it has one.",
        "Brands",
    ),
    Kind(
        "brand_declared",
        "a brand becomes self_declared: registered, its identity not checked",
        "Your brand {name} is registered. Its identity is not checked, which is enough for a sole proprietor only.",
        "{count} brands are registered, their identity not checked: {names}.",
        "If you are not a sole proprietor, complete the brand's tax id and legal name and submit it again.",
        "Brands",
    ),
    Kind(
        "brand_rejected",
        "a brand becomes unverified",
        "Your brand {name} was not verified on {at}. {reasons}{stops}",
        "{count} brands were not verified: {names}.{stops}",
        "Correct what is named, exactly as your tax documents have it, and submit the brand again.",
        "Brands",
        _STOPPED,
    ),
    Kind(
        "brand_suspended",
        "a brand becomes suspended",
        "Your brand {name} was suspended on {at}. {reasons}{stops}",
        "{count} brands were suspended: {names}.{stops}",
        "Contact support. Do not send these texts from other numbers.",
        "Brands",
        _STOPPED,
    ),
    Kind(
        "brand_deleted",
        "a brand becomes deleted",
        "Your brand {name} was deleted for good on {at}.{stops}",
        "{count} brands were deleted for good: {names}.{stops}",
        "Register a new brand, and a campaign for it.",
        "Brands",
        _STOPPED,
    ),
    Kind(
        "campaign_approved",
        "a campaign becomes usable: active, accepted upstream, and all reviews done",
        "Campaign {name} of {brand} is approved.",
        "{count} campaigns are approved: {names}.",
        "Enable numbers for your people on the Users page, or use Assign to campaign for numbers on the SMS page.",
        "SMS",
        ("brand",),
    ),
    Kind(
        "campaign_rejected",
        "a campaign becomes rejected, or its sharing declined",
        "Campaign {name} of {brand} was rejected on {at}. {reasons}{stops}",
        "{count} campaigns were rejected: {names}.{stops}",
        "Correct what is named, and submit the campaign again.",
        "Campaigns",
        _STOPPED,
    ),
    Kind(
        "campaign_suspended",
        "a campaign becomes suspended",
        "Campaign {name} of {brand} was suspended on {at}. {reasons}{stops}",
        "{count} campaigns were suspended: {names}.{stops}",
        "Contact support. Do not send these texts from other numbers.",
        "Campaigns",
        _STOPPED,
    ),
    Kind(
        "campaign_carrier_stopped",
        "one carrier rejects or suspends a campaign",
        "{carrier} does not take texts of campaign {name} of {brand} any more, since {at}. {reasons}",
        "Carriers do not take texts of {count} campaigns any more: {names}.",
        "Contact support. Texts to customers of other carriers still go.",
        "Campaigns",
        ("brand", "carrier", "state", "reasons"),
    ),
    Kind(
        "campaign_expired",
        "a campaign becomes expired",
        "Campaign {name} of {brand} ended on {at}.{stops}",
        "{count} campaigns ended: {names}.{stops}",
        "Register a new campaign, and assign the numbers to it.",
        "Campaigns",
        _STOPPED,
    ),
    Kind(
        "campaign_deactivated",
        "a campaign becomes deactivated",
        "Campaign {name} of {brand} was deactivated for good on {at}.{stops}",
        "{count} campaigns were deactivated for good: {names}.{stops}",
        "Register a new campaign, and assign the numbers to it.",
        "Campaigns",
        _STOPPED,
    ),
    Kind(
        "campaign_expiring",
        "a campaign that TCR does not renew ends in 30 days, in 7, or tomorrow",
        "Campaign {name} of {brand} ends on {ends_at}. {stops_then}",
        "{count} campaigns will end: {names}.",
        "Renew it before that day, or register a new campaign and assign the numbers to it.",
        "Campaigns",
        ("brand", "ends_at", "numbers", "number_count"),
    ),
    Kind(
        "leave_approved",
        "the carriers gave leave that was asked for: for a number pool, or for a special use case",
        "The carriers gave leave for {what}: {name}, on {at}.",
        "The carriers gave leave {count} times: {names}.",
        "A campaign with a number pool holds as many numbers as are needed; a form with leave can be submitted.",
        "Campaigns",
        ("what",),
    ),
    Kind(
        "leave_declined",
        "the carriers gave no leave that was asked for, or it was taken back",
        "The carriers gave no leave for {what}: {name}, on {at}.",
        "The carriers gave no leave {count} times: {names}.",
        "Without a number pool a campaign holds no more numbers than before; a form needs another use case.",
        "Campaigns",
        ("what",),
    ),
    Kind(
        "grandfathering_ended",
        "a number that could text without a campaign since before 15 February 2023 changes hands or licence",
        "{name} could text without a campaign, because it could before February 15, 2023. That ended on {at}, when the"
        " number, its user or the licence changed: it cannot send texts to US mobile numbers now.",
        "{count} numbers could text without a campaign, because they could before February 15, 2023. That ended when"
        " the number, its user or the licence changed: they cannot send texts to US mobile numbers now: {names}.",
        "Use Assign to campaign, then enable SMS again for the user.",
        "SMS",
    ),
    Kind(
        "number_failed",
        "an assignment becomes failed",
        "{name} could not be enabled for texts in campaign {campaign}. {reasons}",
        "{count} numbers could not be enabled for texts: {names}.",
        "Use Assign to campaign to try again. If that fails, contact support.",
        "SMS",
        ("campaign", "reasons"),
    ),
    Kind(
        "drift_found",
        "reconciliation finds a difference that a person decides (drift/classes.py), and it does not go away",
        "Something does not fit together: {name}, since {at}. {detail}",
        "{count} things do not fit together: {names}.",
        "Look at each, and put it right or decide that it may stay.",
        "Differences",
        ("difference", "detail"),
    ),
    Kind(
        "request_opened",
        "an employee asks the admins to make a text possible",
        "{who} asks you to make texting possible.",
        "{count} people ask you to make texting possible: {names}.",
        "See which steps are missing.",
        "Requests",
        ("user",),
    ),
    Kind(
        "request_possible",
        "a request becomes possible",
        "You asked your administrators to make a text possible: now it is. Nothing was sent for you.",
        "You asked your administrators to make {count} texts possible: now they are. Nothing was sent for you.",
        "Send your text again.",
        "Messages",
        ("user",),
        to_requester=True,
    ),
    Kind(
        "test",
        "an admin tries the hook",
        "This is a test.",
        "These are {count} tests.",
        "",
        "",
        hook_only=True,
    ),
)

KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in _ALL})
