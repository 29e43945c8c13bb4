"""A person's decision that the aggregator is to be asked once more, as if it never had been.

For a number that it did not do what it was asked for, and for one that it has in another campaign than we do: then ours
is written there, the other one taken away first (registry.provisioning.steps).
"""

from dataclasses import replace
from typing import Final

from registry.flows.desk import Desk
from registry.flows.numbers import registered
from registry.lifecycle.numbers import ASSIGNMENT
from registry.lifecycle.standing import lacking
from registry.problems import Problem
from registry.provisioning.jobs import find_job
from registry.records import Assignment, Number

#: What can be tried again.
KINDS: Final = frozenset({"provisioning_stuck", "campaign_differs_at_aggregator"})


async def try_again(desk: Desk, kind: str, did: str) -> None:
    """Ask anew for what was wished for last.

    Problem: not_found; not_from_here when somebody was quicker, or there is nothing to try; a reason's code when brand
    or campaign are in the way.
    """
    if kind not in KINDS:
        raise Problem("not_from_here")
    number = await desk.one(Number, did)
    if number is None or number.tenant != desk.tenant:
        raise Problem("not_found")
    job, link = await find_job(desk.connection, did), await desk.one(Assignment, did)
    stuck = job is not None and job.state == "stuck"
    if stuck is not (kind == "provisioning_stuck") or (job is not None and not stuck):
        raise Problem("not_from_here")
    if job is not None and job.action == "remove":
        await desk.ask_aggregator(did, "remove", job.campaign_id)
        return
    if link is None or link.state not in {"pending", "assigned", "failed"}:
        raise Problem("not_from_here")
    campaign, brand = await desk.campaign(link.campaign_id)
    if (why := lacking(registered(campaign, brand))) is not None:
        raise Problem(why)
    state = link.state if link.state == "pending" else ASSIGNMENT.after(link.state, "asked_again")
    await desk.save([replace(link, state=state, since=desk.now, fault=None)])
    await desk.ask_aggregator(did, "add", link.campaign_id)
