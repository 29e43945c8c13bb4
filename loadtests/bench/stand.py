"""The product as it is measured: its real processes, on stores of their own, with the settings of the demonstration.

The registry and its store stand for a whole run. Each measure gets a new queue store, a new gateway and, where it needs
them, a new carrier and worker: no backlog, file or cache of one measure can weigh on the next.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests import parts
from loadtests.children import Ground, answers, pings
from loadtests.company import TENANT, Company
from loadtests.ports import free_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A Valkey server."""

    pid: int
    socket: Path

    @property
    def url(self) -> str:
        """Where the product finds it."""
        return f"unix://{self.socket}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The registry with the bench company in it."""

    pid: int
    store: Store
    tenant_key: str
    #: By user id.
    user_keys: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A carrier emulator."""

    pid: int
    port: int
    ledger: Path
    #: Signs its receipts.
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway on a queue store of its own."""

    port: int
    admin_port: int
    #: Name to process id: the gateway and what it stands on.
    watched: Mapping[str, int]
    #: Settings that its worker shares.
    settings: Mapping[str, str]


@contextlib.contextmanager
def store(ground: Ground, name: str, *, fsync: str) -> Iterator[Store]:
    """Run a Valkey server; fsync as in appendfsync."""
    folder, path = ground.new_folder(name), ground.sockets / name
    with ground.running(name, parts.store_command(folder, path, fsync=fsync), pings(path)) as pid:
        yield Store(pid=pid, socket=path)


@contextlib.contextmanager
def registry(ground: Ground, company: Company) -> Iterator[Registry]:
    """Run a registry on a store of its own, and import the company."""
    folder = ground.new_folder("registry-data")
    admin_port = free_port()
    with store(ground, "registry-store", fsync="everysec") as its_store:
        settings = parts.registry_settings(folder, its_store.url, port=free_port(), admin_port=admin_port)
        with ground.running("registry", parts.SERVE_REGISTRY, answers(admin_port, "/readyz"), settings) as pid:
            keys = parts.import_company(ground, company, folder, settings)
            yield Registry(pid=pid, store=its_store, tenant_key=keys.tenants[TENANT], user_keys=keys.users)


@contextlib.contextmanager
def carrier(ground: Ground) -> Iterator[Carrier]:
    """Run a carrier emulator that behaves."""
    port, ledger = free_port(), ground.new_folder("carrier-data") / "ledger.ndjson"
    secret = parts.new_secret()
    with ground.running("carrier", parts.carrier_command(port, secret, ledger), answers(port, "/healthz")) as pid:
        yield Carrier(pid=pid, port=port, ledger=ledger, secret=secret)


@contextlib.contextmanager
def gateway(ground: Ground, registry: Registry, carrier: Carrier | None = None) -> Iterator[Gateway]:
    """Run a gateway on an empty queue store."""
    port, admin_port = free_port(), free_port()
    with store(ground, "queue-store", fsync="always") as queue:
        settings = parts.gateway_settings(
            queue_url=queue.url, registry_url=registry.store.url, port=port, admin_port=admin_port
        )
        if carrier is not None:
            settings |= parts.carrier_settings(carrier.port, carrier.secret)
        with ground.running("gateway", parts.SERVE_GATEWAY, answers(admin_port, "/readyz"), settings) as pid:
            watched = {
                "gateway": pid,
                "queue store": queue.pid,
                "registry store": registry.store.pid,
                "registry": registry.pid,
            }
            yield Gateway(port=port, admin_port=admin_port, watched=watched, settings=settings)


@contextlib.contextmanager
def worker(ground: Ground, gateway: Gateway, *, batch: int, window: int) -> Iterator[int]:
    """Run a worker on the gateway's stores; yields its process id as soon as it is ready.

    batch: messages in one request to the carrier; window: messages under way to it at once.
    """
    admin_port = free_port()
    settings = {
        **gateway.settings,
        "A2P_WORKER_ADMIN_PORT": str(admin_port),
        "A2P_CARRIER_BATCH": str(batch),
        "A2P_CARRIER_WINDOW": str(window),
    }
    with ground.running("worker", parts.SERVE_WORKER, answers(admin_port, "/readyz"), settings) as pid:
        yield pid
