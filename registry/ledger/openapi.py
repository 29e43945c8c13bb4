"""The ledger's part of the API's description.

What a question may hold is taken from the models that read it (asked.py); a test compares the answers with shown.py.

Not here: the document (registry/openapi.py).
"""

from typing import Any, Final

from pydantic import BaseModel

from apidocs.table import Answer, Body, Operation, Parameter, closed, nullable, ref
from registry.ledger import openapi_own
from registry.ledger.asked import CountsQuery, EraseBody, MessagesQuery
from registry.openapi_actions import BODIES, FOR_TENANT, LOOKS

TAG: Final = "Messages"
_QUERIES: Final = ("duplicate_key", "unknown_field", "invalid_type", "invalid_enum", "invalid_value")
_TEXT: Final = {"type": "string"}
_WHOLE: Final = {"type": "integer", "minimum": 0}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_EXAMPLES: Final = {
    "number": "+12125550101",
    "counterpart": "+16465550151",
    "user": "acme-ben",
    "reason": "did_unassigned",
    "verdict": "block",
    "channel": "sms",
    "status": "refused",
    "since": "2026-11-20T00:00:00Z",
    "until": "2026-11-21T00:00:00Z",
    "limit": 50,
    "by": "day",
    "cursor": "",
}


def schemas() -> dict[str, Any]:
    """Describe what is shown, by name."""
    message = {
        "id": _TEXT | {"description": "r- of one that was refused."},
        "accepted_at": _INSTANT,
        "user": _TEXT,
        "from": nullable(_TEXT),
        "to": _TEXT,
        "channel": _TEXT,
        "origin": _TEXT,
        "class": _TEXT,
        "kind": _TEXT,
        "verdict": _TEXT,
        "reason": _TEXT,
        "campaign_id": nullable(_TEXT),
        "segments": _WHOLE,
        "encoding": _TEXT,
        "participants": _WHOLE,
        "media": {"type": "array", "items": closed({"id": _TEXT, "type": _TEXT, "bytes": _WHOLE})},
        "client_message_id": nullable(_TEXT),
        "send_at": nullable(_INSTANT),
        "expires_at": nullable(_INSTANT),
        "status": _TEXT,
        "status_at": nullable(_INSTANT),
        "attempts": _WHOLE,
        "doubts": _WHOLE | {"description": "Lost answers, second submissions, and receipts that contradict an end."},
    }
    event = {
        "kind": _TEXT | {"description": "status, doubt or contradicted."},
        "seq": _WHOLE,
        "status": _TEXT,
        "at": nullable(_INSTANT),
        "attempt": _WHOLE,
        "carrier": nullable(_TEXT),
        "reference": nullable(_TEXT),
        "code": nullable(_TEXT),
        "detail": nullable(_TEXT),
        "carrier_at": nullable(_INSTANT),
    }
    whole = {
        "text": nullable(_TEXT) | {"description": "null: it is gone, by age or because it was erased."},
        "text_erased_at": nullable(_INSTANT),
        "decision": nullable({"type": "object"}) | {"description": "The decision record; null: it is gone, by age."},
        "events": {"type": "array", "items": closed(event)},
    }
    count = {"at": _INSTANT | {"description": "When it begins."}, "verdict": _TEXT, "reason": _TEXT, "messages": _WHOLE}
    return {
        "Message": closed(message),
        "WholeMessage": closed(message | whole),
        "Messages": closed(
            {
                "messages": {"type": "array", "items": ref("Message")},
                "next": nullable(_TEXT | {"description": "The cursor of the next page; null: there is none."}),
            }
        ),
        "Counts": closed({"by": _TEXT, "counts": {"type": "array", "items": closed(count)}}),
        "Erase": _plain(EraseBody.model_json_schema()) | {"minProperties": 1, "maxProperties": 1},
        "Erased": closed({"erasure": _WHOLE, "at": _INSTANT, "texts": _WHOLE, "done": {"type": "boolean"}}),
        **openapi_own.schemas(),
    }


def operations() -> list[Operation]:
    """Describe the calls."""
    return [_list(), _counts(), _get(), _erase(), *openapi_own.operations(TAG)]


def _list() -> Operation:
    return Operation(
        method="GET",
        path="/v1/messages",
        id="listMessages",
        tag=TAG,
        summary="List and search messages",
        description="The newest first, without their texts. A page looks at 5,000 messages at most, so one of a search "
        "for what is rare may be short or empty; go on while there is a `next`. Values are compared as they stand.",
        scope="support",
        parameters=(*_parameters(MessagesQuery), FOR_TENANT),
        answers=(Answer(status=200, description="A page.", schema=ref("Messages")),),
        problems=(*LOOKS, *_QUERIES, "invalid_cursor"),
    )


def _counts() -> Operation:
    return Operation(
        method="GET",
        path="/v1/messages/counts",
        id="countMessages",
        tag=TAG,
        summary="Count what was decided",
        description="By hour or day in UTC, verdict and reason: 31 days of hours or 400 days at most, and the last 48 "
        "hours or 31 days where nothing is said. Hours and days without messages are left out.",
        scope="support",
        parameters=(*_parameters(CountsQuery), FOR_TENANT),
        answers=(Answer(status=200, description="The counts.", schema=ref("Counts")),),
        problems=(*LOOKS, *_QUERIES),
    )


def _get() -> Operation:
    name = Parameter(
        name="id", place="path", description="A message's id.", schema=_TEXT, example="0-1795204800000-0-0"
    )
    return Operation(
        method="GET",
        path="/v1/messages/{id}",
        id="getMessage",
        tag=TAG,
        summary="Look at one message",
        description="With its text while that is kept, the decision and every change of status. The gateway answers "
        "for a day after the end, the ledger from a second after a worker took it.",
        scope="support",
        parameters=(name, FOR_TENANT),
        answers=(Answer(status=200, description="All that is known of it.", schema=ref("WholeMessage")),),
        problems=LOOKS,
    )


def _erase() -> Operation:
    return Operation(
        method="POST",
        path="/v1/messages/erase",
        id="eraseTexts",
        tag=TAG,
        summary="Erase texts",
        description="Of one message, of a person by number, or of the whole company. Texts go, also those that the "
        "ledger has yet to learn of; what was decided and what became of it stays, and the erasure is on record.",
        scope="admin",
        parameters=(FOR_TENANT,),
        body=Body(schema=ref("Erase"), description="Whose; at most 64 KiB."),
        answers=(
            Answer(status=200, description="They are gone.", schema=ref("Erased")),
            Answer(status=202, description="They are going; it is carried on by itself.", schema=ref("Erased")),
        ),
        problems=(*LOOKS, *BODIES, "missing_field"),
    )


def _parameters(query: type[BaseModel]) -> tuple[Parameter, ...]:
    fields = query.model_json_schema()["properties"]
    return tuple(
        Parameter(
            name=name,
            place="query",
            description=field.get("description", "Which page: `next` of the one before, and how many messages."),
            schema=_plain(field),
            example=_EXAMPLES[name],
        )
        for name, field in fields.items()
    )


def _plain(schema: Any) -> Any:
    """Leave out what says nothing here: titles, and that a field may be left out by giving null."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema if one != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    dropped = {"title", "default", "description"} if "properties" not in schema else {"title"}
    found = {name: _plain(one) for name, one in schema.items() if name not in dropped}
    options = found.pop("anyOf", None)
    return found | (options[0] if options is not None and len(options) == 1 else {"anyOf": options} if options else {})
