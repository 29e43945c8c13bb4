"""Describes the lines of admin_table.py: every Action and View as an operation of the API's description.

Not here: the objects with GET and PATCH, and the document (openapi.py).
"""

import re
from typing import Any, Final

from pydantic import BaseModel

from apidocs.table import Answer, Body, Operation, Parameter, ref
from registry.action import Action, View
from registry.admin_keys import TENANT_HEADER
from registry.admin_table import ACTIONS, VIEWS

TAG_ACTIONS: Final = "Actions"
TAG_VIEWS: Final = "Lists and look-ups"
#: What every look can be refused with, and every change besides.
LOOKS: Final = ("internal_error", "unauthenticated", "forbidden", "not_found", "database_unavailable")
BODIES: Final = (
    "body_too_large",
    "incomplete_body",
    "unsupported_media_type",
    "unsupported_encoding",
    "invalid_json",
    "duplicate_key",
    "unknown_field",
    "invalid_type",
    "invalid_enum",
    "invalid_value",
)
_QUERIES: Final = ("duplicate_key", "unknown_field", "missing_field", "invalid_type", "invalid_enum", "invalid_value")
_VERSIONS: Final = ("version_conflict", "version_required")
_ACCEPTED: Final = 202
_OK: Final = 200

#: Of every operation that changes a version of an object.
VERSION: Final = Parameter(
    name="If-Match",
    place="header",
    description="The ETag of the object as you know it, or * for whichever it is.",
    schema={"type": "string"},
    example="*",
    required=True,
)
#: Of every operation with a key: whom a key of the provider's acts for.
FOR_TENANT: Final = Parameter(
    name=TENANT_HEADER,
    place="header",
    description="The company that is meant; for keys of the provider's with the scope support or operator.",
    schema={"type": "string"},
    example="acme",
)


def operations() -> list[Operation]:
    """Describe every line."""
    return [*(_action(one) for one in ACTIONS), *(_view(one) for one in VIEWS)]


def models() -> list[type[BaseModel]]:
    """List the bodies, each once."""
    return list({action.body.__name__: action.body for action in ACTIONS}.values())


def _action(action: Action) -> Operation:
    return Operation(
        method=action.method,
        path=action.path,
        id=action.id,
        tag=TAG_ACTIONS,
        summary=_summary(action.id),
        description=action.about,
        scope="operator" if action.operator else "send" if action.employee else "admin",
        parameters=(*_in_path(action.path), *((VERSION,) if action.versioned else ()), FOR_TENANT),
        body=Body(schema=ref(action.body.__name__), description="At most 64 KiB; none is an empty object."),
        answers=(
            Answer(status=action.status, description="Done, and effective everywhere.", schema=action.shows),
            Answer(status=_ACCEPTED, description="Done; effective soon.", schema=action.shows),
            *(
                [Answer(status=_OK, description="It was there already.", schema=action.shows)]
                if action.employee and action.status != _OK
                else []
            ),
        ),
        problems=tuple(dict.fromkeys((*LOOKS, *BODIES, *(_VERSIONS if action.versioned else ()), *action.problems))),
    )


def _view(view: View) -> Operation:
    queries = _in_query(view)
    paged = ("invalid_cursor",) if any(one.name == "cursor" for one in queries) else ()
    return Operation(
        method="GET",
        path=view.path,
        id=view.id,
        tag=TAG_VIEWS,
        summary=_summary(view.id),
        description=view.about,
        scope="operator" if view.operator else "support" if view.provider else "admin",
        parameters=(*_in_path(view.path), *queries, FOR_TENANT),
        answers=(Answer(status=200, description="As it is in the database.", schema=view.shows),),
        problems=tuple(dict.fromkeys((*LOOKS, *_QUERIES, *paged, *view.problems))),
    )


def _summary(name: str) -> str:
    """Write a name such as askForNumberPool as words."""
    words = re.sub(r"([A-Z])", r" \1", name).lower().split()
    return " ".join([words[0].capitalize(), *words[1:]])


def _in_path(path: str) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(
            name=name,
            place="path",
            description="E.164; with %2B or + before the digits." if name == "did" else "Its id.",
            schema={"type": "string"},
            example="+12125550112" if name == "did" else f"{name}1",
        )
        for name in re.findall(r"{(\w+)}", path)
    )


def _in_query(view: View) -> tuple[Parameter, ...]:
    schema = view.query.model_json_schema()
    required = schema.get("required", ())
    return tuple(
        Parameter(
            name=name,
            place="query",
            description=field.get("description", "See below."),
            schema=_plain(field),
            example=field.get("default") or "",
            required=name in required,
        )
        for name, field in schema.get("properties", {}).items()
    )


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in field.items() if name not in {"title", "default", "description"}}
