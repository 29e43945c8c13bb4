"""Why a request cannot be taken at all: the closed table behind every refusal that is no decision about a message.

A message that compliance refuses has a reason of compliance/catalogue.py instead. Both go out as
application/problem+json; no sentence here ever holds a value that the caller sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ProblemCode(StrEnum):
    """Stable: clients depend on the spelling."""

    MALFORMED_REQUEST = "malformed_request"
    HEAD_TOO_LARGE = "head_too_large"
    HEAD_TIMEOUT = "head_timeout"
    UNKNOWN_HOST = "unknown_host"
    BODY_TIMEOUT = "body_timeout"
    INCOMPLETE_BODY = "incomplete_body"
    EXPECTATION_FAILED = "expectation_failed"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    UPGRADE_REQUIRED = "upgrade_required"

    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    INVALID_SIGNATURE = "invalid_signature"
    STALE_WEBHOOK = "stale_webhook"

    INVALID_JSON = "invalid_json"
    DUPLICATE_KEY = "duplicate_key"
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    INVALID_TYPE = "invalid_type"
    INVALID_ENUM = "invalid_enum"
    INVALID_TIME = "invalid_time"
    INVALID_CHARACTER = "invalid_character"
    INVALID_NUMBER = "invalid_number"
    INVALID_EVIDENCE = "invalid_evidence"
    INVALID_RECIPIENTS = "invalid_recipients"
    INVALID_CURSOR = "invalid_cursor"
    UNKNOWN_USER = "unknown_user"
    UNKNOWN_MEDIA = "unknown_media"
    TOO_MANY_ITEMS = "too_many_items"
    EMPTY_BATCH = "empty_batch"
    NOT_SUPPORTED = "not_supported"
    MALFORMED = "malformed"

    INVALID_IDEMPOTENCY_KEY = "invalid_idempotency_key"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    NOT_CANCELLABLE = "not_cancellable"

    OVERLOADED = "overloaded"
    QUEUE_FULL = "queue_full"
    QUEUE_UNAVAILABLE = "queue_unavailable"
    REGISTRY_UNAVAILABLE = "registry_unavailable"
    OUTCOME_UNKNOWN = "outcome_unknown"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """What a code means."""

    #: HTTP status.
    status: int
    #: A few words; the same for every request with this code.
    title: str
    #: What the caller can do, as one sentence or two.
    fix: str


def _kind(status: int, title: str, fix: str) -> ProblemKind:
    return ProblemKind(status=status, title=title, fix=fix)


#: Framing and routing.
_FRAMING: Final[dict[str, ProblemKind]] = {
    ProblemCode.MALFORMED_REQUEST: _kind(
        400, "Not an HTTP request", "Send HTTP/1.1 as RFC 9112 has it, with one Host."
    ),
    ProblemCode.HEAD_TOO_LARGE: _kind(
        431, "Request line or headers are too large", "Send lines up to 8,190 bytes, and up to 64 headers."
    ),
    ProblemCode.HEAD_TIMEOUT: _kind(408, "Headers came too slowly", "Send the whole head without pauses."),
    ProblemCode.UNKNOWN_HOST: _kind(421, "Unknown host", "Send the request to a host name that this server has."),
    ProblemCode.BODY_TIMEOUT: _kind(408, "Body came too slowly", "Send the whole body without pauses."),
    ProblemCode.INCOMPLETE_BODY: _kind(400, "Body is incomplete", "Send as many bytes as Content-Length says."),
    ProblemCode.EXPECTATION_FAILED: _kind(417, "Unknown expectation", "Leave out the header Expect."),
    ProblemCode.BODY_TOO_LARGE: _kind(
        413, "Body is too large", "Send less at once: a message up to 64 KiB, a batch up to 1 MiB, a file up to 20 MB."
    ),
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: _kind(
        415,
        "Unsupported content type",
        "Send the content type that this route takes, in UTF-8: application/json for one message, application/x-ndjson "
        "for a batch, the file's own type for a file.",
    ),
    ProblemCode.UNSUPPORTED_ENCODING: _kind(
        415, "Unsupported content encoding", "Send the body as it is, without Content-Encoding."
    ),
    ProblemCode.NOT_FOUND: _kind(404, "Not found", "Check the path and the id; what belongs to others is not shown."),
    ProblemCode.METHOD_NOT_ALLOWED: _kind(405, "Method not allowed", "Use a method that the header Allow names."),
    ProblemCode.UPGRADE_REQUIRED: _kind(
        426, "Answers over a WebSocket only", "Open a WebSocket at this address: RFC 6455, version 13."
    ),
}

#: Who asks, and how often.
_CALLER: Final[dict[str, ProblemKind]] = {
    ProblemCode.UNAUTHENTICATED: _kind(
        401, "Not authenticated", "Send a valid key or user token in the header: Authorization: Bearer <key>."
    ),
    ProblemCode.FORBIDDEN: _kind(
        403,
        "Not allowed with this key",
        "Use a key that has the scope this route asks for. A user's key speaks for that user only: leave `user` out.",
    ),
    ProblemCode.RATE_LIMITED: _kind(429, "Too many requests", "Wait as long as the header Retry-After says."),
    ProblemCode.INVALID_SIGNATURE: _kind(
        401,
        "Not signed with a secret of this carrier",
        "Sign id, time and body with the secret, as Standard Webhooks has it.",
    ),
    ProblemCode.STALE_WEBHOOK: _kind(
        401, "Signed more than 5 minutes from now", "Sign each delivery when it is sent, and set the clock."
    ),
}

#: What is in the body.
_BODY: Final[dict[str, ProblemKind]] = {
    ProblemCode.INVALID_JSON: _kind(400, "Not valid JSON", "Send JSON (RFC 8259) in UTF-8, one value and no more."),
    ProblemCode.DUPLICATE_KEY: _kind(400, "A key stands twice", "Give every key of an object once."),
    ProblemCode.UNKNOWN_FIELD: _kind(400, "Unknown field", "Leave the field out, or check how it is spelled."),
    ProblemCode.MISSING_FIELD: _kind(
        422, "A field is missing", "Add the field that `errors` names; without `errors` the whole body is missing."
    ),
    ProblemCode.INVALID_TYPE: _kind(422, "Wrong type", "Give the field the JSON type that the API description names."),
    ProblemCode.INVALID_ENUM: _kind(422, "Unknown word", "Use one of the words that the API description lists."),
    ProblemCode.INVALID_TIME: _kind(
        422,
        "Not a usable time",
        "Send an RFC 3339 instant with an offset, such as 2026-11-20T13:00:00Z. When to send, or to stop trying, is in "
        "the future and within 7 days.",
    ),
    ProblemCode.INVALID_CHARACTER: _kind(
        422, "A character that no phone shows", "Remove control characters and noncharacters from the text."
    ),
    ProblemCode.INVALID_NUMBER: _kind(422, "Not a phone number", "Send the number with + and country code (E.164)."),
    ProblemCode.INVALID_EVIDENCE: _kind(
        422,
        "Not enough to end an opt-out",
        "Say in 10 to 1,000 characters what the person did to get texts again, and where that is kept.",
    ),
    ProblemCode.INVALID_RECIPIENTS: _kind(
        422, "Recipients cannot be taken", "Name 1 to 50 recipients, each once; for more, send a batch."
    ),
    ProblemCode.INVALID_CURSOR: _kind(
        400, "Unknown position", "Use a position that an earlier answer gave, unchanged."
    ),
    ProblemCode.UNKNOWN_USER: _kind(422, "No such user", "Name a user of your own company by id."),
    ProblemCode.UNKNOWN_MEDIA: _kind(422, "No such file", "Upload the file first and use the id from that answer."),
    ProblemCode.TOO_MANY_ITEMS: _kind(413, "Too many items", "Send fewer items at once; a batch takes 1,000 messages."),
    ProblemCode.EMPTY_BATCH: _kind(422, "Nothing in the batch", "Send at least one line with a message."),
    ProblemCode.NOT_SUPPORTED: _kind(422, "Not supported", "Leave the field out: this server does not offer it."),
    ProblemCode.MALFORMED: _kind(
        400,
        "Not a delivery that can be read",
        "Send JSON: one object, or a list of objects as long as the API description says.",
    ),
}

#: Repeating and undoing.
_REPEATING: Final[dict[str, ProblemKind]] = {
    ProblemCode.INVALID_IDEMPOTENCY_KEY: _kind(
        400, "Idempotency key cannot be used", "Send one key of 1 to 255 visible ASCII characters."
    ),
    ProblemCode.IDEMPOTENCY_MISMATCH: _kind(
        422,
        "Idempotency key does not fit",
        "Take a new key, or repeat the first request unchanged. Header and client_message_id must not differ.",
    ),
    ProblemCode.NOT_CANCELLABLE: _kind(
        409, "Cannot be cancelled any more", "Nothing can be done: the message went to the carrier or has ended."
    ),
}

#: Our own state.
_OURS: Final[dict[str, ProblemKind]] = {
    ProblemCode.OVERLOADED: _kind(
        503, "Too many requests at once", "Nothing was accepted. Try again after the time in the header Retry-After."
    ),
    ProblemCode.QUEUE_FULL: _kind(503, "Too much is waiting", "Try again after the time in the header Retry-After."),
    ProblemCode.QUEUE_UNAVAILABLE: _kind(
        503, "Messages cannot be stored right now", "Nothing was accepted. Try again after the time in Retry-After."
    ),
    ProblemCode.REGISTRY_UNAVAILABLE: _kind(
        503, "Registrations cannot be looked up right now", "Nothing was accepted. Try again after Retry-After."
    ),
    ProblemCode.OUTCOME_UNKNOWN: _kind(
        503,
        "Nobody knows whether the message was accepted",
        "Repeat the request with the same idempotency key, which is safe. Without a key, look before you repeat it.",
    ),
    ProblemCode.INTERNAL_ERROR: _kind(
        500, "A fault of ours", "Try again with the same idempotency key. If it stays so, tell support the request id."
    ),
}

PROBLEMS: Final[Mapping[str, ProblemKind]] = MappingProxyType(
    {**_FRAMING, **_CALLER, **_BODY, **_REPEATING, **_OURS},
)
