"""A real browser for tests: Debian's Chromium, driven by Playwright.

Where there is none the test is skipped with a reason; in CI that is a failure. Nothing that a page does wrong passes
unseen: an error of script, a violation of the content policy, or a request that failed ends the test.
"""

import contextlib
import os
import shutil

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright

_OPTIONS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --disable-dev-shm-usage"
).split()
#: What WCAG 2.2 at level AA asks for, and what axe holds for good practice.
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
WAIT_MS = 20_000


def chromium():
    """Where it is; skips the test, or fails it in CI, where it is not."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no chromium: apt-get install chromium")
    return found


class Browser:
    """A browser, and what went wrong in its pages."""

    def __init__(self, browser):
        self._browser = browser
        self.wrong = []

    async def page(self, base, **options):
        """Open a page of a browser context of its own; base: where relative addresses lead."""
        context = await self._browser.new_context(base_url=base, **options)
        context.set_default_timeout(WAIT_MS)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("console", self._noted)
        return page

    def _noted(self, message):
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.wrong.append(f"console: {message.text}")


@contextlib.asynccontextmanager
async def a_browser():
    """Start a browser; at the end nothing may have gone wrong in it."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium(), args=_OPTIONS)
        try:
            browser = Browser(started)
            yield browser
        finally:
            await started.close()
    assert browser.wrong == []


async def sign_in(page, email, password):
    """Sign in as a person does."""
    await page.goto("/console/sign-in")
    await page.get_by_label("Email address").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(lambda url: "sign-in" not in url)


async def barriers(page, *rules):
    """What keeps people from using a page, by axe: the rule, its help, and where; rules: by these of its rules only."""
    only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else _RULES
    found = await Axe().run(page, options=only)
    return [
        f"{one['id']} ({one['help']}): {node['target']} {node.get('failureSummary', '')}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]
