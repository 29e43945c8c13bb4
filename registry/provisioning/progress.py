"""What an admin is told about a number: where it stands in the console's words, since when, and what helps.

The words are those of the Users and SMS pages: Pending, Enabled, Enabling Failed, Disabled, Disabling Failed. Usual
durations are not claimed but measured: the middle of what the audit shows of late.
"""

import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.commands import find
from registry.provisioning import jobs, reasons
from registry.provisioning.jobs import ACTOR
from registry.provisioning.steps import Job
from registry.records import Assignment, Number
from registry.tables import audit

#: Looked at for usual durations: so many of the last changes, and at most so many numbers among them.
_CHANGES: Final = 2_000
_NUMBERS: Final = 50

_WAIT_FOR_IT: Final = "Wait. You are told if it fails."
_DO_NOT_TOGGLE: Final = "Do not switch it off and on: that starts the whole wait anew."
_DISABLED: Final = "Enable it on the user's page when it is to text."


class Word(StrEnum):
    """SMS status of a number, as the console shows it."""

    PENDING = "Pending"
    ENABLED = "Enabled"
    ENABLING_FAILED = "Enabling Failed"
    DISABLED = "Disabled"
    DISABLING_FAILED = "Disabling Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a number is."""

    word: Word
    #: None: not known.
    since: datetime | None
    #: What is going on, or went wrong.
    text: str
    #: How long it takes; "" when nothing is under way.
    takes: str
    #: What the admin can do.
    helps: str
    #: What the admin should not do; "" for nothing in particular.
    hinders: str

    def shown(self) -> dict[str, Any]:
        """Return it as the API's JSON."""
        return {
            "status": self.word,
            "since": self.since,
            "text": self.text,
            "takes": self.takes,
            "helps": self.helps,
            "hinders": self.hinders,
        }


async def progress_of(connection: AsyncConnection, did: str, patience: timedelta) -> Progress | None:
    """Return how far a number is; None when there is no such number. patience: the setting of that name."""
    number = (await find(connection, Number, [(did,)])).get((did,))
    if number is None:
        return None
    link = (await find(connection, Assignment, [(did,)])).get((did,))
    job = await jobs.find_job(connection, did)
    usual = None if job is None else await usual_duration(connection)
    return progress(number, link, job, usual=usual, patience=patience)


def progress(
    number: Number, link: Assignment | None, job: Job | None, *, usual: timedelta | None, patience: timedelta
) -> Progress:
    """Tell how far a number is. Pure."""
    state = "" if link is None else link.state
    since = None if link is None else link.since
    if state == "removing" or (not state and job is not None):
        return _removing(link, job, usual, patience)
    if state == "failed" and link is not None:
        return Progress(
            word=Word.ENABLING_FAILED,
            since=since,
            text=link.fault or "The number did not get into its campaign.",
            takes="",
            helps=reasons.helps_with(link.fault),
            hinders="",
        )
    if state == "pending" and link is not None:
        again = job is not None and job.remedied_at is not None
        what = "Carriers did not see the number, so it is being switched off and on." if again else "The number is"
        text = what if again else f"{what} on its way into campaign {link.campaign_id}."
        takes = _takes(usual, patience)
        return Progress(
            word=Word.PENDING, since=since, text=text, takes=takes, helps=_WAIT_FOR_IT, hinders=_DO_NOT_TOGGLE
        )
    if state == "assigned" and link is not None and number.sms == "enabled":
        text = f"The number can text, in campaign {link.campaign_id}."
        if job is not None:
            text += " Carriers are being asked whether they see it already."
        return Progress(
            word=Word.ENABLED, since=since, text=text, takes="", helps="Nothing has to be done.", hinders=""
        )
    text = "Texting moved to another number of its user." if number.sms == "superseded" else "SMS is switched off."
    if not state and number.sms == "enabled":
        text = "SMS is on, but the number is in no campaign."
    helps = "Use Assign to campaign on the SMS page." if not state and number.sms_page else _DISABLED
    return Progress(word=Word.DISABLED, since=since, text=text, takes="", helps=helps, hinders="")


def _removing(link: Assignment | None, job: Job | None, usual: timedelta | None, patience: timedelta) -> Progress:
    since = link.since if link is not None else None if job is None else job.wished_at
    if job is not None and job.state == "stuck":
        fault = job.fault or reasons.NOT_REMOVED.sentence
        helps = reasons.NOT_REMOVED.helps
        return Progress(word=Word.DISABLING_FAILED, since=since, text=fault, takes="", helps=helps, hinders="")
    return Progress(
        word=Word.PENDING,
        since=since,
        text="The number is on its way out of its campaign.",
        takes=_takes(usual, patience),
        helps="Wait. It can be enabled again at any time; it then comes back afterwards.",
        hinders="",
    )


def _takes(usual: timedelta | None, patience: timedelta) -> str:
    most = f"It can take up to {_words(patience)}"
    return f"{most}." if usual is None else f"{most}, usually {_words(usual)}."


def _words(duration: timedelta) -> str:
    """Write a duration as people say it."""
    seconds = duration.total_seconds()
    for size, word in ((3600, "hour"), (60, "minute")):
        if seconds >= 1.5 * size:
            return f"{round(seconds / size)} {word}s"
    return f"{max(1, round(seconds))} second{'' if round(seconds) <= 1 else 's'}"


async def usual_duration(connection: AsyncConnection) -> timedelta | None:
    """Return how long numbers took of late from pending to assigned, the middle one; None when there were none."""
    newest = await connection.scalar(sa.select(sa.func.max(audit.c.id)))
    rows = await connection.execute(
        sa.select(audit.c.before, audit.c.after)
        .where(
            audit.c.id > (newest or 0) - _CHANGES,
            audit.c.kind == "assignments",
            audit.c.actor == ACTOR,
            audit.c.action == "changed",
        )
        .order_by(audit.c.id.desc())
        .limit(_NUMBERS),
    )
    took = [_took(orjson.loads(row.before), orjson.loads(row.after)) for row in rows]
    known = [seconds for seconds in took if seconds is not None]
    return timedelta(seconds=statistics.median(known)) if known else None


def _took(before: dict[str, Any], after: dict[str, Any]) -> float | None:
    if (before["state"], after["state"]) != ("pending", "assigned") or not before["since"] or not after["since"]:
        return None
    return (datetime.fromisoformat(after["since"]) - datetime.fromisoformat(before["since"])).total_seconds()
