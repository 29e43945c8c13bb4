"""Checks the signature of what the aggregator tells: Standard Webhooks, HMAC-SHA256 over id, time and body. Pure.

The gateway checks carriers' receipts the same way; gateway and registry share no code, hence the second copy.
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


def parse_secret(secret: str) -> bytes:
    """Read "whsec_" and base64; ValueError, without the secret, when it is none."""
    prefix, _, encoded = secret.partition("_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if prefix != "whsec" or not key:
        raise ValueError("must be whsec_ followed by base64")
    return key


def is_signed(headers: Mapping[str, str], body: bytes, *, keys: Sequence[bytes], now_s: float) -> bool:
    """Tell whether somebody with one of the keys has signed this, a short while ago.

    Several keys are live while one replaces another.
    """
    name, at, signatures = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not name or re.fullmatch(r"[0-9]{1,12}", at) is None:
        return False
    signed = b".".join((name.encode(errors="replace"), at.encode(), body))
    wanted = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in keys]
    given = [
        signature.encode(errors="replace")
        for version, _, signature in (word.partition(",") for word in signatures.split(" ")[:_SIGNATURES_MAX])
        if version == "v1"
    ]
    # Every pair is compared, in constant time each: how long it takes says nothing about any key.
    fits = [hmac.compare_digest(one, other) for one in given for other in wanted]
    return any(fits) and abs(now_s - int(at)) <= TOLERANCE_S
