"""Why a call of the admin API cannot be taken: the closed table behind every refusal, and the refusal itself.

Goes out as application/problem+json, as the gateway's do. No sentence here ever holds a value that the caller sent.

Not here: the HTTP answer (http_common.py) and how a body is read (admin_patches.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """What a code means."""

    #: HTTP status.
    status: int
    #: A few words; the same for every request with this code.
    title: str
    #: What the caller can do.
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One field that is wrong."""

    #: JSON pointer; "" is the body as a whole.
    pointer: str
    code: str
    #: What to do about this field; "" says no more than the code does.
    fix: str = ""


class Problem(Exception):  # noqa: N818 - the field's word is problem (RFC 9457)
    """A request that cannot be taken; code is a word of PROBLEMS, that of the first fault where there are some."""

    def __init__(self, code: str, faults: Sequence[Fault] = (), *, retry_after_s: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.faults = tuple(faults)
        self.retry_after_s = retry_after_s


def wrong_field(pointer: str, code: str, fix: str = "") -> Problem:
    """Return the problem of one field that is wrong."""
    return Problem(code, [Fault(pointer=pointer, code=code, fix=fix)])


def _kind(status: int, title: str, fix: str) -> ProblemKind:
    return ProblemKind(status=status, title=title, fix=fix)


PROBLEMS: Final[Mapping[str, ProblemKind]] = MappingProxyType(
    {
        "not_found": _kind(404, "Not found", "Check the path and the id; what belongs to others is not shown."),
        "method_not_allowed": _kind(405, "Method not allowed", "Use a method that the header Allow names."),
        "unauthenticated": _kind(
            401, "Not authenticated", "Send a valid key in the header: Authorization: Bearer <key>."
        ),
        "forbidden": _kind(403, "Not allowed with this key", "Use a key that has the scope admin."),
        "body_too_large": _kind(413, "Body is too large", "Send only the fields that are to change, up to 64 KiB."),
        "incomplete_body": _kind(400, "Body is incomplete", "Send as many bytes as Content-Length says."),
        "unsupported_media_type": _kind(415, "Unsupported content type", "Send application/json in UTF-8."),
        "unsupported_encoding": _kind(
            415, "Unsupported content encoding", "Send the body as it is, without Content-Encoding."
        ),
        "invalid_json": _kind(400, "Not valid JSON", "Send JSON (RFC 8259) in UTF-8, one value and no more."),
        "duplicate_key": _kind(400, "A key stands twice", "Give every key of an object once."),
        "empty_change": _kind(422, "Nothing to change", "Name at least one field with its new value."),
        "unknown_field": _kind(422, "Unknown field", "Leave the field out, or check how it is spelled."),
        "missing_field": _kind(422, "A field is missing", "Add the field."),
        "invalid_type": _kind(422, "Wrong type", "Give the field the JSON type that it has."),
        "invalid_enum": _kind(422, "Unknown word", "Use one of the words that the field can have."),
        "invalid_value": _kind(422, "Out of range", "Give the field a value in its range."),
        "unknown_campaign": _kind(422, "No such campaign", "Name a campaign of your own company by id."),
        "unknown_user": _kind(422, "No such user", "Name a user of your own company by id."),
        "database_unavailable": _kind(
            503,
            "The database does not answer",
            "Try again after the time in Retry-After. Look at the object first: the change may have been made.",
        ),
        "internal_error": _kind(500, "A fault of ours", "Tell support the request id."),
    },
)
