"""Codes of problems that operations have in common, by what an operation does."""

from typing import Final

#: Whatever is asked for.
EVERY: Final = (
    "malformed_request",
    "head_too_large",
    "head_timeout",
    "unknown_host",
    "overloaded",
    "internal_error",
)
#: Asks for a key.
KEYED: Final = ("unauthenticated", "forbidden", "rate_limited", "registry_unavailable")
#: Has a body.
BODY: Final = (
    "body_too_large",
    "body_timeout",
    "incomplete_body",
    "expectation_failed",
    "unsupported_media_type",
    "unsupported_encoding",
)
#: Has a body that is JSON.
JSON_BODY: Final = (*BODY, "invalid_json", "duplicate_key", "unknown_field", "missing_field", "invalid_type")
#: Has a message in its body.
MESSAGE: Final = (
    "not_supported",
    "invalid_time",
    "invalid_character",
    "invalid_recipients",
    "unknown_user",
    "unknown_media",
    "too_many_items",
)
#: Reads the queue store.
READS: Final = ("queue_unavailable",)
#: Writes to it.
KEEPS: Final = ("queue_full", "queue_unavailable", "outcome_unknown")
#: Looks for something by its id.
FINDS: Final = ("not_found", *READS)
