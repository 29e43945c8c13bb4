"""What is said about an operation, as one value beside its handler: a row of the table that a document is made from.

An answer that refuses is named by its code only: status, words and example come from the table of problems, so that
they are written once.

Not here: how a row becomes OpenAPI (document.py), or a page (page.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

JSON: Final = "application/json"
PROBLEM_JSON: Final = "application/problem+json"

Schema = Mapping[str, Any]


class ProblemKind(Protocol):
    """What a code of a refusal means."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def title(self) -> str:
        """A few words."""

    @property
    def fix(self) -> str:
        """What the caller can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A part of the path, the query or the head of a request."""

    name: str
    #: path, query or header.
    place: str
    description: str
    schema: Schema
    example: Any
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a request carries."""

    schema: Schema
    description: str
    content_type: str = JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that does as asked."""

    status: int
    description: str
    schema: Schema
    content_type: str = JSON
    #: Header to what it says.
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A request with its answer; both stand in the document under one name, and tests send the one for the other."""

    name: str
    summary: str
    status: int
    #: JSON, or the text of a body of another type; None: the request has none.
    body: Any = None
    #: JSON, or text; None where the answer is a file.
    answer: Any = None
    #: Whose key it is sent with: user, tenant or none.
    key: str = "user"
    #: Parameters that the request has, by name; one of the path that is left out has its example.
    given: Mapping[str, str] = field(default_factory=dict)
    #: Names of the samples that must have been sent before, as <operation>/<sample>; an id is then that of the last.
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    #: Short and unique, such as sendMessage.
    id: str
    tag: str
    summary: str
    description: str = ""
    #: Scope that the key must have; None: no key is asked for.
    scope: str | None = None
    #: Name of the security scheme where it is not the key.
    security: str = "key"
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    answers: tuple[Answer, ...] = ()
    #: Codes of the problems that it can answer with, and the places that they can name.
    problems: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A whole API."""

    title: str
    version: str
    description: str
    #: Tag to what it is about, in the order of the page.
    tags: Mapping[str, str]
    operations: Sequence[Operation]
    problems: Mapping[str, ProblemKind]
    #: Schemas by name; rows refer to them by ref().
    schemas: Mapping[str, Schema]
    #: Security schemes by name, as OpenAPI has them.
    security: Mapping[str, Schema]
    #: Answers that refuse for a reason that is no problem of the table: operation id to code to example.
    refusals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def ref(name: str) -> Schema:
    """Refer to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def closed(properties: Mapping[str, Any], *, optional: Sequence[str] = (), description: str = "") -> dict[str, Any]:
    """Describe an object that has these fields and no others, all of them unless they are optional."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    return schema | ({"description": description} if description else {})


def nullable(schema: Schema) -> dict[str, Any]:
    """Let a field be null as well."""
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]} | (
            {"enum": [*schema["enum"], None]} if "enum" in schema else {}
        )
    return {"anyOf": [dict(schema), {"type": "null"}]}


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


#: What a refusal holds (RFC 9457).
PROBLEM_FIELDS: Final[Mapping[str, Any]] = {
    "type": _text("Where the code is explained.", format="uri-reference"),
    "title": _text("A few words; the same for every answer with this code."),
    "status": {"type": "integer"},
    "code": {"type": "string"},
    "detail": _text("What to do."),
    "errors": {
        "type": "array",
        "items": closed({"pointer": _text("JSON pointer of the field."), "code": {"type": "string"}}),
        "minItems": 1,
        "description": "Which field is wrong; never its value.",
    },
    "request_id": _text("Names this answer, for support.", pattern="^[0-9a-f]{16}$"),
}
