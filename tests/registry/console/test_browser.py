"""Every page in a real browser: usable by everybody, on a phone too, and deaf to what people write into it."""

import itertools

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from registry.commands import change
from registry.console.pages import For
from registry.console.table import PAGES
from registry.console.views.registration_fields import STEPS
from registry.ledger.database import LedgerDatabase
from tests.browser import a_browser, barriers, sign_in
from tests.registry.builders import DID, a_number, a_tenant, a_user
from tests.registry.console.test_frame import ASKED
from tests.registry.console.test_registration_forms import an_application
from tests.registry.console.visitors import PASSWORD
from tests.registry.dialects import only_sqlite
from tests.registry.ledger.filling import fill
from tests.registry.registration.forms import BRAND

pytestmark = [only_sqlite, pytest.mark.timeout(300), pytest.mark.xdist_group("browser")]

#: What stands for the names in paths, by what is before them.
NAMES_OF = {
    "users": "ben",
    "brands": "BACME",
    "campaigns": "CACME",
    "numbers": DID.replace("+", "%2B"),
    "tenants": "acme",
}
SCRIPT = "<script>document.title='broken'</script><img src=x onerror=alert(1)>\"'>&{{7*7}}"


def addresses():
    """Addresses of all pages that have something to show, and who looks."""
    for page in PAGES:
        path = page.path
        if "{" in path:
            parts = path.split("/")
            named = [
                NAMES_OF.get(before) if part.startswith("{") else part for before, part in itertools.pairwise(parts)
            ]
            if None in named:
                continue
            path = "/" + "/".join(named)
        yield path + ASKED.get(path, ""), "operator" if page.of in {For.OPERATORS, For.PROVIDER} else "admin"


ADDRESSES = sorted(set(addresses()))


async def addresses_of_records(console, settings):
    """Make what the other pages are about; gives their addresses."""
    async with console.database.writing() as connection:
        await change(connection, actor="test", put=[an_application(filled=BRAND)])
    async with LedgerDatabase.made(settings) as ledger:
        (message,) = await fill(ledger, {"verdict": "block", "reason": "did_unassigned"})
    steps = [step.id for step in STEPS["brand"]]
    paths = [page.path for page in PAGES if "{" in page.path]
    ids = {"applications": "form", "log": message, "keys": "keyofacme"}
    found = []
    for path in paths:
        before = path.split("/{id}")[0].rpartition("/")[2]
        assert before in {*NAMES_OF, *ids} or "{did}" in path, f"{path}: who is to look at it?"
        if before in ids:
            filled = path.replace("{id}", ids[before])
            found += [filled.replace("{step}", step) for step in steps] if "{step}" in path else [filled]
    return sorted(set(found))


#: How a page is looked at, and which rules of axe count there; none: all.
LOOKS = {
    "light": ({"color_scheme": "light", "viewport": {"width": 1280, "height": 900}}, ()),
    "dark": ({"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}}, ("color-contrast",)),
    "phone": ({"color_scheme": "light", "viewport": {"width": 390, "height": 844}}, ("target-size",)),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("who", ["admin", "operator"])
async def test_everybody_can_use_every_page(console, settings, who, look):
    """No barrier that axe knows, in light and dark and on a phone; nothing is wider than the screen."""
    options, rules = LOOKS[look]
    wrong = {}
    async with a_browser() as browser:
        page = await browser.page(console.base, **options)
        await page.goto("/console/sign-in")
        wrong["/sign-in"] = await barriers(page, *rules)
        await sign_in(page, {"admin": "ada", "operator": "oda"}[who] + "@console.example", PASSWORD)
        if who == "operator":
            await page.goto("/console/provider/tenants")
            await page.locator('form[action$="/tenants/acme/look"] button').click()
        own = await addresses_of_records(console, settings) if who == "admin" else []
        for path in [path for path, whose in ADDRESSES if whose == who] + own:
            answer = await page.goto(f"/console{path}")
            assert answer.status == 200, path
            wrong[path] = await barriers(page, *rules)
            width = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if width > 0:
                wrong[path].append(f"wider than the screen by {width} pixels")
        browser.wrong = [one for one in browser.wrong if "ERR_CONNECTION_REFUSED" not in one]  # (there is no gateway)
    assert {path: found for path, found in wrong.items() if found} == {}


async def test_what_people_write_is_shown_as_they_wrote_it(console):
    """Names with markup in them run nowhere: they stand on the page as text."""
    put = [
        a_tenant("acme", name=SCRIPT),
        a_user("ben", name=SCRIPT, licence=SCRIPT[:40]),
        a_user("ada", name=f"Ada {SCRIPT}", role="admin"),
        a_number(DID, user="ben"),
    ]
    async with console.database.writing() as connection:
        await change(connection, actor="test", put=put)
    async with a_browser() as browser:
        page = await browser.page(console.base)
        dialogs = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        await sign_in(page, "ada@console.example", PASSWORD)
        for path, who in ADDRESSES:
            if who == "admin":
                await page.goto(f"/console{path}")
                assert await page.title() != "broken", path
                assert (await page.locator(".company").text_content()) == SCRIPT, path
        assert dialogs == []
        await page.goto("/console/phone-system/users/ben")
        assert await page.locator("input[name=name]").input_value() == SCRIPT
        assert SCRIPT in await page.locator("h1").inner_text()
        browser.wrong = [one for one in browser.wrong if "ERR_CONNECTION_REFUSED" not in one]


async def test_no_other_page_can_hold_it_in_a_frame(console):
    """So nobody is led to click on what they do not see."""

    async def trap(_):
        return web.Response(text=f'<iframe src="{console.base}/console/sign-in"></iframe>', content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", trap)])
    async with TestServer(app) as elsewhere, a_browser() as browser:
        page = await browser.page(str(elsewhere.make_url("/")))
        await page.goto("/")
        await page.wait_for_timeout(500)
        (_, framed) = page.frames
        assert "Sign in" not in await framed.content()
        browser.wrong = [one for one in browser.wrong if "frame" not in one.lower()]


async def test_a_form_of_another_site_does_nothing(console):
    """A browser sends it without the cookie, and says where it is from."""

    async def trap(_):
        form = f'<form id="f" method="post" action="{console.base}/console/sign-out"><button>Win</button></form>'
        return web.Response(text=form, content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", trap)])
    async with TestServer(app) as elsewhere, a_browser() as browser:
        page = await browser.page(console.base)
        await sign_in(page, "ada@console.example", PASSWORD)
        await page.goto(str(elsewhere.make_url("/")).replace("127.0.0.1", "localhost"))
        await page.get_by_role("button", name="Win").click()
        await page.wait_for_load_state()
        assert "You are signed out" not in await page.content()
        await page.goto("/console/password")
        assert "sign-in" not in page.url
