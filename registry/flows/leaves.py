"""What carriers have to grant, as the provider's people work through it: asked for, settled, or not needed any more.

The wish and its outcome are a record of their own, beside what follows from it (a campaign's number pool, the leave in
a form): so it is known since when somebody waits, and what was said the last time.

Not here: who asks for what, and what follows (flows/campaigns.py, registration/flows.py).
"""

import secrets
from dataclasses import replace
from typing import Final

from registry.flows.desk import Desk
from registry.problems import Problem
from registry.records import LeaveRequest
from registry.tables import leave_requests

POOL: Final = "number_pool"
USE_CASE: Final = "use_case"
APPROVED: Final = "approved"
DECLINED: Final = "declined"
DROPPED: Final = "dropped"


async def ask(desk: Desk, kind: str, subject: str, use_case: str) -> LeaveRequest:
    """Put a wish on the provider's list. Problem: not_from_here while it stands there."""
    if await _waiting(desk, kind, subject):
        raise Problem("not_from_here")
    asked = _new(desk, kind, subject, use_case)
    await desk.save([asked])
    return asked


async def settle(desk: Desk, kind: str, subject: str, use_case: str, outcome: str) -> None:
    """Note what the carriers said; where nobody had asked here, the provider's people did by themselves."""
    waiting = await _waiting(desk, kind, subject) or [_new(desk, kind, subject, use_case)]
    await desk.save([replace(one, settled_at=desk.now, outcome=outcome) for one in waiting])


async def drop(desk: Desk, kind: str, subject: str, *, but_for: str | None = None) -> None:
    """Take off the list what nothing needs any more; but_for: the use case that it is still needed for."""
    waiting = [one for one in await _waiting(desk, kind, subject) if one.use_case != but_for]
    await desk.save([replace(one, settled_at=desk.now, outcome=DROPPED) for one in waiting])


async def _waiting(desk: Desk, kind: str, subject: str) -> list[LeaveRequest]:
    rows = leave_requests.c
    mine = (rows.tenant == desk.tenant, rows.subject == subject, rows.kind == kind, rows.settled_at.is_(None))
    return await desk.all(LeaveRequest, *mine)


def _new(desk: Desk, kind: str, subject: str, use_case: str) -> LeaveRequest:
    return LeaveRequest(
        id=f"l-{int(desk.now.timestamp() * 1000):012x}-{secrets.token_hex(6)}",
        tenant=desk.tenant,
        kind=kind,
        subject=subject,
        use_case=use_case,
        asked_at=desk.now,
        asked_by=desk.actor,
    )
