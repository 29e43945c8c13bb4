"""A tiny server for the load tool, and a run that never took place, for what is made of runs."""

import asyncio
import contextlib

import pytest
from aiohttp import web

from loadtests.bench.load import send_load
from loadtests.bench.load_wire import Call, LoadOrder, write_calls
from loadtests.bench.results import Round, Run, Sample


class Server:
    """Answers POSTs as a test wants, and keeps what came."""

    def __init__(self):
        self.port = 0
        #: Authorization and body of every request, in order.
        self.requests = []
        #: Makes the answer to the n-th request, from 0.
        self.answer = lambda _: web.json_response({"verdict": "allow"}, status=202)

    async def post(self, request):
        """Keep a request and answer it."""
        self.requests.append((request.headers.get("Authorization"), await request.read()))
        return self.answer(len(self.requests) - 1)


@pytest.fixture
async def server():
    """Run a server on a free port."""
    server = Server()
    application = web.Application()
    application.add_routes([web.post("/v1/messages", server.post)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


@pytest.fixture
async def raw_server():
    """Return a function that starts a server which answers every request with these bytes; returns its port."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(answer):
            async def serve(reader, writer):
                with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                    while True:
                        await reader.readuntil(b"}")
                        writer.write(answer)
                        await writer.drain()
                writer.close()

            listening = await stack.enter_async_context(await asyncio.start_server(serve, "127.0.0.1", 0))
            return listening.sockets[0].getsockname()[1]

        yield start


@pytest.fixture
def load(tmp_path):
    """Return a function that sends load to a port, with an order that a test may change, and returns the report."""

    async def send(port, calls=None, **changes):
        file = tmp_path / "calls.json"
        write_calls(file, calls or [Call(key="k", body="{}")])
        usual = {
            "path": "/v1/messages",
            "content_type": "application/json",
            "messages": 1,
            "mark": "",
            "connections": 2,
            "warm_up_s": 0,
            "seconds": 20.0,
            "requests_max": 20,
            "watched": {},
        }
        return await send_load(LoadOrder(port=port, calls=str(file), **{**usual, **changes}))

    return send


def a_sample(rate=1_000.0, *, cpu_us=None, **changes):
    """Build a sample of one second with a rate."""
    return Sample(
        messages=int(rate), seconds=1.0, p50_ms=1.0, p99_ms=2.0, cpu_us=cpu_us or {}, foreign_cores=0.0, **changes
    )


def a_round(unit_us=2.0, **samples):
    """Build a round; names of measures with _ for -."""
    return Round(unit_us=unit_us, samples={name.replace("_", "-"): sample for name, sample in samples.items()})


def a_run(*rounds, warnings=(), inside=()):
    """Build a run of these rounds."""
    return Run(
        started_at="2026-11-20T15:00:00+00:00",
        machine={"cores": 2, "load_average": 0.1, "versions": {"aiohttp": "3.14.5"}},
        options={"rounds": len(rounds)},
        rounds=rounds,
        inside=inside,
        warnings=warnings,
    )


@pytest.fixture
def build():
    """Return the builders of samples, rounds and runs."""

    class Build:
        sample = staticmethod(a_sample)
        round = staticmethod(a_round)
        run = staticmethod(a_run)

    return Build
