"""Asks the real judge about how things stand, and about how they would stand.

Only what a situation says is put in the place of what the rows say; the recipient, opt-outs and the sender stay as they
are. So what no registration can change (an opt-out, a number abroad) is refused however good everything else is, and is
known as a dead end.
"""

from dataclasses import replace
from typing import Final

from compliance.decide import decide
from compliance.decision import Decision, Verdict
from compliance.facts import Assignment, Brand, Campaign, CarrierStates, Facts, Owner, SenderNumber
from compliance.policy import Policy
from registry.lifecycle.cycle import ABSENT
from registry.lifecycle.standing import Registered, Standing
from registry.preflight.situation import NOT_ASKED, Situation

SENDABLE: Final = frozenset({Verdict.ALLOW, Verdict.FLAG})
#: As good as it gets.
BEST: Final = Standing(
    registered=Registered(brand="verified", campaign="active", sharing="accepted", dca_complete=True),
    assignment="assigned",
    sms="enabled",
)
#: Stand for what a step would bring about: a number, its owner, a campaign, a brand.
_A_NUMBER: Final = "+12025550100"
_SOMEBODY: Final = "somebody"
_A_CAMPAIGN: Final = "C"
_A_BRAND: Final = "B"


class Judge:
    """The judge of one question."""

    def __init__(self, given: Facts, policy: Policy) -> None:
        self._given = given
        self._policy = policy

    def now(self) -> Decision:
        """Judge what the rows say."""
        return decide(self._given, self._policy)

    def at_best(self, kind: str) -> Decision:
        """Judge a number of this kind with everything in order that can be brought in order."""
        return self.of(Situation(standing=replace(BEST, kind=kind), carrier="approved"))

    def can_send(self, situation: Situation) -> bool:
        """Say whether it could text as things would stand; a number that is in another campaign could not."""
        if situation.elsewhere or situation.no_number:
            return False
        return self.of(situation).verdict in SENDABLE

    def of(self, situation: Situation) -> Decision:
        """Judge a situation."""
        given, standing = self._given, situation.standing
        registered = standing.registered
        sender = given.sender._replace(user=given.sender.user or _SOMEBODY)
        number = sender.number or SenderNumber(kind=standing.kind)
        owner = (number.owner or Owner(sender.tenant, sender.user)) if standing.owned else None
        link = Assignment(standing.assignment, _A_CAMPAIGN, _A_BRAND) if standing.assignment != ABSENT else None
        state = "approved" if situation.carrier == NOT_ASKED else situation.carrier
        campaign = Campaign(
            id=_A_CAMPAIGN,
            brand_id=_A_BRAND,
            use_case=registered.use_case,
            status=registered.campaign,
            sharing=registered.sharing,
            dca_complete=registered.dca_complete,
            mock=registered.mock,
            carriers=CarrierStates(state, state, state, state),
        )
        as_if = sender._replace(
            number=number._replace(owner=owner, kind=standing.kind, sms=standing.sms, assignment=link),
            campaign=None if link is None else campaign,
            brand=None if link is None else Brand(id=_A_BRAND, status=registered.brand),
        )
        message = given.message._replace(sender=given.message.sender or _A_NUMBER)
        return decide(given._replace(message=message, sender=as_if), self._policy)
