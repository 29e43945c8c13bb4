"""GET /v1/preflight: may this number text that one now and, if not, the shortest way to yes."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field

from compliance.codes import Code
from compliance.decision import Severity, Verdict
from compliance.reason import Actor, Page
from registry.action import Look, Query, Schema, View
from registry.preflight.facts import Asked
from registry.preflight.look import look
from registry.preflight.texting import TEXTING, texting
from registry.problems import wrong_field

_LONGEST: Final = 200

_STRING: Final[Schema] = {"type": "string"}
_SECONDS: Final[Schema] = {"type": "integer", "minimum": 0}


def _object(fields: Mapping[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in fields if name not in optional]
    return {"type": "object", "properties": dict(fields), "required": required, "additionalProperties": False}


def _or_null(kind: str) -> dict[str, Any]:
    return {"type": [kind, "null"]}


_CODE: Final[Schema] = {"type": "string", "enum": [str(code) for code in Code]}
_STEP: Final = _object(
    {
        "actor": {"type": "string", "enum": [str(actor) for actor in Actor]},
        "action": _STRING,
        "page": {"type": ["string", "null"], "enum": [*(str(page) for page in Page), None]},
        "href": _or_null("string"),
        "usual": _object({"text": _STRING, "min_s": _SECONDS, "max_s": _SECONDS}),
        "why": _STRING,
    },
)
#: What a preflight shows; requests hold one, too.
PREFLIGHT: Final = _object(
    {
        "from": _or_null("string"),
        "user": _or_null("string"),
        "to": _STRING,
        "verdict": {"type": "string", "enum": [str(verdict) for verdict in Verdict]},
        "reason": _object({"code": _CODE, "text": _STRING}),
        "findings": {
            "type": "array",
            "items": _object(
                {"code": _CODE, "severity": {"type": "string", "enum": [one.name.lower() for one in Severity]}}
            ),
        },
        "can_send": {"type": "boolean"},
        "steps": {"type": "array", "items": _STEP},
        "dead_end": _object({"code": _CODE, "text": _STRING}),
    },
    optional=("dead_end",),
)


class PreflightQuery(Query):
    """Which number, or whose, and to whom."""

    from_: str | None = Field(
        default=None, alias="from", max_length=_LONGEST, description="The number to text from, in any spelling."
    )
    user: str | None = Field(default=None, max_length=_LONGEST, description="Who texts, where from is left out.")
    to: str = Field(max_length=_LONGEST, description="Whom to text: a phone number, user:<id> or ext:<digits>.")


async def _preflight(at: Look, _: Mapping[str, str], query: PreflightQuery) -> dict[str, Any]:
    if query.from_ is not None and query.user is not None:
        raise wrong_field("/user", "unknown_field", "Name a number in from, or a person in user, not both.")
    asked = Asked(at.tenant, query.to, number=query.from_, user=query.user)
    return (await look(at.connection, asked, at.limits)).shown()


VIEWS: Final[tuple[View, ...]] = (
    View(
        "/v1/preflight",
        "preflight",
        PreflightQuery,
        _preflight,
        "Judge an ordinary text, typed in the app, as the gateway would, and send nothing. If it may not go, `steps`"
        " are the shortest way to where it may: what people do, who, on which page, and what has to be waited for;"
        " `dead_end` says why there is no way. Texts that the carriers' limits, the hour or their words hold up are not"
        " looked at here.",
        problems=("unknown_user",),
        shows=PREFLIGHT,
    ),
    View(
        "/v1/users/{id}/texting",
        "getTexting",
        Query,
        texting,
        "A person's numbers: whether each can text and, if not, why; what keeps its switch on the user's page from"
        " going on, and which campaign it would get. For admins anybody's, for employees with their own key (scope"
        " read) their own, in their words.",
        employee=True,
        shows=TEXTING,
    ),
)
