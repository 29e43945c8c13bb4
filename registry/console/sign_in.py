"""Signing in and out: the form, the check of the password, and the cookie.

Whatever is wrong, the answer is the same and takes as long. Every sign-in is a new cookie; the old one of the browser
ends. A new password ends all other sign-ins of the person.

Not here: other ways to prove who one is (oidc.py), and the first password (invitation.py).
"""

from datetime import UTC, datetime
from typing import Final

import structlog
from aiohttp import web

from registry.commands import find
from registry.console.addresses import Addresses
from registry.console.frame import Frame, check_origin, leads_on, read_form, sentence
from registry.console.pages import HOME, Fields, Went
from registry.console.passwords import Passwords
from registry.console.tries import Tries, Trying
from registry.database import Database
from registry.people.logins import Login, login_of, set_password
from registry.people.user_tokens import TokenSigner
from registry.problems import PROBLEMS, Problem
from registry.records import User

_TEMPLATE: Final = "sign_in.html"
_EMAIL_MAX: Final = 254

_log = structlog.get_logger()


class SignIn:
    """The handlers."""

    def __init__(
        self,
        frame: Frame,
        database: Database,
        passwords: Passwords,
        signer: TokenSigner,
        addresses: Addresses,
        ways: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """ways: other ways to sign in, as the label and address of a link each."""
        self._frame = frame
        self._database = database
        self._passwords = passwords
        self._signer = signer
        self._tries = Tries(database)
        self._addresses = addresses
        self._ways = ways

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            self._frame.plain("GET", "/sign-in", self.show),
            self._frame.plain("POST", "/sign-in", self.take),
            self._frame.plain("POST", "/sign-out", self.leave),
            self._frame.plain("GET", "/password", self.show_password),
            self._frame.plain("POST", "/password", self.take_password),
            self._frame.plain("POST", "/token", self.token),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show the form; who is signed in goes on."""
        if await self._frame.person(request) is not None:
            return self._frame.went(Went(leads_on(request.query.get("next")), ""))
        return self._form(request, request.query.get("next", ""))

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Check name and password."""
        check_origin(request)
        fields = await read_form(request)
        email, password = fields.text("email").lower()[:_EMAIL_MAX], fields.values.get("password", ("",))[0]
        trying = Trying(email, self._addresses.of(request))
        try:
            await self._tries.begin(trying, datetime.now(UTC))
            user = await self._prove(email, password)
        except Problem as problem:
            if problem.code == "wrong_sign_in":
                _log.info("sign_in_refused")
            return self._form(request, fields.text("next"), email=email, problem=problem)
        await self._tries.worked(trying)
        return await self.let_in(request, user, fields.text("next"))

    async def let_in(self, request: web.Request, user: User, behind: str) -> web.Response:
        """Sign a person in whose name is proven, and lead on."""
        new = await self._frame.sessions.begin(user, instead_of=self._frame.secret(request))
        answer = self._frame.went(Went(leads_on(behind), ""))
        place = self._frame.place
        answer.set_cookie(
            place.cookie, new.secret, path="/", httponly=True, samesite="Strict", secure=place.secure, expires=None
        )
        return answer

    async def leave(self, request: web.Request) -> web.StreamResponse:
        """Sign out."""
        await self._frame.check_form(request)
        secret = self._frame.secret(request)
        if secret is not None:
            await self._frame.sessions.end(secret)
        answer = self._frame.went(Went(f"{HOME}/sign-in", "You are signed out."))
        answer.del_cookie(self._frame.place.cookie, path="/", secure=self._frame.place.secure)
        return answer

    async def show_password(self, request: web.Request) -> web.StreamResponse:
        """Show the form for another password."""
        person = await self._frame.person(request)
        if person is None:
            raise Problem("unauthenticated")
        shown = {"title": "Change your password", "problem": "", "person": person}
        return self._frame.show(request, "password.html", shown)

    async def take_password(self, request: web.Request) -> web.StreamResponse:
        """Take another password; the old one proves that it is still the person who sits there."""
        person, fields = await self._frame.check_form(request)
        try:
            kept = await self._new_password(Trying(person.user, self._addresses.of(request)), fields)
        except Problem as problem:
            shown = {"title": "Change your password", "problem": sentence(problem), "person": person}
            return self._frame.show(request, "password.html", shown, status=PROBLEMS[problem.code].status)
        async with self._database.writing() as connection:
            await set_password(connection, person.user, kept, datetime.now(UTC))
        await self._frame.sessions.end_others(person.user, but=person.key)
        return self._frame.went(Went(HOME, "Your password is another now. Other sign-ins of yours have ended."))

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Give who is signed in a token for the gateway, good for minutes."""
        await self._frame.check_form(request)
        token = self._signer.sign(await self._frame.sessions.key(self._frame.secret(request) or ""))
        if token is None:
            raise Problem("database_unavailable", retry_after_s=1)
        return web.json_response({"token": token})

    async def _new_password(self, trying: Trying, fields: Fields) -> str:
        """Return what to keep of a new password. Problem: too_many_tries, wrong_sign_in, or as hash_of()."""
        old, new, again = (fields.values.get(name, ("",))[0] for name in ("old", "password", "again"))
        login = await self._login(user=trying.name)
        await self._tries.begin(trying, datetime.now(UTC))
        if not await self._passwords.proves(login.password if login else None, old):
            raise Problem("wrong_sign_in")
        await self._tries.worked(trying)
        return await self._passwords.hash_of(new, again)

    async def _prove(self, email: str, password: str) -> User:
        """Return whose name and password these are. Problem: wrong_sign_in."""
        login = await self._login(email=email)
        proven = await self._passwords.proves(login.password if login else None, password)
        if login is None or not proven:
            raise Problem("wrong_sign_in")
        async with self._database.reading() as connection:
            user = (await find(connection, User, {(login.user,)})).get((login.user,))
        if user is None or user.left_at is not None:
            raise Problem("wrong_sign_in")
        return user

    async def _login(self, **where: str) -> Login | None:
        async with self._database.reading() as connection:
            return await login_of(connection, **where)

    def _form(
        self, request: web.Request, behind: str, *, email: str = "", problem: Problem | None = None
    ) -> web.StreamResponse:
        shown = {
            "title": "Sign in",
            "next": behind,
            "email": email,
            "problem": "" if problem is None else sentence(problem),
            "ways": self._ways,
        }
        answer = self._frame.show(
            request, _TEMPLATE, shown, status=200 if problem is None else PROBLEMS[problem.code].status
        )
        if problem is not None and problem.retry_after_s is not None:
            answer.headers["Retry-After"] = str(problem.retry_after_s)
        return answer
