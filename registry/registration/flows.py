"""What admins do with a form: begin, save, check, submit, correct, withdraw. Each runs within one transaction.

A form that TCR has not got yet can be changed at will. Once there is a brand or a campaign of it, it can be changed
after a "no" only (brand not confirmed, campaign rejected or declined), and then not in what TCR fixes at registration.
The reasons for the "no" stay in sight until the next answer.

A campaign's form opens when its brand is VERIFIED, or self-declared by a sole proprietor who has no campaign yet.

Not here: what is looked at in a form (brand_form.py, campaign_form.py, samples.py), and the talk with TCR.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
import sqlalchemy as sa

from registry.admin_patches import read_body
from registry.flows import leaves
from registry.flows.desk import Desk
from registry.lifecycle.cycle import LifeCycle, NotAllowedError
from registry.lifecycle.registration import APPLICATION, BRAND, CAMPAIGN
from registry.lifecycle.standing import Registered, lacking
from registry.problems import Fault, Problem, wrong_field
from registry.records import Application, Brand, Campaign, Record
from registry.registration import brand_form, campaign_form, fee, samples
from registry.registration.brand_form import BrandForm, tax_number
from registry.registration.campaign_form import CampaignForm, Owner
from registry.registration.fields import Form
from registry.registration.samples import Advice
from registry.registration.tcr_form import LEAVE, leave_of
from registry.registration.tcr_form import brand_form as read_brand
from registry.registration.tcr_form import campaign_form as read_campaign
from registry.registration.words import SOLE_PROPRIETOR, USE_CASES
from registry.tables import applications, brands, campaigns
from registry.work_tables import tcr_jobs

BRAND_KIND: Final = "brand"
CAMPAIGN_KIND: Final = "campaign"
#: Forms that may be at TCR, or came of one that was.
_SENT: Final = ("submitting", "submitted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is to be said about a form."""

    #: What has to be put right before it can be submitted.
    faults: Sequence[Fault]
    #: What should be.
    advice: Sequence[Advice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A form, and what came of it."""

    application: Application
    #: The brand that came of it; None before.
    brand: Brand | None = None
    campaign: Campaign | None = None
    #: It is on its way, and TCR was not asked yet, as far as is known here.
    waits: bool = False

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why somebody said no, the form's own first."""
        of_object = self.brand or self.campaign
        more = () if of_object is None else of_object.faults
        return tuple(dict.fromkeys((*self.application.faults, *more)))

    @property
    def is_refused(self) -> bool:
        """Say whether what came of it was turned down in a way that a correction can cure."""
        if self.brand is not None:
            return self.brand.status == "unverified"
        return self.campaign is not None and turned_down(self.campaign)

    @property
    def is_editable(self) -> bool:
        """Say whether the form can be changed now."""
        state = self.application.state
        return state in {"draft", "refused"} or (state == "submitted" and self.is_refused)

    def can(self) -> list[str]:
        """List what can be done with it."""
        steps = ["save", "check", "submit"] if self.is_editable else []
        return [*steps, *(["withdraw"] if self.is_withdrawable else [])]

    @property
    def is_withdrawable(self) -> bool:
        """Say whether nothing came of it yet, and nobody at TCR looks at it."""
        return self.application.object_id is None and (self.application.state in {"draft", "refused"} or self.waits)

    @property
    def was_handed_over(self) -> bool:
        """Say whether TCR was ever asked about it; what it said the last time stands in the form."""
        return bool(self.application.faults) or not (self.waits or self.application.state == "draft")


def turned_down(campaign: Campaign) -> bool:
    """Say whether a correction is what a campaign needs."""
    declined = campaign.sharing == "declined" and campaign.status in {"pending", "active"}
    return declined or campaign.status == "rejected"


async def load(desk: Desk, name: str) -> Found:
    """Return the tenant's form with what came of it; Problem not_found."""
    application = await desk.one(Application, name)
    if application is None or application.tenant != desk.tenant:
        raise Problem("not_found")
    if application.object_id is None:
        return Found(application=application, waits=await _waits(desk, application))
    if application.kind == BRAND_KIND:
        return Found(application=application, brand=await desk.one(Brand, application.object_id))
    return Found(application=application, campaign=await desk.one(Campaign, application.object_id))


async def begin(desk: Desk, kind: str, brand_id: str | None, fields: Mapping[str, Any]) -> Found:
    """Begin a form. Problem: unknown_brand, and why the brand can have no (other) campaign."""
    if kind == CAMPAIGN_KIND:
        if brand_id is None:
            raise wrong_field("/brand_id", "missing_field", "Name the brand that the campaign is for.")
        await _check_open(desk, await _brand(desk, brand_id), None)
    elif brand_id is not None:
        raise wrong_field("/brand_id", "invalid_value", "Leave it out: this form is a brand's own.")
    application = Application(
        # Later ones come later in a list by id.
        id=f"a-{int(desk.now.timestamp() * 1000):012x}-{secrets.token_hex(6)}",
        tenant=desk.tenant,
        kind=kind,
        state=APPLICATION.after("", "begun"),
        fields=_dump(read_form(kind, fields), ""),
        brand_id=brand_id,
        object_id=None,
        faults=(),
        created_at=desk.now,
        created_by=desk.actor,
        submitted_at=None,
    )
    await desk.save([application])
    return Found(application=application)


async def save(desk: Desk, name: str, fields: Mapping[str, Any]) -> Found:
    """Save a form whole, as far as it is filled in. Problem: cannot_change for what TCR fixed already."""
    found = await load(desk, name)
    if not found.is_editable:
        raise Problem("not_from_here")
    application = found.application
    form = read_form(application.kind, fields)
    if application.object_id is not None:
        _check_fixed(form, _form(application))
    saved = replace(application, fields=_dump(form, leave_of(application)))
    await desk.save([saved])
    if isinstance(form, CampaignForm):
        await leaves.drop(desk, leaves.USE_CASE, application.id, but_for=form.use_case)
    return replace(found, application=saved)


async def ask_leave(desk: Desk, name: str) -> Found:
    """Wish for the carriers' leave for the special use case that the form names; it stands on the provider's list.

    Problem: not_from_here where none is needed, or it was given or asked for.
    """
    found = await _with_leave(desk, name)
    form = read_campaign(found.application)
    asked = USE_CASES.get(form.use_case)
    if asked is None or not asked.needs_leave or leave_of(found.application) == form.use_case:
        raise Problem("not_from_here")
    await leaves.ask(desk, leaves.USE_CASE, name, form.use_case)
    return found


async def grant_leave(desk: Desk, name: str, *, granted: bool) -> Found:
    """Note that the carriers gave leave for the use case that the form names, or not, or took it back."""
    found = await _with_leave(desk, name)
    application, form = found.application, read_campaign(found.application)
    saved = replace(application, fields=_dump(form, form.use_case if granted else ""))
    await desk.save([saved])
    outcome = leaves.APPROVED if granted else leaves.DECLINED
    await leaves.settle(desk, leaves.USE_CASE, name, form.use_case, outcome)
    return replace(found, application=saved)


async def _with_leave(desk: Desk, name: str) -> Found:
    """Return a form that leave can be noted in. Problem: not_found, not_from_here."""
    found = await load(desk, name)
    application = found.application
    if application.kind != CAMPAIGN_KIND or application.object_id is not None or not found.is_editable:
        raise Problem("not_from_here")
    return found


async def check(desk: Desk, name: str) -> Checked:
    """Say what is wrong with a form, and what the gateway would make of its samples; nothing changes."""
    return await _checked(desk, (await load(desk, name)).application)


async def submit(desk: Desk, name: str) -> Found:
    """Send a form to TCR. Problem: everything that is wrong with it; not_from_here when it is there already.

    With the company's first campaign the fee is noted.
    """
    found = await load(desk, name)
    application = found.application
    if not found.is_editable:
        raise Problem("not_from_here")
    state = _after(APPLICATION, application.state, "submitted")
    if application.kind == CAMPAIGN_KIND:
        await _check_open(desk, await _brand(desk, application.brand_id), application)
    checked = await _checked(desk, application)
    if checked.faults:
        raise Problem(checked.faults[0].code, checked.faults)
    sent = replace(application, state=state, submitted_at=desk.now)
    await desk.save([sent, *_again(found)])
    if application.kind == CAMPAIGN_KIND:
        await fee.charge(desk, sent)
    await desk.ask_tcr("submit", application.id)
    return await load(desk, name)


async def withdraw(desk: Desk, name: str) -> Found:
    """Give a form up that nothing came of. What it costs is taken back if TCR was never asked (fee.py).

    One that waits for its turn does not get it. Should it be asked about at this very moment, what TCR takes is
    registered, and owed again (tcr/submitter.py).
    """
    found = await load(desk, name)
    if not found.is_withdrawable:
        raise Problem("not_from_here")
    application, state = found.application, found.application.state
    if found.waits:
        await desk.connection.execute(sa.delete(tcr_jobs).where(*_job(application)))
        state = _after(APPLICATION, state, "refused")  # By us, before TCR could: it came back.
    sent = application.submitted_at if found.was_handed_over else None
    gone = replace(application, state=_after(APPLICATION, state, "withdrawn"), submitted_at=sent)
    await desk.save([gone])
    await leaves.drop(desk, leaves.USE_CASE, name)
    if not found.was_handed_over:
        await fee.take_back(desk, gone)
    return Found(application=gone)


async def _waits(desk: Desk, application: Application) -> bool:
    """Say whether a form is to be submitted and nobody has tried."""
    if application.state != "submitting":
        return False
    untried = sa.select(tcr_jobs.c.object).where(*_job(application), tcr_jobs.c.attempts == 0)
    return (await desk.connection.execute(untried)).first() is not None


def _job(application: Application) -> tuple[sa.ColumnElement[bool], ...]:
    return tcr_jobs.c.action == "submit", tcr_jobs.c.object == application.id


def read_form(kind: str, given: Mapping[str, Any]) -> Form:
    """Read the fields of a form; Problem names all that are of a wrong type, unknown, or far too long."""
    model: type[Form] = BrandForm if kind == BRAND_KIND else CampaignForm
    try:
        return read_body(model, orjson.dumps(given))
    except Problem as problem:
        moved = [replace(one, pointer=f"/fields{one.pointer}") for one in problem.faults]
        raise Problem(problem.code, moved) from None


async def _checked(desk: Desk, application: Application) -> Checked:
    if application.kind == BRAND_KIND:
        form = read_brand(application)
        twin = [_taken_ein()] if form.ein and await _has_twin(desk, application, form) else []
        return Checked(faults=[*brand_form.faults(form), *twin], advice=())
    campaign = read_campaign(application)
    owner = await _owner(desk, application)
    return Checked(
        faults=[*campaign_form.faults(campaign, owner), *samples.faults(campaign)],
        advice=list(samples.advice(campaign)),
    )


def _taken_ein() -> Fault:
    fix = "Correct the number, or use the brand that has it: there is one brand for each."
    return Fault(pointer="/fields/ein", code="brand_registered", fix=fix)


async def _has_twin(desk: Desk, application: Application, form: BrandForm) -> bool:
    """Say whether another form of the company's, which is or was at TCR, has the same tax number."""
    others = await desk.all(
        Application,
        applications.c.tenant == desk.tenant,
        applications.c.kind == BRAND_KIND,
        applications.c.state.in_(_SENT),
        applications.c.id != application.id,
    )
    gone = {brand.id for brand in await desk.all(Brand, brands.c.tenant == desk.tenant, brands.c.status == "deleted")}
    mine = (form.ein_country, tax_number(form.ein))
    forms = [read_brand(other) for other in others if other.object_id not in gone]
    return any((other.ein_country, tax_number(other.ein)) == mine for other in forms)


async def _owner(desk: Desk, application: Application) -> Owner:
    """Return what a campaign's form has to know about its brand."""
    brand = await _brand(desk, application.brand_id)
    described = await desk.all(
        Application,
        applications.c.tenant == desk.tenant,
        applications.c.kind == BRAND_KIND,
        applications.c.object_id == brand.id,
    )
    forms = [read_brand(one) for one in described]
    use_case = read_campaign(application).use_case
    return Owner(
        names=(brand.legal_name, *(form.display_name for form in forms)),
        is_sole_proprietor=any(form.entity_type == SOLE_PROPRIETOR for form in forms)
        or brand.status == "self_declared",
        is_501c3=any(form.is_501c3 for form in forms),
        has_leave=bool(use_case) and leave_of(application) == use_case,
    )


async def _brand(desk: Desk, brand_id: str | None) -> Brand:
    try:
        return await desk.brand(brand_id)
    except Problem:
        raise wrong_field("/brand_id", "unknown_brand") from None


async def _check_open(desk: Desk, brand: Brand, application: Application | None) -> None:
    """Refuse a campaign for a brand that is not VERIFIED, or a second one of a sole proprietor."""
    as_good_as_can_be = Registered(
        brand=brand.status,
        use_case=SOLE_PROPRIETOR.lower(),
        campaign="active",
        sharing="accepted",
        dca_complete=True,
    )
    if (why := lacking(as_good_as_can_be)) is not None:
        raise Problem(str(why))
    if brand.status != "self_declared":
        return
    mine = None if application is None else application.object_id
    there = await desk.all(
        Campaign,
        campaigns.c.brand_id == brand.id,
        campaigns.c.status.not_in(list(CAMPAIGN.dead_ends)),
        campaigns.c.id != (mine or ""),
    )
    on_the_way = await desk.all(
        Application,
        applications.c.brand_id == brand.id,
        applications.c.state.in_(_SENT),
        applications.c.object_id.is_(None),
        sa.true() if application is None else applications.c.id != application.id,
    )
    if there or on_the_way:
        raise Problem("sole_proprietor_campaign")


def _again(found: Found) -> list[Record]:
    """Return what came of a form as it stands while a correction is on its way."""
    if found.brand is not None:
        return [replace(found.brand, status=_after(BRAND, found.brand.status, "resubmitted"))]
    if found.campaign is not None and found.campaign.status == "rejected":
        return [replace(found.campaign, status=_after(CAMPAIGN, found.campaign.status, "submitted"))]
    return []


def _check_fixed(form: Form, before: Form) -> None:
    fixed = brand_form.FIXED if isinstance(form, BrandForm) else campaign_form.FIXED
    names = (name for name in type(form).model_fields if name in fixed)
    changed = [name for name in names if getattr(form, name) != getattr(before, name)]
    if changed:
        fix = "Leave it as it was registered, or register anew."
        faults = [Fault(pointer=f"/fields/{name}", code="cannot_change", fix=fix) for name in changed]
        raise Problem("cannot_change", faults)


def _form(application: Application) -> Form:
    return read_brand(application) if application.kind == BRAND_KIND else read_campaign(application)


def _dump(form: Form, leave: str) -> str:
    return orjson.dumps(form.model_dump() | ({LEAVE: leave} if leave else {})).decode()


def _after(cycle: LifeCycle, state: str, event: str) -> str:
    try:
        return cycle.after(state, event)
    except NotAllowedError:
        raise Problem("not_from_here") from None
