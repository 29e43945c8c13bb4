"""What is another company's does not exist for whoever asks, on every page and in every form that names something."""

import itertools

import pytest

from registry.commands import change
from registry.console.pages import For
from registry.console.table import FORMS, PAGES
from registry.ledger.database import LedgerDatabase
from tests.browser import a_browser, sign_in
from tests.registry.builders import DID, a_number, trail
from tests.registry.console.test_registration_forms import an_application
from tests.registry.console.test_requests import a_request
from tests.registry.console.visitors import PASSWORD
from tests.registry.dialects import only_sqlite
from tests.registry.ledger.filling import fill
from tests.registry.registration.forms import BRAND

#: By what is before a name in a path: a name of acme's, and one that nobody has.
NAMES = {
    "users": ("ben", "bex"),
    "sms": (DID, "+12025550188"),
    "numbers": (DID, "+12025550188"),
    "brands": ("BACME", "BNONE"),
    "campaigns": ("CACME", "CNONE"),
    "applications": ("form", "farm"),
    "keys": ("keyofacme", "keyofnone"),
    "requests": ("request", "roquest"),
    "tenants": ("acme", "none"),
    "log": ("?", "0-1-1-0"),
}
#: What the forms ask for, whichever it is.
FIELDS = {"confirm": "CACME", "user": "", "email": "ben@console.example", "note": "no", "agree": "yes", "name": "B"}


def named(path, which, made):
    """The path with the names that stand for {id}, {did} and {step}."""
    parts = path.replace("{step}", "company").split("/")
    for before, part in itertools.pairwise(path.split("/")):
        if part in {"{id}", "{did}"}:
            parts[parts.index(part)] = (NAMES | made)[before][which].replace("+", "%2B")
    return "/console" + "/".join(parts)


async def records_of_acme(console, settings):
    """Make what there is none of yet; the names of its message, and of none."""
    async with console.database.writing() as connection:
        waits = [a_number(sms="disabled"), a_request(NAMES["requests"][0])]  # (and is not found possible meanwhile)
        await change(connection, actor="test", put=[an_application(filled=BRAND), *waits])
    async with LedgerDatabase.made(settings) as ledger:
        (message,) = await fill(ledger, {})
    return {"log": (message, NAMES["log"][1])}


def said(seen, path):
    """What is seen, but for the name that was asked for."""
    words = seen.words.replace(path.removeprefix("/console"), "").replace(path.split("/")[-1], "")
    return seen.status, words


PATHS = [("go", page.path) for page in PAGES] + [("send", form.path) for form in FORMS]


async def test_anothers_is_as_unknown_as_none(console, settings):
    """By status and by words, and nothing is changed; a new page or form is in it by itself."""
    made = await records_of_acme(console, settings)
    owner, stranger = await console.visitor("admin"), await console.visitor("solo")
    await stranger.go("/console/password")  # (has the secret of the sign-in)
    before = await trail(console.database)
    for how, path in PATHS:
        if "{" not in path:
            continue
        places = [named(path, which, made) for which in (0, 1)]
        ask = stranger.go if how == "go" else lambda place: stranger.send(place, FIELDS)
        answers = [said(await ask(place), place) for place in places]
        assert answers[0] == answers[1], (how, path)
        assert answers[0][0] in {403, 404}, (how, path, answers[0])
    assert await trail(console.database) == before
    for page in PAGES:
        if "{" in page.path and page.of in {For.ADMINS, For.WRITERS}:  # (what was asked for is there)
            assert (await owner.go(named(page.path, 0, made))).status == 200, page.path


@only_sqlite
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("browser")
async def test_a_browser_is_led_nowhere(console):
    """Typed into the address bar: the same page of what is not there, and a way back."""
    async with a_browser() as browser:
        page = await browser.page(console.base)
        await sign_in(page, "stu@console.example", PASSWORD)
        shown = []
        for name in ("CACME", "CNONE"):
            answer = await page.goto(f"/console/registration/campaigns/{name}")
            shown.append((answer.status, await page.locator("main").inner_text()))
        assert shown[0] == shown[1]
        assert shown[0][0] == 404
        browser.wrong = [one for one in browser.wrong if "404" not in one]
