"""Takes the pictures of the console that the README shows: `make screenshots`.

Starts the demonstration with data of its own, signs in as an admin and as an employee, and writes one PNG a page into
docs/console/. Takes a minute. Needs Debian's chromium.
"""

import asyncio
import tempfile
from pathlib import Path

from tests.browser import a_browser, sign_in
from tests.scenarios.instance import Up, free_base

FOLDER = Path(__file__).parents[1] / "docs" / "console"
SIZE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 780}
#: Name of the picture, who looks (the end of the id), and where.
PICTURES = (
    ("home", "ana", "/console", SIZE),
    ("user", "ana", "/console/phone-system/users/acme-ivy", SIZE),
    ("sms", "ana", "/console/phone-system/sms", SIZE),
    ("registration", "ana", "/console/registration", SIZE),
    ("traffic", "ana", "/console/messages/traffic", SIZE),
    ("preflight", "ana", "/console/preflight?who=%2B12125550103&to=%2B16465550151", SIZE),
    ("messages", "ben", "/console/messages", SIZE),
    ("phone", "ben", "/console/messages", PHONE),
)


async def _take(demo):
    FOLDER.mkdir(parents=True, exist_ok=True)
    logins = {one["user"].rsplit("-", 1)[-1]: one for one in demo["logins"]}
    sender = next(one for one in demo["logins"] if one["user"] == demo["sender"]) if "sender" in demo else None
    async with a_browser() as browser:
        for name, who, path, size in PICTURES:
            login = logins.get(who) or sender or demo["logins"][0]
            page = await browser.page(demo["urls"]["registry"], viewport=size)
            await sign_in(page, login["email"], login["password"])
            await page.goto(path)
            await page.wait_for_timeout(1_500)
            if path == "/console/messages":
                await page.locator("#chat[data-ready]").wait_for()
                first = page.locator("[data-peer] a").first
                if await first.count():
                    await first.click()
                    await page.wait_for_timeout(800)
            await page.screenshot(path=FOLDER / f"{name}.png")
            print(FOLDER / f"{name}.png")
        browser.wrong = []


def main():
    """Take them."""
    with tempfile.TemporaryDirectory() as folder:
        up = Up(Path(folder) / "data", free_base())
        try:
            asyncio.run(_take(up.ready()))
        finally:
            up.stop()


if __name__ == "__main__":
    main()
