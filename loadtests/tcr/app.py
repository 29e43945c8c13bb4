"""Puts the emulator together. Only this file knows every part.

running() starts the parts and stops them in reverse: first no more requests, then nothing happens any more, then no
more webhooks; what is known was written before each answer.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from loadtests.tcr import words
from loadtests.tcr.api import Api
from loadtests.tcr.book import Book
from loadtests.tcr.company import know
from loadtests.tcr.control import Control
from loadtests.tcr.faults import Faults
from loadtests.tcr.hooks import Hooks
from loadtests.tcr.limits import Limits
from loadtests.tcr.requests import Requests
from loadtests.tcr.reviews import Reviews
from loadtests.tcr.settings import Settings

_SHUTDOWN_S: Final = 2.0
_TICK_S: Final = 0.01
_BODY_BYTES_MAX: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Tcr:
    """A TCR emulator that runs."""

    #: Such as http://127.0.0.1:8083.
    url: str
    #: Set it to make the emulator stop; set by itself if a part of it crashed.
    stopping: asyncio.Event


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Tcr]:
    """Start a TCR emulator, and stop it at the end.

    Raises:
        BadSettingsError, BadStateError, BadCompanyError: it cannot start so.
        OSError: the port is taken, or the state cannot be read or written.
    """
    settings.check()
    stopping = asyncio.Event()
    book = Book(settings.state, settings.seed)
    if settings.company is not None:
        know(book, settings.company)
    if settings.hook_url:
        book.subscriptions |= dict.fromkeys(words.CATEGORIES, settings.hook_url)
    book.save()
    async with Hooks(settings, book) as hooks:
        reviews = Reviews(book, hooks, settings.pace)
        faults = Faults()
        limits = Limits(reads_per_s=settings.reads_per_s, writes_per_10s=settings.writes_per_10s)
        requests = Requests(settings, book, faults, limits, stopping)
        application = web.Application(middlewares=[requests.middleware()], client_max_size=_BODY_BYTES_MAX)
        control = Control(book=book, reviews=reviews, hooks=hooks, faults=faults, requests=requests)
        application.add_routes(
            [
                web.get("/", _about),
                web.get("/healthz", _health),
                *Api(book, reviews, hooks).routes(),
                *control.routes(),
            ]
        )
        async with _happening(book, reviews, stopping), _serving(application, settings, stopping) as url:
            yield Tcr(url=url, stopping=stopping)


@contextlib.asynccontextmanager
async def _happening(book: Book, reviews: Reviews, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Let things happen meanwhile. If that crashes, stop the emulator and raise at the end."""
    task = asyncio.create_task(_happen(book, reviews))
    task.add_done_callback(lambda _: stopping.set())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _happen(book: Book, reviews: Reviews) -> None:
    while True:
        if reviews.do_due():
            book.save()
        await asyncio.sleep(_TICK_S)


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


async def _about(_: web.Request) -> web.Response:
    return web.json_response({"service": "TCR emulator", "api": "/v2", "control": "/_control"})


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
