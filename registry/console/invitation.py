"""Choosing the first password, or another one, with the link of an invitation.

Not here: who invites (people/logins.py).
"""

from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from registry.commands import find
from registry.console.frame import Frame, check_origin, read_form, sentence
from registry.console.passwords import Passwords
from registry.console.sign_in import SignIn
from registry.database import Database
from registry.people.logins import Login, digest, login_of, set_password
from registry.problems import PROBLEMS, Problem
from registry.records import User

_TEMPLATE: Final = "invitation.html"


class Invitations:
    """The handlers."""

    def __init__(self, frame: Frame, database: Database, passwords: Passwords, sign_in: SignIn) -> None:
        self._frame = frame
        self._database = database
        self._passwords = passwords
        self._sign_in = sign_in

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            self._frame.plain("GET", "/invitation/{secret}", self.show),
            self._frame.plain("POST", "/invitation/{secret}", self.take),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show the form. Problem: invitation_over."""
        login = await self._login(request)
        return self._frame.show(request, _TEMPLATE, {"title": "Welcome", "email": login.email, "problem": ""})

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take the password, end whatever sign-ins there were, and sign in."""
        check_origin(request)
        fields, login = await read_form(request), await self._login(request)
        try:
            typed, again = (fields.values.get(name, ("",))[0] for name in ("password", "again"))
            kept = await self._passwords.hash_of(typed, again)
        except Problem as problem:
            shown = {"title": "Welcome", "email": login.email, "problem": sentence(problem)}
            return self._frame.show(request, _TEMPLATE, shown, status=PROBLEMS[problem.code].status)
        async with self._database.writing() as connection:
            still = await login_of(connection, user=login.user)
            if still is None or still.invitation != login.invitation:
                raise Problem("invitation_over")
            await set_password(connection, login.user, kept, datetime.now(UTC))
            user = (await find(connection, User, {(login.user,)}))[(login.user,)]
        await self._frame.sessions.end_others(login.user)
        return await self._sign_in.let_in(request, user, "")

    async def _login(self, request: web.Request) -> Login:
        async with self._database.reading() as connection:
            login = await login_of(connection, invitation=digest(request.match_info["secret"]))
            user = None if login is None else (await find(connection, User, {(login.user,)})).get((login.user,))
        is_over = login is None or login.invited_until is None or login.invited_until <= datetime.now(UTC)
        if login is None or is_over or user is None or user.left_at is not None:
            raise Problem("invitation_over")
        return login
