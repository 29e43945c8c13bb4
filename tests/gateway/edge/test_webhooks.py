"""Who may speak for a carrier: signatures as Standard Webhooks has them."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from gateway.edge.webhooks import InvalidSignature, StaleWebhook, parse_secret, verify

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four!").decode()
OTHER = "whsec_" + base64.b64encode(b"another one, just as long").decode()
NOW_S = 1_800_000_000
BODY = b'{"id":"c1"}'


def signed(body=BODY, *, secret=SECRET, at_s=NOW_S, name="msg_1"):
    """Headers as the reference implementation signs them."""
    signature = Webhook(secret).sign(name, datetime.fromtimestamp(at_s, UTC), body.decode())
    return {"webhook-id": name, "webhook-timestamp": str(at_s), "webhook-signature": signature}


def check(headers, body=BODY, secrets=(SECRET,)):
    """Verify now."""
    verify(headers, body, keys=[parse_secret(secret) for secret in secrets], now_s=NOW_S)


class TestSecret:
    def test_it_is_base64_behind_a_prefix(self):
        """The bytes behind it are the key."""
        assert parse_secret(SECRET) == b"a secret of twenty-four!"

    @pytest.mark.parametrize("secret", ["", "whsec_", "whsec_???", SECRET.removeprefix("whsec_"), "whsk_AAAA", "whsec"])
    def test_anything_else_is_refused_and_not_repeated(self, secret):
        """It may be a real secret, mistyped."""
        with pytest.raises(ValueError, match="must be whsec_ followed by base64") as refused:
            parse_secret(secret)
        assert secret in {"", "whsec_", "whsec"} or secret not in str(refused.value)


class TestSignature:
    def test_what_the_reference_implementation_signs_is_trusted(self):
        """The one on the package index, as an oracle."""
        check(signed())

    def test_any_live_secret_will_do(self):
        """While one replaces the other, on either side."""
        check(signed(secret=OTHER), secrets=(SECRET, OTHER))
        both = f"{signed(secret=OTHER)['webhook-signature']} v2,zzz {signed()['webhook-signature']}"
        check(signed() | {"webhook-signature": both})

    @pytest.mark.parametrize(
        ("headers", "body"),
        [
            (signed(secret=OTHER), BODY),
            (signed(), BODY + b" "),
            (signed() | {"webhook-id": "msg_2"}, BODY),
            (signed() | {"webhook-timestamp": str(NOW_S + 1)}, BODY),
            (signed() | {"webhook-timestamp": "now"}, BODY),
            (signed() | {"webhook-timestamp": f"{NOW_S}.0"}, BODY),
            (signed() | {"webhook-timestamp": "９" * 10}, BODY),
            (signed() | {"webhook-signature": ""}, BODY),
            (signed() | {"webhook-signature": "v1,"}, BODY),
            (signed() | {"webhook-signature": "v1,é"}, BODY),
            (signed() | {"webhook-signature": signed()["webhook-signature"].replace("v1", "v2")}, BODY),
            (signed() | {"webhook-signature": signed()["webhook-signature"][:-1]}, BODY),
            ({}, BODY),
        ],
    )
    def test_anything_else_is_not(self, headers, body):
        """Another secret, body, id or time; half a signature; none."""
        with pytest.raises(InvalidSignature):
            check(headers, body)

    def test_without_a_secret_nobody_is_trusted(self):
        """Also not with an empty one."""
        with pytest.raises(InvalidSignature):
            check(signed(), secrets=())

    @pytest.mark.parametrize("at_s", [NOW_S - 300, NOW_S + 300])
    def test_five_minutes_are_allowed(self, at_s):
        """Clocks differ, and retries take time."""
        check(signed(at_s=at_s))

    @pytest.mark.parametrize("at_s", [NOW_S - 301, NOW_S + 301])
    def test_more_is_a_recording(self, at_s):
        """Signed, but not now."""
        with pytest.raises(StaleWebhook):
            check(signed(at_s=at_s))
