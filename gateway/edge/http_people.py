"""Routes beside the messages: inbox, uploads, opt-outs, the catalogue of reasons."""

import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import orjson
from aiohttp import web

from compliance.catalogue import reasons_json
from compliance.destinations import read_destination
from compliance.inbound import Meaning, meaning_of
from compliance.senders import canonical_sender
from gateway.clock import boottime_s
from gateway.edge import wire
from gateway.edge.http_common import (
    authenticated,
    json_response,
    read_body,
    refuse_encoding,
    refuse_size,
    require_type,
)
from gateway.edge.keys import Keys, Principal
from gateway.errors import Problem, queue_problem
from gateway.in_force import until_in_force
from gateway.problems import PROBLEMS
from gateway.queue import OptOutRecord, Queue, QueueError
from gateway.shown import inbox_item

MEDIA_LIMIT: Final = 20 * 1000 * 1000
MEDIA_KEPT_S: Final = 24 * 60 * 60
OPT_OUTS_LIMIT: Final = 1024 * 1024
OPT_OUTS_ROWS: Final = 1_000
INBOX_PAGE: Final = 100

_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}", re.ASCII)
_MEDIA_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_CURSOR = re.compile(r"[0-9]{1,15}-[0-9]{1,15}", re.ASCII)
_KEYWORD = re.compile(r"[^\x00-\x1f]{1,64}")
_OPT_OUT_FIELDS: Final = frozenset({"recipient", "at", "keyword", "number"})


class PeopleRoutes:
    """Handlers of /v1/inbox, /v1/media, /v1/opt-outs, /v1/reasons and /v1/problems."""

    def __init__(self, keys: Keys, queue: Queue) -> None:
        self._keys = keys
        self._queue = queue

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/v1/inbox", self.inbox, allow_head=False),
            web.post("/v1/media", self.upload),
            web.get("/v1/media/{id}", self.download, allow_head=False),
            web.put("/v1/opt-outs", self.put_opt_outs),
            web.get("/v1/reasons", self.reasons, allow_head=False),
            web.get("/v1/problems", self.problems, allow_head=False),
        ]

    async def inbox(self, request: web.Request) -> web.StreamResponse:
        """Read what came for a user in order, instant messages and texts from outside, after a cursor."""
        principal = await authenticated(request, self._keys, "read")
        user = request.query.get("user", principal.user)
        if user is None:
            raise Problem("missing_field", "/user")
        if principal.user not in {None, user}:
            raise Problem("forbidden", "/user")
        after, limit = request.query.get("after", ""), request.query.get("limit", str(INBOX_PAGE))
        if (after and not _CURSOR.fullmatch(after)) or not re.fullmatch(r"[0-9]{1,4}", limit, re.ASCII):
            raise Problem("invalid_cursor", "/after" if after and not _CURSOR.fullmatch(after) else "/limit")
        page = max(1, min(int(limit), INBOX_PAGE))
        try:
            items = await self._queue.inbox(principal.tenant, user, after=after, limit=page)
        except QueueError as failure:
            raise queue_problem(failure, writes=False) from None
        shown = [inbox_item(item) for item in items]
        return json_response({"items": shown, "next": items[-1].cursor if items else after})

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Keep an attachment for messages to come: 201 with its id."""
        refuse_size(request, MEDIA_LIMIT)
        principal = await authenticated(request, self._keys, "send")
        refuse_encoding(request)
        # As it was sent: aiohttp would read what is no type as application/octet-stream.
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if not _MEDIA_TYPE.fullmatch(kind):
            raise Problem("unsupported_media_type")
        body = await read_body(request, MEDIA_LIMIT)
        if not body:
            raise Problem("missing_field")
        media_id = name_of_upload(principal.tenant, kind, body)
        meta = {"v": 1, "id": media_id, "tenant": principal.tenant, "type": kind, "bytes": len(body)}
        try:
            await self._queue.put_media(media_id, orjson.dumps(meta), body, ttl_s=MEDIA_KEPT_S)
        except QueueError as failure:
            raise queue_problem(failure) from None
        return json_response({"id": media_id, "type": kind, "bytes": len(body)}, status=201)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Give an attachment back, never to be shown in place: its type is only what the uploader said."""
        principal = await authenticated(request, self._keys, "read")
        media_id = request.match_info["id"]
        if not _MEDIA_ID.fullmatch(media_id):
            raise Problem("not_found")
        meta, body = await self._media(principal, media_id)
        headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
        return web.Response(body=body, headers=headers | {"Content-Type": meta["type"]})

    async def _media(self, principal: Principal, media_id: str) -> tuple[dict[str, Any], bytes]:
        try:
            (raw,) = await self._queue.media_meta((media_id,))
            meta = {} if raw is None else orjson.loads(raw)
            body = await self._queue.media_body(media_id) if meta.get("tenant") == principal.tenant else None
        except QueueError as failure:
            raise queue_problem(failure, writes=False) from None
        if body is None:
            raise Problem("not_found")
        return meta, body

    async def put_opt_outs(self, request: web.Request) -> web.StreamResponse:
        """Keep opt-outs of the key's tenant; durable and in force when answered."""
        refuse_size(request, OPT_OUTS_LIMIT)
        principal = await authenticated(request, self._keys, "admin")
        require_type(request, "application/json")
        data = wire.read_object(await read_body(request, OPT_OUTS_LIMIT))
        wire.only(data, frozenset({"opt_outs"}))
        rows = data.get("opt_outs")
        if rows is None:
            raise Problem("missing_field", "/opt_outs")
        if type(rows) is not list or not all(type(row) is dict for row in rows):
            raise Problem("invalid_type", "/opt_outs")
        if len(rows) > OPT_OUTS_ROWS:
            raise Problem("too_many_items", "/opt_outs")
        records = [_opt_out(principal.tenant, row, place) for place, row in enumerate(rows)]
        try:
            await self._queue.put_opt_outs(records)
        except QueueError as failure:
            raise queue_problem(failure) from None
        if records:
            await until_in_force(boottime_s())
        return json_response({"stored": len(records)})

    async def reasons(self, request: web.Request) -> web.StreamResponse:
        """Show the catalogue of reasons; it is no secret."""
        del request
        return json_response({"reasons": reasons_json()})

    async def problems(self, request: web.Request) -> web.StreamResponse:
        """Show what requests are refused for; it is no secret either."""
        del request
        shown = [
            {"code": code, "status": kind.status, "title": kind.title, "fix": kind.fix}
            for code, kind in PROBLEMS.items()
        ]
        return json_response({"problems": shown})


def name_of_upload(tenant: str, kind: str, body: bytes) -> str:
    """Name an upload by what it is: the same file twice is one attachment, and a repeated request stays the same."""
    digest = sha256(b"\0".join((tenant.encode(), kind.encode(), body))).digest()
    return urlsafe_b64encode(digest[:18]).decode()


def _opt_out(tenant: str, row: dict[str, Any], place: int) -> OptOutRecord:
    where = f"/opt_outs/{place}"
    wire.only(row, _OPT_OUT_FIELDS, where)
    for field in ("recipient", "at", "keyword"):
        if row.get(field) is None:
            raise Problem("missing_field", f"{where}/{field}")
    recipient, keyword, number = row["recipient"], row["keyword"], row.get("number")
    for field, value in (("recipient", recipient), ("keyword", keyword), ("number", "" if number is None else number)):
        if type(value) is not str:
            raise Problem("invalid_type", f"{where}/{field}")
    _, canonical = read_destination(recipient)
    if not canonical:
        raise Problem("invalid_number", f"{where}/recipient")
    if not _KEYWORD.fullmatch(keyword):
        raise Problem("invalid_character", f"{where}/keyword")
    if meaning_of(keyword) in {Meaning.START, Meaning.HELP}:  # Whoever wrote that did not opt out.
        raise Problem("invalid_enum", f"{where}/keyword")
    received_at = None if number is None else canonical_sender(number)
    if number is not None and received_at is None:
        raise Problem("invalid_number", f"{where}/number")
    # An opt-out counts from now at the latest, whatever the clock says that it was written by.
    at = min(wire.read_instant(row["at"], f"{where}/at"), datetime.now(UTC))
    return OptOutRecord(
        tenant=tenant,
        recipient=canonical,
        at_ms=int(at.timestamp() * 1_000),
        keyword=keyword,
        number=received_at or "",
    )
