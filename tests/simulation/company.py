"""The customers of a run: who they are, what the registry knows of them, and what an admin does to their numbers.

Not here: what they send (actors.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Final

from compliance import documents
from compliance.documents import LineDocument, UserDocument
from compliance.facts import Assignment, Owner, SenderNumber
from registry.documents import Documents
from tests.builders import a_brand, a_campaign

TENANT: Final = "acme"
#: User to number. Those of SENDERS may text, the last one's number was never registered.
SENDERS: Final = {"ann": "+12025550111", "bob": "+12025550112", "cat": "+12025550113"}
UNREGISTERED: Final = {"uma": "+12025550114"}
RECIPIENTS: Final = ("+14155550143", "+14155550144", "+14155550145")
#: Two campaigns, so that suspending one is not the end of all.
_CAMPAIGN_OF: Final = {"ann": "C1", "bob": "C1", "cat": "C2", "uma": "C1"}


def number(user: str, state: str | None) -> bytes:
    """Write a number's document; state is that of its assignment, None when it has none."""
    assignment = None if state is None else Assignment(state=state, campaign_id=_CAMPAIGN_OF[user], brand_id="B1")
    return documents.dump_number(
        SenderNumber(
            owner=Owner(tenant=TENANT, user=user),
            sms="enabled",
            sms_enabled_at=datetime(2024, 3, 1, tzinfo=UTC),
            assignment=assignment,
        )
    )


def campaign(name: str, status: str) -> bytes:
    """Write a campaign's document."""
    return documents.dump_campaign(a_campaign(id=name, brand_id="B1", use_case="low_volume", status=status))


@cache
def company() -> Documents:
    """Write every document there is at the start."""
    kept = {}
    for user, did in (SENDERS | UNREGISTERED).items():
        person = UserDocument(id=user, tenant=TENANT, customer_since=date(2024, 3, 1), number=did)
        kept[documents.user_key(user)] = documents.dump_user(person)
        kept[documents.number_key(did)] = number(user, "assigned" if user in SENDERS else None)
    for name in ("C1", "C2"):
        kept[documents.campaign_key(name)] = campaign(name, "active")
    kept[documents.brand_key("B1")] = documents.dump_brand(a_brand(id="B1"))
    for recipient in RECIPIENTS:
        kept[documents.line_key(recipient)] = documents.dump_line(LineDocument(carrier="verizon", line="mobile"))
    return kept


@dataclass(slots=True)
class Admin:
    """Somebody who takes registrations away and gives them back; and the record of it."""

    commit: Callable[[Documents], object]
    now_s: Callable[[], float]
    #: What is taken away at the moment: numbers and campaigns.
    gone: set[str] = field(default_factory=set)
    #: By number: from when until when it might not send.
    revoked: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def flip(self, what: str, state: str | None) -> None:
        """Take a user's number or a campaign away, or give it back; state is how it looks when taken away."""
        back = what in self.gone
        if what in SENDERS:
            changes = {documents.number_key(SENDERS[what]): number(what, "assigned" if back else state)}
        else:
            changes = {documents.campaign_key(what): campaign(what, "active" if back else "suspended")}
        self.commit(changes)
        (self.gone.discard if back else self.gone.add)(what)
        for user, did in SENDERS.items():
            self._note(did, may_send=not self.gone & {user, _CAMPAIGN_OF[user]})

    def _note(self, did: str, *, may_send: bool) -> None:
        times = self.revoked.setdefault(did, [])
        is_revoked = bool(times) and times[-1][1] == float("inf")
        if is_revoked and may_send:
            times[-1] = (times[-1][0], self.now_s())
        elif not is_revoked and not may_send:
            times.append((self.now_s(), float("inf")))
