"""The page: everything escaped, no number whole, newest first, bounded, nothing inline."""

import re
from html import escape

import pytest

from loadtests.carrier.page import STATIC, mask

EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'


async def test_what_a_submitter_wrote_is_escaped(carrier):
    """Text and reference are shown as they are, and run nothing."""
    await carrier.submit(EVIL[:100], text=EVIL)

    for path in ("/", "/live"):
        _, page = await carrier.get(path)
        assert page.count(escape(EVIL)) == 2
        assert "<script>" not in page
        assert "<img" not in page


async def test_no_number_is_whole_on_the_page(carrier):
    """Sender and recipient are masked, taken or not."""
    await carrier.submit("a")
    await carrier.submit("b", to="+13125550110", **{"from": "+16045550177"})

    _, page = await carrier.get("/")
    for shown in ("+1 415 ••• 0199", "+1 212 ••• 0143", "+1 312 ••• 0110", "+1 604 ••• 0177"):
        assert shown in page
    assert not re.search(r"\d{7}", re.sub(r"<time.*?</time>", "", page))


@pytest.mark.parametrize(
    ("number", "shown"),
    [("+12025550143", "+1 202 ••• 0143"), ("+442079460123", "+44 ••• 23"), ("+6421555", "+64 ••• 55")],
)
def test_a_masked_number_keeps_little(number, shown):
    """Area code and four digits of a NANP number, country and two digits of any other."""
    assert shown == mask(number)


async def test_the_newest_hundred_are_shown_and_all_are_counted(carrier):
    """The page does not grow with the traffic."""
    for batch in range(3):
        messages = [carrier.message(f"m-{batch}-{number}", receipt_url=None) for number in range(100)]
        await carrier.post([*messages, carrier.message(f"last-{batch}")][1:])

    _, page = await carrier.get("/live")
    assert page.count('<li class="message">') == 100
    assert "<dd>300</dd>" in page
    assert "200 earlier ones" in page
    assert page.index("last-2") < page.index("m-2-99") < page.index("m-2-98")
    assert "last-1" not in page


async def test_the_page_tells_what_went_wrong(carrier, receiver):
    """Refusals, lost answers, doubles and unacknowledged receipts can be seen."""
    receiver.answers = [503]
    await carrier.submit("twice")
    await carrier.ledger_until("receipt", 2)
    await carrier.submit("twice", receipt_url=None)
    await carrier.submit("refused", to="+13125550111")

    _, page = await carrier.get("/live")
    for mark in ("receipt delivered: 503", "receipt delivered: 200", "taken 2 times", "answer 422 blocked_content"):
        assert f">{mark}</span>" in page


async def test_the_page_runs_only_its_own_script(carrier):
    """A strict policy, no inline script, style or handler, and every file it names is served."""
    async with carrier.session.get(f"{carrier.url}/") as answer:
        policy, page = answer.headers["Content-Security-Policy"], await answer.text()
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", page)
    named = re.findall(r"/static/([\w.]+)", page)
    assert sorted(STATIC) == sorted(named)
    assert [(await carrier.get(f"/static/{name}"))[0] for name in named] == [200] * 3
    assert (await carrier.get("/static/..%2fapp.py"))[0] == 404


async def test_nothing_new_is_nothing_to_send(carrier):
    """The changing part has a tag; while nothing happens the script gets 304."""
    async with carrier.session.get(f"{carrier.url}/live") as answer:
        tag = {"If-None-Match": answer.headers["ETag"]}
    async with carrier.session.get(f"{carrier.url}/live", headers=tag) as unchanged:
        assert unchanged.status == 304
    await carrier.submit(receipt_url=None)
    async with carrier.session.get(f"{carrier.url}/live", headers=tag) as changed:
        assert changed.status == 200
