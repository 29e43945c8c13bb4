"""Puts the console together: its routes, and what has to be kept running for it.

Not here: what any of it does.
"""

import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from registry.console import oidc
from registry.console.addresses import Addresses
from registry.console.frame import Frame, Place
from registry.console.invitation import Invitations
from registry.console.live import Live
from registry.console.oidc import OidcSignIn, provider_of
from registry.console.pages import HOME
from registry.console.passwords import Passwords
from registry.console.rendering import ASSETS, Rendering
from registry.console.sessions import Sessions
from registry.console.sign_in import SignIn
from registry.console.table import DOWNLOADS, FORMS, MENU, PAGES
from registry.console.time_zone import TimeZone
from registry.database import Database
from registry.ledger.database import LedgerDatabase
from registry.people.user_tokens import TokenSigner
from registry.performing import Performing
from registry.problems import Problem
from registry.settings import Settings
from registry.store import RegistryStore
from registry.tasks import kept

_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
#: A place of the audit, as a browser says it.
_PLACE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
#: How often a page that waits for changes is told that all is well.
_BEAT_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What some pages look into, besides the views of the admin API."""

    settings: Settings
    database: Database
    ledger: LedgerDatabase
    store: RegistryStore


@contextlib.asynccontextmanager
async def console(performing: Performing, tools: Tools, signer: TokenSigner) -> AsyncIterator[list[web.RouteDef]]:
    """Run what the console needs; yields its routes."""
    settings, database = tools.settings, tools.database
    place = Place(secure=settings.console_url.startswith("https"), gateway=_origin(settings.browser_gateway_url))
    live = Live(database)
    frame = Frame(
        sessions=Sessions(database),
        performing=performing,
        rendering=Rendering({"gateway": place.gateway}),
        place=place,
        menu=MENU,
        live=live,
        tools=tools,
    )
    passwords = Passwords()
    async with contextlib.AsyncExitStack() as stack:
        provider = await stack.enter_async_context(provider_of(settings))
        ways = () if provider is None else (("Sign in with your company's account", oidc.START),)
        sign_in = SignIn(frame, database, passwords, signer, Addresses(settings.trusted_proxies), ways)
        await stack.enter_async_context(kept("console_live", live.run))
        yield [
            web.get("/console/assets/{name}", _asset, allow_head=False),
            web.get(f"{HOME}/", _home, allow_head=False),
            *sign_in.routes(),
            *TimeZone(frame, database).routes(),
            *Invitations(frame, database, passwords, sign_in).routes(),
            *(() if provider is None else OidcSignIn(frame, database, provider, sign_in).routes()),
            frame.plain("GET", "/live", _listener(frame, live)),
            *(frame.page(page) for page in PAGES),
            *(frame.form(form) for form in FORMS),
            *(frame.download(download) for download in DOWNLOADS),
        ]


def _listener(frame: Frame, live: Live) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def listen(request: web.Request) -> web.StreamResponse:
        """Tell an open page of changes (text/event-stream), until it closes or its sign-in ends."""
        person = await frame.person(request)
        if person is None:
            raise Problem("unauthenticated")
        told_at = request.headers.get("Last-Event-ID") or request.query.get("at", "")
        at = int(told_at) if _PLACE.fullmatch(told_at) else 0
        async with live.listening(person.acting_for, at) as listener:
            if listener is None or not person.sees_company:
                return web.Response(status=204)  # A browser does not come again after this.
            answer = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
            answer.content_type = "text/event-stream"
            await answer.prepare(request)
            with contextlib.suppress(ConnectionError):
                await answer.write(b"retry: 2000\n\n")
                while await frame.person(request) is not None:
                    kinds = await listener.changed(_BEAT_S)
                    told = b"event: changed\ndata: " + orjson.dumps(sorted(kinds)) if kinds else b": all is well"
                    await answer.write(b"id: %d\n%b\n\n" % (listener.at, told))
            return answer

    return listen


async def _asset(request: web.Request) -> web.StreamResponse:
    """Give a file of ours; its address changes with its bytes, so it is kept for ever."""
    file = ASSETS / request.match_info["name"]
    if file.suffix not in _TYPES or file.parent != ASSETS or not file.is_file():
        raise Problem("not_found")
    headers = {"Cache-Control": _FOR_EVER, "X-Content-Type-Options": "nosniff"}
    answer = web.Response(body=file.read_bytes(), content_type=_TYPES[file.suffix], charset="utf-8", headers=headers)
    answer.enable_compression()
    return answer


async def _home(_: web.Request) -> web.StreamResponse:
    return web.Response(status=308, headers={"Location": HOME})


def _origin(url: str) -> str:
    read = urlsplit(url)
    return f"{read.scheme}://{read.netloc}" if read.netloc else ""
