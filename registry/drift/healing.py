"""Puts right what heals itself: by a step of the life cycles, and a wish to the aggregator in the same transaction.

Everything is looked at again within the transaction: between the look outside and now somebody may have changed it, and
then it is left for the next turn.
"""

from collections.abc import Sequence
from dataclasses import replace

from registry.drift.classes import Drift
from registry.drift.ours import Whole
from registry.flows.desk import Desk
from registry.flows.numbers import registered
from registry.lifecycle.cycle import NotAllowedError
from registry.lifecycle.numbers import ASSIGNMENT
from registry.lifecycle.standing import lacking
from registry.records import Assignment

ACTOR = "drift"
#: What a number's drift is healed by.
_HEALED = frozenset(
    {
        "number_not_at_aggregator",
        "number_extra_at_aggregator",
        "shown_not_effective",
        "assignment_without_job",
        "orphan_assignment",
    }
)


async def heal_number(desk: Desk, whole: Whole, found: Sequence[Drift], held_there: str | None) -> bool:
    """Heal what can be; held_there is the campaign that the aggregator has the number in. Says whether it did.

    A number that somebody is working on is left to them: it is as it is for as long as that takes.
    """
    kinds = {one.kind for one in found} & _HEALED
    if not kinds or whole.working or await desk.one(Assignment, whole.number.did) != whole.link:
        return False
    did, link = whole.number.did, whole.link
    if "orphan_assignment" in kinds and link is not None:
        return await _step(desk, link, "remove", "remove")
    if "number_extra_at_aggregator" in kinds:
        await desk.ask_aggregator(did, "remove", held_there)
        return True
    if link is None or link.campaign_id is None:
        return False
    if "assignment_without_job" in kinds:
        await desk.ask_aggregator(did, "remove" if link.state == "removing" else "add", link.campaign_id)
        return True
    if lacking(registered(whole.campaign, whole.brand)) is not None:
        return False
    if "number_not_at_aggregator" in kinds:
        return await _step(desk, link, "asked_again", "add")
    await desk.ask_aggregator(did, "add", link.campaign_id)  # (it finds that carriers see nothing, and acts on that)
    return True


async def _step(desk: Desk, link: Assignment, event: str, action: str) -> bool:
    try:
        state = ASSIGNMENT.after(link.state, event)
    except NotAllowedError:
        return False
    await desk.save([replace(link, state=state, since=desk.now, fault=None)])
    await desk.ask_aggregator(link.did, action, link.campaign_id)
    return True
