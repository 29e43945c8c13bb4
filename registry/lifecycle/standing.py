"""How a number stands: everything that decides whether it can text, together, and what each step would make of it.

A standing is a value, a step a pure function on it. So the commands that admins give, the search for the shortest way
to "can send" (preflight) and the exhaustive test all go by the same rules, and none has rules of its own.

Not here: the rows (registry.flows reads a standing from them and writes back), and the judgement of a message
(compliance.decide), which looks at more: the recipient, the text, the hour.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from compliance.codes import Code
from registry.lifecycle.cycle import ABSENT, NotAllowedError
from registry.lifecycle.numbers import ASSIGNMENT, SMS

_VERIFIED: Final = frozenset({"verified", "vetted_verified"})
_SOLE_PROPRIETOR: Final = "sole_proprietor"
#: Why a brand is not VERIFIED; every other state is brand_unverified.
_BRANDS: Final = {"deleted": Code.BRAND_DELETED, "suspended": Code.BRAND_SUSPENDED}
#: Why a campaign is not VERIFIED; every other state is campaign_pending.
_CAMPAIGNS: Final = {
    "rejected": Code.CAMPAIGN_REJECTED,
    "suspended": Code.CAMPAIGN_SUSPENDED,
    "expired": Code.CAMPAIGN_EXPIRED,
    "deactivated": Code.CAMPAIGN_DEACTIVATED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A brand and one of its campaigns, as far as they decide."""

    brand: str = ABSENT
    campaign: str = ABSENT
    sharing: str = ABSENT
    dca_complete: bool = False
    mock: bool = False
    #: TCR use case in lower case.
    use_case: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A number with all that it depends on."""

    #: Of the campaign that it is in or, while it is in none, of the one that it would be put into.
    registered: Registered = Registered()
    assignment: str = ABSENT
    sms: str = "disabled"
    #: local, toll_free, personal or service.
    kind: str = "local"
    #: Somebody has it.
    owned: bool = True
    #: The owner's licence lets people text.
    licensed: bool = True
    #: It stands on the SMS page: it could text once, and was not removed from there.
    sms_page: bool = False
    #: The campaign has room for one more number.
    room: bool = True
    #: How many other local numbers of the owner are enabled; more than one only after an import.
    others: int = 0

    @property
    def can_send(self) -> bool:
        """Say whether an ordinary text to a US mobile would go out, carriers' own states aside."""
        return (
            self.sms == "enabled" and self.owned and self.assignment == "assigned" and lacking(self.registered) is None
        )


class RefusedError(Exception):
    """A step that cannot be taken as things stand; code is a reason's (compliance) or a problem's (problems.py)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def lacking(registered: Registered) -> Code | None:
    """Say what keeps brand and campaign from being VERIFIED; None when both are.

    Source: the console's rule that both must show VERIFIED before a number is assigned; a sole proprietor's brand is as
    good as it gets when it is self-declared.
    """
    sole = registered.brand == "self_declared" and registered.use_case == _SOLE_PROPRIETOR
    if registered.brand not in _VERIFIED and not sole:
        return _BRANDS.get(registered.brand, Code.BRAND_UNVERIFIED)
    if registered.mock:
        return Code.MOCK_CAMPAIGN
    if registered.campaign != "active":
        return _CAMPAIGNS.get(registered.campaign, Code.CAMPAIGN_PENDING)
    if registered.sharing == "declined":
        return Code.CAMPAIGN_DECLINED
    if registered.sharing != "accepted" or not registered.dca_complete:
        return Code.CAMPAIGN_PENDING
    return None


def enable(standing: Standing) -> Standing:
    """Switch SMS on from the user's page; the owner's other number goes off.

    A number that never could text, or was removed from the SMS page, gets the campaign by itself. One that stands on
    the SMS page without a campaign is put right there (assign).
    """
    _check_person(standing)
    if standing.assignment == "removing":
        raise RefusedError("assignment_removing")
    if standing.assignment == "failed" or (standing.assignment == ABSENT and standing.sms_page):
        raise RefusedError("assign_on_sms_page")
    if (why := lacking(standing.registered)) is not None:
        raise RefusedError(why)
    on = _switched_on(standing)
    return on if standing.assignment != ABSENT else _assigned(on)


def assign(standing: Standing) -> Standing:
    """Put a number into the campaign from the SMS page (*Assign to campaign*), also one whose provisioning failed.

    One that is in another campaign moves, and cannot send until the aggregator has it in the new one.
    """
    if standing.kind != "local":
        raise RefusedError("number_cannot_text")
    if (why := lacking(standing.registered)) is not None:
        raise RefusedError(why)
    return _assigned(standing)


def disable(standing: Standing) -> Standing:
    """Switch SMS off from the user's page; the number stays in its campaign and on the SMS page."""
    if standing.sms == "disabled":
        return standing
    return replace(standing, sms=_after_sms(standing, "disable"), sms_page=True)


def remove(standing: Standing) -> Standing:
    """Take a number off the SMS page: out of its campaign, and off; it can be enabled like a new one afterwards."""
    sms = standing.sms if standing.sms == "disabled" else _after_sms(standing, "disable")
    assignment = standing.assignment
    if assignment not in {ABSENT, "removing"}:
        assignment = ASSIGNMENT.after(assignment, "remove")
    return replace(standing, sms=sms, assignment=assignment, sms_page=False)


def supersede(standing: Standing) -> Standing:
    """Give way to another number of the owner, which was switched on."""
    return replace(standing, sms=_after_sms(standing, "supersede"))


def lose(standing: Standing) -> Standing:
    """Lose SMS because the number, its user or the licence changed; an admin has to enable it again."""
    return standing if standing.sms == "disabled" else replace(standing, sms=_after_sms(standing, "lose"))


def provisioned(standing: Standing) -> Standing:
    """Hear from the aggregator that the number is in the campaign."""
    return replace(standing, assignment=ASSIGNMENT.after(standing.assignment, "provisioned"))


def removed(standing: Standing) -> Standing:
    """Hear from the aggregator that the number is in no campaign any more."""
    return replace(standing, assignment=ASSIGNMENT.after(standing.assignment, "removed"))


#: What an admin can do with a number, by the name that the API has for it.
COMMANDS: Final[dict[str, Callable[[Standing], Standing]]] = {
    "enable": enable,
    "assign": assign,
    "disable": disable,
    "remove": remove,
}


def _check_person(standing: Standing) -> None:
    if standing.kind != "local":
        raise RefusedError("number_cannot_text")
    if not standing.owned:
        raise RefusedError("number_without_user")
    if not standing.licensed:
        raise RefusedError("licence_cannot_text")


def _switched_on(standing: Standing) -> Standing:
    sms = standing.sms if standing.sms == "enabled" else _after_sms(standing, "enable")
    return replace(standing, sms=sms, sms_page=True, others=0)


def _assigned(standing: Standing) -> Standing:
    if not standing.room:
        raise RefusedError("number_limit_exceeded")
    return replace(standing, assignment=_after(ASSIGNMENT.after, standing.assignment, "assign"), sms_page=True)


def _after_sms(standing: Standing, event: str) -> str:
    return _after(SMS.after, standing.sms, event)


def _after(step: Callable[[str, str], str], state: str, event: str) -> str:
    try:
        return step(state, event)
    except NotAllowedError:
        raise RefusedError("not_from_here") from None
