"""From where a browser comes, also through proxies of ours.

A proxy adds the address that it sees to X-Forwarded-For, behind what it was sent, which anybody can write. So only a
proxy of ours is believed, and of its list only the last address that is not another proxy of ours.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from aiohttp import web

Network: TypeAlias = IPv4Network | IPv6Network

_HEADER: Final = "X-Forwarded-For"
#: One household, or one machine that has all its addresses (RFC 6177).
_IPV6_ONE: Final = 64


class Addresses:
    """Tells who is behind a proxy."""

    def __init__(self, proxies: Sequence[Network] = ()) -> None:
        """proxies: the networks of our own."""
        self._proxies = proxies

    def of(self, request: web.Request) -> str:
        """Return the address of a browser, of IPv6 its network; what cannot be read is as it was written."""
        hops = [hop.strip() for line in request.headers.getall(_HEADER, ()) for hop in line.split(",")]
        seen = request.remote or ""
        address = _read(seen)
        while hops and address is not None and any(address in network for network in self._proxies):
            seen = hops.pop()
            address = _read(seen)
        if isinstance(address, IPv6Address):
            return str(ip_network((address, _IPV6_ONE), strict=False))
        return seen if address is None else str(address)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
