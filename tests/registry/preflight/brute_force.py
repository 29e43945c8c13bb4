"""The shortest way by trying everything: every move, from every state, in every order.

It shares the guide's costs with the search, and nothing of how the search picks its steps: what would be harmful, or of
no use, is tried as well.
"""

import heapq
import itertools
from dataclasses import replace

from registry.lifecycle import standing as steps
from registry.lifecycle.cycle import ABSENT, UNKNOWN
from registry.lifecycle.numbers import ASSIGNMENT
from registry.lifecycle.registration import BRAND, CAMPAIGN, CARRIER, NUMBER_POOL, SHARING
from registry.lifecycle.standing import RefusedError, Registered
from registry.preflight.guide import GUIDE, Key
from registry.preflight.situation import NOT_ASKED

_ENDS = {"self_declared", "verified", "vetted_verified"}
_OWN = {"brand": BRAND, "campaign": CAMPAIGN, "sharing": SHARING}


def fewest(start, can_send):
    """What people have to do, and how long it takes, on the cheapest way; None where there is none."""
    count = itertools.count()
    ahead, done = [((0, 0), next(count), start)], set()
    while ahead:
        cost, _, here = heapq.heappop(ahead)
        if here in done:
            continue
        if can_send(here):
            return cost
        done.add(here)
        for (persons, usual_s), after in _everything(here):
            if after not in done:
                heapq.heappush(ahead, ((cost[0] + persons, cost[1] + usual_s), next(count), after))
    return None


def _cost(cycle, event, source):
    advice = GUIDE.get(Key(cycle, event, source))
    return None if advice is None else (advice.persons, advice.usual_s)


def _everything(now):
    """Every step, with its cost."""
    found = [*_of_number(now), *_of_person(now), *_anew(now), *_of_registration(now)]
    return [(cost, after) for cost, after in found if cost is not None]


def _of_registration(now):
    registered = now.standing.registered
    sole = registered.use_case == "sole_proprietor"
    for name, cycle in _OWN.items():
        state = getattr(registered, name)
        for move in cycle.moves_from(state):
            if state == ABSENT and name != "sharing":
                continue
            if name == "sharing" and registered.campaign == ABSENT:
                continue
            # TCR takes a sole proprietor's own word, and confirms all others: it never does the one for the other.
            if name == "brand" and move.target in _ENDS and (move.target == "self_declared") != sole:
                continue
            source = state if state in cycle.states else UNKNOWN
            after = replace(now.standing, registered=replace(registered, **{name: move.target}))
            yield _cost(name, move.event, source), replace(now, standing=after)
    done = replace(now.standing, registered=replace(registered, dca_complete=True))
    yield _cost("dca", "completed", "incomplete"), replace(now, standing=done)
    if now.carrier != NOT_ASKED:
        for move in CARRIER.moves_from(now.carrier):
            source = now.carrier if now.carrier in CARRIER.states else UNKNOWN
            yield _cost("carrier", move.event, source), replace(now, carrier=move.target)
    for move in NUMBER_POOL.moves_from(now.pool):
        source = now.pool if now.pool in NUMBER_POOL.states else UNKNOWN
        room = now.standing.room or move.target == "approved"
        after = replace(now, pool=move.target, standing=replace(now.standing, room=room))
        yield _cost("number_pool", move.event, source), after


def _anew(now):
    registered = now.standing.registered
    if registered.brand in {ABSENT, "deleted"}:
        yield _cost("brand", "registered", registered.brand), _aimed(now, Registered(brand="pending"))
    spent = registered.mock or registered.campaign in {"expired", "deactivated"}
    unfit = registered.brand == "self_declared" and registered.use_case != "sole_proprietor"
    suspended = "suspended" in {registered.brand, registered.campaign, now.carrier}
    may = registered.brand in {"verified", "vetted_verified", "self_declared"} and not suspended
    if may and (spent or unfit or registered.campaign == ABSENT):
        use_case = "sole_proprietor" if registered.brand == "self_declared" else ""
        new = Registered(brand=registered.brand, campaign="pending", use_case=use_case)
        yield _cost("campaign", "submitted", "spent" if registered.campaign else ABSENT), _aimed(now, new)


def _aimed(now, registered):
    elsewhere = now.standing.assignment not in {ABSENT, "removing"}
    carrier = now.carrier if now.carrier == NOT_ASKED else "review"
    standing = replace(now.standing, registered=registered, room=True)
    return replace(now, standing=standing, elsewhere=elsewhere, carrier=carrier, pool="none", campaign="")


def _of_person(now):
    lost = steps.lose(now.standing)
    if not now.standing.owned:
        yield _cost("person", "give", ""), replace(now, standing=replace(lost, owned=True, licensed=True))
    elif not now.standing.licensed:
        yield _cost("person", "licence", ""), replace(now, standing=replace(lost, licensed=True))


def _of_number(now):
    standing = now.standing
    for event, step in steps.COMMANDS.items():
        try:
            after = step(standing)
        except RefusedError:
            continue
        state = standing.sms if event in {"enable", "disable"} else standing.assignment
        cycle = "sms" if event in {"enable", "disable"} else "assignment"
        cost = _cost(cycle, event, state) or _cost(cycle, event, UNKNOWN) or (1, 600)
        elsewhere = now.elsewhere and event != "assign"
        yield cost, replace(now, standing=after, elsewhere=elsewhere)
    if now.elsewhere:
        return
    if standing.assignment == "pending" and steps.lacking(standing.registered) is None:
        yield _cost("assignment", "provisioned", "pending"), replace(now, standing=steps.provisioned(standing))
    if standing.assignment == "removing" and "removed" in {move.event for move in ASSIGNMENT.moves_from("removing")}:
        yield _cost("assignment", "removed", "removing"), replace(now, standing=steps.removed(standing))
