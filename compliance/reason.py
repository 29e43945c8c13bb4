"""What one reason code means to people and to other systems. The entries themselves are in reasons/.

Sentences state the cause and what to do, never the outcome: the same code may block, be softened to a flag in monitor
mode, or be raised by a policy, and the verdict stands beside it.
"""

from dataclasses import dataclass
from enum import StrEnum

from compliance.codes import HARD_CODES, Code
from compliance.decision import Severity


class Actor(StrEnum):
    """Who can do something about a reason."""

    #: The employee who sends.
    USER = "user"
    #: The customer's administrator, in the console.
    ADMIN = "admin"
    #: The provider's people.
    OPERATOR = "operator"
    #: Time, or the recipient.
    NOBODY = "nobody"


class Page(StrEnum):
    """The pages of the console that a reason may send people to."""

    USERS = "phone-system/users"
    SMS = "phone-system/sms"
    NUMBERS = "phone-system/numbers"
    BRANDS = "registration/brands"
    CAMPAIGNS = "registration/campaigns"
    TOLL_FREE = "registration/toll-free"
    MESSAGES = "messages/log"
    REVIEWS = "messages/reviews"
    OPT_OUTS = "messages/opt-outs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One thing that somebody can do."""

    actor: Actor
    #: One sentence.
    action: str
    #: Where in the console; None where no page does it.
    page: Page | None = None

    @property
    def href(self) -> str | None:
        """Where its page is, relative to where the console is; None where no page does it."""
        return None if self.page is None else f"/console/{self.page}"

    def plain(self) -> dict[str, str | None]:
        """Return it as plain data, as every answer shows it."""
        return {"actor": self.actor.value, "action": self.action, "page": self.page, "href": self.href}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One entry of the catalogue."""

    code: Code
    #: A few words, for lists and chips.
    title: str
    #: For the employee: what is the matter and who can do what; no jargon.
    user: str
    #: For the administrator. May hold {number}, {recipient}, {campaign}, {brand}, {carrier}, {opted_out_on}.
    admin: str
    #: What findings with this code can weigh before a policy adjusts them, lightest first; () where it is never found.
    severities: tuple[Severity, ...]
    remediation: tuple[Remedy, ...]
    #: Status of the HTTP answer that refuses for this reason, be it that a policy raised a flag, or that a deferred
    #: message would come too late. What is accepted gets 202 whatever the reason; a code that never refuses has 202.
    http: int = 403
    #: Nearest code of Twilio's vocabulary for that refusal; None where there is none.
    twilio: int | None = None
    #: State in the SMPP receipt of that refusal.
    smpp: str = "REJECTD"

    @property
    def hard(self) -> bool:
        """Never softened."""
        return self.code in HARD_CODES

    @property
    def runbook(self) -> str:
        """Anchor of its chapter in the runbook."""
        return self.code.value.replace("_", "-")

    @property
    def page(self) -> Page | None:
        """The console page that fixes it; None where none does."""
        return next((remedy.page for remedy in self.remediation if remedy.page), None)


def by_user(action: str) -> Remedy:
    """Say what the employee can do."""
    return Remedy(actor=Actor.USER, action=action)


def by_admin(action: str, page: Page) -> Remedy:
    """Say what the administrator can do, and where."""
    return Remedy(actor=Actor.ADMIN, action=action, page=page)


def by_operator(action: str) -> Remedy:
    """Say what the provider's people can do."""
    return Remedy(actor=Actor.OPERATOR, action=action)


def by_nobody(action: str) -> Remedy:
    """Say what has to happen by itself."""
    return Remedy(actor=Actor.NOBODY, action=action)
