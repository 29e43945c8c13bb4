"""A text from outside as it lies in an inbox."""

import pytest

from gateway import envelope, received
from tests.gateway.working import some_envelope

#: What lies in inboxes that are older than this code.
GOLDEN = (
    b'{"v":1,"kind":"text","id":"in-zeta-1","carrier":"zeta","from":"+14155550143","to":"+12025550111",'
    b'"text":"stop","media":[{"type":"image/png","bytes":5}],"received_ms":1795323549418,"meaning":"stop"}'
)


def test_the_bytes_stay_what_they_are():
    """A gateway shows what an older one wrote."""
    assert received.dump(received.load(GOLDEN)) == GOLDEN


def test_it_is_told_from_an_instant_message():
    """Both lie in one inbox."""
    assert received.is_received(GOLDEN)
    assert not received.is_received(envelope.dump(some_envelope()))


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"[]", b"{}"),
        GOLDEN.replace(b'"v":1', b'"v":2'),
        GOLDEN.replace(b'"to"', b'"too"'),
        GOLDEN.replace(b'g":"stop', b'g":"stopp'),
        GOLDEN.replace(b'"kind":"text"', b'"kind":"im"'),
    ],
)
def test_what_is_no_text(raw):
    """ValueError, for whoever reads can do nothing else about it."""
    with pytest.raises(ValueError):  # noqa: PT011 - of orjson, of an enumeration, or of ours
        received.load(raw)
