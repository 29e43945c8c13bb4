"""The signature of webhooks."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.tcr.hooks import sign
from registry.tcr.events import MalformedError, read_object
from registry.tcr.signature import canonical, is_genuine

URL = "https://gateway.example/hooks/tcr"
SECRET = "test-secret-1"
BODY = {
    "eventType": "MNO_CAMPAIGN_OPERATION_SUSPENDED",
    "campaignId": "CAAAAA1",
    "brandId": "BAAAAA1",
    "mnoId": 10035,
    "mnoName": "T-Mobile",
    "mock": False,
}
RIGHT = "VjBqZXg4dNk2DYvPUrfodJ9GZnI="
FLAT = st.dictionaries(
    st.text(),
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
)


def test_the_known_vector():
    """The signature of a known address, secret and body."""
    assert is_genuine(SECRET, URL, BODY, RIGHT)
    assert sign(SECRET, URL, BODY) == RIGHT


@pytest.mark.parametrize(
    ("secret", "url", "changed", "signature"),
    [
        ("test-secret-2", URL, {}, RIGHT),
        (SECRET, URL + "/", {}, RIGHT),
        (SECRET, URL, {"mock": True}, RIGHT),
        (SECRET, URL, {"mnoId": 10017}, RIGHT),
        (SECRET, URL, {}, ""),
        (SECRET, URL, {}, RIGHT[:-4]),
        (SECRET, URL, {}, RIGHT.lower()),
        (SECRET, URL, {}, "ünïcode"),
        (SECRET, URL, {}, RIGHT + RIGHT),
    ],
)
def test_any_other_is_wrong(secret, url, changed, signature):
    """Another secret, address, body or signature."""
    assert not is_genuine(secret, url, BODY | changed, signature)


@given(FLAT)
def test_a_body_may_be_written_in_any_order_and_spacing(body):
    """What is signed is its canonical form; a signer that wrote it otherwise signed the same."""
    signature = sign(SECRET, URL, body)
    turned = dict(reversed(body.items()))
    try:
        read = read_object(orjson.dumps(turned, option=orjson.OPT_INDENT_2))
    except (TypeError, orjson.JSONEncodeError):  # A lone surrogate is no text.
        return
    assert is_genuine(SECRET, URL, read, signature)
    assert canonical(read) == canonical(body)


@pytest.mark.parametrize("number", ["9007199254740993", "-9007199254740993", "1e400", "123456789012345678901234567890"])
def test_a_number_without_a_canonical_form_is_malformed(number):
    """Nobody can sign it, and two readers may read two numbers."""
    with pytest.raises(MalformedError):
        read_object(b'{"eventType": "X", "mnoId": %s}' % number.encode())
