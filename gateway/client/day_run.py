"""One run of a day through the API, from the first upload to the last status. Reads from top to bottom."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.client.api import Api
from gateway.client.following import Following
from gateway.client.hands import Pace
from gateway.client.media import Uploads, upload
from gateway.client.plan import Plan
from gateway.client.sending import Outcome, Outgoing, Sender, outcome_of, send_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a day is sent."""

    #: Requests at once.
    concurrency: int
    #: Messages a second; 0 means as fast as it goes.
    rate: float
    #: Messages in a request; 0 sends each by itself.
    batch: int
    #: Seconds to wait for the end of accepted messages; None does not look.
    wait_s: float | None


class Observer(Protocol):
    """Who is told how far a run is."""

    def begins(self, stage: str, total: int) -> None:
        """Learn that a stage begins, and of how many steps."""

    def advances(self, steps: int) -> None:
        """Learn that so many steps of the stage are done."""

    def heard(self, outcomes: Sequence[Outcome]) -> None:
        """Learn what the gateway said to some messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What became of the accepted messages, as far as it was seen."""

    #: Message id to the status last seen.
    statuses: Mapping[str, str] = field(default_factory=dict)
    unfinished: int = 0


async def run_day(plan: Plan, course: Course, api: Api, observer: Observer) -> Ends:
    """Upload, send, follow. Raises NoAnswerError; what was heard before, the observer has."""
    uploads = await _upload(plan, api, observer)
    accepted: dict[str, str] = {}

    def heard(outcomes: Sequence[Outcome]) -> None:
        accepted.update((one.id, one.outgoing.key) for one in outcomes if one.id is not None and one.is_accepted)
        observer.heard(outcomes)
        observer.advances(len(outcomes))

    observer.begins("sending", len(plan.messages))
    ready = _without_refused_files(plan.messages, uploads, heard)
    await send_all(
        ready,
        Sender(api, uploads.ids, in_batches=course.batch > 0),
        size=max(1, course.batch),
        concurrency=course.concurrency,
        pace=Pace(course.rate),
        report=heard,
    )
    return Ends() if course.wait_s is None else await _follow(accepted, course.wait_s, api, observer)


async def _upload(plan: Plan, api: Api, observer: Observer) -> Uploads:
    if plan.files:
        observer.begins("uploading", len(plan.files))
    return await upload(api, plan.files, lambda: observer.advances(1))


def _without_refused_files(
    messages: Sequence[Outgoing], uploads: Uploads, heard: Callable[[Sequence[Outcome]], None]
) -> list[Outgoing]:
    """Leave out the messages that cannot be complete; what was said to their file is said to them."""
    ready = []
    for outgoing in messages:
        refusal = next((uploads.refused[file] for file in outgoing.files if file in uploads.refused), None)
        if refusal is None:
            ready.append(outgoing)
        else:
            heard([outcome_of(outgoing, refusal.status, refusal.fields)])
    return ready


async def _follow(accepted: Mapping[str, str], wait_s: float, api: Api, observer: Observer) -> Ends:
    observer.begins("following", len(accepted))
    following = Following(api, accepted, ended=lambda: observer.advances(1))
    await following.run(wait_s)
    return Ends(statuses=following.statuses, unfinished=following.unfinished)
