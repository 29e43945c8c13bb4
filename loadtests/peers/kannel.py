"""Kannel as a peer: its two boxes, on free loopback ports, without a store, delivering to the carrier emulator.

Set as one would for speed: no access log, errors only, receipts off, nothing kept on disk. That is less than ours does.

Not here: what is sent to it (traffic.py) and how it is measured (measures.py).
"""

import contextlib
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from loadtests.bench.stand import Carrier
from loadtests.children import Ground, fetch
from loadtests.ports import free_port

USER: Final = "peer"
PASSWORD: Final = "peer-password"  # noqa: S105  of a process that lives for seconds, on loopback
#: Debian puts them where only root's path looks.
_WHERE: Final = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
#: The emulator's usual token.
_CARRIER_TOKEN: Final = "carrier-secret"  # noqa: S105  the development default of both sides

HOW_TO_GET_IT: Final = (
    "Kannel is not installed and could not be: `make peers` installs Debian's package `kannel` where it runs as root. "
    "Elsewhere put its `bearerbox` and `smsbox` on the path."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """Where Kannel's programs are."""

    bearerbox: str
    smsbox: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kannel:
    """A Kannel that runs."""

    #: Of its sendsms interface.
    port: int
    watched: Mapping[str, int]


def find_boxes(path: str = _WHERE) -> Boxes | None:
    """Find Kannel's programs; None when it is not installed."""
    bearerbox, smsbox = shutil.which("bearerbox", path=path), shutil.which("smsbox", path=path)
    return None if bearerbox is None or smsbox is None else Boxes(bearerbox=bearerbox, smsbox=smsbox)


@contextlib.contextmanager
def kannel(ground: Ground, boxes: Boxes, carrier: Carrier) -> Iterator[Kannel]:
    """Run both boxes while the block runs."""
    ports = {name: free_port() for name in ("admin", "smsbox", "sendsms", "receive")}
    config = ground.new_folder("kannel") / "kannel.conf"
    config.write_text(configuration(ports, carrier.port))
    with (
        ground.running(
            "bearerbox", [boxes.bearerbox, "-v", "4", str(config)], _is_online(ports["admin"])
        ) as bearer_pid,
        ground.running("smsbox", [boxes.smsbox, "-v", "4", str(config)], _listens(ports["sendsms"])) as sms_pid,
    ):
        yield Kannel(port=ports["sendsms"], watched={"bearerbox": bearer_pid, "smsbox": sms_pid})


def configuration(ports: Mapping[str, int], carrier_port: int) -> str:
    """Write kannel.conf for these ports."""
    send_url = f"http://127.0.0.1:{carrier_port}/generic?token={_CARRIER_TOKEN}&reference=%I&from=%p&to=%P&text=%b"
    groups = (
        {
            "group": "core",
            "admin-port": ports["admin"],
            "admin-interface": "127.0.0.1",
            "admin-password": PASSWORD,
            "smsbox-port": ports["smsbox"],
            "smsbox-interface": "127.0.0.1",
            "box-allow-ip": "127.0.0.1",
            "log-level": 4,
            "dlr-storage": "internal",
            "sms-incoming-queue-limit": -1,
            "sms-outgoing-queue-limit": 2_000_000,
        },
        {
            "group": "smsc",
            "smsc": "http",
            "smsc-id": "emulator",
            "system-type": "generic",
            "send-url": send_url,
            "port": ports["receive"],
            "connect-allow-ip": "127.0.0.1",
            "status-success-regex": "^accepted",
            "status-permfail-regex": "^refused",
            "status-tempfail-regex": "^later",
            "max-pending-submits": 64,
        },
        {
            "group": "smsbox",
            "bearerbox-host": "127.0.0.1",
            "sendsms-port": ports["sendsms"],
            "sendsms-interface": "127.0.0.1",
            "log-level": 4,
        },
        {
            "group": "sendsms-user",
            "username": USER,
            "password": PASSWORD,
            "max-messages": 3,
            "concatenation": "true",
        },
    )
    return "\n".join("".join(f'{name} = "{value}"\n' for name, value in group.items()) for group in groups)


def _is_online(admin_port: int) -> Callable[[], bool]:
    """Ask whether the connection to the carrier is up."""

    def ask() -> bool:
        status = fetch(admin_port, f"/status.txt?password={PASSWORD}")
        return status is not None and b"(online" in status

    return ask


def _listens(port: int) -> Callable[[], bool]:
    """Ask whether anybody takes connections there."""

    def ask() -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return ask
