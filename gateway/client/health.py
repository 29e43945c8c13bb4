"""How the processes of an instance are, as their admin ports say it: /readyz and /metrics, put together.

Not here: what the metrics mean in full (metrics/), and what is done about them.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT: Final = aiohttp.ClientTimeout(total=5)
_UNREADABLE: Final = "metrics_unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a process can be asked."""

    #: gateway, worker or registry.
    kind: str
    #: Of its admin port.
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """How a process is."""

    kind: str
    url: str
    is_alive: bool
    is_ready: bool
    #: Why it is not ready, or does not answer: one word; "" when it is ready.
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What waits in a lane, in all workers together."""

    name: str
    messages: int
    #: Age of the oldest in seconds.
    oldest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """An instance at a glance; None stands for what no process that answers says."""

    processes: Sequence[Process]
    #: Age of the facts of the gateway that has the oldest; infinite before the first.
    registry_age_s: float | None
    #: Changes in SQL that are not in the registry store yet.
    outbox_lag: int | None
    owned_partitions: int | None
    #: The queue store's own counts; difference = accepted - terminal - open.
    accepted: int | None
    terminal: int | None
    open: int | None
    difference: int | None
    #: Attempts whose answer was lost, by what was done about it.
    doubts: Mapping[str, int]
    lanes: Sequence[Lane]

    @property
    def is_well(self) -> bool:
        """Whether every process is ready and no message is missing or counted twice."""
        return all(process.is_ready for process in self.processes) and not self.difference


class _Samples:
    """All samples of some processes of one kind."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._samples = [sample for text in texts for sample in _parsed(text)]

    def of(self, name: str) -> list[float]:
        """Return the values of a metric, of every process and label."""
        return [value for found, _, value in self._samples if found == name]

    def by(self, name: str, label: str) -> dict[str, list[float]]:
        """Return the values of a metric by a label."""
        values: dict[str, list[float]] = {}
        for found, labels, value in self._samples:
            if found == name:
                values.setdefault(labels.get(label, ""), []).append(value)
        return values

    def highest(self, name: str) -> int | None:
        """Return the highest value, of what all processes say about the same thing."""
        return max(map(int, self.of(name)), default=None)


def _parsed(text: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


async def look(addresses: Sequence[Address]) -> Health:
    """Ask every process, side by side. Never raises for one that does not answer: that is news."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        seen = await asyncio.gather(*(_look_at(session, address) for address in addresses))
    return _health(seen)


async def _look_at(session: aiohttp.ClientSession, address: Address) -> tuple[Process, str]:
    def process(*, is_alive: bool, is_ready: bool, reason: str) -> Process:
        return Process(kind=address.kind, url=address.url, is_alive=is_alive, is_ready=is_ready, reason=reason)

    try:
        status, said = await _get(session, f"{address.url}/readyz")
    except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
        return process(is_alive=False, is_ready=False, reason="no_answer"), ""
    is_ready = status == HTTPStatus.OK
    try:
        status, metrics = await _get(session, f"{address.url}/metrics")
        list(_parsed(metrics))
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return process(is_alive=True, is_ready=False, reason=_UNREADABLE), ""
    return process(is_alive=True, is_ready=is_ready, reason="" if is_ready else said.strip()[:80]), metrics


async def _get(session: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    async with session.get(url) as response:
        return response.status, await response.text()


def _health(seen: Sequence[tuple[Process, str]]) -> Health:
    def samples(kind: str) -> _Samples:
        return _Samples(metrics for process, metrics in seen if process.kind == kind)

    gateways, workers, registries = samples("gateway"), samples("worker"), samples("registry")
    owned = workers.of("worker_owned_partitions")
    oldest = workers.by("worker_lane_oldest_seconds", "lane")
    return Health(
        processes=[process for process, _ in seen],
        registry_age_s=max(gateways.of("gateway_registry_age_seconds"), default=None),
        outbox_lag=registries.highest("registry_outbox_lag_changes"),
        owned_partitions=int(sum(owned)) if owned else None,
        accepted=workers.highest("worker_queue_accepted_messages"),
        terminal=workers.highest("worker_queue_terminal_messages"),
        open=workers.highest("worker_queue_open_messages"),
        difference=max(map(int, workers.of("worker_queue_difference_messages")), key=abs, default=None),
        doubts={word: int(sum(values)) for word, values in workers.by("worker_doubts_total", "resolution").items()},
        lanes=[
            Lane(name=name, messages=int(sum(values)), oldest_s=max(oldest.get(name, [0.0])))
            for name, values in workers.by("worker_lane_messages", "lane").items()
        ],
    )
