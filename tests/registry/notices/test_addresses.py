"""A hook is on the public internet: not on a machine of ours, however it is written and wherever a name leads."""

import ipaddress
import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from registry.notices import hooks
from registry.notices.addresses import ForbiddenAddressError, PublicResolver, check_url, may_connect
from registry.notices.faults import UndeliveredError
from tests.registry.notices.conftest import Recorder

PRIVATE = """
127.0.0.1 127.8.8.8 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 192.0.0.1
192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 192.88.99.1 ::1 :: fe80::1
fd00::1 fc00::1 fec0::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 ::a9fe:a9fe
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::a00:1 2002:7f00:1:: 2002:a9fe:a9fe:: 2001:db8::1
2001:0:4136:e378:8000:63bf:f5ff:fffe 100::1
""".split()
PUBLIC = "8.8.8.8 1.1.1.1 93.184.216.34 2606:4700:4700::1111 64:ff9b::808:808 ::ffff:8.8.8.8 2002:808:808::".split()
REFUSED = [
    "",
    "example.com",
    "ftp://example.com/",
    "https://",
    "https:///notices",
    "http://example.com/",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://example.com/#here",
    "https://example.com:99999/",
    "https://example.com/\n",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://hooks.localhost/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://[fe80::1%25eth0]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:169.254.169.254]/",
    "https://10.0.0.7:8443/",
    "file:///etc/passwd",
    "https://example.com/" + "a" * 2_000,
]


@pytest.mark.parametrize("written", PRIVATE)
def test_private_addresses_are_refused(written):
    """Row 79 of the bad input: private, link-local, metadata, shared, reserved, and all of them in other clothes."""
    assert not may_connect(ipaddress.ip_address(written), allow_loopback=False)


@pytest.mark.parametrize("written", PUBLIC)
def test_public_addresses_are_not(written):
    """What the rest of the world has."""
    assert may_connect(ipaddress.ip_address(written), allow_loopback=False)


def test_the_demo_may_use_this_machine_and_nothing_else_private():
    """Loopback, and not the network around it."""
    allowed = [one for one in PRIVATE if may_connect(ipaddress.ip_address(one), allow_loopback=True)]

    assert allowed == ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_is_refused(url):
    """Not https, not public, not plain; the sentence says what to do."""
    assert check_url(url, allow_loopback=False).endswith(".")


@pytest.mark.parametrize(("url", "allow"), [("https://example.com/a?b=c", False), ("http://127.0.0.1:9/x", True)])
def test_a_url_is_taken(url, allow):
    """Any port and path; without TLS on this machine only, in a demo."""
    assert check_url(url, allow_loopback=allow) is None


class Names(AbstractResolver):
    """A resolver that says what it is told."""

    def __init__(self, *addresses):
        self.addresses = addresses

    async def resolve(self, host, port=0, family=socket.AF_INET):
        """Give the addresses."""
        return [
            {"hostname": host, "host": one, "port": port, "family": family, "proto": 0, "flags": 0}
            for one in self.addresses
        ]

    async def close(self):
        """Nothing is open."""


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("169.254.169.254",), ("::1",)])
async def test_a_name_that_leads_inside_is_refused(addresses):
    """Every address that it has must be public."""
    with pytest.raises(ForbiddenAddressError):
        await PublicResolver(allow_loopback=False, resolver=Names(*addresses)).resolve("example.com", 443)


async def test_no_connection_is_made_to_such_a_name(monkeypatch):
    """The server there sees nobody."""
    decoy = Recorder()
    async with decoy.server:
        resolver = PublicResolver(allow_loopback=False, resolver=Names("127.0.0.1"))
        connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False)
        async with aiohttp.ClientSession(connector=connector) as session:
            port = decoy.url.rpartition(":")[2]
            with pytest.raises(UndeliveredError, match="address_not_allowed"):
                await hooks._post(session, f"http://hooks.example.com:{port}/", b"", {})

    assert decoy.got == []


@pytest.mark.parametrize("written", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
async def test_old_spellings_of_this_machine_are_names_that_lead_inside(written):
    """What the system's resolver takes for an address is looked at as what it leads to."""
    decoy = Recorder()
    async with decoy.server, hooks.hook_session(allow_loopback=False) as session:
        port = decoy.url.rpartition(":")[2]
        with pytest.raises(UndeliveredError):
            await hooks._post(session, f"http://{written}:{port}/", b"", {})

    assert decoy.got == []
