"""Where a hook may be: on the public internet, by https, and never on a machine of ours.

An address that is written out is looked at when the hook is set; a name each time it is resolved, and the connection
goes to the addresses that were looked at. So a name that points elsewhere later gets nowhere.

Not here: what is sent (hooks.py).
"""

import asyncio
import ipaddress
import socket
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

_URL_MAX: Final = 2_000
_RESOLVE_S: Final = 5.0
#: IPv4 addresses in IPv6 ones: NAT64 (RFC 6052, RFC 8215).
_NAT64: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
#: Nothing public is in there, whatever is_global says: IPv4-compatible, 6to4 relays, deprecated site-local.
_NEVER: Final = tuple(ipaddress.ip_network(one) for one in ("::/96", "192.88.99.0/24", "fec0::/10"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenAddressError(OSError):
    """A name led to an address that no hook may have."""


def check_url(written: str, *, allow_loopback: bool) -> str | None:
    """Return what is wrong with a hook's URL, as a sentence; None when nothing is, as far as can be seen."""
    try:
        url = URL(written)
        port, host = url.port, url.host
    except ValueError:
        return "Give a URL, such as https://example.com/notices."
    is_web = url.scheme in {"http", "https"} and bool(port)
    if len(written) > _URL_MAX or not written.isprintable() or not host or not is_web:
        return "Give a URL, such as https://example.com/notices."
    if url.user is not None or url.password is not None or url.fragment:
        return "Leave user, password and fragment out of the URL; deliveries are signed instead."
    is_loopback = _is_loopback_name(host)
    if url.scheme == "http" and not (allow_loopback and is_loopback):
        return "Use https."
    literal = _literal(host)
    if literal is not None and not may_connect(literal, allow_loopback=allow_loopback):
        return "Give a public address."
    if literal is None and is_loopback and not allow_loopback:
        return "Give a public address."
    return None


def may_connect(address: Address, *, allow_loopback: bool) -> bool:
    """Say whether a hook may be at an address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return may_connect(inner, allow_loopback=allow_loopback)
    if address.is_loopback:
        return allow_loopback
    if any(address.version == net.version and address in net for net in _NEVER):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in net for net in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_loopback_name(host: str) -> bool:
    literal = _literal(host)
    if literal is not None:
        return literal.is_loopback
    return host.rstrip(".").lower() == "localhost" or host.rstrip(".").lower().endswith(".localhost")


class PublicResolver(AbstractResolver):
    """Resolves names to addresses that hooks may have; ForbiddenAddressError when one of them may not."""

    def __init__(self, *, allow_loopback: bool, resolver: AbstractResolver | None = None) -> None:
        self._allow_loopback = allow_loopback
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Look a name up."""
        async with asyncio.timeout(_RESOLVE_S):
            found = await self._resolver.resolve(host, port, family)
        for one in found:
            literal = _literal(one["host"])
            if literal is None or not may_connect(literal, allow_loopback=self._allow_loopback):
                raise ForbiddenAddressError("address_not_allowed")
        return found

    async def close(self) -> None:
        """Let go of what the look-ups need."""
        await self._resolver.close()
