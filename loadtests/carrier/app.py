"""Puts the emulator together. Only this file knows every part.

running() starts the parts and stops them in reverse: first no more requests, then no more receipts, then the ledger is
brought to the disk.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass

from aiohttp import web

from loadtests.carrier.behaviours import Behaviour, receipt_plans
from loadtests.carrier.desk import Desk
from loadtests.carrier.director import Director
from loadtests.carrier.inbound import Inbound
from loadtests.carrier.ledger import Ledger
from loadtests.carrier.magic import magic_table
from loadtests.carrier.messages import Messages
from loadtests.carrier.receipts import ReceiptSender
from loadtests.carrier.routes import Routes
from loadtests.carrier.scenario import Scenario, load_scenario, read_scenario
from loadtests.carrier.settings import Settings
from loadtests.carrier.submit import Submissions

_SHUTDOWN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A carrier emulator that runs."""

    #: Such as http://127.0.0.1:8082.
    url: str
    #: Set it to make the emulator stop; set by itself if a part of it crashed.
    stopping: asyncio.Event


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Carrier]:
    """Start a carrier emulator, and stop it at the end.

    Raises:
        BadSettingsError, BadScenarioError: it cannot start so.
        OSError: the port is taken, or the ledger cannot be opened.
    """
    settings.check()
    stopping = asyncio.Event()
    plans = receipt_plans(delay_ms=settings.receipt_delay_ms, late_ms=settings.receipt_late_ms)
    magic = magic_table(plans, slow_ms=settings.slow_ms)
    director = Director(
        magic=magic, usual=Behaviour(receipts=plans["delivered"]), seed=settings.seed, clock=time.monotonic
    )
    scenario = Scenario()
    if settings.scenario is not None:
        scenario = load_scenario(settings.scenario, plans, slow_ms=settings.slow_ms)
    with contextlib.closing(Ledger(settings.ledger)) as ledger:
        messages = Messages(settings.remembered_max)
        sender = ReceiptSender(settings, ledger, messages)
        desk = Desk(
            director=director, ledger=ledger, messages=messages, sender=sender, deduplicate=settings.deduplicate
        )
        submissions = Submissions(
            desk=desk,
            ledger=ledger,
            messages=messages,
            sender=sender,
            token=settings.token,
            hang_s=settings.hang_s,
            stopping=stopping,
        )
        inbound = Inbound(settings, ledger, messages, submissions)
        routes = Routes(
            director=director,
            ledger=ledger,
            messages=messages,
            sender=sender,
            submissions=submissions,
            inbound=inbound,
            magic=magic,
            read_scenario=lambda data: read_scenario(data, plans, slow_ms=settings.slow_ms),
        )
        ledger.append([{"event": "started", "at_ns": time.time_ns(), "seed": settings.seed}])
        routes.use(scenario)
        sending = _sending(sender.run(), stopping), _sending(inbound.run(), stopping)
        async with sending[0], sending[1], _serving(routes.application(), settings, stopping) as url:
            yield Carrier(url=url, stopping=stopping)
        ledger.append([{"event": "stopped", "at_ns": time.time_ns(), "receipts_waiting": sender.waiting}])


@contextlib.asynccontextmanager
async def _sending(sending: Coroutine[None, None, None], stopping: asyncio.Event) -> AsyncIterator[None]:
    """Send receipts, or texts, meanwhile. If sending crashes, stop the emulator and raise at the end."""
    task = asyncio.create_task(sending)
    task.add_done_callback(lambda _: stopping.set())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def _serving(application: web.Application, settings: Settings, stopping: asyncio.Event) -> AsyncIterator[str]:
    """Serve HTTP meanwhile; yields the address. At the end answers that are silent on purpose are broken off."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        port = runner.addresses[0][1]
        yield f"http://{settings.host}:{port}"
    finally:
        stopping.set()
        await runner.cleanup()
