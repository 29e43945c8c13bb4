"""The console's HTTP: who may see a page, what guards every form, how pages and errors look, and their headers.

A form is taken from our own pages only: the browser says so (Sec-Fetch-Site, or Origin), and the form has the secret of
the sign-in in it. Pages may not be framed, run no script but ours, and are kept by nobody.

Sources: OWASP CSRF Prevention Cheat Sheet; CSP Level 3; Fetch Metadata.

Not here: what is on the pages (views/).
"""

import base64
import binascii
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

import orjson
import structlog
from aiohttp import web
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.admin_keys import Admin
from registry.console.live import Live
from registry.console.pages import HOME, Again, Download, Fields, For, Form, Page, Section, Went
from registry.console.rendering import Rendering
from registry.console.sessions import Sessions
from registry.console.visit import Person, Visit
from registry.performing import Performing
from registry.problems import PROBLEMS, Problem

SIGN_IN: Final = f"{HOME}/sign-in"
_BODY_MAX: Final = 256 * 1024
_FIELDS_MAX: Final = 2_000
_SAID: Final = "a2p_said"
_SAID_MAX: Final = 3_000
_SAID_S: Final = 60

_log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the console is, as browsers see it."""

    #: Its own origin is https: cookies travel on nothing else.
    secure: bool
    #: The gateway's address for browsers; "" where it has the console's.
    gateway: str = ""

    @property
    def cookie(self) -> str:
        """The name of the sign-in's cookie; with __Host- a browser takes it from this host over TLS only."""
        return "__Host-a2p" if self.secure else "a2p"

    def policy(self) -> str:
        """Return the content security policy of every page."""
        sockets = self.gateway.replace("http", "ws", 1)
        reach = f"'self' {self.gateway} {sockets}".strip()
        return (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src {reach};"
            " form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self';"
            " require-trusted-types-for 'script'; trusted-types a2p"
        )


class Frame:
    """Makes routes of pages and forms."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        performing: Performing,
        rendering: Rendering,
        place: Place,
        menu: tuple[Section, ...],
        live: Live,
        tools: Any = None,
    ) -> None:
        self.sessions = sessions
        self.place = place
        self._performing = performing
        self._rendering = rendering
        self._menu = menu
        self._live = live
        self._tools = tools

    def page(self, page: Page) -> web.RouteDef:
        """Make the route of a page."""

        async def show(request: web.Request) -> web.StreamResponse:
            visit = await self._visit(request, page.of)
            about = {"title": page.title, "live": page.live, "live_at": await self._live.place() if page.live else 0}
            async with self._performing.at_once() as performing:
                shown = await page.show(replace(visit, performing=performing))
            return self._answer(request, page.template, {**about, **shown}, visit.person)

        return web.get(HOME + page.path, self._guarded(show), allow_head=False)

    def form(self, form: Form) -> web.RouteDef:
        """Make the route of a form."""

        async def take(request: web.Request) -> web.StreamResponse:
            check_origin(request)
            visit = await self._visit(request, form.of)
            fields = await self._fields(request, visit.person)
            back = HOME + (form.back or form.path)
            for name, value in visit.names.items():
                back = back.replace(f"{{{name}}}", quote(value, safe=""))
            try:
                went = await form.run(visit, fields)
            except Problem as problem:
                if problem.code in {"unauthenticated", "not_found"}:
                    raise
                went = Went(
                    fields.text("back") if _is_ours(fields.text("back")) else back, sentence(problem), warning=True
                )
            if isinstance(went, Again):
                shown = {"title": "", "live": (), **went.shown}
                return self._answer(request, went.template, shown, visit.person, status=went.status)
            return self.went(went)

        return web.post(HOME + form.path, self._guarded(take))

    def download(self, download: Download) -> web.RouteDef:
        """Make the route of a file."""

        async def give(request: web.Request) -> web.StreamResponse:
            visit = await self._visit(request, download.of)
            headers = {"Content-Disposition": f'attachment; filename="{download.file}"', "Cache-Control": "no-store"}
            answer = web.StreamResponse(headers=headers)
            answer.content_type = download.content_type
            pieces = download.write(visit)
            first = await anext(pieces, b"")  # (what cannot even begin is a page that says why)
            await answer.prepare(request)
            try:
                await answer.write(first)
                async for piece in pieces:
                    await answer.write(piece)
            except BaseException:
                if request.transport is not None:
                    request.transport.abort()  # Half a file must not look like a whole one.
                raise
            await answer.write_eof()
            return answer

        return web.get(HOME + download.path, self._guarded(give), allow_head=False)

    def plain(self, method: str, path: str, handler: Handler) -> web.RouteDef:
        """Make a route of the console's own, such as the sign-in, with what guards all of them."""
        return web.route(method, HOME + path, self._guarded(handler))

    def show(self, request: web.Request, template: str, shown: Mapping[str, Any], *, status: int = 200) -> web.Response:
        """Answer with a page for somebody who is not signed in."""
        return self._answer(request, template, {"live": (), **shown}, None, status=status)

    def went(self, went: Went) -> web.Response:
        """Lead to a page of ours, where something is said."""
        answer = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": went.to})
        if went.said:
            said = base64.urlsafe_b64encode(orjson.dumps([went.said[:_SAID_MAX], went.warning])).decode()
            answer.set_cookie(
                _SAID, said, max_age=_SAID_S, path=HOME, httponly=True, samesite="Strict", secure=self.place.secure
            )
        return answer

    def secret(self, request: web.Request) -> str | None:
        """Return the secret of the sign-in that a browser shows."""
        return request.cookies.get(self.place.cookie)

    async def person(self, request: web.Request) -> Person | None:
        """Return who is signed in."""
        secret = self.secret(request)
        # A script that fetches says so (Fetch Metadata); what it sends with POST somebody did.
        fetched = request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
        uses = request.method == "POST" or not fetched
        return None if secret is None else await self.sessions.person(secret, uses=uses)

    async def check_form(self, request: web.Request) -> tuple[Person, Fields]:
        """Read a form of somebody who is signed in. Problem: unauthenticated, forbidden."""
        check_origin(request)
        visit = await self._visit(request, For.EVERYBODY)
        return visit.person, await self._fields(request, visit.person)

    async def _visit(self, request: web.Request, of: For) -> Visit:
        """Return the visit of whom a page is for. Problem: unauthenticated, forbidden."""
        secret, person = self.secret(request), await self.person(request)
        if secret is None or person is None:
            raise Problem("unauthenticated")
        if not _may(person, of):
            raise Problem("forbidden")

        async def looks(connection: AsyncConnection) -> Admin:
            return await self.sessions.check(connection, secret, writes=False)

        async def changes(connection: AsyncConnection) -> Admin:
            return await self.sessions.check(connection, secret, writes=True)

        async def own(connection: AsyncConnection) -> Admin:
            return await self.sessions.check_self(connection, secret)

        async def act_for(tenant: str) -> None:
            await self.sessions.act_for(secret, tenant)

        return Visit(
            person=person,
            names=dict(request.match_info),
            query={name: value.strip() for name, value in request.query.items() if value.strip()},
            performing=self._performing,
            looks=looks,
            changes=changes,
            own=own,
            act_for=act_for,
            tools=self._tools,
        )

    async def _fields(self, request: web.Request, person: Person) -> Fields:
        """Read a form with the secret of the sign-in in it. Problem: forbidden, body_too_large."""
        fields = await read_form(request)
        shown = fields.text("csrf") or request.headers.get("X-CSRF", "")
        if not secrets.compare_digest(shown.encode(), person.csrf.encode()):
            raise Problem("forbidden")
        return Fields({name: values for name, values in fields.values.items() if name != "csrf"})

    def _answer(
        self,
        request: web.Request,
        template: str,
        shown: Mapping[str, Any],
        person: Person | None,
        *,
        status: int = 200,
    ) -> web.Response:
        said, is_warning = _said(request)
        menu = [] if person is None else self._menu_for(person)
        given = {
            "person": person,
            "menu": menu,
            "in_menu": _in_menu(menu, request.path),
            "here": request.path,
            "asked": request.path_qs,
            "query": request.query,
            "said": said,
            "is_warning": is_warning,
            **shown,
        }
        answer = web.Response(text=self._rendering.page(template, given), content_type="text/html", status=status)
        if said:
            answer.del_cookie(_SAID, path=HOME)
        return answer

    def _menu_for(self, person: Person) -> list[Section]:
        sections = (
            Section(one.label, tuple(link for link in one.links if _may(person, link.of))) for one in self._menu
        )
        return [one for one in sections if one.links]

    def _guarded(self, handler: Handler) -> Handler:
        """Give every answer its headers, and every failure a page."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                answer = await handler(request)
            except Problem as problem:
                answer = await self._refuse(request, problem)
            except (OperationalError, InterfaceError) as failure:
                _log.error("database_unavailable", error=type(failure).__name__)
                answer = await self._refuse(request, Problem("database_unavailable", retry_after_s=1))
            except web.HTTPException:
                raise
            except Exception as failure:  # noqa: BLE001 - the last line: a page, and nothing of ours in it
                _log.error("request_crashed", error=type(failure).__name__, exc_info=failure)
                answer = await self._refuse(request, Problem("internal_error"))
            if not answer.prepared:
                answer.headers.update(self._headers())
            return answer

        return guarded

    async def _refuse(self, request: web.Request, problem: Problem) -> web.Response:
        kind = PROBLEMS[problem.code]
        if problem.code == "unauthenticated":
            behind = f"?next={quote(request.path_qs, safe='')}" if request.method == "GET" else ""
            return self.went(Went(SIGN_IN + behind, "Please sign in." if self.secret(request) else ""))
        shown = {"title": kind.title, "problem": kind, "words": sentence(problem), "code": problem.code}
        try:
            person = await self.person(request)
        except (OperationalError, InterfaceError, OSError):
            person = None
        answer = self._answer(request, "problem.html", {"live": (), **shown}, person, status=kind.status)
        if problem.retry_after_s is not None:
            answer.headers["Retry-After"] = str(problem.retry_after_s)
        return answer

    def _headers(self) -> dict[str, str]:
        headers = {
            "Content-Security-Policy": self.place.policy(),
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
            "Cache-Control": "no-store",
        }
        if self.place.secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        return headers


def check_origin(request: web.Request) -> None:
    """Refuse a form that is not of our own pages. Problem: forbidden."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_ours = site == "same-origin" if site is not None else urlsplit(origin or "").netloc == request.host
    if not is_ours or (origin not in {None, "null"} and urlsplit(origin or "").netloc != request.host):
        raise Problem("forbidden")


async def read_form(request: web.Request) -> Fields:
    """Read a form's fields. Problem: body_too_large, unsupported_media_type, invalid_value."""
    if request.content_type != "application/x-www-form-urlencoded":
        if request.can_read_body:
            raise Problem("unsupported_media_type")
        return Fields({})
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _BODY_MAX:
            raise Problem("body_too_large")
    try:
        found = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS_MAX, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise Problem("invalid_value") from None
    return Fields({name: tuple(values) for name, values in found.items()})


def sentence(problem: Problem) -> str:
    """Say what is wrong and what to do about it, for people."""
    kind = PROBLEMS[problem.code]
    fixes = [fault.fix or PROBLEMS[fault.code].fix for fault in problem.faults]
    return " ".join([kind.title + ".", *(dict.fromkeys(fixes) if fixes else [kind.fix])])


def leads_on(path: str | None) -> str:
    """Return where a link may lead after the sign-in: a page of ours, or the first one."""
    return path if path is not None and _is_ours(path) else HOME


def _is_ours(path: str) -> bool:
    read = urlsplit(path)
    is_plain = path.isprintable() and "\\" not in path and not path.startswith("//")
    return is_plain and not read.scheme and not read.netloc and (path == HOME or path.startswith(f"{HOME}/"))


def _may(person: Person, of: For) -> bool:
    return {
        For.EVERYBODY: True,
        For.ADMINS: person.sees_company,
        For.WRITERS: person.admin,
        For.PROVIDER: person.provider,
        For.OPERATORS: person.operator,
    }[of]


def _in_menu(menu: list[Section], path: str) -> str:
    """Return the address of the menu's line that a page is under: the longest that it begins with."""
    addresses = [HOME + link.path for section in menu for link in section.links]
    return max((one for one in addresses if path == one or path.startswith(f"{one}/")), key=len, default="")


def _said(request: web.Request) -> tuple[str, bool]:
    """Return what is to be said on this page: our own words, which came with the last answer."""
    try:
        said, is_warning = orjson.loads(base64.urlsafe_b64decode(request.cookies.get(_SAID, "").encode()))
    except (binascii.Error, ValueError, TypeError):
        return "", False
    return (said, is_warning is True) if type(said) is str else ("", False)
