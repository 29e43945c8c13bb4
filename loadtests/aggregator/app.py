"""Puts the emulator together. Only this file knows every part."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from loadtests.aggregator.book import Book
from loadtests.aggregator.calls import Calls
from loadtests.aggregator.control import Control
from loadtests.aggregator.hooks import Hooks
from loadtests.aggregator.rules import Rules
from loadtests.aggregator.settings import Settings

_SHUTDOWN_S = 2.0
_BODY_BYTES_MAX = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregator:
    """An aggregator emulator that runs."""

    #: Such as http://127.0.0.1:8084.
    url: str
    #: Set it to make the emulator stop.
    stopping: asyncio.Event
    #: For tests in the same process: what is true, and what it does wrong.
    book: Book
    rules: Rules
    hooks: Hooks
    calls: Calls


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Aggregator]:
    """Start an aggregator emulator, and stop it at the end.

    Raises:
        BadSettingsError: it cannot start so.
        OSError: the port is taken, or the state file cannot be opened.
    """
    settings.check()
    stopping, rules, hooks = asyncio.Event(), Rules(settings.seed), Hooks(settings)
    await hooks.start()
    try:
        with contextlib.closing(Book(settings, hooks.tell)) as book:
            calls = Calls(settings, book, rules, stopping)
            control = Control(book=book, rules=rules, hooks=hooks, calls=calls)
            application = web.Application(client_max_size=_BODY_BYTES_MAX)
            application.add_routes([*calls.routes(), *control.routes()])
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_S)
            await runner.setup()
            try:
                await web.TCPSite(runner, settings.host, settings.port).start()
                url = f"http://{settings.host}:{runner.addresses[0][1]}"
                yield Aggregator(url=url, stopping=stopping, book=book, rules=rules, hooks=hooks, calls=calls)
            finally:
                stopping.set()
                await runner.cleanup()
    finally:
        await hooks.finish()
