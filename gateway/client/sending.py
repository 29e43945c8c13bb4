"""Messages of a day through the HTTP API: bodies, answers, and many of them at once.

Each message has a name that the gateway remembers, <day>-<n>-<run>: whatever is repeated, within a run or by running it
again, is taken once.

Not here: HTTP and when a request is repeated (api.py), order (backlog.py), attachments (media.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from compliance.decision import Verdict
from compliance.destinations import read_destination
from gateway.client.api import NDJSON, Api, AwayError, NoAnswerError, fields_of, is_passing
from gateway.client.backlog import Backlog
from gateway.client.hands import Pace, at_once
from gateway.client.media import File
from gateway.offline.day import DayLine

#: The server takes 1 MiB in one batch.
_BATCH_BYTES: Final = 1024 * 1024

_VERDICTS: Final = frozenset(Verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A line of a day with the key that it goes with."""

    line: DayLine
    tenant: str
    key: str
    #: client_message_id: the name by which the gateway knows it again.
    name: str

    @property
    def conversation(self) -> tuple[str, str]:
        """Who writes to whom, however the number was typed."""
        to = self.line.message.to
        return self.line.user, read_destination(to)[1] or to

    @property
    def files(self) -> list[File]:
        """The attachments, which are uploaded before."""
        return [File(self.tenant, media.type, media.bytes) for media in self.line.message.media]

    def body(self, media_ids: Mapping[File, str]) -> bytes:
        """Write the body of the request: the same bytes each time, or it would not be the same message."""
        message = self.line.message
        fields: dict[str, Any] = {"to": message.to, "text": message.text, "client_message_id": self.name}
        if message.sender is not None:
            fields["from"] = message.sender
        if message.media:
            fields["media"] = [{"id": media_ids[file]} for file in self.files]
        if message.origin == "api":
            fields["user"] = self.line.user
        return orjson.dumps(fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the gateway said to one message."""

    outgoing: Outgoing
    #: HTTP status; None when there was no answer.
    status: int | None
    #: None for a request that was refused before any decision.
    verdict: str | None
    #: Reason of the verdict, or code of the problem.
    reason: str
    #: im, sms or mms; None without a verdict.
    channel: str | None = None
    #: None when the gateway keeps nothing under one.
    id: str | None = None
    replayed: bool = False

    @property
    def is_accepted(self) -> bool:
        """Whether the message is the gateway's now, to be followed to its end."""
        return self.status == HTTPStatus.ACCEPTED and self.id is not None


def outcome_of(outgoing: Outgoing, status: int, fields: Mapping[str, Any], *, replayed: bool = False) -> Outcome:
    """Read what was said to a message: the body of an answer, or a line of a batch's."""
    message_id, verdict, reason = fields.get("id"), fields.get("verdict"), fields.get("reason")
    decided = verdict in _VERDICTS and type(reason) is dict
    code = reason.get("code") if decided and type(reason) is dict else fields.get("code")
    return Outcome(
        outgoing=outgoing,
        status=status,
        verdict=str(verdict) if decided else None,
        reason=code if type(code) is str else "without_code",
        channel=str(fields.get("channel")) if decided else None,
        id=message_id if type(message_id) is str else None,
        replayed=replayed,
    )


class Sender:
    """Puts messages through the API, one a request or many."""

    def __init__(self, api: Api, media_ids: Mapping[File, str], *, in_batches: bool) -> None:
        self._api = api
        self._media_ids = media_ids
        self._in_batches = in_batches

    async def send(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        """Send messages of one key in order, and return an outcome for each.

        Where a message alone had no answer, that is its outcome. Raises AwayError when nobody had any.
        """
        said: dict[str, Outcome] = {}
        try:
            if self._in_batches:
                await self._send_batch(messages, said)
            else:
                await self._send_each(messages, said)
        except AwayError:
            raise
        except NoAnswerError:
            pass
        return [said.get(outgoing.name) or _unanswered(outgoing) for outgoing in messages]

    async def _send_each(self, messages: Sequence[Outgoing], said: dict[str, Outcome]) -> None:
        for outgoing in messages:
            answer = await self._api.call("POST", "/v1/messages", outgoing.key, body=outgoing.body(self._media_ids))
            said[outgoing.name] = outcome_of(outgoing, answer.status, answer.fields, replayed=answer.replayed)

    async def _send_batch(self, messages: Sequence[Outgoing], said: dict[str, Outcome]) -> None:
        bodies = {outgoing.name: outgoing.body(self._media_ids) for outgoing in messages}
        for part in _parts(messages, bodies):
            patience = self._api.patience()
            while part := await self._post_part(part, bodies, said):
                if not await patience.wait():
                    break
                self._api.repeats += 1

    async def _post_part(
        self, part: Sequence[Outgoing], bodies: Mapping[str, bytes], said: dict[str, Outcome]
    ) -> list[Outgoing]:
        """Send lines in one request; return those whose refusal may pass."""
        raw = b"\n".join(bodies[outgoing.name] for outgoing in part)
        answer = await self._api.call("POST", "/v1/messages/batch", part[0].key, body=raw, content_type=NDJSON)
        if answer.status != HTTPStatus.OK:
            said |= {one.name: outcome_of(one, answer.status, answer.fields) for one in part}
            return []
        again = []
        for outgoing, line in zip(part, answer.content.splitlines(), strict=False):
            fields = fields_of(line)
            status, replayed = fields.get("status"), fields.get("replayed") is True
            said[outgoing.name] = outcome_of(outgoing, status if type(status) is int else 0, fields, replayed=replayed)
            if is_passing(status, fields.get("code")):
                again.append(outgoing)
        return again


def _unanswered(outgoing: Outgoing) -> Outcome:
    return Outcome(outgoing=outgoing, status=None, verdict=None, reason="no_answer")


def _parts(messages: Sequence[Outgoing], bodies: Mapping[str, bytes]) -> Iterator[list[Outgoing]]:
    """Cut a batch where the server's limit on its size is reached."""
    part: list[Outgoing] = []
    size = 0
    for outgoing in messages:
        size += len(bodies[outgoing.name]) + 1
        if part and size > _BATCH_BYTES:
            yield part
            part, size = [], len(bodies[outgoing.name]) + 1
        part.append(outgoing)
    yield part


async def send_all(
    messages: Iterable[Outgoing],
    sender: Sender,
    *,
    size: int,
    concurrency: int,
    pace: Pace,
    report: Callable[[Sequence[Outcome]], None],
) -> None:
    """Send messages, up to size in a request and so many requests at once; report() gets outcomes as they come.

    Raises AwayError.
    """
    backlog = Backlog(
        messages,
        size=size,
        group_of=lambda outgoing: outgoing.key if size > 1 else None,
        conversation_of=lambda outgoing: outgoing.conversation,
    )

    async def work() -> None:
        while batch := await backlog.take():
            await pace.turn(len(batch))
            report(await sender.send(batch))
            backlog.done(batch)

    await at_once(concurrency, work)
