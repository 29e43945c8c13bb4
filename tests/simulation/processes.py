"""The product's processes as they run in a world: the real pipeline, worker, projector and near cache, on ports.

Not here: who starts, stops and kills them (world.py).
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple
from unittest.mock import patch

from prometheus_client import CollectorRegistry

from compliance import Code, Verdict
from compliance.policy import Policy
from gateway.app import ROUTES
from gateway.edge.keys import Principal
from gateway.edge.receipts import RECEIPT_WORDS
from gateway.edge.wire import Draft
from gateway.envelope import Channel
from gateway.errors import Problem
from gateway.near.cache import NearCache
from gateway.problems import PROBLEMS
from gateway.queue.commit import GroupCommit
from gateway.send.gather import Gatherer
from gateway.send.pipeline import Pipeline, Result
from gateway.work.worker import Worker
from gateway.work.worker_options import WorkerOptions
from gateway.worker_app import worker_metrics
from metrics.gateway import GatewayMetrics
from metrics.near import NearMetrics
from metrics.registry import RegistryMetrics
from metrics.worker import WorkerMetrics
from registry import projector
from registry.store import RegistryStore
from tests.simulation import registry_ports
from tests.simulation.carrier_model import CARRIER, CarrierPort
from tests.simulation.loop import Process, current_process
from tests.simulation.network import Server
from tests.simulation.queue_port import QueuePort
from tests.simulation.registry_ports import RedisPort, SourcePort, SqlPort

#: Few numbers in memory, so that they are read again now and then.
_NUMBERS: Final = 2
#: The projector hears of every commit here; it looks by itself less often than in production, for runs are many.
_POLL_S: Final = 0.45


class Instruments(NamedTuple):
    """What all processes of all runs count into: nobody looks, and making them costs more than a run."""

    gateway: GatewayMetrics
    worker: WorkerMetrics
    near: NearMetrics
    registry: RegistryMetrics


@cache
def instruments() -> Instruments:
    """Make the instruments, once."""
    registry = CollectorRegistry()
    gateway = GatewayMetrics(
        registry,
        channels=list(Channel),
        verdicts=list(Verdict),
        reasons=list(Code),
        input_codes=list(PROBLEMS),
        folded=RECEIPT_WORDS,
        routes=ROUTES,
    )
    worker = worker_metrics(registry, [CARRIER])
    return Instruments(gateway, worker, NearMetrics(registry, "gateway"), RegistryMetrics(CollectorRegistry()))


class Judge(NamedTuple):
    """What gateways and workers judge by."""

    policy: Policy
    now: Callable[[], datetime]


class Gateway(Server):
    """A gateway process: an address that may answer, and the pipeline behind it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.up = False
        self._process: Process | None = None
        self._pipeline: Pipeline | None = None

    def send(self, principal: Principal, draft: Draft) -> "asyncio.Future[Result | Problem]":
        """Take a request: a task of the process that serves at the moment."""
        assert self._process is not None
        assert self._pipeline is not None
        return self._process.start(self._send(self._pipeline, principal, draft))

    async def _send(self, pipeline: Pipeline, principal: Principal, draft: Draft) -> Result | Problem:
        (result,) = await pipeline.send(((principal, draft),))
        return result

    async def run(self, queue: QueuePort, source: SourcePort, judge: Judge, stopping: asyncio.Event) -> None:
        """Serve until told to stop."""
        async with contextlib.AsyncExitStack() as stack:
            near = NearCache(source, instruments().near, process=self.name, most_numbers=_NUMBERS)
            await stack.enter_async_context(near)
            commit = await stack.enter_async_context(GroupCommit(queue))
            self._process = current_process()
            self._pipeline = Pipeline(
                gatherer=Gatherer(near, queue, judge.policy, judge.now),
                queue=queue,
                commit=commit,
                policy=judge.policy,
                metrics=instruments().gateway,
                process=self.name,
            )
            self.restart()
            await stopping.wait()
            self.crash()


async def work(
    name: str,
    queue: QueuePort,
    source: SourcePort,
    carrier: CarrierPort,
    judge: Judge,
    options: WorkerOptions,
    stopping: asyncio.Event,
    chance: random.Random,
) -> None:
    """Be a worker process until told to stop."""
    async with NearCache(source, instruments().near, process=name, most_numbers=_NUMBERS) as near:
        worker = Worker(
            queue=queue,
            connectors=[carrier],
            recheck=Gatherer(near, queue, judge.policy, judge.now),
            options=options,
            metrics=instruments().worker,
            rng=chance,
        )
        await worker.run(stopping)


async def project(client: RedisPort, sql: SqlPort, stopping: asyncio.Event) -> None:
    """Be the projector until told to stop."""
    running = asyncio.create_task(projector.Projector(sql, RegistryStore(client), instruments().registry).run())  # type: ignore[arg-type] # stand-ins
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        running.cancel()
        stopped.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


@contextlib.contextmanager
def sql_replaced() -> "contextlib.AbstractContextManager[None]":  # type: ignore[misc] # a generator
    """Have the projector read the model of SQL."""
    with contextlib.ExitStack() as stack:
        for name, stand_in in (
            ("read_position", registry_ports.read_position),
            ("_read_batch", registry_ports.read_batch),
            ("new_epoch", registry_ports.new_epoch),
            ("render_all", registry_ports.render_all),
            ("_POLL_S", _POLL_S),
        ):
            stack.enter_context(patch.object(projector, name, stand_in))
        yield
