import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from aiohttp import web
from click.testing import Result
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from gateway.__main__ import app
from loadtests.ports import free_port
from metrics.admin import admin_app, serve_admin
from metrics.registry import RegistryMetrics
from metrics.worker import WorkerMetrics
from tests.gateway.commands.gateways import a_gateway
from tests.valkey import Valkey

LANES = ("emulator/bulk", "emulator/p2p")


async def status(*options: str | Path) -> Result:
    """Run the command beside the processes, which live in this thread's loop."""
    words = ["status", *(str(option) for option in options)]
    return await asyncio.to_thread(CliRunner().invoke, app, words, catch_exceptions=False)


class Workers:
    """Admin ports as workers have them, with real instruments that a test sets."""

    def __init__(self, stack: contextlib.AsyncExitStack) -> None:
        self._stack = stack

    async def start(self, *, not_ready: str | None = None) -> tuple[str, WorkerMetrics]:
        """Start one; returns its address and its instruments."""
        registry = CollectorRegistry()
        metrics = WorkerMetrics(registry, carriers=["emulator"], lanes=LANES, outcomes=[], statuses=[], reasons=[])
        port = await self._stack.enter_async_context(
            serve_admin(admin_app(registry, lambda: not_ready), "127.0.0.1", 0)
        )
        return f"http://127.0.0.1:{port}", metrics


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    """None yet."""
    async with contextlib.AsyncExitStack() as stack:
        yield Workers(stack)


async def test_a_whole_instance_by_its_demo_json(valkey: Valkey, workers: Workers, tmp_path: Path):
    """Where nothing is wrong: exit status 0, with what each process says."""
    worker, metrics = await workers.start()
    metrics.owned(4)
    metrics.conservation(accepted=12, terminal=9, open=3, difference=0)
    metrics.lane_depth("emulator/p2p", 3, 1.5)
    metrics.doubt("query")
    instruments = CollectorRegistry()
    RegistryMetrics(instruments).outbox_lag(2)
    async with a_gateway(valkey) as live, serve_admin(admin_app(instruments, lambda: None), "127.0.0.1", 0) as port:
        urls = {
            "gateway_admin": live.admin_url,
            "worker_admin": worker,
            "registry_admin": f"http://127.0.0.1:{port}",
        }
        (tmp_path / "demo.json").write_bytes(orjson.dumps({"urls": urls}))
        shown = await status("--data-dir", tmp_path)
        told = await status("--data-dir", tmp_path, "--json")

    assert (shown.exit_code, told.exit_code) == (0, 0), shown.output
    assert all(url in shown.stdout for url in urls.values())
    assert "1 query" in shown.stdout
    health = orjson.loads(told.stdout)
    assert [(one["kind"], one["is_alive"], one["is_ready"]) for one in health["processes"]] == [
        (kind, True, True) for kind in ("gateway", "worker", "registry")
    ]
    assert 0 <= health["registry_age_s"] < 3
    assert (health["outbox_lag"], health["owned_partitions"], health["doubts"]["query"]) == (2, 4, 1)
    assert (health["accepted"], health["terminal"], health["open"], health["difference"]) == (12, 9, 3, 0)
    assert {"name": "emulator/p2p", "messages": 3, "oldest_s": 1.5} in health["lanes"]


async def test_a_lost_message_is_shown(workers: Workers):
    """Accepted and neither ended nor open: exit status 1, though every process is ready."""
    worker, metrics = await workers.start()
    metrics.conservation(accepted=12, terminal=9, open=2, difference=1)

    assert (await status("--worker-admin", worker)).exit_code == 1


async def test_several_workers_are_one(workers: Workers):
    """What they own adds up; what they say about the store is the same thing twice, and the worst of it counts."""
    first, second = await workers.start(), await workers.start()
    for place, (_, metrics) in enumerate((first, second), 1):
        metrics.owned(place)
        metrics.lane_depth("emulator/p2p", 10 * place, float(place))
        metrics.conservation(accepted=12, terminal=9, open=3, difference=1 - place)

    result = await status("--worker-admin", first[0], "--worker-admin", second[0], "--json")

    health = orjson.loads(result.stdout)
    assert result.exit_code == 1
    assert (health["owned_partitions"], health["accepted"], health["difference"]) == (3, 12, -1)
    assert {"name": "emulator/p2p", "messages": 30, "oldest_s": 2.0} in health["lanes"]


async def test_a_process_that_is_not_ready_says_why(workers: Workers):
    """Alive, but given no work: exit status 1."""
    worker, _ = await workers.start(not_ready="queue_unavailable")

    result = await status("--worker-admin", worker)

    assert result.exit_code == 1
    assert "not ready" in result.stdout
    assert "queue_unavailable" in result.stdout


async def test_a_process_that_is_down(workers: Workers):
    """The others are shown all the same; what nobody says is not known."""
    worker, _ = await workers.start()

    result = await status("--worker-admin", worker, "--gateway-admin", f"http://127.0.0.1:{free_port()}")

    assert result.exit_code == 1
    assert "down" in result.stdout
    assert worker in result.stdout
    assert "not known" in result.stdout


async def test_something_else_at_the_address():
    """It answers, but with no metrics: that is not a process of ours, and not well."""
    other = web.Application()
    other.router.add_get("/{path:.*}", _page)
    async with serve_admin(other, "127.0.0.1", 0) as port:
        result = await status("--gateway-admin", f"http://127.0.0.1:{port}", "--json")

    assert result.exit_code == 1
    assert [one["reason"] for one in orjson.loads(result.stdout)["processes"]] == ["metrics_unreadable"]


async def _page(_: web.Request) -> web.Response:
    return web.Response(text="<html>Welcome!</html>")


@pytest.mark.parametrize("content", [None, "nothing", "{}", '{"urls": {"gateway_admin": "http://127.0.0.1:1"}}'])
async def test_it_is_not_known_where_to_look(tmp_path: Path, content: str | None):
    """Exit status 2."""
    if content is not None:
        (tmp_path / "demo.json").write_text(content)

    result = await status("--data-dir", tmp_path)

    assert result.exit_code == 2
    assert "demo.json" in result.stderr


async def test_an_address_that_is_none():
    """Exit status 2, and nothing is asked."""
    assert (await status("--gateway-admin", "127.0.0.1:8090")).exit_code == 2
