"""The pages of opt-outs in a real browser, with people in every list: usable by everybody, and new while open."""

import pytest

from tests.browser import a_browser, barriers, sign_in
from tests.registry.console.test_opt_outs import EVIDENCE, NUMBER, PAGE, TYPED, console, opts_out, queue, suspect
from tests.registry.console.visitors import PASSWORD
from tests.registry.dialects import only_sqlite

pytestmark = [only_sqlite, pytest.mark.timeout(300), pytest.mark.xdist_group("browser")]
assert console
assert queue

PAGES = (
    PAGE,
    f"{PAGE}?state=suspected",
    f"{PAGE}?state=lifted",
    f"{PAGE}/settled",
    f"{PAGE}?number={TYPED}",
    f"{PAGE}?number=%2B12065550158",
    f"{PAGE}/restore?number={TYPED}",
    f"{PAGE}/restore?number=%2B12065550158",
)


@pytest.mark.parametrize("width", [1280, 390])
async def test_everybody_can_use_them(console, queue, width):
    """No barrier that axe knows, and nothing wider than the screen; a form is sent by the keyboard."""
    await opts_out(queue, NUMBER, "+12065550156")
    await suspect(queue, "+12065550158", "please " * 9)
    wrong = {}
    async with a_browser() as browser:
        page = await browser.page(console.base, viewport={"width": width, "height": 844})
        await sign_in(page, "ada@console.example", PASSWORD)
        await page.goto(f"{PAGE}/restore?number={TYPED}")
        await page.get_by_label("What the person did").fill(EVIDENCE)
        await page.get_by_label("I vouch").press("Space")
        await page.get_by_role("button", name="Text them again").press("Enter")
        await page.get_by_text("On its way").first.wait_for()
        for path in PAGES:
            assert (await page.goto(path)).status == 200
            wrong[path] = await barriers(page)
            over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if over > 0:
                wrong[path].append(f"wider than the screen by {over} pixels")
        browser.wrong = [one for one in browser.wrong if "ERR_CONNECTION_REFUSED" not in one]  # (there is no gateway)
    assert {path: found for path, found in wrong.items() if found} == {}


async def test_it_is_asked_before_somebody_is_out(console, queue):
    """Whoever says no has done nothing; whoever says yes sees what becomes of it without loading the page anew."""
    await suspect(queue)
    async with a_browser() as browser:
        page = await browser.page(console.base)
        answers = ["dismiss", "accept"]

        async def answer(dialog):
            assert "Nobody of your company can text this number then" in dialog.message
            await getattr(dialog, answers.pop(0))()

        page.on("dialog", answer)
        await sign_in(page, "ada@console.example", PASSWORD)
        await page.goto(f"{PAGE}?number={TYPED}")
        await page.get_by_role("button", name="It was an opt-out").click()
        assert "Settled by your company" not in await page.locator("main").inner_text()
        await page.get_by_role("button", name="It was an opt-out").click()
        await page.get_by_text("The gateway does not answer").first.wait_for()
        browser.wrong = [one for one in browser.wrong if "ERR_CONNECTION_REFUSED" not in one]
