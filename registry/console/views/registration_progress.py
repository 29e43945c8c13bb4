"""How far something is that was submitted, as steps one after the other: TCR, reviewers, carriers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from registry.console.views.registration_words import CARRIERS


class Mark(NamedTuple):
    """One step; state is done, now, waiting, later or wrong, as the steps of a page have it."""

    title: str
    state: str
    text: str


def progress(
    form: Mapping[str, Any], brand: Mapping[str, Any] | None, campaign: Mapping[str, Any] | None
) -> list[Mark]:
    """Return the way of a form, as far as it went and as it goes on; none before it is submitted."""
    if form["submitted_at"] is None or form["state"] == "withdrawn":
        return []
    sent = Mark("Submitted", "done", "The form was sent to TCR.")
    if form["state"] == "refused":
        return [sent, Mark("At TCR", "wrong", "TCR did not take the form: see the reasons."), *_rest(form)]
    if form["state"] == "submitting" and not form["object_id"]:
        return [sent, Mark("At TCR", "waiting", "TCR is asked to take it: a minute, at times a few."), *_rest(form)]
    taken = Mark("At TCR", "done", f"TCR has it as {form['object_id']}.")
    if brand is not None:
        return [sent, taken, _identity(brand["status"], again=form["state"] == "submitting")]
    return [sent, taken] if campaign is None else [sent, taken, *_campaign(campaign)]


def _rest(form: Mapping[str, Any]) -> list[Mark]:
    if form["kind"] == "brand":
        return [Mark("Verified", "later", "TCR compares the company with public records: minutes, at times a day.")]
    return [Mark(title, "later", text) for title, text in _AHEAD]


_AHEAD = (
    ("Taken by the aggregator", "Who brings it to the carriers: up to 3 days."),
    ("Reviewed", "Aggregators review every campaign by hand: 1 to 2 weeks."),
    ("Carriers", "Each carrier says on its own whether it takes the texts: up to 3 days."),
)


def _identity(status: str, *, again: bool) -> Mark:
    if status in {"verified", "vetted_verified", "self_declared"}:
        return Mark("Verified", "done", "The brand can have campaigns.")
    if status == "pending" or again:
        return Mark("Verified", "waiting", "TCR compares the company with public records: minutes, at times a day.")
    return Mark("Verified", "wrong", "TCR could not confirm the company: see the reasons, correct and submit it again.")


def _campaign(campaign: Mapping[str, Any]) -> list[Mark]:
    """Each of the three reviews: wrong once somebody said no, later until the one before it is done."""
    if campaign["status"] in {"expired", "deactivated"}:
        return [Mark("Ended", "wrong", "The campaign has ended for good: register a new one.")]
    marks = [_shared(campaign)]
    marks.append(_reviewed(campaign, before=marks[-1].state))
    marks.append(_carriers(campaign["carriers"], before=marks[-1].state))
    return marks


def _shared(campaign: Mapping[str, Any]) -> Mark:
    title, text = _AHEAD[0]
    match campaign["sharing"]:
        case "accepted":
            return Mark(title, "done", "The aggregator took it.")
        case "declined":
            return Mark(title, "wrong", "It was declined: see the reasons, correct and submit it again.")
        case _:
            return Mark(title, "waiting", text)


def _reviewed(campaign: Mapping[str, Any], *, before: str) -> Mark:
    title, text = _AHEAD[1]
    if campaign["status"] in {"rejected", "suspended"}:
        how = "rejected" if campaign["status"] == "rejected" else "suspended: contact support"
        return Mark(title, "wrong", f"The campaign is {how}.")
    if before != "done":
        return Mark(title, "later", text)
    if campaign["dca_complete"] and campaign["status"] == "active":
        return Mark(title, "done", "Numbers can be put into the campaign.")
    return Mark(title, "waiting", text)


def _carriers(states: Mapping[str, str], *, before: str) -> Mark:
    title, text = _AHEAD[2]
    if before != "done":
        return Mark(title, "later", text)
    against = [CARRIERS[name] for name, state in states.items() if state in {"rejected", "suspended"}]
    ahead = [CARRIERS[name] for name, state in states.items() if state not in {"approved", "rejected", "suspended"}]
    if against:
        return Mark(title, "wrong", f"Not taken by {_and(against)}; texts to the others go out.")
    if ahead:
        return Mark(title, "waiting", f"Still looked at by {_and(ahead)}: up to 3 days.")
    return Mark(title, "done", "Every carrier takes its texts.")


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
