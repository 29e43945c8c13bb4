"""The part of the API's description that is for employees: what they sent themselves.

Not here: what admins see of the ledger (openapi.py).
"""

from typing import Any, Final

from apidocs.table import Answer, Operation, Parameter, closed, nullable, ref
from registry.openapi_actions import LOOKS

_QUERIES: Final = ("duplicate_key", "unknown_field", "invalid_value", "invalid_cursor")
_TEXT: Final = {"type": "string"}
_WHOLE: Final = {"type": "integer", "minimum": 0}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_PAGE: Final = (
    Parameter(
        name="cursor",
        place="query",
        description="`next` of the page before.",
        schema={"type": "string", "maxLength": 600},
        example="",
    ),
    Parameter(
        name="limit",
        place="query",
        description="How many at most.",
        schema={"type": "integer", "minimum": 1, "maximum": 500},
        example=50,
    ),
)
_COUNTERPART: Final = Parameter(
    name="counterpart",
    place="query",
    description="The other side's number, or a colleague's user id; left out: all.",
    schema={"type": "string", "maxLength": 200},
    example="+16465550151",
)


def schemas() -> dict[str, Any]:
    """Describe what is shown, by name."""
    media = closed({"id": _TEXT, "type": _TEXT, "bytes": _WHOLE})
    remedy = closed({"actor": _TEXT, "action": _TEXT, "page": nullable(_TEXT), "href": nullable(_TEXT)})
    message = {
        "id": _TEXT | {"description": "r- of one that was refused."},
        "client_message_id": nullable(_TEXT),
        "sent_at": _INSTANT,
        "kind": _TEXT | {"description": "message, or what was answered for you by itself."},
        "channel": _TEXT,
        "from": nullable(_TEXT),
        "to": _TEXT | {"description": "A number, or of an instant message a user id."},
        "text": nullable(_TEXT) | {"description": "null: it is gone, by age or because it was erased."},
        "media": {"type": "array", "items": media},
        "segments": _WHOLE,
        "verdict": _TEXT,
        "reason": closed({"code": _TEXT, "text": _TEXT}),
        "remediation": {"type": "array", "items": remedy, "description": "Who can do what, where it was not sent."},
        "send_after": nullable(_INSTANT),
        "status": _TEXT | {"description": "refused: it was not taken."},
        "status_at": nullable(_INSTANT),
        "status_code": nullable(_TEXT) | {"description": "Why it ended so, where it did not arrive."},
    }
    following = nullable(_TEXT | {"description": "The cursor of the next page; null: there is none."})
    listed = {"type": "array", "items": ref("OwnMessage")}
    return {
        "OwnMessage": closed(message),
        "OwnMessages": closed({"messages": listed, "next": following}),
        "OwnThreads": closed({"threads": listed, "next": following}),
    }


def operations(tag: str) -> list[Operation]:
    """Describe the calls."""
    return [
        Operation(
            method="GET",
            path="/v1/my/threads",
            id="listMyThreads",
            tag=tag,
            summary="List your conversations",
            description="With your own key or token: the last message that you sent to each counterpart, the newest "
            "first. A page looks at 5,000 messages at most, so somebody may come again on a later one. What came for "
            "you is in the inbox of the gateway.",
            scope="read",
            parameters=_PAGE,
            answers=(Answer(status=200, description="A page.", schema=ref("OwnThreads")),),
            problems=(*LOOKS, *_QUERIES),
        ),
        Operation(
            method="GET",
            path="/v1/my/messages",
            id="listMyMessages",
            tag=tag,
            summary="List what you sent",
            description="With your own key or token, the newest first, with its text while that is kept. A page looks "
            "at 5,000 messages at most, so one may be short or empty; go on while there is a `next`.",
            scope="read",
            parameters=(_COUNTERPART, *_PAGE),
            answers=(Answer(status=200, description="A page.", schema=ref("OwnMessages")),),
            problems=(*LOOKS, *_QUERIES),
        ),
    ]
