"""What an API key looks like, and what proves it."""

from hashlib import sha256

import pytest

from compliance.api_keys import ApiKey, read_bearer

KEY = "a2p_k1_" + "s" * 32


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   "])
def test_a_key_is_read_with_its_id(scheme):
    """The scheme in any case, as HTTP has it."""
    assert read_bearer(scheme + KEY) == ApiKey(id="k1", whole=KEY)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        KEY,
        f"Basic {KEY}",
        f"Bearer {KEY}\n",
        f"Bearer {KEY} x",
        "Bearer a2p_k1_short",
        "Bearer a2p_{reg}_00000000",
    ],
)
def test_anything_else_is_none(header):
    """What is no key is never looked up."""
    assert read_bearer(header) is None


def test_only_the_whole_key_proves_itself():
    """Against the digest of exactly this key."""
    key = ApiKey(id="k1", whole=KEY)

    assert key.proves(sha256(KEY.encode()).hexdigest())
    assert not key.proves(sha256(KEY[:-1].encode()).hexdigest())
    assert not key.proves("")
    assert not key.proves("é")
