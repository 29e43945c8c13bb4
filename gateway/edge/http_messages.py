"""Routes of messages: send one or many, judge without sending, look at one, cancel one.

Not here: what a body means (wire.py) and what becomes of it (pipeline.py).
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiohttp import web

from compliance.catalogue import reason
from compliance.codes import Code
from compliance.record import parse_facts
from compliance.recording import facts_to
from compliance.shapes import render_instant
from gateway import envelope
from gateway.edge import wire
from gateway.edge.answers import ids_of_group
from gateway.edge.http_common import (
    JSON_LIMIT,
    authenticated,
    json_response,
    read_body,
    refuse_size,
    require_type,
    response_of,
)
from gateway.edge.keys import Keys, Principal
from gateway.edge.replies import problem_body
from gateway.edge.sending import send_one
from gateway.envelope import Envelope
from gateway.errors import Problem, queue_problem
from gateway.queue import TERMINAL, Event, Queue, QueueError, Status, Stored
from gateway.send.pipeline import Pipeline, Result

BATCH_LIMIT: Final = 1024 * 1024
BATCH_LINES: Final = 1_000

_NDJSON: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_MESSAGE_ID = re.compile(r"([0-9]{1,4})-[0-9]{1,15}-[0-9]{1,15}-[0-9]{1,4}", re.ASCII)
_REFUSAL_ID = re.compile(r"r-([0-9]{1,4})-[0-9]{1,15}-[0-9]{1,15}", re.ASCII)


class MessageRoutes:
    """Handlers under /v1/messages, and /v1/decisions."""

    def __init__(self, keys: Keys, pipeline: Pipeline, queue: Queue) -> None:
        self._keys = keys
        self._pipeline = pipeline
        self._queue = queue

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.post("/v1/messages", self.send),
            web.post("/v1/messages/batch", self.send_batch),
            web.post("/v1/decisions", self.decide),
            web.get("/v1/messages/{id}", self.show, allow_head=False),
            web.get("/v1/messages/{id}/events", self.events, allow_head=False),
            web.get("/v1/messages/{id}/decision", self.decision, allow_head=False),
            web.delete("/v1/messages/{id}", self.cancel),
        ]

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Take one message: 202, or a problem."""
        refuse_size(request, JSON_LIMIT)
        principal = await authenticated(request, self._keys, "send")
        require_type(request, "application/json")
        raw = await read_body(request, JSON_LIMIT)
        keys = request.headers.getall("Idempotency-Key", [])
        return response_of(await send_one(self._pipeline, principal, keys, raw))

    async def send_batch(self, request: web.Request) -> web.StreamResponse:
        """Take up to 1,000 messages, a JSON object a line; 200 with a line each, in order."""
        refuse_size(request, BATCH_LIMIT)
        principal = await authenticated(request, self._keys, "send")
        require_type(request, *_NDJSON)
        if "Idempotency-Key" in request.headers:  # Each line has its own: taken for all, it would be taken for none.
            raise Problem("not_supported", "/client_message_id")
        lines = [line for line in (await read_body(request, BATCH_LIMIT)).split(b"\n") if line.strip()]
        if not lines:
            raise Problem("empty_batch")
        if len(lines) > BATCH_LINES:
            raise Problem("too_many_items")
        now = _now()
        read = [_read_line(line, now) for line in lines]
        sent = iter(await self._pipeline.send([(principal, one) for one in read if isinstance(one, wire.Draft)]))
        answers = [_line(one if isinstance(one, Problem) else next(sent)) for one in read]
        return web.Response(body=b"\n".join(answers) + b"\n", content_type=_NDJSON[0])

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """Judge a message and send nothing: 200 whatever the verdict."""
        refuse_size(request, JSON_LIMIT)
        principal = await authenticated(request, self._keys, "send")
        require_type(request, "application/json")
        draft = wire.read_question(await read_body(request, JSON_LIMIT), now=_now())
        result = await self._pipeline.ask(principal, draft)
        return json_response(result.body)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show a message, a refused one, or the legs of a group."""
        principal = await authenticated(request, self._keys, "read")
        name = request.match_info["id"]
        if legs := ids_of_group(name):
            shown = [_shown(*await self._find(principal, leg)) for leg in legs]
            return json_response({"id": name, "legs": shown})
        return json_response(_shown(*await self._find(principal, name)))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Show every change of status, in order."""
        principal = await authenticated(request, self._keys, "read")
        stored, _ = await self._find(principal, request.match_info["id"])
        return json_response({"id": stored.id, "events": [_event(event) for event in stored.events]})

    async def decision(self, request: web.Request) -> web.StreamResponse:
        """Show the decision record, of refused messages too."""
        principal = await authenticated(request, self._keys, "read")
        stored, kept = await self._find(principal, request.match_info["id"])
        record = orjson.loads(kept.record)
        return json_response(record | {"id": stored.id, "facts": facts_to(parse_facts(record["facts"]))})

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Cancel a message that is queued or scheduled; 409 when it is too late."""
        principal = await authenticated(request, self._keys, "send")
        stored, _ = await self._find(principal, request.match_info["id"])
        if stored.id.startswith("r-"):
            raise Problem("not_cancellable")
        try:
            status = await self._queue.cancel(stored.id, stored.payload)
        except QueueError as failure:
            raise queue_problem(failure) from None
        if status is not Status.CANCELLED:
            raise Problem("not_cancellable")
        return json_response({"id": stored.id, "status": status})

    async def _find(self, principal: Principal, name: str) -> tuple[Stored, Envelope]:
        """Find a message of the principal's own; somebody else's is as unknown as none."""
        try:
            stored = await self._read(name)
        except QueueError as failure:
            raise queue_problem(failure, writes=False) from None
        if stored is not None:
            kept = envelope.load(stored.payload)
            if kept.tenant == principal.tenant and principal.user in {None, kept.user}:
                return stored, kept
        raise Problem("not_found")

    async def _read(self, name: str) -> Stored | None:
        if (match := _MESSAGE_ID.fullmatch(name)) and int(match[1]) < self._queue.partitions:
            return (await self._queue.look((name,)))[0]
        if (match := _REFUSAL_ID.fullmatch(name)) and int(match[1]) < self._queue.partitions:
            payload = await self._queue.look_refusal(name)
            return None if payload is None else _refused(name, payload)
        return None


def _refused(name: str, payload: bytes) -> Stored:
    at_ms = int(name.split("-")[2])
    event = Event(seq=1, status=Status.BLOCKED, at_ms=at_ms)
    return Stored(
        id=name,
        payload=payload,
        status=Status.BLOCKED,
        attempts=0,
        carrier_reference="",
        events=(event,),
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _read_line(line: bytes, now: datetime) -> wire.Draft | Problem:
    if len(line) > JSON_LIMIT:
        return Problem("body_too_large")
    try:
        return wire.read_draft(line, header_key=None, now=now)
    except Problem as problem:
        return problem


def _line(result: Result | Problem) -> bytes:
    if isinstance(result, Problem):
        return orjson.dumps(problem_body(result))
    replayed = {"replayed": True} if result.replayed else {}
    return orjson.dumps({"status": result.status, **result.body, **replayed})


def _shown(stored: Stored, kept: Envelope) -> dict[str, Any]:
    last = stored.events[-1]
    return {
        "id": stored.id,
        "status": stored.status,
        "terminal": stored.status in TERMINAL,
        "channel": kept.channel,
        "from": kept.sender,
        "to": kept.recipient,
        "user": kept.user,
        "text": kept.text,
        "media": [{"id": item.id, "type": item.type, "bytes": item.bytes} for item in kept.media],
        "segments": kept.segments,
        "encoding": kept.encoding,
        "verdict": kept.verdict,
        "reason": {"code": kept.reason, "text": reason(Code(kept.reason)).user},
        "status_code": last.code or None,
        "attempts": stored.attempts,
        "carrier_reference": stored.carrier_reference or None,
        "client_message_id": kept.client_message_id,
        "accepted_at": _instant(kept.accepted_ms),
        "send_after": _instant(kept.not_before_ms) if kept.not_before_ms else None,
        "expires_at": _instant(kept.expires_ms),
        "changed_at": _instant(last.at_ms),
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "status": event.status,
        "occurred_at": _instant(event.at_ms, exact=True),
        "terminal": event.status in TERMINAL,
        "code": event.code or None,
        "detail": event.detail or None,
    }


def _instant(ms: int, *, exact: bool = False) -> str | None:
    at = datetime.fromtimestamp(ms / 1_000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if exact else render_instant(at)
