"""What admins do with notices through the API: set their hook, try it, take it away, and see how far each notice got.

Not here: HTTP (admin_routes.py), and what a hook gets (hooks.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import sqlalchemy as sa
from pydantic import Field

from compliance.shapes import render_instant
from registry.action import Action, Look, NoBody, PageQuery, Query, View
from registry.admin_patches import Patch
from registry.flows.desk import Desk
from registry.notices.addresses import check_url
from registry.notices.deliveries import HOOK, drop_hook, note_hook
from registry.notices.hooks import mint_secret
from registry.notices.kinds import KINDS
from registry.pages import cursor, key_of
from registry.problems import Problem, wrong_field
from registry.work_tables import notice_deliveries, notice_hooks, notices

_LISTING: Final = "notices"


class NewHook(Patch):
    """Where notices are to be posted."""

    url: str = Field(max_length=2_000)


async def _set_hook(desk: Desk, _: Mapping[str, str], body: NewHook) -> dict[str, Any]:
    """Set the hook, with a new secret each time."""
    wrong = check_url(body.url, allow_loopback=desk.limits.allow_private_hooks)
    if wrong is not None:
        raise wrong_field("/url", "hook_url_forbidden", wrong)
    secret = mint_secret()
    kept = {"url": body.url, "created_at": desk.now}
    await note_hook(desk.connection, desk.tenant, desk.now, desk.actor, kept)
    await desk.connection.execute(sa.delete(notice_hooks).where(notice_hooks.c.tenant == desk.tenant))
    await desk.connection.execute(sa.insert(notice_hooks).values(tenant=desk.tenant, secret=secret, **kept))
    return {"url": body.url, "created_at": render_instant(desk.now), "secret": secret}


async def _remove_hook(desk: Desk, _: Mapping[str, str], __: NoBody) -> dict[str, Any]:
    await _existing(desk.connection, desk.tenant)
    given_up = await drop_hook(desk.connection, desk.tenant, desk.now, "removed", actor=desk.actor)
    return {"removed": True, "given_up": given_up}


async def _test_hook(desk: Desk, _: Mapping[str, str], __: NoBody) -> dict[str, Any]:
    """Put a notice that goes to the hook only; it is sent as every other."""
    await _existing(desk.connection, desk.tenant)
    item = {"subject": "notice-hook", "name": "notice-hook", "at": render_instant(desk.now)}
    query = sa.insert(notices).values(
        tenant=desk.tenant,
        kind="test",
        subject="notice-hook",
        at=desk.now,
        params=orjson.dumps({"count": 1, "items": [item]}).decode(),
        once=f"test:{desk.tenant}:{desk.now.isoformat()}",
        attempts=0,
        next_at=desk.now,
    )
    row = (await desk.connection.execute(query.returning(notices.c.id))).one()
    return {"notice": row.id}


async def _show_hook(look: Look, _: Mapping[str, str], __: Query) -> dict[str, Any]:
    row = await _existing(look.connection, look.tenant)
    waiting = sa.select(sa.func.count()).where(
        notice_deliveries.c.tenant == look.tenant,
        notice_deliveries.c.recipient == HOOK,
        notice_deliveries.c.next_at.is_not(None),
    )
    return {
        "url": row.url,
        "created_at": render_instant(row.created_at),
        "waiting": await look.connection.scalar(waiting),
    }


async def _existing(connection: Any, tenant: str) -> Any:
    """Return the company's hook; Problem not_found."""
    row = (await connection.execute(sa.select(notice_hooks).where(notice_hooks.c.tenant == tenant))).first()
    if row is None:
        raise Problem("not_found")
    return row


async def _list(look: Look, _: Mapping[str, str], query: PageQuery) -> dict[str, Any]:
    """List a company's notices, the newest first."""
    after = key_of(look.tenant, _LISTING, query.cursor)
    if after is not None and (type(after[0]) is not int or not 0 < after[0] < 1 << 63):
        raise Problem("invalid_cursor")
    where = [notices.c.tenant == look.tenant] + ([] if after is None else [notices.c.id < after[0]])
    rows = await look.connection.execute(
        sa.select(notices).where(*where).order_by(notices.c.id.desc()).limit(query.limit + 1)
    )
    found = rows.all()
    shown, more = found[: query.limit], len(found) > query.limit
    deliveries = await _deliveries(look.connection, [row.id for row in shown])
    return {
        "notices": [_shown(row, deliveries.get(row.id, [])) for row in shown],
        "next": cursor(look.tenant, _LISTING, [shown[-1].id]) if more else None,
    }


async def _deliveries(connection: Any, ids: Sequence[int]) -> dict[int, list[Any]]:
    rows = await connection.execute(
        sa.select(notice_deliveries)
        .where(notice_deliveries.c.notice.in_(ids))
        .order_by(notice_deliveries.c.notice, notice_deliveries.c.recipient)
    )
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.notice, []).append(row)
    return found


def _shown(row: Any, deliveries: Sequence[Any]) -> dict[str, Any]:
    params = orjson.loads(row.params)
    return {
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "at": render_instant(row.at),
        "count": params.get("count", 1),
        #: None until it is given out: things of the same kind may still join it.
        "text": params.get("text"),
        "deliveries": [
            {
                "to": one.recipient,
                "state": one.state,
                "attempts": one.attempts,
                "done_at": render_instant(one.done_at),
                "next_at": render_instant(one.next_at),
                "fault": one.fault,
            }
            for one in deliveries
        ],
    }


_NULLABLE_TEXT: Final = {"type": ["string", "null"]}
_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}


def _object(properties: Mapping[str, Any], *, changed: bool = False) -> dict[str, Any]:
    """Describe an object; changed: of an action, which says how effective it is."""
    shown = dict(properties) | ({"change": {"type": "object"}} if changed else {})
    return {"type": "object", "properties": shown, "required": list(shown), "additionalProperties": False}


_DELIVERY: Final = _object(
    {
        "to": {"type": "string", "description": "user:<id>, or hook."},
        "state": {"enum": ["waiting", "delivered", "given_up"]},
        "attempts": _COUNT,
        "done_at": _NULLABLE_TEXT,
        "next_at": _NULLABLE_TEXT,
        "fault": _NULLABLE_TEXT,
    }
)
_NOTICE: Final = _object(
    {
        "id": {"type": "integer"},
        "kind": {"type": "string", "description": f"One of {', '.join(KINDS)}."},
        "subject": _TEXT,
        "at": _TEXT,
        "count": _COUNT,
        "text": _NULLABLE_TEXT,
        "deliveries": {"type": "array", "items": _DELIVERY},
    }
)

ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "PUT",
        "/v1/notice-hook",
        "setNoticeHook",
        NewHook,
        _set_hook,
        "Have every notice posted to a URL of yours, signed as Standard Webhooks has it. The secret is in this answer"
        " and nowhere else; setting the hook again makes a new one. The URL must be https and public.",
        problems=("missing_field", "hook_url_forbidden"),
        shows=_object({"url": _TEXT, "created_at": _TEXT, "secret": _TEXT}, changed=True),
    ),
    Action(
        "DELETE",
        "/v1/notice-hook",
        "removeNoticeHook",
        NoBody,
        _remove_hook,
        "Take the hook away. What still waits for it is given up.",
        shows=_object({"removed": {"const": True}, "given_up": _COUNT}, changed=True),
    ),
    Action(
        "POST",
        "/v1/notice-hook/test",
        "testNoticeHook",
        NoBody,
        _test_hook,
        "Send a notice of the kind test to the hook, and to nobody else. How it went is in the list of notices.",
        shows=_object({"notice": {"type": "integer"}}, changed=True),
    ),
)

VIEWS: Final[tuple[View, ...]] = (
    View(
        "/v1/notice-hook",
        "readNoticeHook",
        Query,
        _show_hook,
        "Where notices are posted, and how many wait for it. The secret is not shown again.",
        shows=_object({"url": _TEXT, "created_at": _TEXT, "waiting": _COUNT}),
    ),
    View(
        "/v1/notices",
        "listNotices",
        PageQuery,
        _list,
        "What the admins were told, the newest first: the text, who has it, and why somebody does not.",
        shows=_object({"notices": {"type": "array", "items": _NOTICE}, "next": _NULLABLE_TEXT}),
    ),
)
