"""What to do next for a number, from what is wished for and what the aggregator shows. Pure.

It goes by how things are, not by what was done before: after a crash, a lost answer or a lost event the same question
gives the right answer. Three rules stand above the rest. While an operation is under way nothing is begun: it would
only start anew. The last wish wins: whatever the aggregator was doing for an older one is brought round afterwards. And
a number is switched off and on for one reason only, once: it is shown as done and carriers do not see it.

Not here: calls (worker.py) and rows (jobs.py).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from registry.provisioning import reasons
from registry.provisioning.client import Shown

#: Asked so often, with growing pauses, when the aggregator's reason is one that passes.
TRIES_MAX: Final = 5
_FIRST_PAUSE: Final = timedelta(seconds=30)
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A row of provisioning_jobs; work_tables.py explains the columns."""

    did: str
    action: str
    campaign_id: str | None
    state: str
    wished_at: datetime
    asked_at: datetime | None
    next_at: datetime
    attempts: int
    remedied_at: datetime | None
    fault: str | None

    @property
    def wish(self) -> tuple[str, str | None, datetime]:
        """What makes it the same wish."""
        return self.action, self.campaign_id, self.wished_at

    @property
    def began_at(self) -> datetime:
        """Since when it is being waited for."""
        return self.remedied_at or self.wished_at

    def reference(self, attempt: int) -> str:
        """Name an attempt towards the aggregator: the wish, before (a) or in (r) the remedy, and which one."""
        return f"{self._name}-{'a' if self.remedied_at is None else 'r'}{attempt}"

    def attempt_of(self, reference: str) -> int | None:
        """Return which attempt of this wish a reference names; None: of another wish, or of the other phase."""
        phase = "a" if self.remedied_at is None else "r"
        found = re.fullmatch(rf"{re.escape(self._name)}-{phase}([0-9]{{1,9}})", reference)
        return None if found is None else int(found[1])

    @property
    def _name(self) -> str:
        return f"w{(self.wished_at - _EPOCH) // timedelta(microseconds=1)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that the next step depends on, as it is at one instant."""

    job: Job
    #: The assignment's state, or "" where there is none; and its campaign.
    link: str
    link_campaign: str | None
    #: Since when it is in that state.
    link_since: datetime | None
    #: Why the campaign can never take a number again; None while it can or may.
    ended: str | None
    #: The campaign cannot take a number now.
    paused: bool
    now: datetime
    #: How long the aggregator may take, and how long carriers may take to see what it did.
    patience: timedelta
    grace: timedelta

    @property
    def stuck(self) -> bool:
        """A person has been told; only looked after from time to time."""
        return self.job.state == "stuck"

    @property
    def overdue(self) -> bool:
        """It took too long."""
        return self.now - self.job.began_at > self.patience


@dataclass(frozen=True, slots=True)
class Ask:
    """Call the aggregator: assign or remove."""

    what: str
    attempt: int


@dataclass(frozen=True, slots=True)
class LookUp:
    """Find out whether carriers see the number (OSR)."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again later."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """The number is in the campaign; last: and nothing is left to be found out."""

    last: bool = False


@dataclass(frozen=True, slots=True)
class Fail:
    """The number is not in the campaign, or as good as not. kept: it may still get there, so it is looked after."""

    fault: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Remedy:
    """Switch the number off and on."""


@dataclass(frozen=True, slots=True)
class Removed:
    """The number is in no campaign."""


@dataclass(frozen=True, slots=True)
class Stay:
    """The number could not be taken out; asked again from time to time."""

    fault: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Nothing is left to do."""


Step = Ask | LookUp | Wait | Confirm | Fail | Remedy | Removed | Stay | Drop


def next_step(view: View, shown: Shown | None) -> Step:
    """Say what to do, given how the aggregator shows the number; None: it never heard of it."""
    if view.job.action == "remove":
        step = Drop() if view.link not in {"", "removing"} else _remove(view, shown)
    elif view.link in {"", "removing"} or view.link_campaign != view.job.campaign_id:
        step = Drop()  # Somebody changed the assignment by other ways: the wish is nobody's any more.
    else:
        step = _add(view, shown)
    return on_time(view) if isinstance(step, Wait) else step


def on_time(view: View) -> Step:
    """Wait, unless it took too long."""
    if not view.overdue or view.stuck or view.link == "assigned":
        return Wait()
    if view.job.action == "remove":
        return Stay(reasons.NOT_REMOVED.sentence)
    why = reasons.CAMPAIGN_PAUSED if view.paused else reasons.TIMED_OUT
    return Fail(why.sentence, kept=True)


def after_look_up(view: View, seen: str | None) -> Step:
    """Say what to do about a number that is ADDED, given the campaign that carriers see."""
    if seen == view.job.campaign_id:
        return Drop() if view.link == "assigned" else Confirm(last=True)
    if view.stuck or view.link != "assigned":
        return Wait()
    if view.now - (view.link_since or view.job.wished_at) <= view.grace:
        return Wait()
    if view.job.remedied_at is None:
        return Remedy()
    return Fail(reasons.NOT_EFFECTIVE.sentence, kept=True)


def refused(view: View, shown: Shown | None, why: str) -> Step:
    """Say what follows when the aggregator will not do what it was asked for."""
    if view.job.action == "remove":
        return Stay(why)
    return Fail(why, kept=shown is not None and shown.holds is not None)


def _add(view: View, shown: Shown | None) -> Step:
    job = view.job
    if shown is not None and shown.status == "PENDING":
        return Wait()
    holds = None if shown is None else shown.holds
    if view.ended is not None and view.link != "assigned":
        return Fail(view.ended) if holds is None else _again(view, shown, "remove")
    if shown is None or holds is None:
        return Wait() if view.paused and view.link != "assigned" else _again(view, shown, "assign")
    if holds != job.campaign_id:
        return _again(view, shown, "remove")
    if shown.status == "FAILED":  # To be taken out of the campaign that it is wanted in.
        return _again(view, shown, "assign")
    if view.link == "assigned":
        return LookUp()
    if job.remedied_at is not None and job.attempt_of(shown.reference) is None:
        return _again(view, shown, "remove")  # As it was before the remedy: the first half is to be done.
    if view.stuck and job.fault == reasons.NOT_EFFECTIVE.sentence:
        return LookUp()
    return Confirm()


def _remove(view: View, shown: Shown | None) -> Step:
    if shown is not None and shown.status == "PENDING":
        return Wait()
    if shown is None or shown.holds is None:
        return Removed()
    return _again(view, shown, "remove")


def _again(view: View, shown: Shown | None, what: str) -> Step:
    """Ask for something; where that failed before for the same wish, after a pause, and not for ever."""
    job = view.job
    last = None if shown is None else job.attempt_of(shown.reference)
    ask = Ask(what, max(job.attempts, last or 0) + 1)
    operation = "ASSIGNMENT" if what == "assign" else "DELETION"
    if shown is None or last is None or (shown.status, shown.operation) != ("FAILED", operation):
        return ask
    looked_after = view.stuck and what == "remove"  # It has to come out in the end: asked for as long as it takes.
    if not looked_after and (last >= TRIES_MAX or not reasons.is_passing(shown.reasons)):
        return refused(view, shown, reasons.sentence_of(shown.reasons))
    pause = _FIRST_PAUSE * 2 ** min(last - 1, 10)
    return Wait() if job.asked_at is not None and view.now - job.asked_at < pause else ask
