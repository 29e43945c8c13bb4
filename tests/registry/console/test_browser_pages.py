"""What pages weigh when they are full, and that they are worked by keys alone; in a real browser."""

import pytest

from registry.commands import change
from registry.ledger.database import LedgerDatabase
from tests.browser import a_browser, sign_in
from tests.registry.builders import DID, a_number, a_user
from tests.registry.console.test_browser import ADDRESSES
from tests.registry.console.test_requests import a_request
from tests.registry.console.visitors import PASSWORD
from tests.registry.dialects import only_sqlite
from tests.registry.ledger.filling import fill

pytestmark = [only_sqlite, pytest.mark.timeout(300), pytest.mark.xdist_group("browser")]

#: More than the rows of one page.
MANY = 60
HEAVY_BYTES = 100_000


async def test_a_full_page_is_light(console, settings):
    """Beyond what is kept (script, style) none takes more than 100 KB as it is transferred."""
    put = [a_user(f"person{n}", name=f"Person of a usual name {n}") for n in range(MANY)]
    put += [a_number(f"+1202555{1000 + n}", user=f"person{n}") for n in range(MANY)]
    put += [a_request(f"r{n}", user=f"person{n}", did=f"+1202555{1000 + n}") for n in range(MANY)]
    async with console.database.writing() as connection:
        await change(connection, actor="test", put=put)
    async with LedgerDatabase.made(settings) as ledger:
        await fill(ledger, *({"text": f"Your order {n} is on its way to you. " * 4} for n in range(MANY)))
    heavy = {}
    async with a_browser() as browser:
        page = await browser.page(console.base)
        await sign_in(page, "ada@console.example", PASSWORD)
        for path in [path for path, who in ADDRESSES if who == "admin"]:
            answer = await page.goto(f"/console{path}")
            sizes = await answer.request.sizes()
            if (size := sizes["responseBodySize"] + sizes["responseHeadersSize"]) > HEAVY_BYTES:
                heavy[path] = size
            if path == "/phone-system/users":
                assert await page.locator("tbody tr").count() >= 50
        browser.wrong = [one for one in browser.wrong if "ERR_CONNECTION_REFUSED" not in one]  # (there is no gateway)
    assert heavy == {}


async def tab_to(page, place):
    """Press Tab until the keys go there."""
    for _ in range(100):
        if await place.evaluate("one => one === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"no key leads to {place}")


async def test_a_menu_and_a_switch_are_worked_by_keys(console):
    """Three dots of the SMS page open and lead on; a switch of a person's numbers is turned."""
    async with console.database.writing() as connection:
        await change(connection, actor="test", put=[a_number(DID, user="ben")])
    async with a_browser() as browser:
        page = await browser.page(console.base)
        await sign_in(page, "ada@console.example", PASSWORD)
        await page.goto("/console/phone-system/sms")
        dots = page.locator("details.dots").first
        await tab_to(page, dots.locator("summary"))
        await page.keyboard.press("Enter")
        link = dots.locator("a").first
        await link.wait_for(state="visible")
        await tab_to(page, link)
        before = page.url
        await page.keyboard.press("Enter")
        await page.wait_for_url(lambda url: url != before)
        await page.goto("/console/phone-system/users/ben")
        switch = page.locator(f'input[name=on][value="{DID}"]')
        is_on = await switch.is_checked()
        await tab_to(page, switch)
        await page.keyboard.press("Space")
        assert await switch.is_checked() is not is_on
