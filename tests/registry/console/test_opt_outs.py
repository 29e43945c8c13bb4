"""Opt-outs: one number, the lists and the file as the gateway keeps them, what admins say of them; and reviews."""

import csv
import io
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from gateway.queue import OptOutRecord, Spoken, Word
from gateway.queue.consent import Restoration
from gateway.queue.library import CODE
from gateway.queue.store import open_store
from registry.commands import change
from registry.ledger.database import LedgerDatabase
from registry.records import OptOut
from tests.registry.console.visitors import a_console
from tests.registry.ledger.filling import fill
from tests.registry.notices.conftest import nobody

PAGE = "/console/messages/opt-outs"
NUMBER, TYPED = "+16465550151", "%28646%29+555-0151"
OURS = "+12025550101"
EVIDENCE = "Signed our form at the counter; folder 12."
AT = datetime(2026, 11, 20, 17, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1000)


@pytest.fixture
async def console(settings, store, valkey_server):
    """A served console of a registry that knows the queue store; its gateway is away."""
    del store
    async with nobody() as away:
        more = {"queue_url": valkey_server.url, "gateway_url": away}
        async with a_console(settings, valkey_server.url, **more) as console:
            yield console


@pytest.fixture
async def said(console, valkey_server):
    """Write what somebody said to acme, as an older gateway kept it."""
    async with Redis.from_url(valkey_server.url, socket_timeout=None) as redis:

        async def said(**fields):
            await redis.hset(f"{{o:acme}}:{NUMBER}", mapping=fields)

        yield said


@pytest.fixture
async def queue(console, valkey_server):
    """The gateway's own way to the store."""
    async with open_store(valkey_server.url) as queue:
        yield queue


async def opts_out(queue, *recipients, tenant="acme", keyword="STOP"):
    """Opt-outs, each a second after the one before."""
    records = [
        OptOutRecord(tenant=tenant, recipient=one, at_ms=AT_MS + 1000 * n, keyword=keyword, number=OURS)
        for n, one in enumerate(recipients)
    ]
    await queue.put_opt_outs(records)


async def suspect(queue, recipient=NUMBER, text="leave me alone"):
    """Somebody writes what may be an opt-out."""
    spoken = Spoken(
        word=Word.SUSPECTED,
        id=recipient,
        tenant="acme",
        recipient=recipient,
        at_ms=AT_MS,
        keyword=text,
        number=OURS,
        user="ben",
    )
    await queue.heard(spoken)


async def test_a_number_that_opted_out(admin, said):
    """When, by which word, at which number, and how it ends."""
    await said(at_ms=AT_MS, keyword="STOP", number="+12025550101")

    seen = await admin.go(f"{PAGE}?number={TYPED}")

    assert "Opted out Nov 20, 2026, 12:00 PM EST with “STOP”, sent to +1 202-555-0101" in seen.words
    assert "texts START" in seen.words
    assert f"{PAGE}/restore?number=%2B16465550151" in seen.text


async def test_a_number_that_may_have(admin, queue):
    """What they wrote is told, with what to do: it was an opt-out, or it was not."""
    await suspect(queue)

    seen = await admin.go(f"{PAGE}?number={TYPED}")

    assert "may be a wish to get no more texts" in seen.words
    assert "“leave me alone”" in seen.words
    assert admin.form_of(seen, f"{PAGE}/confirm") == [("recipient", NUMBER)]
    assert f"{PAGE}/restore?number=%2B16465550151" in seen.text


async def test_a_number_that_came_back(admin, said):
    """The earlier opt-out is told."""
    await said(lifted_ms=AT_MS, lifted_keyword="START")

    seen = await admin.go(f"{PAGE}?number={TYPED}")

    assert "Has not opted out." in seen.words
    assert "An earlier opt-out ended" in seen.words


async def test_evidence_is_shown_as_it_was_written(admin, queue):
    """Who vouched for what stands with the number; markup in it is text."""
    await opts_out(queue, NUMBER)
    evidence = "<script>alert(1)</script> & signed"
    await queue.restore(Restoration(tenant="acme", recipient=NUMBER, evidence=evidence, by="Ada (user:ada)"))

    for page in (f"{PAGE}?number={TYPED}", f"{PAGE}?state=lifted"):
        seen = await admin.go(page)
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; signed" in seen.text
        assert "<script>alert" not in seen.text
        assert "vouched for by Ada (user:ada)" in seen.words


async def test_another_companys_opt_out_is_not_told(console, said):
    """Each company has its own."""
    await said(at_ms=1, keyword="STOP", number="")
    solo = await console.visitor("solo")

    assert "Has not opted out." in (await solo.go(f"{PAGE}?number={TYPED}")).words


async def test_half_a_number_is_refused(admin):
    """And said at its field."""
    assert "Give a whole phone number" in (await admin.go(f"{PAGE}?number=646")).words


async def test_the_lists(admin, queue):
    """Of one's own company, the newest first, each state with how many there are; copies of imports are no list."""
    await opts_out(queue, NUMBER, "+12065550156", "+12065550157")
    await opts_out(queue, "+12065550199", tenant="solo")
    await suspect(queue, "+12065550158")
    await queue.restore(Restoration(tenant="acme", recipient="+12065550157", evidence=EVIDENCE))

    out = (await admin.go(PAGE)).words
    assert "Opted out 2 Suspected 1 Taken back 1" in out
    assert out.index("+1 206-555-0156") < out.index("+1 646-555-0151")
    suspected = (await admin.go(f"{PAGE}?state=suspected")).words
    assert "+1 206-555-0158 “leave me alone”" in suspected
    assert "It was an opt-out It was not" in suspected
    lifted = (await admin.go(f"{PAGE}?state=lifted")).words
    assert "+1 206-555-0157" in lifted
    assert EVIDENCE in lifted
    assert not any("206-555-0199" in one for one in (out, suspected, lifted))


async def test_a_copy_of_an_import_is_not_the_list(console, admin, queue):
    """It says what a file said; who took that back since is not out."""
    async with console.database.writing() as connection:
        row = OptOut(tenant="acme", recipient="+12065550177", at=AT, keyword="STOP", number=None)
        await change(connection, actor="test", put=[row])

    seen = await admin.go(PAGE)
    assert "206-555-0177" not in seen.words
    assert "Nobody opted out" in seen.words


async def test_pages(admin, queue):
    """Everybody is on one page."""
    people = [f"+1206555{n:04}" for n in range(120)]
    await opts_out(queue, *people)
    found, path = [], PAGE
    while path:
        seen = await admin.go(path)
        found += [one for one in people if f'number={one.replace("+", "%2B")}"' in seen.text]
        following = seen.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        path = following or None

    assert sorted(found) == people
    assert (await admin.go(f"{PAGE}?cursor=yesterday")).status == 400


async def test_the_file_has_all_lists(admin, queue):
    """Whoever is in one, with the evidence; no formula in it."""
    people = [f"+1206555{n:04}" for n in range(600)]
    await opts_out(queue, *people)
    await opts_out(queue, "+12075550001", keyword="=stop")
    await opts_out(queue, "+12065550199", tenant="solo")
    await suspect(queue, "+12075550002", "=leave me")
    await queue.restore(Restoration(tenant="acme", recipient=people[0], evidence=EVIDENCE, by="Ada"))

    rows = list(csv.DictReader(io.StringIO((await admin.go(f"{PAGE}.csv")).text)))

    by_number = {row["recipient"].removeprefix("'"): row for row in rows}
    assert len(rows) == len(by_number) == 602
    assert [row["state"] for row in rows] == ["out"] * 600 + ["suspected", "lifted"]
    assert by_number["+12075550001"]["keyword"] == "'=stop"
    assert by_number["+12075550002"]["text"] == "'=leave me"
    lifted = by_number[people[0]]
    assert (lifted["evidence"], lifted["vouched_by"], lifted["opted_out_keyword"]) == (EVIDENCE, "Ada", "STOP")


async def test_a_store_that_is_away(settings, store, valkey_server):
    """Said as it is: no list, no number, no half a file; what an admin says is kept all the same."""
    del store
    async with nobody() as away:
        more = {"queue_url": away.replace("http", "redis"), "gateway_url": away}
        async with a_console(settings, valkey_server.url, **more) as console:
            admin = await console.visitor("admin")
            assert "nobody can be listed" in (await admin.go(PAGE)).words
            assert "could not be looked up there" in (await admin.go(f"{PAGE}?number={TYPED}")).words
            file = await admin.go(f"{PAGE}.csv")
            assert (file.status, "Content-Disposition" in file.headers) == (503, False)
            assert "Opt-outs hold all the same" in file.words
            await admin.go(f"{PAGE}/restore?number={TYPED}")
            fields = {"recipient": NUMBER, "evidence": EVIDENCE, "vouched": "yes"}
            assert "On its way" in (await admin.send(f"{PAGE}/restore", fields)).words


async def test_until_older_opt_outs_are_in_the_lists_it_is_said(console, admin, valkey_server):
    """They hold, and may be missing."""
    async with Redis.from_url(valkey_server.url, socket_timeout=None) as redis:
        await redis.function_load(CODE)
        assert "some may be missing" in (await admin.go(PAGE)).words
        await redis.hset("a2p:opt-outs-indexed", "done", "1")
        assert "some may be missing" not in (await admin.go(PAGE)).words


class TestRestore:
    async def test_it_is_on_its_way_with_its_evidence(self, admin, queue):
        """And says why it waits; who said what is on the number's page and in a list."""
        await opts_out(queue, NUMBER)
        form = await admin.go(f"{PAGE}/restore?number={TYPED}")
        assert "+1 646-555-0151 opted out Nov 20, 2026" in form.words
        assert "kept by the network, too" in form.words
        fields = dict(admin.form_of(form, f"{PAGE}/restore")) | {"evidence": "Asked us.\r\nTicket 7", "vouched": "yes"}

        seen = await admin.send(f"{PAGE}/restore", fields)

        assert seen.path == f"{PAGE}?number=%2B16465550151"
        assert "It is on its way to the gateway" in seen.said
        for page in (seen, await admin.go(f"{PAGE}/settled")):
            assert "Asked us.\nTicket 7" in page.text
            assert "On its way" in page.words
            assert "Ada" in page.words
        assert "Opted out Nov 20" in seen.words

    async def test_nobody_vouches_by_oversight(self, admin, queue):
        """Without the tick, or the evidence, the form is shown once more with what was typed."""
        await opts_out(queue, NUMBER)
        await admin.go(f"{PAGE}/restore?number={TYPED}")
        again = await admin.send(f"{PAGE}/restore", {"recipient": NUMBER, "evidence": EVIDENCE})
        assert (again.status, EVIDENCE in again.text) == (422, True)
        assert "nobody but the person ends it" in again.words
        short = await admin.send(f"{PAGE}/restore", {"recipient": NUMBER, "evidence": "Said OK.", "vouched": "yes"})
        assert short.status == 422
        assert "what the person did, and where that is kept" in short.words
        wrong = await admin.send(f"{PAGE}/restore", {"recipient": "646", "evidence": EVIDENCE, "vouched": "yes"})
        assert "Give a whole phone number" in wrong.words

        assert "Nothing was settled yet" in (await admin.go(f"{PAGE}/settled")).words

    async def test_that_it_was_an_opt_out(self, admin, queue):
        """One button at the suspicion."""
        await suspect(queue)
        page = await admin.go(f"{PAGE}?state=suspected")
        seen = await admin.send(f"{PAGE}/confirm", admin.form_of(page, f"{PAGE}/confirm"))

        assert "It is an opt-out" in seen.said
        assert "It was an opt-out." in seen.words

    async def test_only_who_changes_what_is_the_companys(self, console, queue):
        """Support sees the lists, and has no button; employees see nothing."""
        await opts_out(queue, NUMBER)
        await suspect(queue, "+12065550158")
        support, employee = await console.visitor("support"), await console.visitor("employee")
        await support.send("/console/provider/tenants/acme/look")
        for page in (f"{PAGE}?number={TYPED}", f"{PAGE}?state=suspected", f"{PAGE}/settled"):
            seen = await support.go(page)
            assert seen.status == 200
            assert f"{PAGE}/restore" not in seen.text
            assert f"{PAGE}/confirm" not in seen.text
        fields = {"recipient": NUMBER, "evidence": EVIDENCE, "vouched": "yes"}
        for visitor in (support, employee):
            assert (await visitor.go(f"{PAGE}/restore")).status == 403
            for form in ("restore", "confirm"):
                assert (await visitor.send(f"{PAGE}/{form}", fields)).status == 403
        operator = await console.visitor("operator")
        await operator.send("/console/provider/tenants/acme/look")
        assert "On its way" in (await operator.send(f"{PAGE}/restore", fields)).words


async def test_reviews(admin, settings):
    """What went out flagged, with why; what was allowed is not among it."""
    async with LedgerDatabase.made(settings) as ledger:
        flagged = {"verdict": "flag", "reason": "content_phishing"}
        (name, other) = await fill(ledger, flagged, {})

    seen = await admin.go("/console/messages/reviews")

    assert name in seen.text
    assert other not in seen.text
    assert 'href="/console/messages/opt-outs?number=%2B16465550151"' in seen.text


async def test_only_for_admins_and_support(console, queue):
    """Employees see none of it."""
    employee, support = await console.visitor("employee"), await console.visitor("support")

    for path in (PAGE, f"{PAGE}.csv", f"{PAGE}/settled", "/console/messages/reviews"):
        assert (await employee.go(path)).status == 403
        assert (await support.go(path)).status == 200
