"""Every page in a real browser: usable by everybody, on a phone too, and deaf to what people write into it."""

import dataclasses
import itertools

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from registry.commands import change, find
from registry.console.pages import For
from registry.console.table import PAGES
from registry.console.views.registration_fields import STEPS
from registry.ledger.database import LedgerDatabase
from registry.records import ApiKey, Brand
from tests.browser import a_browser, barriers, sign_in
from tests.registry.builders import AT, DID, a_campaign, a_number, a_tenant, a_user
from tests.registry.console.test_frame import ASKED
from tests.registry.console.test_registration_forms import an_application
from tests.registry.console.test_requests import a_request
from tests.registry.console.visitors import PASSWORD
from tests.registry.dialects import only_sqlite
from tests.registry.ledger.filling import fill
from tests.registry.registration.forms import BRAND, CAMPAIGN

pytestmark = [only_sqlite, pytest.mark.timeout(300), pytest.mark.xdist_group("browser")]

#: What stands for the names in paths, by what is before them.
NAMES_OF = {
    "users": "ben",
    "brands": "BACME",
    "campaigns": "CACME",
    "numbers": DID.replace("+", "%2B"),
    "tenants": "acme",
    "sms": DID.replace("+", "%2B"),
}
SCRIPT = "<script>document.title='broken'</script><img src=x onerror=alert(1)>\"'>&{{7*7}}"


def addresses(**made):
    """Addresses of all pages, and who looks; made: names of what a test made, by what is before them in paths."""
    for page in PAGES:
        parts = page.path.split("/")
        asked = [before for before, part in itertools.pairwise(parts) if part in {"{id}", "{did}"}]
        if not set(asked) <= {*NAMES_OF, *made}:
            assert set(asked) <= {"applications", "log", "keys"}, f"{page.path}: who is to look at it?"
            continue
        for before in asked:
            parts[parts.index(before) + 1] = (NAMES_OF | made)[before]
        steps = STEPS["brand"] if "{step}" in parts else STEPS["brand"][:1]
        for path in {"/".join(parts).replace("{step}", step.id) for step in steps}:
            yield path + ASKED.get(path, ""), "operator" if page.of in {For.OPERATORS, For.PROVIDER} else "admin"


ADDRESSES = sorted(set(addresses()))
#: Of the frame, and what is said where there is nothing, or nothing for who looks.
OTHERS = {"/password": 200, "/time-zone": 200, "/phone-system/users/nobody": 404, "/provider/tenants": 403}
OFFER = "/registration/applications/offer"


async def addresses_of_records(console, settings):
    """Make what the other pages are about; gives their addresses."""
    async with console.database.writing() as connection:
        forms = an_application(filled=BRAND), an_application("campaign", "offer", filled=CAMPAIGN)
        await change(connection, actor="test", put=[*forms])
    async with LedgerDatabase.made(settings) as ledger:
        (message,) = await fill(ledger, {"verdict": "block", "reason": "did_unassigned"})
    found = {path for path, _ in addresses(applications="form", log=message, keys="keyofacme")}
    found |= {OFFER, *(f"{OFFER}/{step}" for step in (*(step.id for step in STEPS["campaign"]), "review"))}
    return sorted(found - {path for path, _ in ADDRESSES})


#: How a page is looked at, and which rules of axe count there; none: all.
LOOKS = {
    "light": ({"color_scheme": "light", "viewport": {"width": 1280, "height": 900}}, ()),
    "dark": ({"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}}, ("color-contrast",)),
    "phone": ({"color_scheme": "light", "viewport": {"width": 390, "height": 844}}, ("target-size",)),
}


async def seen(page, *rules):
    """Everything that is wrong with the page that is open."""
    wrong = await barriers(page, *rules)
    width = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wrong + [f"wider than the screen by {width} pixels"] * (width > 0)


async def answers_of_forms(page):
    """Go to what only a form shows, one after the other: a name for each. The page is that of an admin."""
    await page.goto("/console/keys/new")
    make = page.get_by_role("button", name="Make the key")
    for box in await page.locator("input[name=scopes]").all():
        await box.uncheck()
    await make.click()
    await page.get_by_text("Tick what the key is for.").wait_for()
    yield "a form with errors"
    await page.locator("input[name=scopes]").first.check()
    await make.click()
    await page.locator(".once").wait_for()
    yield "the secret of a key"
    await page.goto("/console/phone-system/users/ben")
    await page.locator("#f-email").fill("ben@console.example")
    await page.locator('form[action$="/invitation"] button').click()
    link = await page.locator("#link").get_attribute("href")
    yield "an invitation's link"
    await page.goto(link)
    yield "an invitation"


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("who", ["admin", "operator", "employee"])
async def test_everybody_can_use_every_page(console, settings, who, look):
    """No barrier that axe knows, in light and dark and on a phone; nothing is wider than the screen."""
    options, rules = LOOKS[look]
    wrong = {}
    async with a_browser() as browser:
        page = await browser.page(console.base, **options)
        await page.goto("/console/sign-in")
        wrong["/sign-in"] = await seen(page, *rules)
        await sign_in(page, {"admin": "ada", "operator": "oda", "employee": "ben"}[who] + "@console.example", PASSWORD)
        wrong["Home"] = await seen(page, *rules)  # (of the provider's people before they look at a company)
        if who == "operator":
            await page.goto("/console/provider/tenants")
            await page.locator('form[action$="/tenants/acme/look"] button').click()
        wanted = {path: 200 for path, whose in ADDRESSES if whose == who}
        if who == "admin":
            wanted |= dict.fromkeys(await addresses_of_records(console, settings), 200) | OTHERS
        if who == "employee":
            wanted = {page.path: 200 for page in PAGES if page.of is For.EVERYBODY}
        for path, status in wanted.items():
            answer = await page.goto(f"/console{path}")
            assert answer.status == status, path
            wrong[path] = await seen(page, *rules)
        if who == "admin":
            async for name in answers_of_forms(page):
                wrong[name] = await seen(page, *rules)
        browser.wrong = [one for one in browser.wrong if "ERR_CONNECTION_REFUSED" not in one]  # (there is no gateway)
    assert {path: found for path, found in wrong.items() if found} == {}


async def test_what_people_write_is_shown_as_they_wrote_it(console, settings):
    """Names, texts, notes, labels, samples and reasons with markup in them run nowhere: they stand there as text."""
    put = [
        a_tenant("acme", name=SCRIPT),
        a_user("ben", name=SCRIPT, licence=SCRIPT[:40]),
        a_user("ada", name=f"Ada {SCRIPT}", role="admin"),
        a_number(DID, user="ben"),
        a_request(note=SCRIPT),
        a_request("r-2", note=SCRIPT, state="dismissed", closed_at=AT, closed_by="keyofacme", answer=SCRIPT),
        a_campaign(samples=(SCRIPT,), description=SCRIPT),
        an_application("campaign", "offer", filled=CAMPAIGN | {"samples": [SCRIPT, SCRIPT]}),
    ]
    async with console.database.writing() as connection:
        (key,) = (await find(connection, ApiKey, {("keyofacme",)})).values()
        (brand,) = (await find(connection, Brand, {("BACME",)})).values()
        turned_down = dataclasses.replace(brand, status="unverified", faults=(SCRIPT,))
        await change(connection, actor="test", put=[*put, dataclasses.replace(key, label=SCRIPT), turned_down])
    async with LedgerDatabase.made(settings) as ledger:
        (message,) = await fill(ledger, {"text": SCRIPT})
    written = [f"/messages/log/{message}", "/requests", "/requests/closed", "/keys", "/registration/campaigns/CACME"]
    written += [f"{OFFER}/review", "/registration/brands/BACME"]
    async with a_browser() as browser:
        page = await browser.page(console.base)
        dialogs = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        await sign_in(page, "ada@console.example", PASSWORD)
        for path in [*(path for path, who in ADDRESSES if who == "admin"), *written]:
            await page.goto(f"/console{path}")
            assert await page.title() != "broken", path
            assert (await page.locator(".company").text_content()) == SCRIPT, path
            assert path not in written or SCRIPT in await page.locator("main").text_content(), path
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
