"""Opt-outs: kept, heard, listed, and taken back with evidence."""

from datetime import UTC, datetime

import pytest

from gateway.queue import Became, OptOutRecord, Spoken, Suspicion, Word
from gateway.queue.consent import Consent, Dismissed, Lifted, Restoration, Settled, Standing, Suspected
from gateway.queue.consent import Word as Said

ANN, NUMBER = "+15550100", "+15550199"
EVIDENCE = "Signed the form at the counter; folder 12."


def an_opt_out(**fields) -> OptOutRecord:
    """Build an opt-out."""
    return OptOutRecord(
        **{"tenant": "acme", "recipient": "+15550100", "at_ms": 2000, "keyword": "STOP", "number": "+15550199"} | fields
    )


class TestOptOuts:
    @pytest.mark.parametrize(("second_ms", "kept"), [(1999, "QUIT"), (2000, "STOP"), (2001, "STOP")])
    async def test_the_earliest_instant_is_kept(self, store, second_ms, kept):
        """Whatever order they come in."""
        await store.put_opt_outs([an_opt_out()])
        await store.put_opt_outs([an_opt_out(at_ms=second_ms, keyword="QUIT")])

        (record,) = await store.opt_outs([("acme", "+15550100")])
        assert (record.keyword, record.at_ms) == (kept, min(second_ms, 2000))

    async def test_they_are_read_in_order_and_per_tenant(self, store):
        """One customer's STOP says nothing about another's messages."""
        records = [an_opt_out(), an_opt_out(tenant="other", number=""), an_opt_out(recipient="+15550101")]
        await store.put_opt_outs(records)

        pairs = [("other", "+15550100"), ("other", "+15550101"), ("acme", "+15550101"), ("acme", "+15550100")]
        assert await store.opt_outs(pairs) == [records[1], None, records[2], records[0]]

    async def test_nobody_asked_about_is_nobody(self, store):
        """No pairs, no answers; no records, no harm."""
        assert await store.opt_outs([]) == []
        await store.put_opt_outs([])


def a_word(**fields) -> Spoken:
    """Build a STOP."""
    usual = {"word": Word.STOP, "id": "t1", "tenant": "acme", "recipient": "+15550100", "at_ms": 2000}
    return Spoken(**usual | {"keyword": "Stop.", "number": "+15550199", "user": "ann"} | fields)


class TestWords:
    async def test_a_word_is_heard_once(self, store):
        """It tells what came of it the first time, and for whom, however often it comes."""
        assert await store.heard(a_word()) == (Became.OPTED_OUT, 0, "ann")
        assert await store.heard(a_word(id="t2")) == (Became.WAS_OUT, 0, "ann")

        again = await store.heard(a_word(user="bob"))
        assert (again.became, again.user) == (Became.OPTED_OUT, "ann")
        assert 0 <= again.age_ms < 60_000

    async def test_yesterdays_word_is_still_known(self, store, raw):
        """Also across midnight, and not for ever."""
        await store.heard(a_word())
        (seen,) = raw.keys("{o:acme}:seen:*")
        prefix, _, day = seen.rpartition(b":")
        raw.rename(seen, prefix + b":%d" % (int(day) - 1))

        assert (await store.heard(a_word())).became is Became.OPTED_OUT
        assert 0 < raw.ttl(prefix + b":%d" % (int(day) - 1)) <= 2 * 86400

    async def test_what_was_lifted_is_kept_as_evidence(self, store, raw):
        """When somebody opted out and in again, by which word, at which number."""
        await store.heard(a_word())
        lifted = a_word(word=Word.START, id="t2", at_ms=3000, keyword="unstop", number="+15550198")
        assert (await store.heard(lifted)).became is Became.OPTED_IN

        assert await store.opt_outs([("acme", "+15550100")]) == [None]
        assert raw.hgetall("{o:acme}:+15550100") == {
            b"was": b"2000\tStop.\t+15550199",
            b"lifted_ms": b"3000",
            b"lifted_keyword": b"unstop",
            b"lifted_number": b"+15550198",
        }

    async def test_a_suspicion_is_no_opt_out(self, store, raw):
        """It is told apart; who reads the old way does not see it."""
        await store.heard(a_word(word=Word.SUSPECTED))

        (found,) = await store.opt_outs([("acme", "+15550100")])
        assert found == Suspicion(tenant="acme", recipient="+15550100", at_ms=2000)
        assert raw.fcall_ro("a2p_optouts", 1, "{o:acme}:+15550100") == []

    async def test_a_full_store_hears_a_stop(self, store, raw):
        """And keeps what was written: these come first when memory is short."""
        raw.config_set("maxmemory", 1)

        assert (await store.heard(a_word())).became is Became.OPTED_OUT
        await store.deliver_text("acme", "ann", "t1", b"m")
        await store.keep_orphan("t2", b"m")

        assert len(await store.inbox("acme", "ann", after="", limit=9)) == 1
        assert len(await store.orphans(after="", limit=9)) == 1


def a_restoration(**fields) -> Restoration:
    """Build a restoration of acme's."""
    return Restoration(**{"tenant": "acme", "recipient": ANN, "evidence": EVIDENCE, "by": "ada"} | fields)


def now_ms() -> int:
    """The time, as the store's clock has it on the same machine."""
    return int(datetime.now(UTC).timestamp() * 1000)


async def everybody(store, standing, *, limit=2, tenant="acme"):
    """Who stands somewhere, page by page."""
    found, after = [], ""
    while True:
        page = await store.consents(tenant, standing, after=after, limit=limit)
        found += [one.recipient for one in page.items]
        after = page.next
        if not after:
            return found


class TestRestored:
    async def test_it_ends_an_opt_out_and_keeps_what_was(self, store):
        """Nobody is stopped by it any more; the word, the evidence and who vouched are there for good."""
        await store.heard(a_word())

        restored = await store.restore(a_restoration())

        assert restored.outcome is Settled.RESTORED
        assert await store.opt_outs([("acme", ANN)]) == [None]
        how = Said(restored.at_ms, "restored", "")
        was = Said(2000, "Stop.", NUMBER)
        lifted = Lifted(how, EVIDENCE, "ada", was)
        assert await store.consent("acme", ANN) == Consent(recipient=ANN, lifted=lifted)

    async def test_a_stop_afterwards_counts_again(self, store):
        """At once; also one that the carrier says was written before the restoration and that came late."""
        for turn, said_ms in enumerate((0, 1, now_ms())):
            await store.heard(a_word(id=f"a{turn}"))
            assert (await store.restore(a_restoration(evidence=f"{EVIDENCE} {turn}"))).outcome is Settled.RESTORED
            assert (await store.heard(a_word(id=f"b{turn}", said_ms=said_ms))).became is Became.OPTED_OUT
            assert isinstance((await store.opt_outs([("acme", ANN)]))[0], OptOutRecord)

    async def test_the_stop_that_was_lifted_does_not_come_back(self, store):
        """A carrier that brings the very same text again changes nothing."""
        await store.heard(a_word())
        await store.restore(a_restoration())
        await store.heard(a_word())

        assert await store.opt_outs([("acme", ANN)]) == [None]

    async def test_the_same_again_is_the_same(self, store):
        """Whatever came of it, and without lifting what was said in between."""
        nobody = await store.restore(a_restoration())
        assert nobody.outcome is Settled.WAS_NOT_OUT
        await store.put_opt_outs([an_opt_out()])
        assert await store.restore(a_restoration()) == nobody

        other = a_restoration(evidence="Called us; recording 7.")
        first = await store.restore(other)
        await store.put_opt_outs([an_opt_out()])
        assert await store.restore(other) == first
        assert first.outcome is Settled.RESTORED
        assert (await store.consent("acme", ANN)).standing is Standing.OUT

    async def test_the_latest_is_known_for_good(self, store, raw):
        """Also when what is remembered for a day is gone."""
        await store.put_opt_outs([an_opt_out()])
        first = await store.restore(a_restoration())
        await store.put_opt_outs([an_opt_out()])
        raw.delete(*raw.keys("*:seen:*"))

        assert await store.restore(a_restoration()) == first
        assert (await store.consent("acme", ANN)).standing is Standing.OUT

    async def test_what_is_heard_after_the_instant_that_is_vouched_for_stands(self, store):
        """A restoration that was on its way for long does not end what the person said meanwhile."""
        before = now_ms() - 1
        await store.put_opt_outs([an_opt_out()])
        late = await store.restore(a_restoration(vouched_ms=before))
        again = await store.heard(a_word())
        assert (late.outcome, again.became) == (Settled.OVERTAKEN, Became.WAS_OUT)
        assert (await store.consent("acme", ANN)).standing is Standing.OUT

        # (The first word was of long ago; the second is what counts.)
        assert (await store.restore(a_restoration(vouched_ms=now_ms() + 1))).outcome is Settled.RESTORED

    async def test_what_an_older_version_heard_is_measured_by_what_it_kept(self, store, raw):
        """It did not note when it heard; the later of its two instants counts."""
        raw.hset(f"{{o:acme}}:{ANN}", mapping={"at_ms": 10, "keyword": "STOP", "number": "", "last_ms": 30})

        assert (await store.restore(a_restoration(vouched_ms=29))).outcome is Settled.OVERTAKEN
        assert (await store.restore(a_restoration(vouched_ms=30))).outcome is Settled.RESTORED

    async def test_a_suspicion_is_dismissed(self, store):
        """With the same evidence; a phrase that comes afterwards is a new one."""
        await store.heard(a_word(word=Word.SUSPECTED, keyword="leave me alone"))
        suspected = Suspected(2000, NUMBER, "leave me alone")
        assert await store.consent("acme", ANN) == Consent(recipient=ANN, suspected=suspected)

        settled = await store.restore(a_restoration())

        assert settled.outcome is Settled.DISMISSED
        dismissed = Dismissed(settled.at_ms, EVIDENCE, "ada")
        assert await store.consent("acme", ANN) == Consent(recipient=ANN, dismissed=dismissed)
        assert await store.opt_outs([("acme", ANN)]) == [None]
        await store.heard(a_word(word=Word.SUSPECTED, id="t2"))
        assert await store.restore(a_restoration()) == settled
        assert (await store.consent("acme", ANN)).standing is Standing.SUSPECTED

    async def test_a_start_after_it_has_no_evidence_of_the_other(self, store):
        """What is told of the latest end is of that alone."""
        await store.put_opt_outs([an_opt_out()])
        await store.restore(a_restoration())
        await store.put_opt_outs([an_opt_out(at_ms=9000)])
        await store.heard(a_word(word=Word.START, at_ms=9500, keyword="START"))

        lifted = (await store.consent("acme", ANN)).lifted
        assert lifted == Lifted(Said(9500, "START", NUMBER), "", "", Said(9000, "STOP", NUMBER))

    async def test_it_is_the_tenants(self, store):
        """Another company's opt-out of the same person stands."""
        await store.put_opt_outs([an_opt_out(), an_opt_out(tenant="other")])
        await store.restore(a_restoration())

        assert (await store.consent("other", ANN)).standing is Standing.OUT


class TestLists:
    async def test_everybody_is_in_the_list_of_where_they_stand(self, store):
        """And in no other, whatever was said."""
        await store.put_opt_outs([an_opt_out(), an_opt_out(recipient="+15550101", at_ms=3000)])
        await store.heard(a_word(recipient="+15550102", word=Word.SUSPECTED, id="x1"))
        await store.heard(a_word(recipient="+15550101", word=Word.START, id="x2"))
        await store.heard(a_word(recipient="+15550103", word=Word.SUSPECTED, id="x3"))
        await store.heard(a_word(recipient="+15550103", id="x4", at_ms=5000))
        await store.heard(a_word(recipient="+15550104", word=Word.SUSPECTED, id="x5"))
        await store.restore(a_restoration(recipient="+15550104"))

        assert await everybody(store, Standing.OUT) == ["+15550103", ANN]
        assert await everybody(store, Standing.SUSPECTED) == ["+15550102"]
        assert await everybody(store, Standing.LIFTED) == ["+15550101"]
        assert await everybody(store, Standing.OUT, tenant="other") == []

    async def test_the_newest_comes_first(self, store):
        """By the first word of an opt-out, whatever order they came in; an earlier word moves it."""
        await store.put_opt_outs([an_opt_out(recipient=f"+1555010{n}", at_ms=at) for n, at in enumerate((5, 9, -7, 8))])
        assert await everybody(store, Standing.OUT) == ["+15550101", "+15550103", "+15550100", "+15550102"]
        await store.put_opt_outs([an_opt_out(recipient="+15550101", at_ms=6)])
        assert await everybody(store, Standing.OUT) == ["+15550103", "+15550101", "+15550100", "+15550102"]

    @pytest.mark.parametrize("limit", [1, 7, 100, 500])
    async def test_many_of_one_instant_are_each_on_one_page(self, store, limit):
        """A file of opt-outs often has one instant for all."""
        people = [f"+1555{n:04}" for n in range(300)]
        await store.put_opt_outs([an_opt_out(recipient=one, at_ms=2000 + n % 2) for n, one in enumerate(people)])

        found = await everybody(store, Standing.OUT, limit=limit)
        assert len(found) == 300
        assert set(found) == set(people)

    async def test_who_leaves_between_pages_takes_nobody_along(self, store):
        """Those who stay are in one page each, also when the one whom the position names is gone, or those around."""
        people = [f"+1555{n:04}" for n in range(40)]
        await store.put_opt_outs([an_opt_out(recipient=one) for one in people])
        found, after, gone = [], "", set()
        while True:
            page = await store.consents("acme", Standing.OUT, after=after, limit=5)
            found += [one.recipient for one in page.items]
            if not page.next:
                break
            after = page.next
            # The last one of this page, an earlier one, and the first of the next go.
            for one in (found[-1], found[-3], people[people.index(found[-1]) - 1]):
                await store.restore(a_restoration(recipient=one))
                gone.add(one)
            await store.put_opt_outs([an_opt_out(recipient=f"+1999{len(found)}", at_ms=9000)])

        assert len(found) == len(set(found))
        assert set(people) - gone <= set(found)

    @pytest.mark.parametrize(
        "cursor", ["x", "1", "1-", "-", "1-1-1", "(1-1", "1-+1", "1-1 2", "1.5-1", f"{'9' * 16}-1"]
    )
    async def test_a_bad_cursor_is_the_callers(self, store, cursor):
        """It never reaches the server."""
        with pytest.raises(ValueError, match="cursor"):
            await store.consents("acme", Standing.OUT, after=cursor, limit=9)
