"""Whether a webhook is from TCR: base64 of HMAC-SHA1 over the address it was sent to and its canonical body.

The address is the one that TCR has for us, not the one that a proxy made of it. The canonical form is that of RFC 8785,
so a body may be written in any order and spacing.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

import rfc8785

HEADER: Final = "X-Registry-Signature"


def canonical(body: Mapping[str, Any]) -> bytes:
    """Return the canonical form of a JSON object; ValueError for a number that it has no form for."""
    return rfc8785.dumps(dict(body))


def is_genuine(secret: str, url: str, body: Mapping[str, Any], signature: str) -> bool:
    """Say whether a signature is the right one; takes as long for a wrong one. ValueError as canonical()."""
    wanted = hmac.new(secret.encode(), url.encode() + canonical(body), hashlib.sha1).digest()
    # As texts: base64 has several spellings of the same bytes, and only one of them is what TCR sends.
    return hmac.compare_digest(signature.encode(errors="replace"), base64.b64encode(wanted))
