"""The product on one machine, each process of which can be killed, frozen and started again.

Two Valkeys, a registry, a carrier emulator, gateways that share a port, workers that share the partitions; all with
data and ports of their own. What ends by itself is started again, as any service manager does, and counted.

Not here: when what is done to whom (nemesis.py).
"""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from loadtests import parts
from loadtests.children import ChildError, Ground, Process, answers, ground, pings
from loadtests.company import Company, make_company
from loadtests.ports import free_port

#: What can be done something to; each has one process or several.
ROLES: Final = ("queue-store", "registry-store", "registry", "carrier", "gateway", "worker")
#: Settings that make waits short: how long a killed worker's work waits, and when a carrier's silence is a doubt.
_QUICK: Final = {
    "A2P_LEASE_MS": "1500",
    "A2P_CARRIER_TIMEOUT_S": "1.0",
    "A2P_RECEIPT_WINDOW_S": "5",
    "A2P_CARRIER_WINDOW": "32",
}
_CARRIER_OPTIONS: Final = ("--receipt-attempts", "5", "--token", "carrier-secret")
_LOOK_S: Final = 0.05
_READY_S: Final = 90.0
_END_S: Final = 60.0


@dataclass(slots=True)
class Part:
    """One process that is to run, but for the moments in which somebody wants it down."""

    name: str
    role: str
    process: Process
    ready: Callable[[], bool]
    #: False while it is to stay down.
    wanted: bool = False


class Stand:
    """The running product."""

    def __init__(
        self,
        place: Ground,
        *,
        port: int,
        carrier_port: int,
        settings: Mapping[str, str],
        registry: Mapping[str, str] | None = None,
    ) -> None:
        """settings: of gateways and workers, beside or instead of the quick ones; registry: of registries, beside."""
        self.place = place
        #: Where clients come in.
        self.port = port
        self.carrier_port = carrier_port
        self.parts: dict[str, Part] = {}
        #: Those that ended although nobody ended them, in order.
        self.fell: list[str] = []
        self._admin_ports: dict[str, int] = {}
        self._secret = parts.new_secret()
        self._registry_data = place.new_folder("registry-data")
        self._ours = {**_QUICK, **settings}
        self._registry = registry or {}

    def add(
        self,
        name: str,
        role: str,
        command: Sequence[str],
        ready: Callable[[], bool],
        settings: Mapping[str, str] | None = None,
        admin_port: int = 0,
    ) -> None:
        """Take a process in, without starting it."""
        environment = {**self.place.environment, **(settings or {})}
        process = Process(name, command, environment, self.place.folder / f"{name}.log")
        self.parts[name] = Part(name=name, role=role, process=process, ready=ready)
        self._admin_ports[name] = admin_port

    def add_store(self, name: str, *, fsync: str) -> None:
        """Take in a Valkey, without starting it."""
        folder = self.place.new_folder(name)
        path = self.place.sockets / name
        self.add(name, name, parts.store_command(folder, path, fsync=fsync), pings(path))

    def add_registry(self, name: str, store_url: str | None = None) -> dict[str, str]:
        """Take in a registry on the one database, without starting it; its settings.

        store_url: how it reaches its store, if not directly.
        """
        admin_port = free_port()
        store_url = store_url or self.url("registry-store")
        settings = parts.registry_settings(self._registry_data, store_url, port=free_port(), admin_port=admin_port)
        settings |= self._registry
        self.add(name, "registry", parts.SERVE_REGISTRY, answers(admin_port, "/readyz"), settings, admin_port)
        return settings

    def add_ours(self, name: str, role: str) -> None:
        """Take in a gateway or a worker, without starting it."""
        admin_port = free_port()
        settings = {
            **parts.gateway_settings(
                queue_url=self.url("queue-store"),
                registry_url=self.url("registry-store"),
                port=self.port,
                admin_port=admin_port,
            ),
            **parts.carrier_settings(self.carrier_port, self._secret),
            "A2P_WORKER_ADMIN_PORT": str(admin_port),
            **self._ours,
        }
        command = parts.SERVE_GATEWAY if role == "gateway" else parts.SERVE_WORKER
        self.add(name, role, command, answers(admin_port, "/readyz"), settings, admin_port)

    def add_carrier(self) -> None:
        """Take in the carrier emulator, without starting it."""
        ledger = self.place.new_folder("carrier-data") / "ledger.ndjson"
        command = parts.carrier_command(self.carrier_port, self._secret, ledger, *_CARRIER_OPTIONS)
        self.add("carrier", "carrier", command, answers(self.carrier_port, "/healthz"))

    def of(self, role: str) -> list[str]:
        """Name the processes of a role."""
        return [part.name for part in self.parts.values() if part.role == role]

    def admin_port(self, name: str) -> int:
        """Return where a process tells its health."""
        return self._admin_ports[name]

    def start(self, name: str, extra: Mapping[str, str] | None = None, *, wanted: bool = True) -> None:
        """Start a process that is down, with some settings for this once; does not wait for it.

        wanted: whether tend() is to start it again when it ends by itself.
        """
        part = self.parts[name]
        part.wanted = wanted
        part.process.start(extra)

    def kill(self, name: str) -> None:
        """End a process as a crash would; it stays down."""
        part = self.parts[name]
        part.wanted = False
        part.process.kill()

    def terminate(self, name: str) -> None:
        """Ask a process to end; it stays down then."""
        part = self.parts[name]
        part.wanted = False
        part.process.signal(signal.SIGTERM)

    def wait_ready(self, name: str) -> None:
        """Wait until a process does its work; ChildError when it does not come up."""
        self.parts[name].process.wait_ready(self.parts[name].ready, _READY_S)

    def remove(self, name: str) -> int:
        """Forget a process that was asked to end, once it has; its status."""
        return self.parts.pop(name).process.wait(_END_S)

    def ended(self, name: str) -> bool:
        """Say whether a process has ended."""
        return self.parts[name].process.status is not None

    def tend(self) -> None:
        """Start again what ended by itself."""
        for part in self.parts.values():
            if part.wanted and part.process.status is not None:
                self.fell.append(part.name)
                self.start(part.name)

    def heal(self) -> None:
        """Thaw and start everything, and wait until all is ready; ChildError when it is not."""
        for part in self.parts.values():
            part.process.thaw()
            if part.process.status is not None:
                self.start(part.name)
        deadline = time.monotonic() + _READY_S
        # All in one look: a gateway that was ready is not, while the registry that it waits for comes up.
        while waiting := [part for part in self.parts.values() if not part.ready()]:
            self.tend()
            if time.monotonic() > deadline:
                part = waiting[0]
                raise ChildError(f"{part.name} was not ready within {_READY_S:.0f} s: {part.process.last_words()}")
            time.sleep(_LOOK_S)

    def url(self, store: str) -> str:
        """Return where a store is."""
        return f"unix://{self.place.sockets / store}"

    def close(self) -> None:
        """End everything, the last first."""
        for part in reversed(self.parts.values()):
            part.wanted = False
            part.process.end()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A stand with a company in it."""

    stand: Stand
    company: Company
    keys: parts.Keys


@contextlib.contextmanager
def standing(
    environment: Mapping[str, str],
    *,
    gateways: int = 2,
    workers: int = 2,
    settings: Mapping[str, str] | None = None,
    company: Company | None = None,
    registry: Mapping[str, str] | None = None,
) -> Iterator[Standing]:
    """Run the product while the block runs. ChildError when it does not start.

    environment: what children inherit. settings and registry: as Stand has them.
    """
    company = company or make_company(senders=40, contacts=40, unregistered=5)
    with ground(environment, None) as place:
        stand = Stand(place, port=free_port(), carrier_port=free_port(), settings=settings or {}, registry=registry)
        try:
            stand.add_store("queue-store", fsync="always")
            stand.add_store("registry-store", fsync="everysec")
            where = stand.add_registry("registry-1")
            stand.add_carrier()
            for role, count in (("gateway", gateways), ("worker", workers)):
                for number in range(1, count + 1):
                    stand.add_ours(f"{role}-{number}", role)
            for name in stand.parts:
                stand.start(name)
            stand.wait_ready("registry-1")
            keys = parts.import_company(place, company, place.new_folder("import"), where)
            stand.heal()
            yield Standing(stand=stand, company=company, keys=keys)
        finally:
            stand.close()
