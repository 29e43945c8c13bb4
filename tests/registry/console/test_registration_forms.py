"""The wizard: steps that are kept, faults at their fields, the review, submission, and correction after a no."""

import dataclasses
import html
import re

import orjson
import pytest

from registry.commands import change, find
from registry.console.pages import Fields
from registry.console.views.registration_fields import MODELS, STEPS, UNASKED, read
from registry.records import Application, Brand, Campaign
from tests.registry.builders import AT, a_brand
from tests.registry.registration.forms import BRAND, CAMPAIGN, SOLE

ROOT = "/console/registration"
FORM = f"{ROOT}/applications/form"


def an_application(kind="brand", key="form", /, **fields):
    """A form, as far as it is filled in."""
    filled = MODELS[kind].model_validate(fields.pop("filled", {})).model_dump()
    given = {
        "tenant": "acme",
        "kind": kind,
        "state": "draft",
        "fields": orjson.dumps(filled).decode(),
        "brand_id": "BACME" if kind == "campaign" else None,
        "object_id": None,
        "faults": (),
        "created_at": AT,
        "created_by": "test",
        "submitted_at": None,
    }
    return Application(id=key, **given | fields)


async def put(console, *records):
    """Set rows."""
    async with console.database.writing() as connection:
        await change(connection, actor="test", put=[*records])


async def saved(console, key="form"):
    """The form as it is kept, and its fields."""
    async with console.database.reading() as connection:
        form = (await find(connection, Application, {(key,)}))[key,]
    return form, orjson.loads(form.fields)


async def step(visitor, name, go="next", **typed):
    """Fill in a step as it stands on its page, but for what is typed, and press a button."""
    seen = await visitor.go(f"{FORM}/{name}")
    fields = [(key, value) for key, value in visitor.form_of(seen, f"{FORM}/{name}") if key not in typed]
    for key, value in typed.items():
        fields += [(key, one) for one in (value if isinstance(value, list) else [value])]
    return await visitor.send(f"{FORM}/{name}", [*fields, ("go", go)])


class TestFields:
    """The steps ask for what the forms have."""

    @pytest.mark.parametrize("kind", ["brand", "campaign"])
    def test_every_field_is_asked_for_in_one_step(self, kind):
        """And for nothing that no form has; of one kind of company each once."""
        asked = [(one.name, set(one.of)) for part in STEPS[kind] for one in part.fields]
        assert {name for name, _ in asked} == set(MODELS[kind].model_fields) - UNASKED
        for name in {name for name, _ in asked}:
            of = [who for other, who in asked if other == name]
            assert len(of) == 1 or not set.intersection(*of), name


class TestBeginning:
    """The first pages."""

    async def test_a_brand_begins_with_what_is_known(self, console, admin):
        """The kind of company that was chosen; name and country of the company."""
        await admin.go(f"{ROOT}/new-brand")
        seen = await admin.send(f"{ROOT}/new-brand", {"entity_type": "NON_PROFIT"})
        assert seen.path.endswith("/company")
        assert 'value="Acme"' in seen.text
        assert "501(c)(3)" in seen.words
        assert "Stock symbol" not in seen.words
        form, fields = await saved(console, seen.path.split("/")[-2])
        assert (form.tenant, form.created_by, fields["country"]) == ("acme", "user:ada", "US")

    @pytest.mark.parametrize("status", ["pending", "unverified", "suspended"])
    async def test_a_campaign_waits_for_its_brand(self, console, admin, status):
        """The page says why it is closed and what to do; begun all the same, it is refused."""
        await put(console, a_brand(status=status))
        seen = await admin.go(f"{ROOT}/new-campaign")
        assert "The brand has to be VERIFIED first" in seen.words
        assert f"{ROOT}/brands/BACME" in seen.text
        refused = await admin.send(f"{ROOT}/new-campaign", {"brand": "BACME"})
        assert "said-warning" in refused.text

    async def test_a_campaign_begins_with_replies_that_name_the_brand(self, console, admin):
        """And with the words that have to be among the keywords; another company's brand is not there."""
        await admin.go(f"{ROOT}/new-campaign")
        seen = await admin.send(f"{ROOT}/new-campaign", {"brand": "BACME"})
        _, fields = await saved(console, seen.path.split("/")[-2])
        assert fields["opt_out_keywords"] == ["STOP"]
        assert fields["opt_out_message"].startswith("Acme LLC:")
        assert (await admin.send(f"{ROOT}/new-campaign", {"brand": "BSOLO"})).status == 404


class TestSteps:
    """A step is kept whatever is wrong with it, and left when nothing is."""

    async def test_what_is_wrong_stands_at_its_field(self, console, admin):
        """With what to do, a list above that leads to each field, and what was typed, which is kept."""
        await put(console, an_application(filled=BRAND))
        seen = await step(admin, "company", ein="12-34", website="nowhere")
        assert seen.status == 422
        assert "2 things to put right" in seen.words
        assert '<a href="#f-ein">' in seen.text
        assert re.search(r'id="f-ein"[^>]*aria-invalid="true"[^>]*aria-describedby="hint-ein error-ein"', seen.text)
        assert 'value="12-34"' in seen.text
        assert (await saved(console))[1]["ein"] == "12-34"

    async def test_a_step_that_is_in_order_leads_to_the_next(self, console, admin):
        """Back leads to the one before, leaving to the form; each keeps what was typed."""
        await put(console, an_application(filled=BRAND))
        assert (await step(admin, "company", display_name="Acme Two")).path == f"{FORM}/contact"
        assert (await step(admin, "contact", "back", city="Fargo")).path == f"{FORM}/company"
        assert (await step(admin, "contact", "leave", city="")).path == FORM
        assert (await step(admin, "contact", city="Fargo")).path == f"{FORM}/review"
        _, fields = await saved(console)
        assert (fields["display_name"], fields["city"]) == ("Acme Two", "Fargo")

    async def test_what_is_not_filled_in_yet_is_not_called_wrong(self, console, admin):
        """Before somebody asks."""
        await put(console, an_application())
        assert "to put right" not in (await admin.go(f"{FORM}/contact")).words
        assert "to put right" in (await admin.go(f"{FORM}/contact?check=yes")).words

    async def test_another_kind_of_company_is_asked_for_other_things(self, console, admin):
        """And answers that it is not asked for are given up."""
        await put(console, an_application(filled=BRAND))
        seen = await step(admin, "company", entity_type="SOLE_PROPRIETOR")
        _, fields = await saved(console)
        assert fields["ein"] == fields["ein_country"] == ""
        assert "Tax number" not in seen.words
        assert "Mobile number" in (await admin.go(f"{FORM}/contact")).words

    async def test_yes_and_no_have_to_be_said(self, console, admin):
        """In the words of the page."""
        await put(console, an_application("campaign", filled=CAMPAIGN | {"age_gated": None}))
        seen = await step(admin, "content")
        assert "Say yes or no: it cannot be changed later." in seen.words
        assert "true or false" not in seen.words
        assert (await step(admin, "content", age_gated="no")).path == f"{FORM}/links"

    async def test_what_somebody_types_is_shown_and_not_run(self, console, admin):
        """Escaped everywhere."""
        evil = '"><script>alert(1)</script>'
        await put(console, an_application(filled=BRAND))
        seen = await step(admin, "company", "leave", display_name=evil)
        assert "<script>alert" not in seen.text
        for path in (f"{FORM}/company", f"{FORM}/review", ROOT, f"{ROOT}/brands", f"{FORM}/withdraw"):
            seen = await admin.go(path)
            assert "<script>alert" not in seen.text
        assert evil in html.unescape((await admin.go(f"{FORM}/company")).text)


class TestSamples:
    """The gateway's own content rules look at each."""

    async def test_what_was_found_stands_beside_each(self, console, admin):
        """What it would refuse, what it would flag, and what it would let go."""
        await put(console, an_application("campaign", filled=CAMPAIGN | {"samples": []}))
        texts = ["Acme: see bit.ly/abc123 for your order.", "Acme: we are closed today, sorry."]
        seen = await step(admin, "samples", "check", samples=texts)
        first, second = re.findall(r'<div class="found".*?</div>', seen.text, re.DOTALL)[:2]
        assert "Put this right" in first
        assert "the gateway would refuse it" in first
        assert "Would go out" in second
        assert '<a href="#f-samples-0">Sample 1</a>' in seen.text
        assert (await saved(console))[1]["samples"] == texts

    async def test_too_few_are_said_once_somebody_goes_on(self, console, admin):
        """Two at least."""
        await put(console, an_application("campaign", filled=CAMPAIGN | {"samples": []}))
        assert "Give 2 to 5 samples" not in (await admin.go(f"{FORM}/samples")).words
        assert "Give 2 to 5 samples" in (await step(admin, "samples")).words


class TestSubmitting:
    """The review shows everything, and sends it."""

    async def test_a_form_that_is_not_in_order_cannot_be_sent(self, console, admin):
        """Each fault leads to its field; sent all the same, it is refused with what to do."""
        await put(console, an_application("campaign", filled=CAMPAIGN | {"terms_accepted": False}))
        seen = await admin.go(f"{FORM}/review")
        assert f"{FORM}/submit" not in seen.text
        assert f'href="{FORM}/links?check=yes#f-terms_accepted"' in seen.text
        refused = await admin.send(f"{FORM}/submit")
        assert "said-warning" in refused.text
        assert (await saved(console))[0].state == "draft"

    async def test_a_campaign_is_sent_with_its_fee_in_sight(self, console, admin):
        """Then the page shows how far it is, and it cannot be changed any more."""
        await put(console, an_application("campaign", filled=CAMPAIGN))
        seen = await admin.go(f"{FORM}/review")
        assert "US$89. Once, plus tax" in seen.words
        assert CAMPAIGN["samples"][0] in seen.words
        seen = await admin.send(f"{FORM}/submit")
        assert seen.path == FORM
        assert seen.said.startswith("The campaign is on its way to TCR.")
        assert "TCR is asked to take it" in seen.words
        assert "It was charged on" in seen.words
        assert "<fieldset disabled>" in (await admin.go(f"{FORM}/purpose")).text
        form, fields = await saved(console)
        assert form.state == "submitting"
        assert fields["use_case"] == "LOW_VOLUME"

    async def test_withdrawing_asks_first(self, console, admin):
        """On a page of its own; what is withdrawn is in no list of what goes on."""
        await put(console, an_application(filled=BRAND))
        assert "Withdraw it" in (await admin.go(f"{FORM}/withdraw")).words
        assert (await saved(console))[0].state == "draft"
        seen = await admin.send(f"{FORM}/withdraw")
        assert seen.said == "The form is withdrawn."
        assert FORM not in seen.text
        assert "said-warning" in (await admin.send(f"{FORM}/withdraw")).text


class TestAfterANo:
    """What came back with reasons is corrected on the same object."""

    async def test_a_brand_that_was_not_confirmed(self, console, admin):
        """The reasons stand beside the form; the kind of company is settled; it is sent again."""
        reasons = ("The EIN does not match the name.",)
        sent = an_application(filled=BRAND, state="submitted", object_id="BACME", submitted_at=AT)
        await put(console, sent, a_brand(status="unverified", faults=reasons))
        seen = await admin.go(f"{ROOT}/brands/BACME")
        assert f'href="{FORM}/company?check=yes"' in seen.text
        assert reasons[0] in (await admin.go(FORM)).words
        seen = await admin.go(f"{FORM}/company")
        assert reasons[0] in seen.words
        assert "It cannot be changed after registration." in seen.words
        assert 'name="entity_type"' not in seen.text
        assert (await step(admin, "company", ein="98-7654321")).path == f"{FORM}/contact"
        seen = await admin.send(f"{FORM}/submit")
        assert "TCR compares the company with public records" in seen.words
        async with console.database.reading() as connection:
            assert (await find(connection, Brand, {("BACME",)}))["BACME",].status == "pending"
        assert (await saved(console))[1]["ein"] == "98-7654321"

    async def test_a_campaign_that_was_declined(self, console, admin):
        """Only what TCR lets change can be typed; what is sent for the rest is not looked at."""
        sent = an_application("campaign", filled=CAMPAIGN, state="submitted", object_id="CACME", submitted_at=AT)
        async with console.database.reading() as connection:
            campaign = (await find(connection, Campaign, {("CACME",)}))["CACME",]
        faults = ("Say how people opt in.",)
        declined = dataclasses.replace(campaign, status="rejected", faults=faults)
        await put(console, sent, declined)
        seen = await admin.go(f"{ROOT}/campaigns/CACME")
        assert "Correct and submit again" in seen.words
        assert faults[0] in (await admin.go(f"{FORM}/consent")).words
        seen = await step(
            admin, "purpose", use_case="MARKETING", description="Acme writes to customers on their orders."
        )
        assert seen.path == f"{FORM}/consent"
        _, fields = await saved(console)
        assert (fields["use_case"], fields["description"][:4]) == ("LOW_VOLUME", "Acme")
        assert (await admin.send(f"{FORM}/submit")).said.startswith("The campaign is on its way")

    async def test_a_form_that_tcr_did_not_take(self, console, admin):
        """Its reasons are in the overview, and in the form."""
        await put(console, an_application(filled=SOLE, state="refused", faults=("Phone is wrong.",), submitted_at=AT))
        for path in (ROOT, f"{ROOT}/brands", FORM, f"{FORM}/contact", f"{FORM}/review"):
            assert "Phone is wrong." in (await admin.go(path)).words, path


class TestRights:
    """Whose form it is."""

    @pytest.mark.parametrize("path", ["", "/company", "/review", "/withdraw"])
    async def test_another_companys_is_not_there(self, console, path):
        """To look at, or to change."""
        await put(console, an_application(filled=BRAND))
        solo = await console.visitor("solo")
        assert (await solo.go(FORM + path)).status == 404
        if path not in {"", "/review"}:
            assert (await solo.send(FORM + path, {"go": "next"})).status == 404
        assert (await saved(console))[1]["legal_name"] == "Acme LLC"

    async def test_a_step_that_is_none(self, console, admin):
        """Is not found."""
        await put(console, an_application(filled=BRAND))
        assert (await admin.go(f"{FORM}/samples")).status == 404

    async def test_leave_is_noted_by_the_provider_only(self, console, admin):
        """For a special use case; an admin has no button, and is refused without it."""
        await put(console, an_application("campaign", filled=CAMPAIGN | {"use_case": "EMERGENCY", "sub_use_cases": []}))
        seen = await admin.go(f"{FORM}/review")
        assert "Ask the provider to obtain the carriers' leave" in seen.words
        assert "Note that there is leave" not in seen.words
        assert "said-warning" in (await admin.send(f"{FORM}/leave", {"granted": "yes"})).text


def test_reading_what_was_typed():
    """Keywords between commas or in lines; empty samples are none; what was not said is neither yes nor no."""
    parts = {one.name: one for part in STEPS["campaign"] for one in part.fields}
    asked = [parts["help_keywords"], parts["samples"], parts["age_gated"], parts["terms_accepted"]]
    typed = {"help_keywords": (" HELP, info\r\n,",), "samples": ("", " One\r\ntwo "), "terms_accepted": ("yes",)}
    given = Fields(typed)
    assert read(asked, given) == {
        "help_keywords": ["HELP", "info"],
        "samples": ["One\ntwo"],
        "age_gated": None,
        "terms_accepted": True,
    }
