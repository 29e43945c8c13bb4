"""Signs a delivery as Standard Webhooks want it: HMAC-SHA256 over id, timestamp and body."""

import base64
import hashlib
import hmac


def signed_headers(key: bytes, *, webhook_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Return the headers that carry the id, the time and the signature of a body."""
    signed = b"%s.%d.%s" % (webhook_id.encode(), timestamp_s, body)
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{signature}",
    }
