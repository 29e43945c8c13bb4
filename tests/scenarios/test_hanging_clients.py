"""A thousand clients that hold connections and give nothing for them, and good ones beside them."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from loadtests.overload import flood, hanging
from tests.gateway.edge.raw import metric
from tests.gateway.running_edge import Edge, a_body, running_edge, secret
from tests.scenarios.machine import QUIET_CORES, clocks, foreign_since

ROOT = Path(__file__).parents[2]
BAD = 1_000
#: Good clients: connections, and sends a second; far from what the gateway can do.
CONNECTIONS, RATE = 16, 100
#: Longest that good clients' p99 may be, in milliseconds: twice what it is without bad ones, and what it takes to look
#: after them. Whoever waited for a bad one would wait for seconds. Where others use the machine, nothing can be said.
FACTOR, BESIDE_MS, ROUNDS = 2.0, 250.0, 2


async def sent(edge: Edge, seconds: float) -> flood.Report:
    """Have good clients send for some seconds."""
    order = flood.Order(
        port=edge.gateway.port,
        keys=[secret("ann")],
        body=orjson.dumps(a_body()).decode(),
        connections=CONNECTIONS,
        seconds=seconds,
        rate=RATE,
    )
    command = (sys.executable, "-m", "loadtests.overload.flood")
    child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=-1, stdout=-1)
    said, _ = await child.communicate(order.dump())
    assert child.returncode == 0
    return flood.Report.load(said)


@contextlib.asynccontextmanager
async def hanging_on(edge: Edge, reports: list[hanging.Report]) -> AsyncIterator[int]:
    """Have bad clients hang on; yields their process. What became of them goes into reports."""
    command = (sys.executable, "-m", "loadtests.overload.hanging")
    child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=-1, stdout=-1)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(hanging.Order(port=edge.gateway.port, connections=BAD, key=secret("bob")).dump())
        async with asyncio.timeout(60):
            assert await child.stdout.readline() == b"ready\n"
        yield child.pid
    finally:
        child.stdin.close()
        said = await child.stdout.read()
        await child.wait()
        assert child.returncode == 0
        reports.append(hanging.Report.load(said))


async def until_few(edge: Edge) -> None:
    """Wait until the bad ones are gone."""
    async with asyncio.timeout(20):
        while await metric(edge, "gateway_connections_open") > CONNECTIONS:  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(0.05)


async def test_good_clients_do_not_notice_them():
    """All good ones are answered, in about the time that it takes without the bad ones; these are closed by and by.

    The bad ones say nothing, a head or a body byte by byte, half a body, or read no answer; and come again.
    """
    reports: list[hanging.Report] = []
    patient = {"answer_timeout_s": 4, "shed_wait_s": 20}  # A busy machine alone is no reason to turn anybody away.
    async with running_edge(max_connections_per_peer=2_000, **patient) as edge:
        good = 0
        for _ in range(ROUNDS):
            alone = await sent(edge, 4)
            async with hanging_on(edge, reports) as pid:
                before = clocks(edge, pid)
                beside = await sent(edge, 10)
                others = foreign_since(edge, before, pid)
                assert await metric(edge, "gateway_connections_open") > BAD // 2
            await until_few(edge)
            print(f"alone {alone.accepted_ms}, beside {BAD} {beside.accepted_ms}, others took {others:.2f} cores")
            assert alone.statuses == {"202": alone.sent}
            assert beside.statuses == {"202": beside.sent}
            good += alone.sent + beside.sent
            if others > QUIET_CORES or beside.accepted_ms.p99 <= FACTOR * alone.accepted_ms.p99 + BESIDE_MS:
                break
        else:
            pytest.fail("good clients waited for bad ones")
        assert (await edge.tally()).accepted == good
        phases = ("connect", "head", "body", "answer")
        timeouts = {phase: await metric(edge, f'gateway_timeouts_total{{phase="{phase}"}}') for phase in phases}

    print(f"closed {reports[0].closed}, {timeouts}")
    assert min(timeouts.values()) >= BAD / 10, timeouts
    assert set(reports[0].statuses) <= {"200", "408"}
    assert reports[0].statuses["408"] >= BAD / 5
