"""What an admin is told about a number."""

from datetime import UTC, datetime, timedelta

import pytest

from registry.provisioning import reasons
from registry.provisioning.progress import Word, progress, progress_of
from registry.provisioning.steps import Job
from tests.registry.builders import DID, a_campaign, a_number, an_assignment

SINCE = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TWO_DAYS = timedelta(hours=48)


def a_job(**fields):
    """A wish that was asked for."""
    given = {"action": "add", "campaign_id": "CACME", "state": "asked", "wished_at": SINCE, "asked_at": SINCE}
    rest = {"next_at": SINCE, "attempts": 1, "remedied_at": None, "fault": None}
    return Job(did=DID, **given | rest | fields)


def told(number=None, link=None, job=None, usual=None):
    """What an admin is told."""
    return progress(number or a_number(), link, job, usual=usual, patience=TWO_DAYS)


@pytest.mark.parametrize(
    ("link", "number", "job", "word"),
    [
        ({"state": "pending"}, {}, a_job(), Word.PENDING),
        ({"state": "assigned"}, {}, None, Word.ENABLED),
        ({"state": "assigned"}, {}, a_job(), Word.ENABLED),
        ({"state": "failed"}, {}, None, Word.ENABLING_FAILED),
        ({"state": "failed"}, {}, a_job(state="stuck"), Word.ENABLING_FAILED),
        ({"state": "removing"}, {"sms": "disabled"}, a_job(action="remove"), Word.PENDING),
        ({"state": "removing"}, {"sms": "disabled"}, a_job(action="remove", state="stuck"), Word.DISABLING_FAILED),
        ({"state": "assigned"}, {"sms": "disabled"}, None, Word.DISABLED),
        ({"state": "assigned"}, {"sms": "superseded"}, None, Word.DISABLED),
        (None, {"sms": "disabled"}, None, Word.DISABLED),
        (None, {"sms": "enabled"}, None, Word.DISABLED),
        (None, {"sms": "disabled"}, a_job(action="remove"), Word.PENDING),
    ],
)
def test_every_state_has_a_word_of_the_console(link, number, job, word):
    """Five words, and never an empty sentence."""
    shown = told(a_number(**number), None if link is None else an_assignment(**link), job)
    assert shown.word == word
    assert shown.text
    assert shown.helps
    assert bool(shown.takes) == (word == Word.PENDING)


def test_a_pending_number_is_to_be_left_alone():
    """Up to 48 hours, usually what was measured; do not switch it off and on."""
    shown = told(link=an_assignment(state="pending", since=SINCE), job=a_job(), usual=timedelta(minutes=7))
    assert shown.since == SINCE
    assert shown.takes == "It can take up to 48 hours, usually 7 minutes."
    assert "Do not switch it off and on" in shown.hinders
    assert "CACME" in shown.text
    assert told(link=an_assignment(state="pending"), job=a_job()).takes == "It can take up to 48 hours."


def test_a_failure_says_why_and_what_helps():
    """The sentence that was kept leads to its own help; one that nobody knows to the general one."""
    for meaning in (*reasons.MEANINGS.values(), reasons.TIMED_OUT, reasons.NOT_EFFECTIVE, reasons.CAMPAIGN_PAUSED):
        shown = told(link=an_assignment(state="failed", fault=meaning.sentence))
        assert (shown.text, shown.helps) == (meaning.sentence, meaning.helps)
    shown = told(link=an_assignment(state="failed", fault="Because of blue."))
    assert shown.text == "Because of blue."
    assert "Assign to campaign" in shown.helps


def test_a_remedy_is_told():
    """Whoever sees Pending again should know that it is our doing."""
    shown = told(link=an_assignment(state="pending"), job=a_job(remedied_at=SINCE))
    assert "switched off and on" in shown.text


@pytest.mark.parametrize(
    ("usual", "words"), [(0.2, "1 second"), (5, "5 seconds"), (89, "89 seconds"), (91, "2 minutes"), (7200, "2 hours")]
)
def test_durations_are_said_as_people_say_them(usual, words):
    """Not in decimals."""
    shown = told(link=an_assignment(state="pending"), job=a_job(), usual=timedelta(seconds=usual))
    assert shown.takes.endswith(f", usually {words}.")


async def test_usual_is_measured(world):
    """The middle of what numbers took of late, by the audit."""
    for index, minutes in enumerate((3, 20, 7)):
        did = f"+1303555{index:04}"
        await world.put(a_number(did, user=None, sms="disabled"))
        world.rules({"operation": "add", "outcome": "never"})
        await world.assign(did)
        await world.turn()
        world.finish(did=did)
        world.clock.pass_by(minutes=minutes)
        await world.turn()
    await world.assign()
    async with world.database.reading() as connection:
        shown = await progress_of(connection, DID, TWO_DAYS)
        assert await progress_of(connection, "+13035559999", TWO_DAYS) is None
    assert shown.word == Word.PENDING
    assert shown.takes == "It can take up to 48 hours, usually 7 minutes."
    assert shown.shown()["status"] == "Pending"


async def test_what_is_told_follows_the_work(world):
    """From Disabled over Pending to Enabled, and a failed removal."""

    async def word():
        async with world.database.reading() as connection:
            return (await progress_of(connection, DID, TWO_DAYS)).word

    assert await word() == Word.DISABLED
    await world.assign()
    assert await word() == Word.PENDING
    await world.turn()
    await world.later(minutes=1)
    await world.put(a_number(sms="enabled", sms_page=True))
    assert await word() == Word.ENABLED
    world.rules({"operation": "remove", "outcome": "failed"})
    await world.remove()
    assert await word() == Word.PENDING
    await world.turn()
    await world.later(minutes=1)
    assert await word() == Word.DISABLING_FAILED


async def test_an_ended_campaign_says_what_to_do_instead(world):
    """The dead end of the life cycle is what the admin reads."""
    await world.assign()
    await world.put(a_campaign(status="expired"))
    await world.turn()
    async with world.database.reading() as connection:
        shown = await progress_of(connection, DID, TWO_DAYS)
    assert (shown.word, "register a new campaign" in shown.text) == (Word.ENABLING_FAILED, True)
