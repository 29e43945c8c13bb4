"""In which time zone a person sees the console: their own choice, or that of the company that they look at.

Not here: how times are written (rendering.py).
"""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import available_timezones

from aiohttp import web

from registry.console.frame import Frame
from registry.console.pages import HOME, Went
from registry.console.visit import Person
from registry.database import Database
from registry.people.logins import login_of, set_time_zone
from registry.problems import Problem

_PATH: Final = "/time-zone"
_UNPROCESSABLE: Final = 422
#: What a machine's files of zones hold besides zones: browsers know none of them.
_NO_ZONES: Final = {"Factory", "localtime"}


class TimeZone:
    """The handlers."""

    def __init__(self, frame: Frame, database: Database) -> None:
        self._frame = frame
        self._database = database

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [self._frame.plain("GET", _PATH, self.show), self._frame.plain("POST", _PATH, self.take)]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show what is chosen, and what can be."""
        person = await self._frame.person(request)
        if person is None:
            raise Problem("unauthenticated")
        async with self._database.reading() as connection:
            login = await login_of(connection, user=person.user)
        return self._form(request, person, "" if login is None else login.time_zone or "")

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take another choice; none is the company's again."""
        person, fields = await self._frame.check_form(request)
        zone = fields.text("time_zone")
        if zone and zone not in _zones():
            return self._form(request, person, zone, "Choose a zone of the list, such as America/New_York.")
        async with self._database.writing() as connection:
            await set_time_zone(connection, person.user, zone or None, datetime.now(UTC))
        whose = f"those of {zone}" if zone else "those of the company"
        return self._frame.went(Went(HOME, f"The times that you see are {whose} now."))

    def _form(self, request: web.Request, person: Person, chosen: str, error: str = "") -> web.Response:
        shown = {"title": "Your time zone", "person": person, "chosen": chosen, "error": error, "zones": _zones()}
        return self._frame.show(request, "time_zone.html", shown, status=_UNPROCESSABLE if error else 200)


def _zones() -> list[str]:
    return sorted(available_timezones() - _NO_ZONES)
