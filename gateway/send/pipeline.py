"""The order of work between a request and its 202: attach, gather, judge, keep. Reads from top to bottom, many at once.

Not here: HTTP (http_*.py), parsing (wire.py), what rules say (compliance/), what becomes of a kept message (worker.py).
"""

import asyncio
import time
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple, Protocol, TypeAlias

import orjson
import structlog

from compliance.case import is_internal
from compliance.facts import Media
from compliance.policy import Policy
from compliance.recording import Frame
from gateway import failpoints
from gateway.edge.answers import Answer, accepted_answer, question_answer, refusal_answer, with_ids
from gateway.edge.keys import Principal
from gateway.edge.wire import Draft
from gateway.envelope import Attachment
from gateway.errors import Problem, queue_problem
from gateway.queue import (
    Accept,
    Accepted,
    Idempotency,
    Mismatch,
    OutcomeUnknown,
    Queue,
    QueueError,
    QueueUnavailable,
    Replayed,
)
from gateway.send.gather import Gathered, Gatherer, Wanted
from gateway.send.judgement import Judged, judge, strictest_leg
from gateway.send.packing import envelope_of
from metrics.gateway import GatewayMetrics

_log = structlog.get_logger()

_ACCEPTED: Final = 202
#: Seconds after which a caller may try again when a store is away.
_RETRY_AFTER_S: Final = 1


#: What the store says of a request, or the error in its place.
Outcome: TypeAlias = Accepted | Replayed | Mismatch | QueueError


class Commit(Protocol):
    """Keeps accepts, many per flush (queue/commit.py)."""

    def offer(self, accepts: Sequence[Accept]) -> "asyncio.Future[list[Outcome]]":
        """Put requests in line together; each gets its own answer. Raises QueueUnavailable when the line is full."""


#: A message, and whose key it came with.
Asked: TypeAlias = tuple[Principal, Draft]


class Result(NamedTuple):
    """What the caller gets: a status and a JSON body."""

    status: int
    body: Answer
    replayed: bool = False


class _Ready(NamedTuple):
    """A message about to be kept: what goes into the store, and what to say once it is there."""

    #: None: there is nothing to keep and nothing to look up.
    accept: Accept | None
    answer: Answer | Problem
    status: int = _ACCEPTED

    @property
    def writes(self) -> bool:
        """Something would be sent, so a lost answer leaves a doubt."""
        return self.accept is not None and bool(self.accept.messages)


class Pipeline:
    """Takes drafts of one principal, and answers each."""

    def __init__(
        self,
        *,
        gatherer: Gatherer,
        queue: Queue,
        commit: Commit,
        policy: Policy,
        metrics: GatewayMetrics,
        process: str,
    ) -> None:
        self._gatherer = gatherer
        self._queue = queue
        self._commit = commit
        self._policy = policy
        self._metrics = metrics
        self._frame = Frame.of(policy, process)

    async def send(self, asked: Sequence[Asked]) -> list[Result | Problem]:
        """Take messages into the queue, or refuse them; one result each, in order."""
        started = time.perf_counter()
        results = await self._take(asked, await self._look_up(asked))
        self._metrics.accept_took(time.perf_counter() - started)
        return results

    async def send_at_hand(self, asked: Sequence[Asked]) -> list[Result | Problem | None]:
        """Do the same for messages of strangers, none of whom may have to wait for another's.

        None in the place of a message that needs a document which is not in memory: it is for send().
        """
        started = time.perf_counter()
        try:
            found = await self._look_up_at_hand(asked)
        except Exception as failure:  # noqa: BLE001 - one of them is to blame, and the others are other people's
            _log.error("look_up_crashed", error=type(failure).__name__, exc_info=failure)
            return [None] * len(asked)
        at_hand = [one for one, of_it in zip(asked, found, strict=True) if of_it is not None]
        results = iter(await self._take(at_hand, [of_it for of_it in found if of_it is not None]))
        self._metrics.accept_took(time.perf_counter() - started, times=len(at_hand))
        return [None if of_it is None else next(results) for of_it in found]

    async def ask(self, principal: Principal, draft: Draft) -> Result:
        """Judge a message and send nothing. Raises Problem."""
        (found,) = await self._look_up(((principal, draft),))
        if isinstance(found, Problem):
            raise found
        return Result(
            status=200, body=question_answer(self._judge(draft, found), self._policy, is_group=draft.is_group)
        )

    async def _look_up(self, asked: Sequence[Asked]) -> list[Gathered | Problem]:
        """Gather the facts of all messages together; what cannot be looked up, or names nobody, is a problem."""
        try:
            wanted = await self._wanted(asked)
            gathered = iter(await self._gatherer.gather([one for one in wanted if isinstance(one, Wanted)]))
        except QueueError as failure:
            return [self._queue_problem(failure, writes=False)] * len(asked)
        return [
            one if isinstance(one, Problem) else _checked(draft, next(gathered))
            for (_, draft), one in zip(asked, wanted, strict=True)
        ]

    async def _look_up_at_hand(self, asked: Sequence[Asked]) -> list[Gathered | Problem | None]:
        """Do the same where no document need be waited for; otherwise None."""
        try:
            wanted = await self._wanted(asked)
            gathered = iter(await self._gatherer.gather_at_hand([one for one in wanted if isinstance(one, Wanted)]))
        except QueueError as failure:
            return [self._queue_problem(failure, writes=False)] * len(asked)
        found: list[Gathered | Problem | None] = []
        for (_, draft), one in zip(asked, wanted, strict=True):
            of_it = one if isinstance(one, Problem) else next(gathered)
            found.append(_checked(draft, of_it) if isinstance(of_it, Gathered) else of_it)
        return found

    async def _wanted(self, asked: Sequence[Asked]) -> list[Wanted | Problem]:
        attached = await self._attachments(asked)
        return [_wanted(principal, draft, media) for (principal, draft), media in zip(asked, attached, strict=True)]

    async def _attachments(self, asked: Sequence[Asked]) -> list[tuple[Attachment, ...] | Problem]:
        """Read what was uploaded before; somebody else's upload is an unknown one."""
        ids = list({media_id for _, draft in asked for media_id in draft.media_ids})
        if not ids:
            return [()] * len(asked)
        known: dict[tuple[str, str], Attachment] = {}
        for media_id, raw in zip(ids, await self._queue.media_meta(ids), strict=True):
            if raw is not None:
                meta = orjson.loads(raw)
                known[meta["tenant"], media_id] = Attachment(id=media_id, type=meta["type"], bytes=meta["bytes"])
        return [_attached(principal, draft, known) for principal, draft in asked]

    def _judge(self, draft: Draft, gathered: Gathered) -> Judged:
        started = time.perf_counter()
        judged = judge(
            gathered,
            self._policy,
            send_at=draft.send_at,
            expires_at=draft.expires_at,
            crashed=_report_crash,
        )
        self._metrics.decision_took(time.perf_counter() - started)
        for leg in judged.legs:
            self._metrics.decided(leg.channel, leg.decision.verdict, leg.decision.reason)
        return judged

    def _judged(self, draft: Draft, found: Gathered | Problem) -> Judged | Problem:
        """Judge a message; a fault of ours in it is its own, and nobody else's beside it."""
        if isinstance(found, Problem):
            return found
        try:
            return self._judge(draft, found)
        except Exception as failure:  # noqa: BLE001 - the messages beside it are other people's
            return _crashed(failure)

    def _ready(self, asked: Asked, judged: Judged | Problem) -> _Ready:
        """Make a message ready to be kept, or its problem ready to be told."""
        try:
            if isinstance(judged, Problem):
                return _Ready(accept=self._only_look_up(*asked), answer=judged)
            return self._pack(*asked, judged)
        except Exception as failure:  # noqa: BLE001 - as above
            return _Ready(accept=None, answer=_crashed(failure))

    def _pack(self, principal: Principal, draft: Draft, judged: Judged) -> _Ready:
        user = judged.gathered.user or ""
        if judged.accepted:
            status, answer = _ACCEPTED, accepted_answer(judged, self._policy, is_group=draft.is_group)
        else:
            leg = strictest_leg(judged.legs)
            status, answer = refusal_answer(judged, leg, self._policy, is_group=draft.is_group)
        packed = [(leg.accepted, envelope_of(leg, draft, judged, self._frame)) for leg in judged.legs]
        accept = Accept(
            partition=self._queue.partition_of(principal.tenant, user),
            messages=tuple([raw for accepted, raw in packed if accepted]),
            refusals=tuple([raw for accepted, raw in packed if not accepted]),
            idempotency=_idempotency(principal, user, draft, answer),
        )
        return _Ready(accept=accept, answer=answer, status=status)

    def _only_look_up(self, principal: Principal, draft: Draft) -> Accept | None:
        """Before a refusal is spoken its key is looked up: the first answer may have been a 202."""
        user = principal.user or draft.user
        if draft.key is None or user is None:
            return None
        return Accept(
            partition=self._queue.partition_of(principal.tenant, user),
            idempotency=_idempotency(principal, user, draft, {}),
        )

    async def _take(self, asked: Sequence[Asked], found: Sequence[Gathered | Problem]) -> list[Result | Problem]:
        """Judge messages, bring to the disk what is to be kept, and say what became of each.

        Stage by stage, all messages through each: that costs half of what one message after another does.
        """
        judged = [self._judged(draft, of_it) for (_, draft), of_it in zip(asked, found, strict=True)]
        ready = [self._ready(one, of_it) for one, of_it in zip(asked, judged, strict=True)]
        accepts = [one.accept for one in ready if one.accept is not None]
        outcomes = iter(await self._offer(accepts) if accepts else ())
        return [self._concluded(one, None if one.accept is None else next(outcomes)) for one in ready]

    async def _offer(self, accepts: Sequence[Accept]) -> list[Outcome]:
        failpoints.passed("gateway.before_accept")
        try:
            outcomes = await self._commit.offer(accepts)
        except QueueError as failure:
            return [failure] * len(accepts)
        except Exception as failure:  # noqa: BLE001 - on disk or not: who asked has to be told that it is not known
            _crashed(failure)
            return [OutcomeUnknown("crashed")] * len(accepts)
        failpoints.passed("gateway.after_accept")
        return outcomes

    def _concluded(self, ready: _Ready, outcome: Outcome | None) -> Result | Problem:
        """Say what became of a message; a fault of ours in that leaves a doubt, for the message may be on disk."""
        try:
            return self._conclude(ready, outcome)
        except Exception as failure:  # noqa: BLE001 - the messages beside it are other people's
            crashed = _crashed(failure)
            return queue_problem(OutcomeUnknown("crashed"), writes=True) if ready.writes else crashed

    def _conclude(self, ready: _Ready, outcome: Outcome | None) -> Result | Problem:
        if isinstance(outcome, QueueError):
            return self._queue_problem(outcome, writes=ready.writes)
        match outcome:
            case Mismatch():
                return Problem("idempotency_mismatch")
            case Replayed():
                self._metrics.replayed()
                answer = with_ids(orjson.loads(outcome.answer), outcome.message_ids, outcome.refusal_ids)
                return Result(status=_ACCEPTED, body=answer, replayed=True)
            case Accepted() if not isinstance(ready.answer, Problem):
                answer = with_ids(ready.answer, outcome.message_ids, outcome.refusal_ids)
                return Result(status=ready.status, body=answer)
        if isinstance(ready.answer, Problem):
            return ready.answer
        raise AssertionError("a message without a problem is always offered")

    def _queue_problem(self, failure: QueueError, *, writes: bool) -> Problem:
        """Count what the queue store did not do; when nothing was to be written, nothing is in doubt."""
        if isinstance(failure, QueueUnavailable):
            self._metrics.accept_failed(failure.reason)
        else:
            self._metrics.accept_failed("outcome_unknown" if writes else "unreachable")
        return queue_problem(failure, writes=writes)


def _wanted(principal: Principal, draft: Draft, media: tuple[Attachment, ...] | Problem) -> Wanted | Problem:
    if isinstance(media, Problem):
        return media
    if principal.user is not None and draft.user not in {None, principal.user}:
        return Problem("forbidden", "/user")
    user = principal.user or draft.user
    if user is None and draft.sender is None:
        return Problem("missing_field", "/from")
    return Wanted(
        tenant=principal.tenant,
        user=user,
        sender=draft.sender,
        to=draft.to,
        text=draft.text,
        media=draft.media or tuple([Media(type=item.type, bytes=item.bytes) for item in media]),
        origin=principal.origin,
    )


def _attached(
    principal: Principal, draft: Draft, known: dict[tuple[str, str], Attachment]
) -> tuple[Attachment, ...] | Problem:
    for place, media_id in enumerate(draft.media_ids):
        if (principal.tenant, media_id) not in known:
            return Problem("unknown_media", f"/media/{place}/id")
    return tuple(known[principal.tenant, media_id] for media_id in draft.media_ids)


def _checked(draft: Draft, gathered: Gathered) -> Gathered | Problem:
    """Refuse what only a look-up can tell: the registry is away, the user is nobody, a list names one twice."""
    if not gathered.is_known and not all(is_internal(leg.facts) for leg in gathered.legs):
        return Problem("registry_unavailable", retry_after_s=_RETRY_AFTER_S)
    if draft.user is not None and gathered.user is None:
        return Problem("unknown_user", "/user")
    if draft.is_group:
        numbers = [leg.number for leg in gathered.legs if leg.number]
        people = [leg.facts.recipient.directory for leg in gathered.legs if leg.facts.recipient.directory]
        names_sender = gathered.sender in numbers or any(owner.user == gathered.user for owner in people)
        if names_sender or len(set(numbers)) < len(numbers) or len(set(people)) < len(people):
            return Problem("invalid_recipients", "/to")
    return gathered


def _idempotency(principal: Principal, user: str, draft: Draft, answer: Answer) -> Idempotency | None:
    if draft.key is None:
        return None
    scope = f"{principal.tenant}\0{user}\0{draft.key}".encode()
    return Idempotency(digest=sha256(scope).digest()[:16], fingerprint=draft.fingerprint, answer=orjson.dumps(answer))


def _crashed(failure: Exception) -> Problem:
    _log.error("message_crashed", error=type(failure).__name__, exc_info=failure)
    return Problem("internal_error")


def _report_crash(failure: Exception) -> None:
    _log.error("decide_crashed", error=type(failure).__name__, exc_info=failure)
