"""The next step, over every combination of what is wished for, what SQL says and what the aggregator shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from registry.provisioning import reasons, steps
from registry.provisioning.client import Reason, Shown
from registry.provisioning.steps import Ask, Confirm, Drop, Fail, Job, LookUp, Remedy, Removed, Stay, View, Wait

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TWO_DAYS = timedelta(hours=48)
DID = "+12025550101"


def a_job(**fields):
    """A wish to be in C1, an hour old."""
    given = {"action": "add", "campaign_id": "C1", "state": "asked", "wished_at": NOW - timedelta(hours=1)}
    rest = {"asked_at": NOW - timedelta(hours=1), "next_at": NOW, "attempts": 1, "remedied_at": None, "fault": None}
    return Job(did=DID, **given | rest | fields)


def a_view(**fields):
    """The wish as it stands."""
    job = fields.pop("job", a_job())
    given = {"link": "pending" if job.action == "add" else "removing", "link_campaign": "C1", "link_since": NOW}
    rest = {"ended": None, "paused": False, "now": NOW, "patience": TWO_DAYS, "grace": timedelta(hours=24)}
    return View(job=job, **given | rest | fields)


def shown(status, operation="ASSIGNMENT", campaign="C1", reference=None, code="CARRIER_REJECTED"):
    """A number at the aggregator."""
    why = (Reason(code=code, detail="Because."),) if status == "FAILED" else ()
    return Shown(
        did=DID,
        status=status,
        operation=operation,
        campaign_id=None if status == "DELETED" else campaign,
        reference=reference or a_job().reference(1),
        reasons=why,
        version=1,
        updated_at=NOW,
    )


def every_shown():
    """Everything that the aggregator can show."""
    references = (a_job().reference(1), a_job(remedied_at=NOW).reference(1), "of-somebody-else")
    yield None
    for reference, campaign in product(references, ("C1", "C2")):
        for status, operation in (
            *(("PENDING", "ASSIGNMENT"), ("PENDING", "DELETION"), ("ADDED", "ASSIGNMENT"), ("DELETED", "DELETION")),
            *(("FAILED", "ASSIGNMENT"), ("FAILED", "DELETION")),
        ):
            yield shown(status, operation, campaign, reference)
            yield shown(status, operation, campaign, reference, "INTERNAL")


def every_view():
    """Everything else that the step depends on."""
    for action, state, remedied, old in product(("add", "remove"), ("due", "stuck"), (None, NOW), (1, 60)):
        wished = NOW - timedelta(hours=old)
        job = a_job(action=action, state=state, remedied_at=remedied and wished, wished_at=wished)
        for link, campaign in product(("", "pending", "assigned", "failed", "removing", "odd"), ("C1", "C2")):
            for ended, paused in ((None, False), (None, True), ("Ended.", True)):
                yield a_view(job=job, link=link, link_campaign=campaign, ended=ended, paused=paused)


def test_every_combination_keeps_the_rules():
    """Nothing begins while something is under way; nothing is believed that is not shown; nobody's wish is dropped."""
    seen = set()
    for view, there in product(every_view(), list(every_shown())):
        step = steps.next_step(view, there)
        seen.add(type(step))
        holds = None if there is None else there.holds
        if there is not None and there.status == "PENDING":
            assert not isinstance(step, Ask | Confirm | Removed | LookUp)
        if isinstance(step, Ask):
            assert step.attempt > view.job.attempts
            assert (step.what == "assign") <= (view.job.action == "add")
            assert (step.what == "remove") <= (holds is not None)
        if isinstance(step, Confirm | LookUp):
            assert (there.status, there.campaign_id) == ("ADDED", "C1")
        if isinstance(step, Removed):
            assert holds is None
        mine = {"add": {"pending", "assigned", "failed", "odd"}, "remove": {"", "removing"}}[view.job.action]
        nobodys = view.link not in mine or (view.job.action == "add" and view.link_campaign != "C1")
        assert isinstance(step, Drop) == nobodys
    assert seen == {Ask, Confirm, Drop, Fail, LookUp, Removed, Stay, Wait}


@pytest.mark.parametrize(
    ("view", "seen", "step"),
    [
        (a_view(link="assigned", link_since=NOW), "C1", Drop()),
        (a_view(link="assigned", link_since=NOW), None, Wait()),
        (a_view(link="assigned", link_since=NOW - timedelta(hours=25)), None, Remedy()),
        (a_view(link="assigned", link_since=NOW - timedelta(hours=25)), "C2", Remedy()),
        (a_view(link="assigned", link_since=None), None, Wait()),
        (
            a_view(job=a_job(remedied_at=NOW), link="assigned", link_since=NOW - timedelta(hours=25)),
            None,
            Fail(reasons.NOT_EFFECTIVE.sentence, kept=True),
        ),
        (a_view(job=a_job(state="stuck", remedied_at=NOW), link="failed"), None, Wait()),
        (a_view(job=a_job(state="stuck", remedied_at=NOW), link="failed"), "C1", Confirm(last=True)),
    ],
)
def test_what_carriers_see_decides_about_the_remedy(view, seen, step):
    """Once, after the grace time, and only for a number that is shown as done."""
    assert steps.after_look_up(view, seen) == step


def test_what_takes_too_long_ends():
    """An addition fails and is looked after; a removal stays; what is assigned has no time to keep to."""
    late = a_job(wished_at=NOW - timedelta(hours=49))
    pending = shown("PENDING")
    assert steps.next_step(a_view(job=late), pending) == Fail(reasons.TIMED_OUT.sentence, kept=True)
    assert steps.next_step(a_view(job=replace(late, action="remove")), pending) == Stay(reasons.NOT_REMOVED.sentence)
    assert steps.next_step(a_view(job=replace(late, state="stuck"), link="failed"), pending) == Wait()
    assert steps.next_step(a_view(job=replace(late, remedied_at=NOW)), pending) == Wait()
    assert steps.next_step(a_view(job=late, link="assigned"), pending) == Wait()


def test_references_name_the_wish_the_phase_and_the_attempt():
    """So an answer or an event can be told from those of another wish, or of the time before the remedy."""
    job = a_job()
    assert job.attempt_of(job.reference(3)) == 3
    assert replace(job, remedied_at=NOW).attempt_of(job.reference(3)) is None
    assert replace(job, wished_at=NOW).attempt_of(job.reference(3)) is None
    for odd in ("", "w", job.reference(3) + "x", "of-somebody-else"):
        assert job.attempt_of(odd) is None
