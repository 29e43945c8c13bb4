"""Every class of drift: its word, what it means, who puts it right, and how.

A class that heals itself is put right at once, by a step of the life cycles and a wish to those outside, never by
setting a status; it is listed all the same, and open only as long as it is found. The others wait for a person. Some
are worth a page: they must never happen, and nothing repairs them silently.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class DriftClass(NamedTuple):
    """One class."""

    meaning: str
    #: It is put right by itself; otherwise a person decides.
    heals: bool
    #: What happens by itself, or what a person does.
    remedy: str
    #: Somebody is to be called.
    page: bool = False


def _heals(meaning: str, remedy: str) -> DriftClass:
    return DriftClass(meaning, heals=True, remedy=remedy)


def _person(meaning: str, remedy: str, *, page: bool = False) -> DriftClass:
    return DriftClass(meaning, heals=False, remedy=remedy, page=page)


CLASSES: Final[Mapping[str, DriftClass]] = MappingProxyType(
    {
        "number_not_at_aggregator": _heals(
            "We have the number assigned, the aggregator does not have it.",
            "It is pending again at once, and assigned once more. In a campaign that is not VERIFIED it stays listed.",
        ),
        "number_extra_at_aggregator": _heals(
            "The aggregator has one of our numbers in a campaign, we have it in none.",
            "It is taken out there.",
        ),
        "unknown_number_at_aggregator": _person(
            "The aggregator has a number in one of our campaigns that we have never had.",
            "Find out whose it is; take it in, or have the aggregator remove it.",
        ),
        "campaign_differs_at_aggregator": _person(
            "The aggregator has the number in another campaign than we do.",
            "If ours is right, try again; if theirs is, use Assign to campaign for it.",
        ),
        "shown_not_effective": _heals(
            "We and the aggregator show the number as assigned, carriers do not see it.",
            "It is switched off and on once; if that does not help, it fails and an admin is told.",
        ),
        "assignment_without_job": _heals(
            "An assignment is on its way, and nobody is working on it.",
            "The aggregator is asked again.",
        ),
        "provisioning_stuck": _person(
            "The aggregator did not do what it was asked for a number, or carriers do not see that it did.",
            "Put right what its message names, then try again.",
        ),
        "campaign_state_differs_at_tcr": _heals(
            "TCR has the campaign active or expired, we have it otherwise.",
            "TCR is asked, and its answer applied; one that was deactivated here is deactivated there once more.",
        ),
        "sharing_state_differs_at_tcr": _heals(
            "TCR says something else about the campaign's sharing than we do.", "TCR is asked, and its answer applied."
        ),
        "carrier_state_differs": _heals(
            "A carrier has the campaign in another state than we do.", "TCR is asked, and its answer applied."
        ),
        "brand_state_differs": _heals(
            "TCR has another identity status for the brand than we do.", "TCR is asked, and its answer applied."
        ),
        "campaign_not_at_tcr": _person(
            "TCR does not know the campaign.", "Find out with TCR what became of it; register a new one if need be."
        ),
        "brand_not_at_tcr": _person(
            "TCR does not know the brand.", "Find out with TCR what became of it; register a new one if need be."
        ),
        "store_document_differs": _heals(
            "The registry store has another document than the rows give.", "The document is written anew."
        ),
        "store_document_missing": _heals(
            "The registry store lacks a document that the rows give.", "The document is written anew."
        ),
        "store_document_extra": _heals(
            "The registry store has a document that no row gives.", "The document is deleted."
        ),
        "enabled_without_licence": _person(
            "SMS is on for a number whose owner's licence cannot text, or that nobody has.",
            "Give the owner a licence of X2 or higher, or switch SMS off.",
        ),
        "two_enabled_numbers": _person(
            "A person has more than one local number with SMS on.", "Switch SMS off for all but one of them."
        ),
        "enabled_number_cannot_send": _person(
            "SMS is on for a number that cannot send, and it has been so for longer than setting up takes.",
            "Look at the number's preflight: it names the steps.",
        ),
        "assignment_inconsistent": _person(
            "An assignment names no campaign, one of another company, or a brand that is not the campaign's.",
            "Find out how it came to be; then use Assign to campaign, or remove the number.",
            page=True,
        ),
        "unknown_state": _person(
            "A state that no life cycle has a word for. Nothing can be sent by it.",
            "Find out what it means; have the sender of it corrected, or the life cycle extended.",
        ),
        "over_number_limit": _person(
            "A campaign holds more numbers than the limit, without a number pool.",
            "Ask for a number pool, or move numbers to another campaign.",
        ),
        "orphan_assignment": _heals(
            "A number that left, or whose campaign has ended, is still assigned.", "It is taken out of the campaign."
        ),
    }
)


class Drift(NamedTuple):
    """Something that was found."""

    #: A word of CLASSES.
    kind: str
    #: Such as number:+12025550123.
    object: str
    #: Whose it is; None: nobody's.
    tenant: str | None
    #: What is what, in words of ours; never of a person.
    detail: str
