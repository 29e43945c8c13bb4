"""The wizard: a form of a brand or a campaign, filled in step by step. Every step is kept; what is wrong stands beside.

What was submitted shows how far it is; what came back with reasons can be corrected here and submitted again.

Not here: the fields (registration_fields.py) and how far something is, in words (registration_progress.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from registry.console.pages import Again, Fields, Form, Page, Went
from registry.console.views import registration_fields as fields_of
from registry.console.views.leave import leave_of
from registry.console.views.registration_fields import REVIEW, STEPS, Asked, Step
from registry.console.views.registration_progress import progress
from registry.console.views.registration_words import (
    AT_CARRIER,
    CARRIERS,
    ENTITY_TYPES,
    FORM_STATES,
    brand_standing,
    money,
    use_case,
)
from registry.console.visit import Visit, path_of
from registry.problems import PROBLEMS, Problem
from registry.registration.campaign_form import SAMPLES
from registry.registration.words import USE_CASES

_LIVE: Final = ("applications", "brands", "campaigns")
_STEP: Final = "/registration/applications/{id}/{step}"
_GOOD: Final = frozenset({"verified", "vetted_verified", "self_declared"})


async def _new_brand(visit: Visit) -> Mapping[str, Any]:
    drafts = (await visit.see("listApplications", kind="brand", state="draft"))["items"]
    return {"drafts": drafts, "entity_types": [*ENTITY_TYPES.items()], "chosen": "PRIVATE_PROFIT"}


async def _begin_brand(visit: Visit, given: Fields) -> Went:
    """Begin with what is known of the company already."""
    country = visit.person.country.upper()
    entity_type = given.text("entity_type", "PRIVATE_PROFIT")
    known = {"entity_type": entity_type, "country": country}
    if entity_type != "SOLE_PROPRIETOR":
        known |= {"ein_country": country, "legal_name": visit.person.company}
    begun = await visit.do("beginApplication", body={"kind": "brand", "fields": known})
    return Went(_path(begun["id"], STEPS["brand"][0].id), "")


async def _new_campaign(visit: Visit) -> Mapping[str, Any]:
    brands = (await visit.see("listBrands"))["items"]
    drafts = (await visit.see("listApplications", kind="campaign", state="draft"))["items"]
    good = [brand for brand in brands if brand["status"] in _GOOD]
    others = [(brand, brand_standing(brand["status"])) for brand in brands if brand["status"] not in _GOOD]
    forms = [] if good else (await visit.see("listApplications", kind="brand"))["items"]
    return {
        "good": good,
        "others": others,
        "drafts": drafts,
        "forms": [one for one in forms if one["state"] in {"draft", "submitting", "refused"}],
        "chosen": visit.query.get("brand", ""),
        "form_words": FORM_STATES,
    }


async def _begin_campaign(visit: Visit, given: Fields) -> Went:
    """Begin with what every campaign has: the words that stop and help, and answers that name the brand."""
    brand = await visit.get("/v1/brands/{id}", given.text("brand"))
    name = brand["legal_name"]
    known = {
        "opt_in_keywords": ["START"],
        "opt_in_message": f"{name}: you agreed to get our texts. Reply HELP for help, STOP to stop.",
        "opt_out_keywords": ["STOP"],
        "opt_out_message": f"{name}: you get no more texts from us. Reply START to get them again.",
        "help_keywords": ["HELP"],
        "use_case": "SOLE_PROPRIETOR" if brand["status"] == "self_declared" else "",
    }
    begun = await visit.do("beginApplication", body={"kind": "campaign", "brand_id": brand["id"], "fields": known})
    return Went(_path(begun["id"], STEPS["campaign"][0].id), "")


async def _application(visit: Visit) -> Mapping[str, Any]:
    """Show a form: what is still to be filled in, or how far it is since it was submitted."""
    shown = await _loaded(visit)
    form = shown["form"]
    campaign = brand = None
    if form["object_id"] and form["kind"] == "campaign":
        campaign = await visit.get("/v1/campaigns/{id}", form["object_id"])
    elif form["object_id"]:
        brand = await visit.get("/v1/brands/{id}", form["object_id"])
    checked = await _checked(visit, form)
    return shown | {
        "title": shown["heading"],
        "campaign": campaign,
        "brand": brand,
        "way": [mark._asdict() for mark in progress(form, brand, campaign)],
        "open": _counts(form, checked),
        "state_words": FORM_STATES[form["state"]],
        "carrier_names": CARRIERS,
        "at_carrier": AT_CARRIER,
    }


async def _step(visit: Visit) -> Mapping[str, Any]:
    shown = await _loaded(visit)
    form, step = shown["form"], _found(shown["form"]["kind"], visit.names["step"])
    checked = await _checked(visit, form)
    return shown | _page(shown, step, form["fields"], checked, asked_for="check" in visit.query)


async def _reviewing(visit: Visit) -> Mapping[str, Any]:
    shown = await _loaded(visit)
    wish = await leave_of(visit, shown["form"]["id"])
    return shown | _review(shown["form"], await _checked(visit, shown["form"])) | {"wish": wish}


async def _checked(visit: Visit, form: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find what is wrong with a form that can be changed; nothing is with one that cannot."""
    return await visit.see("getCheck", {"id": form["id"]}) if "save" in form["can"] else _NOTHING


async def _save(visit: Visit, given: Fields) -> Went | Again:
    """Keep a step; go on where nothing is wrong with it."""
    shown = await _loaded(visit)
    form, step = shown["form"], _found(shown["form"]["kind"], visit.names["step"])
    go, saved = given.text("go", "next"), form["fields"]
    fixed = fields_of.FIXED[form["kind"]] if form["object_id"] else frozenset()
    asked = [one for one in fields_of.asked_in(form["kind"], step, saved) if one.name not in fixed]
    typed = fields_of.read(asked, given)
    merged = fields_of.without_unasked(form["kind"], saved | typed)
    try:
        await visit.do("saveApplication", {"id": form["id"]}, {"fields": merged})
    except Problem as problem:
        if not problem.faults:
            raise
        wrong = {"faults": [_fault(one) for one in problem.faults], "advice": []}
        return Again("registration_step.html", shown | _page(shown, step, saved | typed, wrong, asked_for=True))
    if go == "leave":
        return Went(_path(form["id"]), "Saved. Go on whenever you like.")
    if go == "back":
        return Went(_path(form["id"], _beside(form["kind"], step, -1)), "")
    checked = await visit.see("getCheck", {"id": form["id"]})
    page = _page(shown | {"form": form | {"fields": merged}}, step, merged, checked, asked_for=True)
    if go == "check" or page["errors"]:
        return Again("registration_step.html", shown | page | {"kept": True}, status=200 if go == "check" else 422)
    return Went(_path(form["id"], _beside(form["kind"], step, +1)), "")


async def _submit(visit: Visit, _: Fields) -> Went:
    sent = await visit.do("submitApplication", {"id": visit.names["id"]})
    what = "brand" if sent["kind"] == "brand" else "campaign"
    return Went(_path(sent["id"]), f"The {what} is on its way to TCR. This page shows how far it is.")


async def _withdrawing(visit: Visit) -> Mapping[str, Any]:
    shown = await _loaded(visit)
    return shown | {"title": "Withdraw the form?"}


async def _withdraw(visit: Visit, _: Fields) -> Went:
    await visit.do("withdrawApplication", {"id": visit.names["id"]})
    return Went("/console/registration", "The form is withdrawn.")


async def _ask_leave(visit: Visit, _: Fields) -> Went:
    await visit.do("askForLeave", {"id": visit.names["id"]})
    return Went(_path(visit.names["id"], REVIEW), "Asked. Your provider asks the carriers, which can take weeks.")


async def _note_leave(visit: Visit, given: Fields) -> Went:
    granted = given.text("granted") == "yes"
    await visit.do("noteLeave", {"id": visit.names["id"]}, {"granted": granted})
    said = "Noted: the carriers gave leave." if granted else "Noted: there is no leave."
    return Went(_path(visit.names["id"], REVIEW), said)


_NOTHING: Final[Mapping[str, Any]] = {"faults": [], "advice": [], "fee": None}


async def _loaded(visit: Visit) -> dict[str, Any]:
    """Load the form, with what every page of it shows."""
    form = await visit.see("getApplication", {"id": visit.names["id"]})
    what = "brand" if form["kind"] == "brand" else "campaign"
    name = form["fields"]["display_name"] if form["kind"] == "brand" else ""
    return {
        "form": form,
        "what": what,
        "heading": f"Registration of {name or 'a ' + what}",
        "steps": STEPS[form["kind"]],
        "review": REVIEW,
        "editable": "save" in form["can"] and visit.person.admin,
        "base": _path(form["id"]),
        "kept": False,
        "fee_words": money(form["fee"]) if form["fee"] else "",
    }


def _page(
    shown: Mapping[str, Any], step: Step, values: Mapping[str, Any], checked: Mapping[str, Any], *, asked_for: bool
) -> dict[str, Any]:
    """Show a step; what was not filled in is called wrong only once somebody asked."""
    form = shown["form"]
    faults = [
        one
        for one in checked["faults"]
        if fields_of.step_of(form["kind"], one["pointer"]) == step.id
        and (asked_for or not fields_of.is_empty(values, one["pointer"]))
    ]
    sole = form["kind"] == "campaign" and values["use_case"] == "SOLE_PROPRIETOR"
    fixed = fields_of.FIXED[form["kind"]] if form["object_id"] else frozenset()
    asked = fields_of.asked_in(form["kind"], step, values, sole_brand=sole)
    faults = fields_of.in_order(asked, faults)
    return {
        "title": step.title,
        "step": step,
        "number": shown["steps"].index(step) + 1,
        "asked_fields": [_hinted(one) for one in asked],
        "values": values,
        "errors": _by_place(form["kind"], faults),
        "error_list": [_linked(form, one) for one in faults],
        "advice": _by_place(form["kind"], [one | {"fix": one["text"]} for one in checked["advice"]]),
        "fixed": fixed,
        "samples_most": SAMPLES[1],
        "samples_least": SAMPLES[0],
        "is_first": step is shown["steps"][0],
    }


def _hinted(asked: Asked) -> Asked:
    return asked._replace(hint=fields_of.purposes_hint()) if asked.name == "sub_use_cases" else asked


def _review(form: Mapping[str, Any], checked: Mapping[str, Any]) -> dict[str, Any]:
    """Show everything that was filled in, and all that is wrong with it."""
    asked = USE_CASES.get(form["fields"].get("use_case", ""))
    return {
        "title": "Review",
        "step": None,
        "number": len(STEPS[form["kind"]]) + 1,
        "said_of": [
            (
                step,
                [(one, value) for one, value in _said(form, step) if value not in ("", [], False) or not one.optional],
            )
            for step in STEPS[form["kind"]]
        ],
        "error_list": [_linked(form, one) for one in checked["faults"]],
        "advice_list": [_linked(form, one | {"fix": one["text"]}) for one in checked["advice"]],
        "needs_leave": any(one["code"] == "leave_required" for one in checked["faults"]) or form["leave"],
        # (a charity's own paper is no carrier's leave)
        "can_ask_leave": asked is not None and asked.needs_leave,
        "use_case_words": use_case(form["fields"]["use_case"]) if form["kind"] == "campaign" else "",
    }


def _said(form: Mapping[str, Any], step: Step) -> list[tuple[Asked, Any]]:
    """Return what a step asked for with what was said."""
    return [(one, form["fields"][one.name]) for one in fields_of.asked_in(form["kind"], step, form["fields"])]


def _linked(form: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, str]:
    """Return what was found with the label of its field, and the way there."""
    kind, pointer = form["kind"], found["pointer"]
    step = fields_of.step_of(kind, pointer)
    place = f"#f-{fields_of.key_of(pointer).replace('/', '-')}"
    href = f"{_path(form['id'], step)}?check=yes{place}"
    text = fields_of.told(kind, pointer, found["fix"])
    return {"label": fields_of.label_of(kind, pointer), "text": text, "href": href, "place": place}


def _by_place(kind: str, found: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Gather what was found by its place in the page."""
    places: dict[str, list[str]] = {}
    for one in found:
        text = fields_of.told(kind, one["pointer"], one["fix"])
        places.setdefault(fields_of.key_of(one["pointer"]), []).append(text)
    return {place: " ".join(dict.fromkeys(texts)) for place, texts in places.items()}


def _counts(form: Mapping[str, Any], checked: Mapping[str, Any]) -> list[tuple[Step, int]]:
    """Say of each step how much of it is to be filled in or put right."""
    steps = [fields_of.step_of(form["kind"], one["pointer"]) for one in checked["faults"]]
    return [(step, steps.count(step.id)) for step in STEPS[form["kind"]]]


def _fault(fault: Any) -> dict[str, str]:
    return {"pointer": fault.pointer, "code": fault.code, "fix": fault.fix or PROBLEMS[fault.code].fix}


def _found(kind: str, name: str) -> Step:
    """Return the step of a name. Problem: not_found."""
    for step in STEPS[kind]:
        if step.id == name:
            return step
    raise Problem("not_found")


def _beside(kind: str, step: Step, by: int) -> str:
    names = [*(one.id for one in STEPS[kind]), REVIEW]
    return names[max(0, names.index(step.id) + by)]


def _path(name: str, step: str = "") -> str:
    return path_of("registration", "applications", name, *([step] if step else []))


PAGES: Final[tuple[Page, ...]] = (
    Page("/registration/new-brand", "Register a brand", "registration_new_brand.html", _new_brand),
    Page(
        "/registration/new-campaign", "Register a campaign", "registration_new_campaign.html", _new_campaign, live=_LIVE
    ),
    Page("/registration/applications/{id}", "Form", "registration_application.html", _application, live=_LIVE),
    Page("/registration/applications/{id}/withdraw", "Withdraw", "registration_withdraw.html", _withdrawing),
    Page("/registration/applications/{id}/review", "Review", "registration_review.html", _reviewing),
    Page(_STEP, "Form", "registration_step.html", _step),
)
FORMS: Final[tuple[Form, ...]] = (
    Form("/registration/new-brand", _begin_brand),
    Form("/registration/new-campaign", _begin_campaign),
    Form("/registration/applications/{id}/submit", _submit, back="/registration/applications/{id}/review"),
    Form("/registration/applications/{id}/withdraw", _withdraw, back="/registration/applications/{id}"),
    Form("/registration/applications/{id}/ask-leave", _ask_leave, back="/registration/applications/{id}/review"),
    Form("/registration/applications/{id}/leave", _note_leave, back="/registration/applications/{id}/review"),
    Form(_STEP, _save),
)
