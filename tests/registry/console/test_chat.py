"""Messages, the employee's screen: who sees it, what it is made of, its token, and what there is without script."""

import html
import json
import re

import pytest

from registry.console.rendering import ASSETS
from registry.console.views.chat import PARTS
from registry.ledger.database import LedgerDatabase
from tests.registry.ledger.filling import fill
from tests.registry.ledger.journal import OTHER, START_MS

PAGE, PLAIN = "/console/messages", "/console/messages?plain=yes"
XSS = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{7*7}}"
SCRIPTS = sorted(ASSETS.glob("chat*.js"))


@pytest.fixture
async def employee(console):
    """A browser of ben, an employee of acme."""
    return await console.visitor("employee")


async def token_of(visitor):
    """A token for whoever is signed in, as the page asks for one."""
    await visitor.go(PAGE)
    return json.loads((await visitor.send("/console/token")).text)["token"]


class TestPage:
    async def test_everybody_has_it(self, console):
        """Employees, admins and the provider's people: all of them text. It is named in everybody's menu."""
        for who in ("employee", "admin", "support", "operator"):
            seen = await (await console.visitor(who)).go(PAGE)
            assert seen.status == 200, who
            assert f'href="{PAGE}"' in seen.text

    async def test_it_names_whose_it_is_and_all_its_parts(self, employee):
        """The script finds out nothing by itself; each part is there, under an address that is kept for ever."""
        seen = await employee.go(PAGE)

        assert 'data-user="ben"' in seen.text
        assert 'data-zone="America/New_York"' in seen.text
        assert len(set(re.findall(r"data-part-(\w+)=", seen.text))) == len(PARTS)
        for address in set(re.findall(r'"(/console/assets/chat[^"]+)"', seen.text)):
            part = await employee.go(address)
            assert (part.status, "immutable" in part.headers["Cache-Control"]) == (200, True), address
            assert part.headers["Content-Type"].startswith(("text/javascript", "text/css"))

    async def test_it_may_reach_the_gateway_and_nothing_else(self, employee):
        """Over HTTP and the socket."""
        policy = (await employee.go(PAGE)).headers["Content-Security-Policy"]

        assert "connect-src 'self' http://127.0.0.1:8080 ws://127.0.0.1:8080;" in policy
        assert "script-src 'self';" in policy


class TestToken:
    async def test_it_opens_what_is_ones_own(self, console, employee):
        """Own messages, colleagues and requests; nothing of the company."""
        bearer = f"Bearer {await token_of(employee)}"
        for path in ("/v1/my/threads", "/v1/my/messages", "/v1/colleagues", "/v1/requests"):
            assert (await console.api.get(path, key=bearer)).status == 200, path
        for path in ("/v1/messages", "/v1/users", "/v1/numbers"):
            assert (await console.api.get(path, key=bearer)).status == 403, path

    async def test_it_is_given_to_our_page_only(self, employee):
        """Neither without the secret of the sign-in, nor from elsewhere, nor to who is not signed in."""
        await employee.go(PAGE)
        elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}

        assert (await employee.send("/console/token", csrf="")).status == 403
        assert (await employee.send("/console/token", headers=elsewhere)).status == 403

    async def test_it_ends_with_the_sign_in(self, console, employee):
        """At once, however long it would have been good."""
        bearer = f"Bearer {await token_of(employee)}"
        await employee.send("/console/sign-out")

        assert (await console.api.get("/v1/my/threads", key=bearer)).status == 401
        assert (await employee.send("/console/token", allow_redirects=False)).status == 303


class TestWithoutScript:
    async def test_the_page_says_that_it_needs_script(self, employee):
        """And where there is something without it."""
        seen = await employee.go(PAGE)
        inside = re.search(r"<noscript>(.*?)</noscript>", seen.text, re.DOTALL)[1]

        assert "JavaScript" in inside
        assert f'href="{PLAIN}"' in inside

    async def test_nothing_was_sent_yet(self, employee):
        """It says so."""
        assert "Nothing yet" in (await employee.go(PLAIN)).words

    async def test_what_one_sent_last(self, employee, settings):
        """One's own only, the newest first, as text whatever it is; why one was not sent."""
        async with LedgerDatabase.made(settings) as ledger:
            await fill(
                ledger,
                {"text": XSS},
                {"text": "Second", "accepted_ms": START_MS + 1, "verdict": "block", "reason": "did_unassigned"},
                {"text": "Of somebody else", "user": "ada"},
                {"text": "Of another company", "tenant": OTHER},
            )
        seen = await employee.go(PLAIN)

        shown = re.search(r"<tbody>.*</tbody>", seen.text, re.DOTALL)[0]
        assert shown.index("Second") < shown.index("&lt;script&gt;")
        assert "isn't registered for business texting yet" in html.unescape(shown)
        assert XSS in html.unescape(shown)
        assert "<img" not in shown
        assert "<script" not in shown
        assert "Of " not in shown


class TestScript:
    """What can be seen by reading it; what it does is acted out in a browser."""

    def test_every_part_is_named_and_there(self):
        """A file that nobody loads is not kept."""
        assert {one.stem for one in SCRIPTS} == {"chat", *(f"chat-{part}" for part in PARTS)}

    @pytest.mark.parametrize("file", SCRIPTS, ids=lambda one: one.name)
    def test_row_76_texts_get_in_as_text_only(self, file):
        """There is no way for markup: what people write is what is shown."""
        code = re.sub(r"//.*", "", file.read_text())

        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", code)
        assert not re.search(r"https?://(?!127)", code), "nothing is loaded from elsewhere"
        assert len(file.read_text().splitlines()) <= 400
