"""A gateway in a process of its own, for tests that want to see it live through anything, and its memory stay flat.

The stores and the registry's heartbeat run in a thread of the test's process, for Hypothesis and schemathesis are not
asynchronous.
"""

import asyncio
import contextlib
import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.settings import environment_for_children
from loadtests.carrier.settings import DEVELOPMENT_SECRET
from loadtests.ports import free_port
from tests.gateway.running_edge import Answer, Edge, Tally, running_edge

ROOT = Path(__file__).parents[2]


class Process:
    """The process, a connection to it, and what its stores hold."""

    def __init__(self, loop: asyncio.AbstractEventLoop, edge: Edge, child: subprocess.Popen[bytes], port: int) -> None:
        self._loop = loop
        self._edge = edge
        self._child = child
        self.port = port
        self._connections: dict[int, http.client.HTTPConnection] = {}

    def send(self, method: str, path: str, raw: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send a request over the connection, which is made anew when it was closed."""
        return self._send(self.port, method, path, raw, headers)

    def send_inside(self, method: str, path: str, raw: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send it to the other gateway on these stores, which runs in the test's own process."""
        return self._send(self._edge.gateway.port, method, path, raw, headers)

    def _send(self, port: int, method: str, path: str, raw: bytes | None, headers: Mapping[str, str]) -> Answer:
        for attempt in range(2):
            connection = self._connections.setdefault(port, http.client.HTTPConnection("127.0.0.1", port, timeout=20))
            try:
                connection.request(method, path, raw, dict(headers))
                with connection.getresponse() as response:
                    text = response.read().decode()
                    if response.will_close:
                        self.close()
                    return Answer(response.status, {name.title(): value for name, value in response.getheaders()}, text)
            except (http.client.HTTPException, ConnectionError):
                self.close()
                if attempt:
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def tally(self) -> Tally:
        """Read what was accepted and refused so far."""
        return asyncio.run_coroutine_threadsafe(self._edge.tally(), self._loop).result(timeout=20)

    @property
    def is_alive(self) -> bool:
        """The process that was started is still there."""
        return self._child.poll() is None

    @property
    def resident_bytes(self) -> int:
        """Memory that it holds (RSS)."""
        status = Path(f"/proc/{self._child.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0]) * 1_024


@contextlib.contextmanager
def a_process(**settings: Any) -> Iterator[Process]:
    """Start stores, the company, and a gateway in a process of its own; end them all."""
    started: threading.Event = threading.Event()
    with _in_a_thread(started) as (loop, edge):
        port = free_port()
        given = {
            "queue_url": edge.queue_server.url,
            "registry_url": edge.registry_server.url,
            "port": port,
            "admin_port": free_port(),
            "carrier_receipt_secrets": f'["{DEVELOPMENT_SECRET}"]',
            "pre_stop_s": 0,
            "log_level": "error",
            **settings,
        }
        environment = environment_for_children() | {f"A2P_{name.upper()}": str(value) for name, value in given.items()}
        with subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve"],
            env=environment | {"PYTHONPATH": str(ROOT)},
        ) as child:
            process = Process(loop, edge, child, port)
            try:
                _wait_until_it_listens(port, child)
                yield process
            finally:
                process.close()
                child.terminate()


def _wait_until_it_listens(port: int, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        assert child.poll() is None, "the gateway did not start"
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/v1/problems")
            if connection.getresponse().status == 200:
                connection.close()
                return
        time.sleep(0.05)
    raise AssertionError("the gateway does not listen")


@contextlib.contextmanager
def _in_a_thread(started: threading.Event) -> Iterator[tuple[asyncio.AbstractEventLoop, Edge]]:
    """Run stores and heartbeat in a loop of another thread."""
    found: list[Any] = []
    stop = asyncio.Event()

    async def main() -> None:
        async with running_edge() as edge:
            found.extend((asyncio.get_running_loop(), edge))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert started.wait(20), "the stores did not start"
        yield found[0], found[1]
    finally:
        if found:
            found[0].call_soon_threadsafe(stop.set)
        thread.join(20)
