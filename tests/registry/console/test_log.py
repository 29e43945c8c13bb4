"""The message log: who sees which messages, why they were decided so, the file, and the erasure of a text."""

import csv
import importlib
import inspect
import io
import re

import pytest

from compliance.codes import Code
from compliance.rules import ALL_CHECKS
from gateway.envelope import Channel
from registry.console.carrier_codes import code_in_words
from registry.console.explained import FINDS
from registry.console.views import log
from registry.ledger.database import LedgerDatabase
from tests.builders import a_recipient, an_opt_out
from tests.registry.ledger.filling import fill
from tests.registry.ledger.journal import RECIPIENT, SENDER, START_MS, record

LOG = "/console/messages/log"
HOUR_MS = 3_600_000


@pytest.fixture
async def ledger(console, settings):
    """The ledger of the served registry, to be filled."""
    del console
    async with LedgerDatabase.made(settings) as ledger:
        yield ledger


def opted_out():
    """A refusal of a text to somebody who said STOP."""
    raw = record(recipient=a_recipient(opted_out=an_opt_out(keyword="STOP")))
    return {"verdict": "block", "reason": "recipient_opted_out", "record": raw}


class TestList:
    async def test_newest_first_with_names(self, admin, ledger):
        """Each line says when, from whom, to whom and what came of it, and leads to the message."""
        old, new = await fill(ledger, {}, {"accepted_ms": START_MS + HOUR_MS, "recipient": "+12065550156"})

        seen = await admin.go(LOG)

        assert seen.status == 200
        assert seen.text.index(new) < seen.text.index(old)
        assert "+1 206-555-0156" in seen.words
        assert "Ben" in seen.words
        assert "On our way" not in seen.text

    async def test_another_companys_are_not_there(self, admin, ledger):
        """Neither in the list, nor in the file, nor by their id."""
        (name,) = await fill(ledger, {"tenant": "solo", "recipient": "+12065550199"})

        assert "206-555-0199" not in (await admin.go(LOG)).text
        assert "206-555-0199" not in (await admin.go(f"{LOG}.csv")).text
        assert (await admin.go(f"{LOG}/{name}")).status == 404
        assert (await admin.go(f"{LOG}/{name}/erase")).status == 404
        assert (await admin.send(f"{LOG}/{name}/erase", {"sure": "yes"})).status == 404

    @pytest.mark.parametrize(
        "question",
        [
            "number=%28212%29+555-0101&counterpart=1+206+555+0156",
            "user=ann",
            "reason=recipient_opted_out&verdict=block",
            "status=refused",
            "channel=mms",
            "since=2026-11-20T16%3A00",
        ],
    )
    async def test_every_field_of_the_search_finds(self, admin, ledger, question):
        """Numbers as people write them, times in the company's zone (New York is five hours behind)."""
        wanted = {
            "user": "ann",
            "recipient": "+12065550156",
            "verdict": "block",
            "reason": "recipient_opted_out",
            "channel": Channel.MMS,
            "accepted_ms": START_MS + HOUR_MS,
        }
        other, found = await fill(ledger, {}, wanted)

        seen = await admin.go(f"{LOG}?{question}")

        assert found in seen.text
        assert other not in seen.text

    async def test_what_is_no_time_is_said_at_its_field(self, admin, ledger):
        """Nothing is listed then: it would be the answer to another question."""
        (name,) = await fill(ledger, {})

        seen = await admin.go(f"{LOG}?since=yesterday")

        assert seen.status == 200
        assert "Give a day and a time" in seen.words
        assert name not in seen.text

    async def test_no_message_says_what_to_do(self, admin):
        """An empty list is explained; one that was searched says so."""
        assert "No messages yet" in (await admin.go(LOG)).words
        assert "No message fits" in (await admin.go(f"{LOG}?user=nobody")).words

    async def test_what_is_rare_is_looked_for_further_back(self, admin, ledger, monkeypatch):
        """Four times as far as a page of the ledger looks; behind that somebody is asked to go on."""
        monkeypatch.setattr(log, "SCAN", 3)
        rare = {12: {"channel": "mms"}, 13: {"channel": "im"}}
        names = await fill(ledger, *({"accepted_ms": START_MS - n} | rare.get(n, {}) for n in range(1, 15)))

        near, far = [await admin.go(f"{LOG}?channel={channel}") for channel in ("mms", "im")]

        assert f"{LOG}/{names[11]}" in near.text
        assert f"{LOG}/{names[12]}" not in far.text
        assert "cursor=" in far.text

    async def test_pages(self, admin, ledger):
        """Fifty a page; the next one goes on with the same question, and a cursor of another is told."""
        await fill(ledger, *({"accepted_ms": START_MS + place} for place in range(60)))
        first = await admin.go(f"{LOG}?user=ben")
        following = re.search(r'rel="next" href="([^"]+)"', first.text)[1].replace("&amp;", "&")

        second = await admin.go(following)
        lost = await admin.go(following.replace("user=ben", "verdict=allow"))

        assert (first.text.count(f"{LOG}/0-"), second.text.count(f"{LOG}/0-")) == (50, 10)
        assert "from the beginning" in lost.words


class TestMessage:
    async def test_a_refusal_is_explained(self, admin, ledger):
        """Verdict, reason in words, what helps with its page, the facts, the policy, and every rule."""
        (name,) = await fill(ledger, opted_out())

        seen = await admin.go(f"{LOG}/{name}")

        for said in ("Blocked", "Opted out", "What helps", "text START", "with “STOP”", "Policy current, version 1"):
            assert said in seen.words, said
        assert 'href="/console/messages/opt-outs"' in seen.text
        assert "It was refused at once" in seen.words
        assert seen.text.count('class="check-found"') == 1
        assert seen.text.count('<li class="check-') == len(ALL_CHECKS)

    async def test_a_life_is_told(self, admin, ledger):
        """What became of it, in words and in the company's time."""
        (name,) = await fill(ledger, {})

        seen = await admin.go(f"{LOG}/{name}")

        assert "Waits to be handed to a carrier" in seen.words
        assert "Reached the phone" in seen.words
        assert "3:00 PM EST" in seen.words
        assert "On our way" in seen.words

    async def test_what_people_wrote_is_never_markup(self, admin, ledger):
        """A text is shown as it stands."""
        (name,) = await fill(ledger, {"text": "<script>alert(1)</script>"})

        assert "<script>alert" not in (await admin.go(f"{LOG}/{name}")).text

    async def test_every_rule_has_its_findings(self):
        """Whoever adds a rule says here what it finds: all codes that its module names."""
        modules = {check.__module__.rpartition(".")[2]: check.__module__ for check in ALL_CHECKS}

        assert set(FINDS) == set(modules)
        for name, module in modules.items():
            named = re.findall(r"Code\.([A-Z_]+)", _source(module))
            assert {Code[word] for word in named} == set(FINDS[name]), name


class TestErase:
    async def test_erases_after_it_was_asked(self, admin, ledger):
        """Not without the tick; then the text is gone for good, and the page says so."""
        (name,) = await fill(ledger, {})
        await admin.go(f"{LOG}/{name}/erase")

        unsure = await admin.send(f"{LOG}/{name}/erase", {})
        still = await admin.go(f"{LOG}/{name}")
        done = await admin.send(f"{LOG}/{name}/erase", {"sure": "yes"})

        assert unsure.status == 422
        assert "On our way" in still.text
        assert "The text is erased." in done.said
        assert "On our way" not in done.text
        assert "Erased" in done.words

    async def test_support_sees_and_erases_nothing(self, console, ledger):
        """Whoever only looks has no button, no page for it, and no way."""
        (name,) = await fill(ledger, {"tenant": "phoneco"})
        support = await console.visitor("support")

        seen = await support.go(f"{LOG}/{name}")
        asked = await support.go(f"{LOG}/{name}/erase")
        done = await support.send(f"{LOG}/{name}/erase", {"sure": "yes"})

        assert seen.status == 200
        assert "/erase" not in seen.text
        assert asked.status == 403
        assert done.status in {200, 403}
        assert "On our way" in (await support.go(f"{LOG}/{name}")).text

    async def test_employees_see_none_of_it(self, console, ledger):
        """The log is the admins'."""
        (name,) = await fill(ledger, {})
        employee = await console.visitor("employee")

        for path in (LOG, f"{LOG}.csv", f"{LOG}/{name}", f"{LOG}/{name}/erase"):
            assert (await employee.go(path)).status == 403, path


async def test_the_file_holds_what_was_found_and_no_formula(admin, ledger):
    """All pages of it, as CSV; numbers and what people chose are texts for a spreadsheet."""
    await fill(ledger, *({"accepted_ms": START_MS + place} for place in range(3)), {"campaign_id": "=1+1"})

    seen = await admin.go(f"{LOG}.csv?number={SENDER[1:]}")
    rows = list(csv.DictReader(io.StringIO(seen.text)))

    assert len(rows) == 4
    assert {row["to"] for row in rows} == {f"'{RECIPIENT}"}
    assert {row["campaign_id"] for row in rows} >= {"'=1+1"}
    assert seen.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in seen.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("carrier_4771", "The carrier did not take it. The carrier does not carry shortened links."),
        ("doubt_timeout", "It is not known whether the carrier has it. The carrier did not answer in time."),
        ("recipient_opted_out", "Opted out"),
        ("carrier_strange", "The carrier did not take it."),
        ("strange", ""),
        (None, ""),
    ],
)
def test_codes_in_words(code, said):
    """Carriers' codes, our own, and reasons; what nobody knows is left to the code itself."""
    assert code_in_words(code) == said


def _source(module):
    return inspect.getsource(importlib.import_module(module))
