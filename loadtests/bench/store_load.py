"""Load for the floor of the store: ``python -m loadtests.bench.store_load`` adds entries to a stream through redis-py.

A pipeline of n XADDs is n entries in flight: the server answers them together, after one fsync. The order comes on
standard input, the report goes to standard output, both as in load_wire.py.
"""

import gc
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from redis import Redis
from redis.exceptions import RedisError

from loadtests.bench.cpu import foreign_cores, read_cpu, spent
from loadtests.bench.figures import percentile
from loadtests.bench.load import LOAD_TOOL
from loadtests.bench.load_wire import LoadReport

_STREAM = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOrder:
    """What to add, where, how long. Bounded in time and in count."""

    socket: str
    in_flight: int
    entry_bytes: int
    warm_up_s: float
    seconds: float
    #: Within the measured time; memory holds them all.
    entries_max: int
    watched: Mapping[str, int]

    def dump(self) -> bytes:
        """Write it for the child."""
        return orjson.dumps(asdict(self))

    @classmethod
    def load(cls, raw: bytes) -> "StoreOrder":
        """Read it in the child."""
        return cls(**orjson.loads(raw))


def add_entries(order: StoreOrder) -> LoadReport:
    """Add entries until the time or the count is used up; a request is a pipeline. RedisError when the store fails."""
    fields: dict[Any, Any] = {b"m": b"x" * order.entry_bytes}
    watched = {**order.watched, LOAD_TOOL: os.getpid()}
    with Redis(unix_socket_path=order.socket) as store:
        pipeline = store.pipeline(transaction=False)

        def flush() -> float:
            started = time.perf_counter()
            for _ in range(order.in_flight):
                pipeline.xadd(_STREAM, fields)
            pipeline.execute()
            return time.perf_counter() - started

        warm_until = time.perf_counter() + order.warm_up_s
        while time.perf_counter() < warm_until:
            flush()
        store.delete(_STREAM)
        took: list[float] = []
        opened = read_cpu(watched)
        until = opened.at_s + order.seconds
        while time.perf_counter() < until and len(took) * order.in_flight < order.entries_max:
            took.append(flush())
        closed = read_cpu(watched)
    took.sort()
    return LoadReport(
        requests=len(took),
        seconds=closed.at_s - opened.at_s,
        p50_ms=percentile(took, 50) * 1_000,
        p99_ms=percentile(took, 99) * 1_000,
        cpu_s=spent(opened, closed),
        foreign_cores=foreign_cores(opened, closed),
        failures=0,
        first_failure="",
    )


def main() -> int:
    """Read the order, add, report."""
    order = StoreOrder.load(sys.stdin.buffer.read())
    gc.disable()  # As the load tool does, for the same reason.
    try:
        report = add_entries(order)
    except RedisError as error:
        print(f"store load: {error}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(report.dump())
    return 0


if __name__ == "__main__":
    sys.exit(main())
