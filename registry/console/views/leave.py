"""For the provider's people: what carriers are to be asked leave for, with what to send them; settled here.

Not here: what a company sees of its own wishes (sms.py, registration.py, registration_forms.py).
"""

from collections.abc import Mapping
from typing import Any, Final

from registry.console.naming import names_of
from registry.console.pages import Download, Fields, For, Form, Page, Went
from registry.console.views.registration_words import use_case
from registry.console.visit import Visit

_AT: Final = "/provider/leave"
_HERE: Final = f"/console{_AT}"


async def leave_of(visit: Visit, subject: str) -> Mapping[str, Any] | None:
    """Return what was wished for last for a campaign or a form, and what came of it; None: nothing is to be told."""
    wishes = (await visit.see("listLeaveRequests", subject=subject, limit=1))["items"]
    return wishes[0] if wishes and wishes[0]["outcome"] != "dropped" else None


async def _waiting(visit: Visit) -> Mapping[str, Any]:
    found = await visit.see("listLeaveWaiting", cursor=visit.query.get("cursor"))
    return {
        "waiting": found["items"],
        "next": found["next"],
        "names": await names_of(visit, (one["asked_by"] for one in found["items"])),
        "use_case": use_case,
    }


async def _settle(visit: Visit, given: Fields) -> Went:
    approved = given.text("approved") == "yes"
    done = await visit.do("settleLeave", body={"id": given.text("wish"), "approved": approved})
    said = "gave leave" if approved else "gave no leave"
    return Went(_HERE, f"Noted: the carriers {said} for {done['subject']}. The company's administrators are told.")


PAGES: Final[tuple[Page, ...]] = (
    Page(_AT, "Leave of carriers", "provider_leave.html", _waiting, of=For.PROVIDER, live=("leave_requests",)),
)
FORMS: Final[tuple[Form, ...]] = (Form(f"{_AT}/settle", _settle, of=For.OPERATORS, back=_AT),)
DOWNLOADS: Final[tuple[Download, ...]] = ()
