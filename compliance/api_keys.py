"""What an API key looks like as it travels, and what proves it.

A key is a2p_<id>_<secret>, base62. Stored is the SHA-256 of the whole key, never the key.

Not here: whose key it is and what it may do (documents.py; the gateway's and the registry's own checks).
"""

import hmac
import re
from hashlib import sha256
from typing import Final, NamedTuple

_BEARER: Final = re.compile(r"(?i:Bearer) +(a2p_([0-9A-Za-z]{1,40})_[0-9A-Za-z]{8,128})", re.ASCII)


class ApiKey(NamedTuple):
    """A key that somebody shows; nothing about it is proven."""

    id: str
    #: The whole key. Never logged, never stored.
    whole: str

    def proves(self, stored_sha256: str) -> bool:
        """Say whether it is the key that was stored so; takes as long either way."""
        return hmac.compare_digest(sha256(self.whole.encode()).hexdigest().encode(), stored_sha256.encode())


def read_bearer(authorization: str | None) -> ApiKey | None:
    """Read an Authorization header; None for anything but a key of ours."""
    match = _BEARER.fullmatch(authorization or "")
    return None if match is None else ApiKey(id=match[2], whole=match[1])
