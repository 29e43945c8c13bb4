"""What follows from what TCR says: in whatever order and how often it comes, the rows end up the same."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.commands import change, find
from registry.database import Database
from registry.lifecycle.standing import Registered, lacking
from registry.records import Brand, Campaign
from registry.settings import Settings
from registry.tables import audit
from registry.tcr.applying import Outcome, Word, apply_event, apply_score, apply_words, replay
from registry.tcr.events import Observation, read_event
from registry.work_tables import tcr_events, tcr_jobs, tcr_marks
from tests.registry.builders import BASICS, a_brand, a_campaign

T0 = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
NOW = T0 + timedelta(hours=1)


def at(seconds):
    """An instant, as TCR writes it."""
    return (T0 + timedelta(seconds=seconds)).isoformat()


def an_event(event_type, seconds=None, **fields):
    """An event of acme's campaign and brand."""
    body = {"eventType": event_type, "brandId": "BACME", "mock": False} | fields
    return read_event(body if seconds is None else body | {"time": at(seconds)})


def of_campaign(event_type, seconds=None, **fields):
    """An event of acme's campaign."""
    return an_event(event_type, seconds, **{"campaignId": "CACME"} | fields)


def of_carrier(word, seconds=None, mno=10035, **fields):
    """An event of T-Mobile, or another carrier."""
    return of_campaign(f"MNO_CAMPAIGN_OPERATION_{word}", seconds, mnoId=mno, **fields)


@pytest.fixture
async def acme(database):
    """Acme, whose campaign may send."""
    async with database.writing() as connection:
        await change(connection, actor="test", put=BASICS)
    return database


async def applied(database, *happened, now=NOW):
    """Apply events one after the other; gives their outcomes."""
    found = []
    for event in happened:
        async with database.writing() as connection:
            found.append((await apply_event(connection, event, now)).outcome)
    return found


async def campaign_of(database, name="CACME"):
    """Return a campaign."""
    async with database.reading() as connection:
        return (await find(connection, Campaign, {(name,)}))[(name,)]


async def brand_of(database, name="BACME"):
    """Return a brand."""
    async with database.reading() as connection:
        return (await find(connection, Brand, {(name,)}))[(name,)]


async def count(database, table, *where):
    """Count rows."""
    async with database.reading() as connection:
        return (await connection.execute(sa.select(sa.func.count()).select_from(table).where(*where))).scalar_one()


async def to_be_asked(database):
    """List what TCR is to be asked about."""
    async with database.reading() as connection:
        return set((await connection.execute(sa.select(tcr_jobs.c.object).where(tcr_jobs.c.action == "ask"))).scalars())


class TestOrder:
    async def test_a_suspension_and_its_end(self, acme):
        """A later word ends it."""
        await applied(acme, of_carrier("SUSPENDED", 1, mno=10017))
        assert (await campaign_of(acme)).att == "suspended"
        await applied(acme, of_carrier("UNSUSPENDED", 2, mno=10017))
        assert (await campaign_of(acme)).att == "approved"

    async def test_an_old_good_word_never_beats_a_newer_bad_one(self, acme):
        """It came late: the suspension stands, and TCR is asked, in case it is the mark that is wrong."""
        found = await applied(acme, of_carrier("SUSPENDED", 2), of_carrier("APPROVED", 1))
        assert found == [Outcome.APPLIED, Outcome.OLDER]
        assert (await campaign_of(acme)).tmobile == "suspended"
        assert await to_be_asked(acme) == {"campaign:CACME"}

    @pytest.mark.parametrize("turned", [False, True])
    async def test_at_equal_times_the_adverse_one_wins(self, acme, turned):
        """Whichever came first."""
        happened = [of_carrier("SUSPENDED", 1), of_carrier("APPROVED", 1)]
        await applied(acme, *(reversed(happened) if turned else happened))
        assert (await campaign_of(acme)).tmobile == "suspended"

    async def test_aspects_do_not_know_each_other(self, acme):
        """A carrier's word says nothing about another one, nor about sharing."""
        await applied(acme, of_carrier("SUSPENDED", 5), of_carrier("REJECTED", 1, mno=10017))
        found = await campaign_of(acme)
        assert (found.tmobile, found.att, found.sharing) == ("suspended", "rejected", "accepted")

    async def test_an_end_wins_whenever_it_comes(self, acme):
        """Nothing leads on from it, so a word that seems to be newer was about something else."""
        await applied(acme, of_campaign("CAMPAIGN_STATUS_UPDATE", 9, campaignStatus="ACTIVE"))
        await applied(acme, of_campaign("CAMPAIGN_EXPIRED", 1))
        await applied(acme, of_campaign("CAMPAIGN_STATUS_UPDATE", 10, campaignStatus="ACTIVE"))
        assert (await campaign_of(acme)).status == "expired"

    async def test_a_brands_event_does_not_revive_an_expired_campaign(self, acme):
        """A new score, or a new identity, is the brand's."""
        await applied(
            acme,
            of_campaign("CAMPAIGN_EXPIRED", 1),
            an_event("BRAND_SCORE_UPDATE", 2),
            an_event("BRAND_IDENTITY_STATUS_UPDATE", 3, brandIdentityStatus="VETTED_VERIFIED"),
        )
        assert (await campaign_of(acme)).status == "expired"
        assert (await brand_of(acme)).status == "vetted_verified"

    async def test_a_deactivated_campaign_stays_so_when_tcr_says_that_it_ended(self, acme):
        """Our own deactivation comes back as an expiry."""
        async with acme.writing() as connection:
            await change(connection, actor="test", put=[a_campaign(status="deactivated")])
        assert await applied(acme, of_campaign("CAMPAIGN_EXPIRED", 1)) == [Outcome.OLDER]
        assert (await campaign_of(acme)).status == "deactivated"
        assert await to_be_asked(acme) == set()

    async def test_a_resubmission_begins_the_reviews_anew(self, acme):
        """Until everybody is done again nothing can be sent; what they said before is old."""
        await applied(
            acme,
            of_campaign("CAMPAIGN_RESUBMISSION", 10),
            of_campaign("CAMPAIGN_SHARE_ACCEPT", 5),
            of_campaign("CAMPAIGN_DCA_COMPLETE", 6),
        )
        found = await campaign_of(acme)
        assert (found.sharing, found.dca_complete) == ("pending", False)
        await applied(acme, of_campaign("CAMPAIGN_SHARE_ACCEPT", 11), of_campaign("CAMPAIGN_DCA_COMPLETE", 12))
        found = await campaign_of(acme)
        assert (found.sharing, found.dca_complete) == ("accepted", True)

    async def test_a_time_to_come_silences_nobody(self, acme):
        """A clock of theirs that is ahead counts as now: what happens next is heard."""
        await applied(acme, of_carrier("APPROVED", 10 * 365 * 86_400), now=NOW)
        await applied(acme, of_carrier("SUSPENDED", 3_700), now=NOW + timedelta(minutes=5))
        assert (await campaign_of(acme)).tmobile == "suspended"

    async def test_tcr_may_be_several_moves_ahead(self, acme):
        """Webhooks get lost: the life cycle need not have a direct move, only a way."""
        await applied(acme, an_event("BRAND_IDENTITY_STATUS_UPDATE", 1, brandIdentityStatus="SELF_DECLARED"))
        assert (await brand_of(acme)).status == "self_declared"


class TestRepeats:
    async def test_three_deliveries_are_one(self, acme):
        """State and audit are as after one."""
        event = of_carrier("SUSPENDED", 1)
        before = await count(acme, audit)
        assert await applied(acme, event, event, event) == [Outcome.APPLIED, Outcome.REPEATED, Outcome.REPEATED]
        assert await count(acme, audit) == before + 1
        assert await count(acme, tcr_events) == 1

    async def test_a_repeat_after_the_opposite_changes_nothing(self, acme):
        """The first suspension comes again when it is over."""
        suspended, back = of_carrier("SUSPENDED", 1), of_carrier("UNSUSPENDED", 2)
        await applied(acme, suspended, back, suspended)
        assert (await campaign_of(acme)).tmobile == "approved"


class TestWithoutATime:
    async def test_three_deliveries_are_one(self, acme):
        """There is one change to be seen in the audit."""
        before = await count(acme, audit)
        await applied(acme, *[of_carrier("SUSPENDED")] * 3)
        assert (await campaign_of(acme)).tmobile == "suspended"
        assert await count(acme, audit) == before + 1

    async def test_an_adverse_one_may_happen_again(self, acme):
        """Word for word the same, and later than what is known."""
        await applied(acme, of_carrier("SUSPENDED"))
        await applied(acme, of_carrier("UNSUSPENDED", 3_700), now=NOW + timedelta(minutes=5))
        assert (await campaign_of(acme)).tmobile == "approved"
        await applied(acme, of_carrier("SUSPENDED"), now=NOW + timedelta(minutes=10))
        assert (await campaign_of(acme)).tmobile == "suspended"

    async def test_a_good_one_lifts_nothing_and_has_tcr_asked(self, acme):
        """It may be older than what it would lift."""
        await applied(acme, of_carrier("SUSPENDED", 1), of_carrier("UNSUSPENDED"))
        assert (await campaign_of(acme)).tmobile == "suspended"
        assert await to_be_asked(acme) == {"campaign:CACME"}

    async def test_a_good_one_fills_what_nobody_has_spoken_about(self, acme):
        """The first word about a carrier that has not decided."""
        await applied(acme, of_carrier("APPROVED", mno=0, mnoName="US Cellular"))
        assert (await campaign_of(acme)).us_cellular == "approved"


class TestWhatNobodyKnows:
    async def test_a_status_that_nobody_knows_is_kept_and_sends_nothing(self, acme):
        """The judge takes it for pending, and operators are told."""
        async with acme.writing() as connection:
            event = of_campaign("CAMPAIGN_STATUS_UPDATE", 1, campaignStatus="LIMBO")
            found = await apply_event(connection, event, NOW)
        assert found.unknown == ("status:limbo",)
        campaign = await campaign_of(acme)
        assert campaign.status == "limbo"
        standing = Registered(brand="verified", campaign=campaign.status, sharing="accepted", dca_complete=True)
        assert lacking(standing) == "campaign_pending"
        await applied(acme, of_campaign("CAMPAIGN_STATUS_UPDATE", 2, campaignStatus="ACTIVE"))
        assert (await campaign_of(acme)).status == "active"

    async def test_a_type_that_nobody_knows_is_kept_and_has_tcr_asked(self, acme):
        """It changes nothing by itself."""
        before = await campaign_of(acme)
        assert await applied(acme, of_campaign("CAMPAIGN_TELEPORTED", 1)) == [Outcome.UNKNOWN_TYPE]
        assert await campaign_of(acme) == before
        assert await to_be_asked(acme) == {"campaign:CACME"}

    async def test_what_comes_before_its_object_is_done_when_that_is_there(self, acme):
        """A webhook overtakes the answer to our own call; in order of time, not of arrival."""
        happened = [
            of_campaign("CAMPAIGN_SHARE_ACCEPT", 3, campaignId="CNEW"),
            of_campaign("CAMPAIGN_SHARE_ADD", 1, campaignId="CNEW"),
            of_carrier("SUSPENDED", 4, campaignId="CNEW"),
            of_carrier("APPROVED", 2, campaignId="CNEW"),
        ]
        assert await applied(acme, *happened) == [Outcome.UNKNOWN_OBJECT] * 4
        assert await count(acme, tcr_marks) == 0
        async with acme.writing() as connection:
            new = a_campaign("CNEW", sharing="pending", dca_complete=False, tmobile="review")
            await change(connection, actor="test", put=[new])
            await replay(connection, "campaign:CNEW", NOW)
        found = await campaign_of(acme, "CNEW")
        assert (found.sharing, found.tmobile) == ("accepted", "suspended")
        assert await applied(acme, happened[0]) == [Outcome.REPEATED]


class TestMocks:
    async def test_a_mock_campaign_never_becomes_usable(self, acme):
        """Whatever else is said of it; adverse words count."""
        async with acme.writing() as connection:
            await change(connection, actor="test", put=[a_campaign(sharing="pending", dca_complete=False)])
        await applied(
            acme,
            of_campaign("CAMPAIGN_SHARE_ACCEPT", 1, mock=True),
            of_campaign("CAMPAIGN_DCA_COMPLETE", 2, mock=True),
            of_carrier("SUSPENDED", 3, mock=True),
        )
        found = await campaign_of(acme)
        assert (found.mock, found.sharing, found.dca_complete, found.tmobile) == (True, "pending", False, "suspended")
        await applied(acme, of_campaign("CAMPAIGN_SHARE_ACCEPT", 4), of_campaign("CAMPAIGN_DCA_COMPLETE", 5))
        assert (await campaign_of(acme)).mock

    async def test_a_mock_brand_is_never_verified(self, acme):
        """Its identity is nobody's."""
        async with acme.writing() as connection:
            await change(connection, actor="test", put=[a_brand(status="pending")])
        await applied(acme, an_event("BRAND_IDENTITY_STATUS_UPDATE", 1, brandIdentityStatus="VERIFIED", mock=True))
        assert (await brand_of(acme)).status == "pending"


class TestReasons:
    async def test_each_decider_has_its_own(self, acme):
        """A carrier's reason goes when that carrier approves, and leaves the others'."""
        await applied(
            acme,
            of_campaign("CAMPAIGN_SHARE_DELETE", 1, description="Sample 1 does not name the brand."),
            of_carrier("REJECTED", 2, description="Spam complaints."),
            of_carrier("REJECTED", 2, mno=10017, description="Wrong class."),
        )
        assert (await campaign_of(acme)).faults == (
            "Sample 1 does not name the brand.",
            "AT&T: Wrong class.",
            "T-Mobile: Spam complaints.",
        )
        await applied(acme, of_carrier("APPROVED", 3), of_campaign("CAMPAIGN_SHARE_ACCEPT", 3))
        assert (await campaign_of(acme)).faults == ("AT&T: Wrong class.",)

    async def test_why_a_brand_is_not_verified_is_asked_for(self, acme):
        """The event does not say."""
        await applied(acme, an_event("BRAND_IDENTITY_STATUS_UPDATE", 1, brandIdentityStatus="UNVERIFIED"))
        assert (await brand_of(acme)).status == "unverified"
        assert await to_be_asked(acme) == {"brand:BACME"}


class TestScore:
    async def test_an_older_score_does_not_replace_a_newer_one(self, acme):
        """Two answers may overtake each other."""
        async with acme.writing() as connection:
            await apply_score(connection, "BACME", 81, T0 + timedelta(seconds=2))
            await apply_score(connection, "BACME", 40, T0)
        assert (await brand_of(acme)).vetting_score == 81


CARRIER_WORDS = st.builds(
    of_carrier,
    st.sampled_from("APPROVED REJECTED REVIEW SUSPENDED UNSUSPENDED PAUSED".split()),
    st.integers(0, 4),
    st.sampled_from([10017, 10035]),
)
CAMPAIGN_WORDS = st.builds(
    of_campaign,
    st.sampled_from(
        """CAMPAIGN_SHARE_ADD CAMPAIGN_SHARE_ACCEPT CAMPAIGN_SHARE_DELETE CAMPAIGN_DCA_COMPLETE CAMPAIGN_RESUBMISSION
        CAMPAIGN_EXPIRED CAMPAIGN_SUSPENDED CAMPAIGN_UNSUSPENDED CAMPAIGN_BILLED CAMPAIGN_NEWS""".split()
    ),
    st.integers(0, 4),
)
BRAND_WORDS = st.one_of(
    st.builds(
        lambda status, seconds: an_event("BRAND_IDENTITY_STATUS_UPDATE", seconds, brandIdentityStatus=status),
        st.sampled_from("UNVERIFIED VERIFIED VETTED_VERIFIED SELF_DECLARED LIMBO SUSPENDED".split()),
        st.integers(0, 4),
    ),
    st.builds(an_event, st.sampled_from(["BRAND_DELETE", "BRAND_UPDATE"]), st.integers(0, 4)),
)


class _EnoughError(Exception):
    """Takes everything back: the next example begins as this one did."""


@pytest.fixture(scope="module")
def anew(tmp_path_factory):
    """Apply events to acme as it was, in one database; gives brand and campaign."""
    with contextlib.ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        opened = Database.opened(Settings(data_dir=tmp_path_factory.mktemp("anew")))
        database = runner.run(opened.__aenter__())
        stack.callback(lambda: runner.run(opened.__aexit__(None, None, None)))

        async def begin():
            async with database.writing() as connection:
                await change(connection, actor="test", put=BASICS)

        async def end(happened):
            found = ()
            with contextlib.suppress(_EnoughError):
                async with database.writing() as connection:
                    for event in happened:
                        await apply_event(connection, event, NOW)
                    campaign = (await find(connection, Campaign, {("CACME",)}))[("CACME",)]
                    found = (await find(connection, Brand, {("BACME",)}))[("BACME",)], campaign
                    raise _EnoughError
            return found

        runner.run(begin())
        yield lambda happened: runner.run(end(happened))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_order_and_any_repeats_end_the_same(anew, data):
    """Whatever the network does with what TCR tells: once each, in order of time, would have come to the same."""
    told = data.draw(st.lists(st.one_of(CARRIER_WORDS, CAMPAIGN_WORDS, BRAND_WORDS), min_size=1, max_size=12))
    repeats = data.draw(st.lists(st.sampled_from(told), max_size=6))
    shuffled = data.draw(st.permutations([*told, *repeats]))
    in_time = sorted(told, key=lambda event: event.occurred_at)
    assert anew(shuffled) == anew(in_time)


@settings(max_examples=60, deadline=None)
@given(
    told=st.lists(CARRIER_WORDS, min_size=1, max_size=8),
)
def test_the_newest_word_counts(anew, told):
    """In any order a carrier's state is that of its newest word, and of the adverse one at that instant."""
    _, campaign = anew(told)
    for mno, state in ((10017, campaign.att), (10035, campaign.tmobile)):
        mine = [event for event in told if event.body["mnoId"] == mno]
        if not mine:
            continue
        newest = max(event.occurred_at for event in mine)
        last = {event.type.rpartition("_")[2] for event in mine if event.occurred_at == newest}
        is_good = last <= {"APPROVED", "UNSUSPENDED"}
        assert (state == "approved") == is_good


async def test_words_of_an_answer_go_by_the_same_marks(acme):
    """What TCR answered is older than what it told since."""
    await applied(acme, of_carrier("SUSPENDED", 5))
    seen = Observation("campaign", "CACME", "tmobile", "approved")
    async with acme.writing() as connection:
        found = await apply_words(connection, [Word(seen=seen, at=T0 + timedelta(seconds=4))], NOW)
    assert found.outcome is Outcome.OLDER
    assert (await campaign_of(acme)) == replace(a_campaign(), tmobile="suspended")
