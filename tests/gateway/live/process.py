"""A gateway in a process of its own, which a test kills and starts again on the same port.

Not here: the stores it runs on (running_edge.py).
"""

import asyncio
import subprocess
import sys
from pathlib import Path

import aiohttp

from gateway.settings import environment_for_children
from loadtests.ports import free_port
from tests.gateway.running_edge import Edge

ROOT = Path(__file__).parents[3]


class Process:
    """Another gateway on the stores of an edge."""

    def __init__(self, edge: Edge) -> None:
        self.port = free_port()
        self._environment = environment_for_children() | {
            "A2P_QUEUE_URL": edge.queue_server.url,
            "A2P_REGISTRY_URL": edge.registry_server.url,
            "A2P_PORT": str(self.port),
            "A2P_ADMIN_PORT": "0",
            "A2P_LOG_LEVEL": "error",
        }
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "gateway", "serve"]
        self._child = subprocess.Popen(command, cwd=ROOT, env=self._environment)  # noqa: ASYNC220 - it returns at once
        async with asyncio.timeout(60), aiohttp.ClientSession(self.url) as session:
            while True:
                try:
                    async with session.get("/v1/reasons"):
                        return
                except aiohttp.ClientConnectionError:
                    assert self._child.poll() is None
                    await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None
