"""From where a browser comes, through proxies or past them."""

from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from registry.console.addresses import Addresses

OURS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def address(remote, *lines, proxies=OURS):
    """Where a request is seen to come from."""
    headers = CIMultiDict([("X-Forwarded-For", line) for line in lines])
    return Addresses(proxies).of(make_mocked_request("GET", "/", headers=headers).clone(remote=remote))


@pytest.mark.parametrize(
    ("remote", "lines", "seen"),
    [
        ("203.0.113.7", (), "203.0.113.7"),
        ("10.0.0.1", ("203.0.113.7",), "203.0.113.7"),
        ("10.0.0.1", ("198.51.100.1, 203.0.113.7",), "203.0.113.7"),
        ("10.0.0.1", ("198.51.100.1", "203.0.113.7, 10.0.0.2"), "203.0.113.7"),
        ("203.0.113.7", ("198.51.100.1",), "203.0.113.7"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("nonsense",), "nonsense"),
        ("10.0.0.1", ("",), ""),
        ("fd00::1", ("2001:db8:1:2:3:4:5:6",), "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", (), "203.0.113.7"),
        ("::ffff:10.0.0.1", ("203.0.113.7",), "203.0.113.7"),
    ],
)
def test_the_last_address_that_is_not_ours_counts(remote, lines, seen):
    """What stands before it anybody may have written; what comes past the proxies is not believed at all."""
    assert address(remote, *lines) == seen


def test_without_proxies_of_ours_nothing_is_believed():
    """The header is anybody's."""
    assert address("10.0.0.1", "203.0.113.7", proxies=()) == "10.0.0.1"
