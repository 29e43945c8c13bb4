"""Both seed pages acted out in a browser, step by step as they are written, up to the text that arrives.

An admin of a new customer registers, is turned down, corrects, waits until both show VERIFIED, assigns and enables
numbers; then the console's own Messages page texts a friend. Nothing is reloaded to see a status change.
A colleague who may not text yet asks on the same Messages page; texts of people appear there as they come.
"""

import asyncio
import contextlib
import os
import re
import signal
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest
from playwright.async_api import expect

from tests.browser import a_browser, sign_in
from tests.scenarios.instance import processes_of
from tests.scenarios.test_seed_pages import BRAND, CAMPAIGN, FRIEND, LEGACY, NEW, OLD, PIA, QUIN

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(600)]

#: What TCR's reviews may take here.
REVIEW_MS = 60_000
TEXT = "Your book has come in."
ANOTHER = "+16122150189"
PASSWORD = "a lake and seven books"
ANSWER, NOTE = "Thank you, I come today.", "She waits for her book."
#: What the person reads where nobody assigned the number.
USER_WORDS = "Your number isn't registered for business texting yet."
#: How long a change that was made may take until every gateway judges by it, whatever breaks (README, revocations).
BOUND_S = 5


async def fill(page, fields):
    """Fill a step of a form in, by its fields' names, as far as it asks for them."""
    for name, value in fields.items():
        place = page.locator("#f-samples-0" if name == "samples" else f"#f-{name}")
        if await place.count() == 0 or await place.evaluate("one => one.tagName") == "P":
            continue  # Another step asks for it, or it cannot be changed any more.
        if name == "samples":
            for index, text in enumerate(value):
                await page.locator(f"#f-samples-{index}").fill(text)
        elif name == "sub_use_cases":
            for one in value:
                await page.locator(f'input[name=sub_use_cases][value="{one}"]').check()
        elif value is True or value is False:
            box = page.locator(f'input[type=checkbox][name="{name}"]')
            if await box.count():
                await box.set_checked(value)
            else:
                await page.locator(f'input[type=radio][name="{name}"][value="{"yes" if value else "no"}"]').check()
        elif await place.evaluate("one => one.tagName") == "SELECT":
            await place.select_option(value)
        else:
            await place.fill(", ".join(value) if isinstance(value, list) else value)


async def through(page, fields, *, until="h1:text-is('Review')"):
    """Go through the steps of a form until something shows, filling in what each step asks for."""
    for _ in range(12):
        if await page.locator(until).count():
            return
        await fill(page, fields)
        await page.get_by_role("button", name="Save and go on").click()
        await page.wait_for_load_state()
    raise AssertionError(await page.locator("main").inner_text())


def call(demo, base, method, path, body=None, **headers):
    """Ask one of the processes; gives status and body."""
    request = urllib.request.Request(  # noqa: S310 - our own address
        demo["urls"][base] + path,
        method=method,
        data=None if body is None else orjson.dumps(body),
        headers={"Content-Type": "application/json"} | headers,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


async def register_the_brand(page):
    """Turned down for a wrong name, corrected, and VERIFIED while the page is open."""
    await page.goto("/console/registration/new-brand")
    await page.locator(f'input[name=entity_type][value="{BRAND["entity_type"]}"]').check()
    await page.get_by_role("button", name="Begin").click()
    await through(page, BRAND | {"legal_name": "Lakeside Books #unverified"})
    await page.get_by_role("button", name="Submit to TCR").click()
    await expect(page.get_by_role("heading", name="Why it was turned down")).to_be_visible(timeout=REVIEW_MS)
    await page.get_by_role("link", name="Correct it").click()
    await through(page, BRAND)
    await page.get_by_role("button", name="Submit to TCR").click()
    await expect(page.get_by_role("link", name="Register a campaign")).to_be_visible(timeout=REVIEW_MS)


async def register_the_campaign(page):
    """Its samples are judged as they are written, the fee is told; declined and corrected, it becomes VERIFIED."""
    await page.get_by_role("link", name="Register a campaign").click()
    await page.get_by_role("button", name=re.compile("Begin")).click()
    declined = {"description": CAMPAIGN["description"] + " #declined"}
    await through(page, CAMPAIGN | declined, until="#f-samples-0")
    await fill(page, {"samples": ["Get it now at https://bit.ly/2xyz, click here!!!", CAMPAIGN["samples"][1]]})
    await page.get_by_role("button", name="Save and look at the samples").click()
    await expect(page.locator("#found-samples-0")).to_contain_text("Put this right")
    await through(page, CAMPAIGN | declined)
    await expect(page.locator("main")).to_contain_text("US$89")
    await page.get_by_role("button", name="Submit to TCR").click()
    await expect(page.get_by_role("heading", name="Why it was turned down")).to_be_visible(timeout=REVIEW_MS)
    await expect(page.locator("main")).to_contain_text("The call to action does not say how people opt in.")
    await page.get_by_role("link", name="Correct it").click()
    await through(page, CAMPAIGN)
    await page.get_by_role("button", name="Submit to TCR").click()
    await expect(page.get_by_role("link", name="Enable numbers")).to_be_visible(timeout=REVIEW_MS)
    link = page.get_by_role("link", name=re.compile(r"^C[A-Z0-9]{6}$")).first
    return (await link.text_content()).strip()


async def assign_the_legacy_number(page, campaign):
    """Three dots, Assign to campaign, Save; the column reads Assigned (<Campaign ID>) by itself."""
    await page.goto(f"/console/phone-system/sms?prefix={quote(LEGACY)}")
    await expect(page.locator("#state")).to_contain_text("VERIFIED")
    row = page.get_by_role("row").filter(has=page.locator(f'a[href$="{quote(LEGACY)}"]'))
    await row.locator("summary").click()
    await row.get_by_role("link", name="Assign to campaign").click()
    await page.get_by_role("button", name="Save").click()
    await page.goto(f"/console/phone-system/sms?prefix={quote(LEGACY)}")
    await expect(row).to_contain_text(f"Assigned ({campaign})", timeout=REVIEW_MS)


def within_the_bound(demo, did, wanted):
    """From now on, the gateway's answer to a text from a number becomes the wanted one in time."""
    key = {"Authorization": f"Bearer {demo['user_keys'][PIA]}"}
    body = {"from": did, "to": ANOTHER, "text": TEXT}
    begun, seen = time.monotonic(), None
    while seen != wanted and time.monotonic() - begun < BOUND_S:
        status, answer = call(demo, "gateway", "POST", "/v1/messages", body, **key)
        seen = status, orjson.loads(answer).get("code")
    assert seen == wanted


async def enable_the_new_number(page, campaign, demo):
    """Home > Users > edit > SMS enabled numbers > switch > Save: the other goes off, the campaign comes by itself.

    The gateway follows both in time: the number that went off from the answer on, the other from when it is enabled.
    """
    await page.goto("/console")
    await page.get_by_role("navigation", name="Console").get_by_role("link", name="Users").click()
    await page.get_by_role("link", name="Pia Larsen").click()
    new = page.locator(f'input[name=on][value="{NEW}"]')
    await expect(page.locator(f'input[name=on][value="{OLD}"]')).to_be_checked()
    await new.check()
    await expect(page.locator(f'[id="told-{OLD}"]')).to_be_visible()
    await expect(page.locator("#switches")).to_contain_text(campaign)
    await page.locator("#switches").get_by_role("button", name="Save").click()
    await expect(page.locator(".said")).to_contain_text("Pending")
    within_the_bound(demo, OLD, (403, "did_superseded"))
    await expect(page.locator("#switches").get_by_text("Enabled", exact=True)).to_be_visible(timeout=REVIEW_MS)
    within_the_bound(demo, NEW, (202, None))
    await expect(page.locator(f'input[name=on][value="{OLD}"]')).not_to_be_checked()


async def begin_a_conversation(page):
    """Open the Messages page and choose the friend."""
    await page.goto("/console/messages#new")
    await page.locator("#chat[data-ready]").wait_for(timeout=REVIEW_MS)
    await page.locator("[data-chat=to]").fill(FRIEND)
    await page.locator("[data-chat=to]").press("Enter")


async def invite(admin, employee):
    """The admin gives a colleague a link, who chooses a password with it and is in."""
    await admin.goto(f"/console/phone-system/users/{QUIN}")
    await admin.locator("#f-email").fill(f"{QUIN}@demo.example")
    await admin.get_by_role("button", name="Invite").click()
    await employee.goto(await admin.locator("#link").get_attribute("href"))
    await employee.get_by_label("New password", exact=True).fill(PASSWORD)
    await employee.get_by_label("New password once more").fill(PASSWORD)
    await employee.get_by_role("button", name="Save and sign in").click()
    await employee.wait_for_url(lambda url: "invitation" not in url)


async def ask_to_be_let(employee, admin):
    """A person whose number is in no campaign is refused in plain words, asks, and the admin reads it on Requests."""
    await begin_a_conversation(employee)
    await employee.locator("[data-chat=text]").fill(TEXT)
    await employee.locator("[data-chat=send]").click()
    refusal = employee.locator('.chat-refusal[data-refusal="did_unassigned"]')
    await expect(refusal).to_contain_text("This message wasn't sent.", timeout=REVIEW_MS)
    await expect(refusal).to_contain_text(USER_WORDS)
    await refusal.locator("[data-chat=note]").fill(NOTE)
    await refusal.get_by_role("button", name="Ask my admin").click()
    await expect(refusal.locator('[data-asked="open"]')).to_contain_text("You asked your admin", timeout=REVIEW_MS)
    await admin.goto("/console/requests")
    asked = admin.get_by_role("region", name=re.compile("Request of Quin"))
    await expect(asked).to_contain_text(NOTE)
    await expect(asked).to_contain_text("What is missing")


async def see_what_will_be_refused(page):
    """While a text is typed: a shortened link is told, and curly quotes that make it two texts; nothing is sent."""
    await begin_a_conversation(page)
    text, hint = page.locator("[data-chat=text]"), page.locator("[data-chat=hint]")
    await text.fill("Your book: https://bit.ly/2xyz")
    await expect(hint).to_have_attribute("data-verdict", "block", timeout=REVIEW_MS)
    await expect(hint).to_contain_text("This will be refused.")
    await text.fill("\u201cThe book\u201d " + "is on the table by the window, " * 3)
    await expect(hint).to_contain_text("a curly quote makes the message longer", timeout=REVIEW_MS)
    await expect(hint).to_have_attribute("data-segments", "2")
    await hint.get_by_role("button", name="Use straight quotes").click()
    await expect(hint).to_have_attribute("data-segments", "1", timeout=REVIEW_MS)
    await expect(page.locator(".chat-mine")).to_have_count(0)


def lose_the_gateway(up, demo):
    """Kill it; the supervisor starts another one. Back when that one answers."""
    for pid in processes_of(up.data_dir):
        with contextlib.suppress(OSError):
            if b"\0gateway\0serve\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
                break
    else:
        raise AssertionError("there is no gateway")
    deadline = time.monotonic() + REVIEW_MS / 1_000
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if call(demo, "gateway", "GET", "/v1/reasons")[0]:
                return
        time.sleep(0.2)
    raise AssertionError("no gateway came back")


async def get_an_answer(page, demo):
    """What the friend writes to the number appears in the open conversation by itself."""
    text = {"url": demo["urls"]["gateway"] + "/carriers/emulator/inbound", "from": FRIEND, "to": NEW, "text": ANSWER}
    status, said = call(demo, "carrier", "POST", "/inbound", text, Authorization="Bearer carrier-secret")
    assert status == 202, said
    await expect(page.locator(".chat-theirs")).to_contain_text(ANSWER, timeout=REVIEW_MS)


async def text_a_friend(page):
    """From the Messages page, which says what kind of message it is, and shows it delivered; gives its id."""
    await page.locator("[data-chat=text]").fill(TEXT)
    await expect(page.locator("[data-chat=hint]")).to_have_attribute("data-channel", "sms", timeout=REVIEW_MS)
    await page.locator("[data-chat=send]").click()
    sent = page.locator('.chat-mine[data-state="delivered"]')
    await expect(sent).to_contain_text(TEXT, timeout=REVIEW_MS)
    return await sent.get_attribute("data-message")


async def test_from_nothing_registered_to_a_text_that_arrives(start):
    """In the order of the pages; the gateway dies on the way, and the Messages page comes back by itself."""
    up = start("console")
    demo = up.ready()
    email, password = next((one["email"], one["password"]) for one in demo["logins"] if one["user"] == PIA)
    operator = next(one["email"] for one in demo["logins"] if "oda" in one["user"])
    async with a_browser() as browser:
        page = await browser.page(demo["urls"]["registry"])
        await sign_in(page, email, password)
        employee = await browser.page(demo["urls"]["registry"])
        await invite(page, employee)
        await ask_to_be_let(employee, page)
        await page.goto("/console")
        await expect(page.get_by_role("heading", name=re.compile("Register the brand"))).to_be_visible()
        await register_the_brand(page)
        campaign = await register_the_campaign(page)
        await assign_the_legacy_number(page, campaign)
        await expect(employee.locator('[data-asked="possible"]')).to_be_visible(timeout=REVIEW_MS)

        provider = await browser.page(demo["urls"]["registry"])
        await sign_in(provider, operator, password)
        await give_a_number(provider)

        await enable_the_new_number(page, campaign, demo)
        await see_what_will_be_refused(page)
        message = await text_a_friend(page)
        await asyncio.to_thread(lose_the_gateway, up, demo)
        await get_an_answer(page, demo)

        # The carrier has it, from the new number.
        key = {"Authorization": f"Bearer {demo['user_keys'][PIA]}"}
        status, body = call(demo, "gateway", "GET", f"/v1/messages/{message}", **key)
        assert (status, orjson.loads(body)["from"], orjson.loads(body)["to"]) == (200, NEW, FRIEND)
        status, arrived = call(demo, "carrier", "GET", "/ledger")
        lines = [orjson.loads(line) for line in arrived.splitlines()]
        assert [one["taken"] for one in lines if one.get("reference") == message and one["event"] == "received"] == [
            True
        ]
        # The number that it took the place of is blocked, and says why.
        status, body = call(demo, "gateway", "POST", "/v1/messages", {"from": OLD, "to": FRIEND, "text": TEXT}, **key)
        refused = orjson.loads(body)
        assert (status, refused["code"]) == (403, "did_superseded")
        await page.goto("/console/preflight")
        await page.get_by_label("Who texts").fill(OLD)
        await page.get_by_label("Whom").fill(FRIEND)
        await page.get_by_role("button", name="Check").click()
        await expect(page.locator("main")).to_contain_text("other number")
        browser.wrong = [one for one in browser.wrong if "WebSocket" not in one]


async def give_a_number(page):
    """The provider's operator adds a number for the customer."""
    await page.goto("/console/provider/tenants")
    row = page.get_by_role("row").filter(has_text="Lakeside Books")
    await row.get_by_role("button", name=re.compile("Look at")).click()
    await page.goto("/console/phone-system/numbers/new")
    await page.locator("#f-did").fill(NEW)
    await page.locator("#f-user").fill(PIA)
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.locator(".said")).to_be_visible()
