"""Checks signatures as Standard Webhooks has them: HMAC-SHA256 over id, time and body, under any live secret. Pure.

Not here: what the body says (receipts.py).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Final

#: A delivery may be so much older or newer than our clock, in seconds; beyond that it may be a recording.
TOLERANCE_S: Final = 300
#: Signatures that are looked at; a sender has one for each of its live secrets.
_SIGNATURES_MAX: Final = 16


class WebhookError(Exception):
    """A delivery cannot be trusted.

    * WebhookError
      x InvalidSignature   it is not signed with a secret of ours
      x StaleWebhook       it was, but not now
    """


class InvalidSignature(WebhookError):  # noqa: N818 - says what happened
    """Nobody who has the secret has signed this."""


class StaleWebhook(WebhookError):  # noqa: N818 - says what happened
    """It was signed too long ago, or in the future."""


def parse_secret(secret: str) -> bytes:
    """Read "whsec_" and base64; ValueError, without the secret, when it is none."""
    prefix, _, encoded = secret.partition("_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if prefix != "whsec" or not key:
        raise ValueError("webhook secret: must be whsec_ followed by base64")
    return key


def verify(headers: Mapping[str, str], body: bytes, *, keys: Sequence[bytes], now_s: float) -> None:
    """Check a delivery's signature and age; raises WebhookError.

    headers are looked up by lower-case name; keys are live secrets, several while one replaces another.
    """
    name, at, signatures = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not name or re.fullmatch(r"[0-9]{1,12}", at) is None:
        raise InvalidSignature
    signed = b".".join((name.encode(errors="replace"), at.encode(), body))
    wanted = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in keys]
    given = [
        signature.encode(errors="replace")
        for version, _, signature in (word.partition(",") for word in signatures.split(" ")[:_SIGNATURES_MAX])
        if version == "v1"
    ]
    # Every pair is compared, in constant time each: how long it takes says nothing about any secret.
    if not any([hmac.compare_digest(one, other) for one in given for other in wanted]):  # noqa: C419
        raise InvalidSignature
    if abs(now_s - int(at)) > TOLERANCE_S:
        raise StaleWebhook
