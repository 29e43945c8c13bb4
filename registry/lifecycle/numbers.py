"""The life cycles of numbers and people: assignment, provisioning, SMS enablement, licence, and employees' requests.

Sources: the provider's console (one SMS number a user, enabling one disables the other; loss of SMS when number, user
or licence changes), and the aggregator's provisioning (Pending, Assigned, Enabling Failed, Disabling Failed).
"""

import re
from typing import Final

from registry.lifecycle.cycle import ABSENT, By, LifeCycle, move

#: Whether a number is in a campaign. ABSENT: it is in none.
ASSIGNMENT: Final = LifeCycle(
    "assignment",
    (
        #: Into a campaign, or from one into another: numbers that are ours move as well.
        move("assign", By.ADMIN, "- pending assigned failed removing ?", "pending"),
        move("provisioned", By.AGGREGATOR, "pending failed ?", "assigned"),
        move("not_provisioned", By.AGGREGATOR, "pending ?", "failed"),
        #: Shown as done and not effective, or taken away by somebody else.
        move("lost", By.AGGREGATOR, "assigned", "failed"),
        #: Switched off and on once, because it was shown as done and was not effective.
        move("asked_again", By.REGISTRY, "assigned failed", "pending"),
        move("remove", By.ADMIN, "pending assigned failed ?", "removing"),
        move("removed", By.AGGREGATOR, "removing pending assigned failed ?", ABSENT),
    ),
)

#: Whether a number may text, as far as its owner's admin is concerned.
SMS: Final = LifeCycle(
    "sms",
    (
        move("enable", By.ADMIN, "disabled superseded ?", "enabled"),
        move("supersede", By.REGISTRY, "enabled ?", "superseded"),
        move("disable", By.ADMIN, "enabled superseded ?", "disabled"),
        #: The number, its user or the licence changed, or it left.
        move("lose", By.REGISTRY, "enabled superseded ?", "disabled"),
    ),
)

#: What is wished for a number at the aggregator, on its way. ABSENT: nothing is; what came of it is the assignment.
PROVISIONING: Final = LifeCycle(
    "provisioning",
    (
        #: The last wish counts, whatever was under way for another.
        move("wished", By.ADMIN, "- due asked stuck ?", "due"),
        move("waited_for", By.AGGREGATOR, "due asked ?", "asked"),
        move("waited_for", By.AGGREGATOR, "stuck", "stuck"),
        #: Done, as the aggregator says; whether carriers see it is still asked.
        move("added", By.AGGREGATOR, "due asked stuck ?", "asked"),
        #: Switched off and on once: it begins anew.
        move("remedied", By.REGISTRY, "due asked ?", "due"),
        #: A person is told; it is only looked after from time to time.
        move("given_up", By.REGISTRY, "due asked stuck ?", "stuck"),
        move("over", By.REGISTRY, "due asked stuck ?", ABSENT),
    ),
)

#: What a person's licence is worth for texting; LICENCE.observed() of two licence_state() says that one may follow.
LICENCE: Final = LifeCycle(
    "licence",
    (
        #: Another licence that texts, too, takes SMS away from the person's numbers (SMS: lose).
        move("given", By.ADMIN, "texting other ?", "texting"),
        move("taken", By.ADMIN, "texting other ?", "other"),
    ),
)

#: An employee's request to the admins.
REQUEST: Final = LifeCycle(
    "request",
    (
        move("opened", By.ADMIN, "-", "open"),
        move("possible", By.REGISTRY, "open", "possible"),
        move("dismissed", By.ADMIN, "open", "dismissed"),
        move("reopened", By.REGISTRY, "possible", "open"),
    ),
    {"dismissed": "The admins dismissed it: open a new request."},
)

#: X2 or higher; what is below, lobby and basic licences cannot text.
_TEXTING_LICENCE: Final = re.compile(r"X([2-9]|[1-9][0-9])", re.ASCII)


def licence_state(licence: str) -> str:
    """Return a licence's state in LICENCE; a licence that nobody knows is one that cannot text."""
    return "other" if _TEXTING_LICENCE.fullmatch(licence) is None else "texting"


def may_text(licence: str) -> bool:
    """Say whether people with this licence can have a number that texts."""
    return licence_state(licence) == "texting"
