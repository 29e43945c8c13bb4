"""Writes what an admin says about an opt-out, and what came of it.

Only the person's own renewed consent ends an opt-out (47 CFR 64.1200(a)(10) revokes until a new one is given): so there
is evidence with it, which is kept for good, here and with the opt-out.
"""

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from compliance.destinations import read_destination
from registry.flows.desk import Desk
from registry.problems import wrong_field
from registry.records import OptOut, Restoration
from registry.tables import opt_outs, restorations

#: They want texts again; they never meant not to.
RESTORE: Final = "restore"
#: It was one: what they wrote is an opt-out from now on.
OPT_OUT: Final = "opt_out"
PENDING, DONE, REFUSED = "pending", "done", "refused"
#: What the gateway takes.
EVIDENCE_LEAST: Final = 10
EVIDENCE_MOST: Final = 1_000
#: After these the person is not out, so a copy of their opt-out says nothing any more.
_LIFTS: Final = frozenset({"restored", "dismissed", "was_not_out"})


async def ask(desk: Desk, recipient: str, act: str, evidence: str) -> Restoration:
    """Write what an admin says; what waits already with the same evidence is the same. Problem: invalid_value."""
    canonical = read_destination(recipient)[1]
    if not canonical:
        raise wrong_field("/recipient", "invalid_value", "Give a whole phone number, such as +1 646-555-0151.")
    same = await desk.all(
        Restoration,
        restorations.c.tenant == desk.tenant,
        restorations.c.recipient == canonical,
        restorations.c.act == act,
        restorations.c.evidence == evidence,
        restorations.c.state == PENDING,
    )
    if same:
        return same[0]
    asked = Restoration(
        id=_new_id(desk.now),
        tenant=desk.tenant,
        recipient=canonical,
        act=act,
        evidence=evidence,
        state=PENDING,
        outcome=None,
        fault=None,
        asked_at=desk.now,
        asked_by=desk.actor,
        done_at=None,
    )
    await desk.save([asked])
    return asked


async def settle(desk: Desk, name: str, *, state: str, outcome: str | None = None, fault: str | None = None) -> None:
    """Write what came of it, unless that is written already; a copy of an opt-out that is over says so from now on."""
    asked = await desk.one(Restoration, name)
    if asked is None or asked.state != PENDING:
        return
    done_at = None if state == PENDING else desk.now
    put: list[Restoration | OptOut] = [replace(asked, state=state, outcome=outcome, fault=fault, done_at=done_at)]
    if asked.act == RESTORE and outcome in _LIFTS:
        which = (opt_outs.c.tenant == asked.tenant, opt_outs.c.recipient == asked.recipient)
        put += [replace(copy, lifted_at=desk.now) for copy in await desk.all(OptOut, *which) if copy.lifted_at is None]
    await desk.save(put)


def shown(restoration: Restoration) -> dict[str, Any]:
    """Return it as JSON."""
    return {
        "id": restoration.id,
        "recipient": restoration.recipient,
        "act": restoration.act,
        "evidence": restoration.evidence,
        "state": restoration.state,
        "outcome": restoration.outcome,
        "fault": restoration.fault,
        "asked_at": restoration.asked_at,
        "asked_by": restoration.asked_by,
        "done_at": restoration.done_at,
    }


def _new_id(now: datetime) -> str:
    """Return an id; ids are in the order of time, so that a list of them is."""
    return f"o-{int(now.timestamp() * 1000):012x}{secrets.token_hex(4)}"
