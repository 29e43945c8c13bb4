"""Why a number did not get into its campaign, or out of it, in sentences for admins; and what helps.

The aggregator's codes come with sentences of its own; where a code is known here, ours goes before theirs. A code that
nobody knows is final, and shown as the aggregator put it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from registry.provisioning.client import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a code means."""

    #: What happened.
    sentence: str
    #: What the admin can do.
    helps: str
    #: It may go away by itself: asked again a few times before an admin hears of it.
    passing: bool = False


_SUPPORT: Final = "Contact support with the number and this message."
_ASSIGN: Final = "Use Assign to campaign on the SMS page to try again."

MEANINGS: Final[Mapping[str, Meaning]] = {
    "CARRIER_REJECTED": Meaning(
        sentence="A carrier did not take the number into the campaign.",
        helps=f"{_ASSIGN} If it fails again: {_SUPPORT}",
    ),
    "NUMBER_HELD_BY_OTHER_PROVIDER": Meaning(
        sentence="The number is still tied to a campaign of the provider it was ported from.",
        helps=f"Ask the former provider to release the number from its campaign. Then: {_ASSIGN}",
    ),
    "NUMBER_NOT_SMS_CAPABLE": Meaning(
        sentence="The number is not enabled for text messages in the carriers' number database.", helps=_SUPPORT
    ),
    "CAMPAIGN_NOT_ACTIVE": Meaning(
        sentence="The campaign expired or was deactivated meanwhile.",
        helps="Register a new campaign, and assign the number to it.",
    ),
    "EXCEEDED_10DLC_LIMIT": Meaning(
        sentence="The campaign has as many numbers as it may have.",
        helps="Remove a number from the campaign, ask for a number pool, or use another campaign.",
    ),
    "INVALID_NNID": Meaning(
        sentence="The campaign and the number are filed under different providers.", helps=_SUPPORT
    ),
    "INTERNAL": Meaning(sentence="The aggregator had a fault of its own.", helps=_ASSIGN, passing=True),
}

TIMED_OUT: Final = Meaning(
    sentence="The aggregator has not finished in time.",
    helps=f"Nothing has to be done if it still comes through; the number works from then on. Otherwise: {_SUPPORT}",
)
CAMPAIGN_PAUSED: Final = Meaning(
    sentence="The campaign could not take numbers in all that time.",
    helps="Look at the campaign: the number is put into it once brand and campaign are VERIFIED again.",
)
NOT_REMOVED: Final = Meaning(
    sentence="The aggregator has not taken the number out of its campaign.",
    helps=f"It is asked again every hour. If the number has to be free sooner: {_SUPPORT}",
)
NOT_EFFECTIVE: Final = Meaning(
    sentence="The number is shown as assigned, but carriers do not see it, and switching it off and on did not help.",
    helps=f"{_SUPPORT} It works as soon as carriers see the number.",
)
_OTHER: Final = Meaning(sentence="", helps=f"{_ASSIGN} If it fails again: {_SUPPORT}")
_ALL: Final = (*MEANINGS.values(), TIMED_OUT, CAMPAIGN_PAUSED, NOT_REMOVED, NOT_EFFECTIVE)


def sentence_of(reasons: Sequence[Reason]) -> str:
    """Return why an operation failed, for an admin."""
    if not reasons:
        return "The aggregator gave no reason."
    known = MEANINGS.get(reasons[0].code)
    return reasons[0].detail if known is None else known.sentence


def is_passing(reasons: Sequence[Reason]) -> bool:
    """Tell whether it is worth asking again without anybody's doing."""
    return bool(reasons) and all(reason.code in MEANINGS and MEANINGS[reason.code].passing for reason in reasons)


def helps_with(fault: str | None) -> str:
    """Return what helps with a fault that was kept as its sentence."""
    return next((meaning.helps for meaning in _ALL if meaning.sentence == fault), _OTHER.helps)
