"""How a number stands towards one campaign and one recipient, and which steps lead on from there.

A situation is a Standing with what else decides: the campaign's state at the recipient's carrier, a number pool on its
way, and whether the number is still in another campaign than the one aimed at. Steps are those of the life cycles and
of lifecycle/standing.py, as far as guide.py tells them.

What would do harm is not among the steps: nothing is switched off and on, nothing moves from one number to another, and
while brand, campaign or carrier have something suspended, that is settled before anything new is begun.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from registry.lifecycle import standing as steps
from registry.lifecycle.cycle import ABSENT, UNKNOWN, LifeCycle
from registry.lifecycle.numbers import ASSIGNMENT, LICENCE, SMS
from registry.lifecycle.registration import BRAND, CAMPAIGN, CARRIER, DCA, NUMBER_POOL, SHARING
from registry.lifecycle.standing import RefusedError, Registered, Standing, lacking
from registry.preflight.guide import DELETED, GUIDE, PERSON, SPENT, SPENT_CAMPAIGNS, Advice, Key

#: The carrier's state where no carrier is asked: recipients outside of the United States.
NOT_ASKED: Final = "-"
_SOLE_PROPRIETOR: Final = "sole_proprietor"
_SUSPENDED: Final = "suspended"
#: Brands that may register a campaign.
_MAY_REGISTER: Final = frozenset({"verified", "vetted_verified", "self_declared"})
#: In a campaign, or on the way into it.
_THERE: Final = frozenset({"assigned", "pending"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """How things stand."""

    standing: Standing
    #: The campaign's state at the recipient's carrier; NOT_ASKED where that is not looked at.
    carrier: str = NOT_ASKED
    #: Leave for more numbers in the campaign; counts only where there is no room.
    pool: str = "none"
    #: The number is in another campaign than the one aimed at (standing.registered), or seems to be.
    elsewhere: bool = False
    #: The user has no number at all; the standing is that of the one they will get.
    no_number: bool = False
    #: Why it did not get into its campaign, for people; "" where that is not known.
    fault: str = ""
    #: That is of a kind that assigning it again does not mend.
    needs_support: bool = False
    #: What is not registered *yet* may stay so: for recipients where carriers do not ask for it (compliance.reliefs).
    lenient: bool = False
    #: The id of the campaign aimed at, "" for one that has yet to be registered.
    campaign: str = ""

    @property
    def suspended(self) -> bool:
        """Say whether something is suspended, so that texts must not be moved elsewhere."""
        registered = self.standing.registered
        return _SUSPENDED in {registered.brand, registered.campaign, self.carrier}


class Step(NamedTuple):
    """One step, and what it leads to."""

    key: Key
    advice: Advice
    after: Situation


def steps_from(now: Situation) -> Iterator[Step]:
    """List the steps that lead on, for the first matter that is not settled.

    Matters that do not touch each other are settled in one order: all are needed, and another order would be as long.
    A test compares this with every order of every step there is.
    """
    for matter in (_of_person, _of_brand, _of_suspension, _of_campaign, _of_sharing, _of_carrier, _of_room):
        found = list(matter(now))
        if found:
            yield from found
            return
    yield from _of_number(now)


def _step(cycle: str, event: str, source: str, after: Situation) -> Step:
    key = Key(cycle, event, source)
    return Step(key, GUIDE[key], after)


def _stands(now: Situation, standing: Standing) -> Situation:
    return replace(now, standing=standing)


def _of_person(now: Situation) -> Iterator[Step]:
    standing = now.standing
    if now.no_number:
        there = replace(now, standing=replace(standing, owned=True), no_number=False)
        yield _step(PERSON, "number", ABSENT, there)
    elif not standing.owned:
        given = replace(steps.lose(standing), owned=True, licensed=True)
        yield _step(PERSON, "give", ABSENT, _stands(now, given))
    elif not standing.licensed and standing.sms != "enabled":
        licensed = LICENCE.after("other", "given") == "texting"
        yield _step(PERSON, "licence", ABSENT, _stands(now, replace(steps.lose(standing), licensed=licensed)))


def _of_brand(now: Situation) -> Iterator[Step]:
    registered = now.standing.registered
    brand = registered.brand
    if brand in _MAY_REGISTER or (now.lenient and brand not in {_SUSPENDED, DELETED}):
        return
    if brand in {ABSENT, DELETED}:
        yield _step("brand", "registered", brand, _begun(now, Registered(brand="pending")))
    good = ("declared", "cleared") if registered.use_case == _SOLE_PROPRIETOR else ("confirmed",)
    for event, target in _told(BRAND, brand, ("resubmitted", *good)):
        yield _step("brand", event, _word(BRAND, brand), _registered(now, replace(registered, brand=target)))


def _of_suspension(now: Situation) -> Iterator[Step]:
    """What is suspended comes before anything new."""
    registered = now.standing.registered
    if now.carrier == _SUSPENDED:
        yield from _at_carrier(now)
    elif registered.campaign == _SUSPENDED:
        yield from _at_tcr(now)


def _of_campaign(now: Situation) -> Iterator[Step]:
    registered = now.standing.registered
    unfit = registered.brand == "self_declared" and registered.use_case != _SOLE_PROPRIETOR
    spent = registered.campaign != ABSENT and (registered.mock or unfit or registered.campaign in SPENT_CAMPAIGNS)
    if spent or registered.campaign == ABSENT:
        if registered.brand in _MAY_REGISTER:
            yield _step("campaign", "submitted", SPENT if spent else ABSENT, _begun(now, _new(registered)))
    elif registered.campaign != "active" and not (now.lenient and registered.campaign != "rejected"):
        yield from _at_tcr(now)


def _of_sharing(now: Situation) -> Iterator[Step]:
    registered = now.standing.registered
    if registered.sharing != "accepted" and not (now.lenient and registered.sharing != "declined"):
        for event, target in _told(SHARING, registered.sharing, ("shared", "accepted", "shared_again")):
            source = _word(SHARING, registered.sharing)
            yield _step("sharing", event, source, _registered(now, replace(registered, sharing=target)))
    elif not registered.dca_complete and not now.lenient:
        complete = DCA.after("incomplete", "completed") == "complete"
        yield _step("dca", "completed", "incomplete", _registered(now, replace(registered, dca_complete=complete)))


def _of_carrier(now: Situation) -> Iterator[Step]:
    if now.carrier not in {NOT_ASKED, "approved"}:
        yield from _at_carrier(now)


def _of_room(now: Situation) -> Iterator[Step]:
    standing = now.standing
    if standing.room or (standing.assignment in _THERE and not now.elsewhere):
        return
    for event, target in _told(NUMBER_POOL, now.pool, ("requested", "approved")):
        room = _stands(replace(now, pool=target), replace(standing, room=target == "approved"))
        yield _step("number_pool", event, _word(NUMBER_POOL, now.pool), room)


def _at_tcr(now: Situation) -> Iterator[Step]:
    registered = now.standing.registered
    for event, target in _told(CAMPAIGN, registered.campaign, ("submitted", "accepted")):
        source = _word(CAMPAIGN, registered.campaign)
        yield _step("campaign", event, source, _registered(now, replace(registered, campaign=target)))


def _at_carrier(now: Situation) -> Iterator[Step]:
    for event, target in _told(CARRIER, now.carrier, ("reviewed", "approved")):
        yield _step("carrier", event, _word(CARRIER, now.carrier), replace(now, carrier=target))


def _of_number(now: Situation) -> Iterator[Step]:
    standing = now.standing
    if standing.assignment == "failed" and now.needs_support:
        yield _step(PERSON, "support", ABSENT, replace(now, needs_support=False))
        return
    if now.elsewhere or standing.assignment not in _THERE:
        with_it = _after(steps.assign, standing)
        if with_it is not None:
            source = _word(ASSIGNMENT, standing.assignment)
            yield _step("assignment", "assign", source, replace(now, standing=with_it, elsewhere=False))
    if standing.sms != "enabled" or standing.assignment == ABSENT:
        with_it = _after(steps.enable, standing)
        if with_it is not None:
            yield _step("sms", "enable", _word(SMS, standing.sms), _stands(now, with_it))
    if now.elsewhere:
        return
    if standing.assignment == "pending" and lacking(standing.registered) is None:
        yield _step("assignment", "provisioned", "pending", _stands(now, steps.provisioned(standing)))
    if standing.assignment == "removing":
        yield _step("assignment", "removed", "removing", _stands(now, steps.removed(standing)))


def _told(cycle: LifeCycle, state: str, events: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """List the moves from a state that the guide has a line for, among those that are asked for."""
    source = _word(cycle, state)
    for move in cycle.moves_from(state):
        if move.event in events and Key(cycle.name, move.event, source) in GUIDE:
            yield move.event, move.target


def _word(cycle: LifeCycle, state: str) -> str:
    return state if state in cycle.states else UNKNOWN


def _registered(now: Situation, registered: Registered) -> Situation:
    return _stands(now, replace(now.standing, registered=registered))


def _new(registered: Registered) -> Registered:
    """Return a campaign that was just submitted; a brand that declared itself may have one of one kind only."""
    sole = registered.brand == "self_declared"
    return Registered(brand=registered.brand, campaign="pending", use_case=_SOLE_PROPRIETOR if sole else "")


def _begun(now: Situation, registered: Registered) -> Situation:
    """Aim at what was begun anew; a number that is in a campaign stays there until it is assigned."""
    standing = now.standing
    return replace(
        now,
        standing=replace(standing, registered=registered, room=True),
        carrier=now.carrier if now.carrier == NOT_ASKED else "review",
        pool="none",
        elsewhere=standing.assignment not in {ABSENT, "removing"},
        campaign="",
    )


def _after(step: Callable[[Standing], Standing], standing: Standing) -> Standing | None:
    """Take a step; None when it is refused."""
    try:
        return step(standing)
    except RefusedError:
        return None
