"""A served registry with two companies whose people have logins, and browsers without script that visit its console."""

import contextlib
import html
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import NamedTuple

import aiohttp
import orjson
from argon2 import PasswordHasher

from registry.commands import change
from registry.database import Database
from registry.people.logins import put_login
from tests.registry.admin import serving, two_companies
from tests.registry.builders import a_tenant, a_user

PASSWORD = "correct horse battery"
#: Hashed as cheaply as Argon2 can: the cost is not what is tested.
KEPT = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
#: Who signs in, by what they are: user, company, role.
PEOPLE = {
    "admin": ("ada", "acme", "admin"),
    "employee": ("ben", "acme", "employee"),
    "solo": ("stu", "solo", "admin"),
    "operator": ("oda", "phoneco", "operator"),
    "support": ("sam", "phoneco", "support"),
}


class Seen(NamedTuple):
    """What a browser shows."""

    status: int
    #: Where it is now, without the host.
    path: str
    text: str
    headers: dict

    @property
    def said(self):
        """What was said above the page."""
        found = re.search(r'<div class="said[^>]*>(.*?)</div>', self.text, re.DOTALL)
        return html.unescape(found[1]) if found else ""

    @property
    def words(self):
        """The page as text, with single spaces."""
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", self.text)).split())


class Visitor:
    """A browser without script: it has cookies, follows links, and sends the forms that a page shows."""

    def __init__(self, session, base):
        self._session, self._base = session, base
        self._csrf = ""

    async def go(self, path, **options):
        """Look at a page."""
        async with self._session.get(self._base + path, **options) as answer:
            return await self._seen(answer)

    async def send(self, path, fields=(), *, csrf=None, headers=None, **options):
        """Send a form, as the page that was looked at last would."""
        pairs = [*dict(fields).items()] if isinstance(fields, dict) else [*fields]
        pairs += [("csrf", self._csrf if csrf is None else csrf)]
        headers = {"Origin": self._base, "Sec-Fetch-Site": "same-origin"} if headers is None else headers
        async with self._session.post(self._base + path, data=pairs, headers=headers, **options) as answer:
            return await self._seen(answer)

    async def sign_in(self, who, password=PASSWORD, **more):
        """Sign in by what somebody is, or an email address."""
        email = f"{PEOPLE[who][0]}@console.example" if who in PEOPLE else who
        return await self.send("/console/sign-in", {"email": email, "password": password} | more)

    @contextlib.asynccontextmanager
    async def listen(self, path, **headers):
        """Open a stream of events; yields a function that waits for the next: its id, and the tables it names."""
        async with self._session.get(self._base + path, headers=headers) as answer:

            async def told():
                event = {}
                while "data" not in event:
                    line = (await answer.content.readline()).decode().rstrip("\n")
                    name, _, value = line.partition(": ")
                    event |= {name: value} if name else {}
                return int(event["id"]), orjson.loads(event["data"])

            yield told

    def form_of(self, seen, action):
        """The fields of a form on a page, as they stand there: a list of pairs."""
        return _Forms(seen.text).fields(action)

    async def _seen(self, answer):
        text = await answer.text()
        shown = re.search(r'name="csrf" value="([^"]+)"', text)
        self._csrf = html.unescape(shown[1]) if shown else self._csrf
        return Seen(answer.status, answer.url.path_qs, text, dict(answer.headers))


class _Forms(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self._forms, self._area, self._choice = [], None, None
        self.feed(text)

    def fields(self, action):
        """Those of the first form with an action."""
        return next(fields for place, fields in self._forms if place == action)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self._forms.append((attrs.get("action", ""), []))
        if not self._forms or "disabled" in attrs:
            return
        fields, name = self._forms[-1][1], attrs.get("name")
        if tag == "input" and name and name != "csrf":
            is_box = attrs.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in attrs:
                fields.append((name, attrs.get("value", "on" if is_box else "")))
        elif tag == "textarea" and name:
            self._area = (name, "")
        elif tag == "select" and name:
            self._choice = name
        elif tag == "option" and self._choice and "selected" in attrs:
            fields.append((self._choice, attrs.get("value", "")))

    def handle_data(self, data):
        if self._area is not None:
            self._area = (self._area[0], self._area[1] + data)

    def handle_endtag(self, tag):
        if tag == "textarea" and self._area is not None:
            self._forms[-1][1].append(self._area)
            self._area = None
        if tag == "select":
            self._choice = None


class Console:
    """A served console."""

    def __init__(self, api, database):
        self.api, self.database, self._open = api, database, contextlib.AsyncExitStack()
        self.base = f"http://127.0.0.1:{api.registry.http_port}"

    async def visitor(self, who=None):
        """Open a browser; who: signed in as one of PEOPLE."""
        jar = aiohttp.CookieJar(unsafe=True)
        session = await self._open.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
        visitor = Visitor(session, self.base)
        if who is not None:
            seen = await visitor.sign_in(who)
            assert seen.path.startswith("/console"), seen
            assert "sign-in" not in seen.path, seen
        return visitor

    async def close(self):
        """Close the browsers."""
        await self._open.aclose()


async def people(database):
    """Fill a database with two companies, the phone company, and people with logins; gives the texts of API keys."""
    texts = await two_companies(database)
    put = [a_tenant("phoneco", provider=True)]
    put += [a_user(user, tenant=tenant, role=role, name=user.capitalize()) for user, tenant, role in PEOPLE.values()]
    async with database.writing() as connection:
        await change(connection, actor="test", put=put)
        for user, tenant, _ in PEOPLE.values():
            email = f"{user}@console.example"
            now = datetime.now(UTC)
            await put_login(connection, email=email, user=user, tenant=tenant, now=now, actor="terminal", password=KEPT)
    return texts


@contextlib.asynccontextmanager
async def a_console(settings, store_url, **more):
    """Serve the console of a registry with people in it."""
    async with Database.opened(settings) as database:
        texts = await people(database)
        async with serving(settings, store_url, texts, **more) as api:
            console = Console(api, database)
            try:
                yield console
            finally:
                await console.close()
