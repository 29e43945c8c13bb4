"""What admins do with a form: begin, save, check, submit, correct, withdraw; on both databases."""

import asyncio
from dataclasses import replace

import pytest
import sqlalchemy as sa

from registry.database import Database
from registry.lifecycle.registration import BRAND, CAMPAIGN
from registry.problems import Problem
from registry.records import Application, Fee
from registry.registration import flows
from registry.registration.tcr_form import brand_of, campaign_of
from registry.work_tables import tcr_jobs
from tests.registry.builders import a_brand, a_campaign, a_tenant
from tests.registry.flows.desks import NOW
from tests.registry.registration import forms
from tests.registry.registration.desks import (
    a_form,
    at_desk,
    audited,
    company,
    fees_of,
    fields_of,
    form,
    jobs,
    put,
    submit,
)


async def refusal(action):
    """The problem that something is refused with."""
    with pytest.raises(Problem) as caught:
        await action
    return caught.value


async def taken(database, name, **given):
    """Have TCR take a form; the brand or campaign that comes of it, changed as given."""
    application = (await form(database, name)).application
    make = brand_of if application.kind == "brand" else campaign_of
    found = replace(make(application, f"{application.kind[0].upper()}NEW"), **given)
    await put(database, found, replace(application, state="submitted", object_id=found.id))
    return found


class TestBeginning:
    async def test_a_draft_is_kept_as_far_as_it_is_filled_in(self, database):
        """Nothing is asked of TCR; the audit has it."""
        await company(database)
        name = await a_form(database, "brand", ein="")
        found = await form(database, name)

        assert (found.application.state, fields_of(found)["legal_name"]) == ("draft", "Acme LLC")
        assert found.can() == ["save", "check", "submit", "withdraw"]
        assert await jobs(database) == []
        assert await audited(database, Application) == [("created", "key:k1")]

    @pytest.mark.parametrize("status", sorted(BRAND.states - {"", "verified", "vetted_verified", "self_declared"}))
    async def test_the_form_of_a_campaign_opens_for_a_verified_brand(self, database, status):
        """With the reason that keeps the brand from it."""
        await company(database, status=status)
        codes = {"suspended": "brand_suspended", "deleted": "brand_deleted"}

        assert (await refusal(a_form(database))).code == codes.get(status, "brand_unverified")

    @pytest.mark.parametrize("status", ["verified", "vetted_verified", "self_declared"])
    async def test_it_opens(self, database, status):
        """Also for a sole proprietor, whom TCR does not verify."""
        await company(database, status=status)

        assert await a_form(database)

    async def test_a_brand_is_the_company_s_own(self, database):
        """Another company's is as unknown as none; a brand's form names none."""
        await company(database, a_brand("BSOLO", tenant="solo"))
        async with at_desk(database) as desk:
            others = [await refusal(flows.begin(desk, "campaign", name, {})) for name in ("BSOLO", "BNONE")]
            none = await refusal(flows.begin(desk, "campaign", None, {}))
            extra = await refusal(flows.begin(desk, "brand", "BACME", {}))

        assert [one.faults for one in others] == [others[0].faults] * 2
        assert [one.code for one in (*others, none, extra)] == ["unknown_brand"] * 2 + [
            "missing_field",
            "invalid_value",
        ]

    @pytest.mark.parametrize("status", sorted(CAMPAIGN.states - {""}))
    async def test_a_sole_proprietor_has_one_campaign(self, database, status):
        """One that has ended for good makes room."""
        await company(database, a_campaign("COLD", status=status), status="self_declared")
        if status in CAMPAIGN.dead_ends:
            assert await a_form(database)
        else:
            assert (await refusal(a_form(database))).code == "sole_proprietor_campaign"

    async def test_a_second_form_of_a_sole_proprietor_waits_for_nobody(self, database):
        """While one is at TCR there is no other."""
        await company(database, status="self_declared")
        alone = {"use_case": "SOLE_PROPRIETOR", "sub_use_cases": []}
        first, second = await a_form(database, **alone), await a_form(database, **alone)
        await submit(database, first)

        assert (await refusal(submit(database, second))).code == "sole_proprietor_campaign"
        assert (await refusal(a_form(database))).code == "sole_proprietor_campaign"


class TestSaving:
    async def test_a_form_is_saved_whole(self, database):
        """What is left out is empty; what is of a wrong type or unknown is refused, all of it at once."""
        await company(database)
        name = await a_form(database)
        async with at_desk(database) as desk:
            await flows.save(desk, name, {"description": "x"})
            wrong = await refusal(flows.save(desk, name, {"samples": "x", "age_gated": 1, "usecase": "MIXED"}))
        saved = fields_of(await form(database, name))

        assert (saved["description"], saved["samples"]) == ("x", [])
        assert {(one.pointer, one.code) for one in wrong.faults} == {
            ("/fields/samples", "invalid_type"),
            ("/fields/age_gated", "invalid_type"),
            ("/fields/usecase", "unknown_field"),
        }

    async def test_a_form_is_the_company_s_own(self, database):
        """Another company's is not there."""
        await company(database)
        name = await a_form(database)
        async with at_desk(database, "solo") as desk:
            for step in (flows.load, flows.check, flows.submit, flows.withdraw):
                assert (await refusal(step(desk, name))).code == "not_found"
            assert (await refusal(flows.save(desk, name, {}))).code == "not_found"

    async def test_leave_is_the_provider_s_to_note_and_stays(self, database):
        """It is for one use case: another one needs its own."""
        await company(database)
        name = await a_form(database, use_case="PROXY", sub_use_cases=[])
        proxy = forms.CAMPAIGN | {"use_case": "PROXY", "sub_use_cases": []}
        assert (await refusal(submit(database, name))).faults[0].code == "leave_required"
        async with at_desk(database, operator=True) as desk:
            await flows.grant_leave(desk, name, granted=True)
        async with at_desk(database) as desk:
            await flows.save(desk, name, proxy | {"use_case": "SOCIAL"})
            assert [one.code for one in (await flows.check(desk, name)).faults] == ["leave_required"]
            await flows.save(desk, name, proxy)
            assert (await flows.check(desk, name)).faults == []
        assert (await submit(database, name)).application.state == "submitting"


async def tried(database, name):
    """Have TCR been asked about a form, without an answer."""
    async with database.writing() as connection:
        await connection.execute(sa.update(tcr_jobs).where(tcr_jobs.c.object == name).values(attempts=1))


class TestSubmitting:
    async def test_a_form_goes_to_tcr(self, database):
        """With the job, in one transaction; from when TCR is asked nothing can be done with it."""
        await company(database)
        name = await a_form(database, "brand")
        found = await submit(database, name)

        assert (found.application.state, found.application.submitted_at) == ("submitting", NOW)
        assert await jobs(database) == [("submit", name)]
        assert found.can() == ["withdraw"]
        await tried(database, name)
        assert (await form(database, name)).can() == []
        async with at_desk(database) as desk:
            for step in (flows.submit(desk, name), flows.withdraw(desk, name), flows.save(desk, name, {})):
                assert (await refusal(step)).code == "not_from_here"
        assert await audited(database, Application) == [("created", "key:k1"), ("changed", "key:k1")]

    async def test_everything_that_is_wrong_is_said_at_once_and_nothing_goes_out(self, database):
        """No fee either."""
        await company(database)
        name = await a_form(database, description="", help_message="Call us for help, please.", terms_accepted=False)
        problem = await refusal(submit(database, name))

        assert {(one.pointer, one.code) for one in problem.faults} == {
            ("/fields/description", "missing_field"),
            ("/fields/help_message", "brand_not_named"),
            ("/fields/terms_accepted", "missing_field"),
        }
        assert (await jobs(database), await fees_of(database)) == ([], [])
        assert (await form(database, name)).application.state == "draft"

    async def test_the_brand_is_looked_at_again(self, database):
        """It may have been suspended since the form was begun."""
        await company(database)
        name = await a_form(database)
        await put(database, a_brand(status="suspended"))

        assert (await refusal(submit(database, name))).code == "brand_suspended"

    async def test_there_is_one_brand_for_a_tax_number(self, database):
        """However it is written; a deleted brand's is free again, and another company's is none of ours."""
        await company(database)
        first = await a_form(database, "brand")
        await submit(database, first)
        second = await a_form(database, "brand", ein="123456789")
        third = await a_form(database, "brand", ein="98-7654321")

        assert [one.code for one in (await refusal(submit(database, second))).faults] == ["brand_registered"]
        await submit(database, third)
        await taken(database, first, status="deleted")
        await submit(database, second)

    async def test_the_display_name_names_the_brand_too(self, database):
        """As the brand's own form has it."""
        await company(database)
        brand = await a_form(database, "brand", display_name="Rocket Shop", ein="98-7654321")
        await submit(database, brand)
        await taken(database, brand, status="verified")
        said = dict.fromkeys(("help_message", "opt_in_message", "opt_out_message"), "Rocket Shop: 212 555 0100.")
        async with at_desk(database) as desk:
            found = await flows.begin(desk, "campaign", "BNEW", forms.CAMPAIGN | said)
            assert (await flows.check(desk, found.application.id)).faults == []
            ours = await flows.begin(desk, "campaign", "BACME", forms.CAMPAIGN | said)
            assert len((await flows.check(desk, ours.application.id)).faults) == 3

    async def test_one_of_several_wins(self, database):
        """The others find it sent; there is one job and one fee."""
        await company(database)
        name = await a_form(database)
        ends = await asyncio.gather(*(submit(database, name) for _ in range(8)), return_exceptions=True)

        assert sorted(getattr(one, "code", "sent") for one in ends) == ["not_from_here"] * 7 + ["sent"]
        assert await jobs(database) == [("submit", name)]
        assert len(await fees_of(database)) == 1

    async def test_one_of_two_registries_wins(self, database, settings):
        """Two engines on one database, two forms and one fee."""
        await company(database)
        names = [await a_form(database), await a_form(database)]
        async with Database.opened(settings) as other:
            ends = await asyncio.gather(
                *(submit(one, name) for one in (database, other) for name in names for _ in range(3)),
                return_exceptions=True,
            )

        assert sum(not isinstance(one, Exception) for one in ends) == 2
        assert {one.code for one in ends if isinstance(one, Exception)} == {"not_from_here"}
        assert len(await fees_of(database)) == 1
        assert await audited(database, Fee) == [("created", "key:k1")]


async def withdraw(database, name):
    """Withdraw a form."""
    async with at_desk(database) as desk:
        return (await flows.withdraw(desk, name)).application


class TestFee:
    async def test_nothing_is_owed_for_what_tcr_was_never_asked(self, database):
        """Withdrawn while it waits for its turn: no job, no fee, and the audit tells of both; a new form owes anew."""
        await company(database)
        name = await a_form(database)
        await submit(database, name)
        gone = await withdraw(database, name)

        assert (gone.state, gone.submitted_at) == ("withdrawn", None)
        assert (await jobs(database), await fees_of(database)) == ([], [])
        assert await audited(database, Fee) == [("created", "key:k1"), ("removed", "key:k1")]
        other = await a_form(database)
        await submit(database, other)
        assert [fee.application for fee in await fees_of(database)] == [other]

    async def test_what_was_handed_to_tcr_stays_owed(self, database):
        """Tried, and it cannot be withdrawn; turned down, it can, even when it waits once more, and it was asked."""
        await company(database)
        name = await a_form(database)
        await submit(database, name)
        await tried(database, name)
        async with at_desk(database) as desk:
            assert (await refusal(flows.withdraw(desk, name))).code == "not_from_here"
        await put(database, replace((await form(database, name)).application, state="refused", faults=("No.",)))
        await submit(database, name)
        assert (await withdraw(database, name)).submitted_at == NOW

        assert [fee.application for fee in await fees_of(database)] == [name]
        assert await audited(database, Fee) == [("created", "key:k1")]

    async def test_another_form_that_was_submitted_takes_it_over(self, database):
        """The company registers all the same: the fee is for that one, and booked when it was."""
        await company(database)
        first, second = await a_form(database), await a_form(database)
        await submit(database, first)
        await submit(database, second)
        await withdraw(database, first)
        assert [(fee.application, fee.at) for fee in await fees_of(database)] == [(second, NOW)]
        await withdraw(database, second)
        assert await fees_of(database) == []

    async def test_what_is_on_a_bill_stays(self, database):
        """A bill is not unwritten."""
        await company(database)
        name = await a_form(database)
        await submit(database, name)
        (fee,) = await fees_of(database)
        await put(database, replace(fee, billed_at=NOW))
        await withdraw(database, name)
        assert [one.billed_at for one in await fees_of(database)] == [NOW]

    @pytest.mark.parametrize(
        ("country", "currency", "cents", "billed"),
        [
            ("US", "USD", 8_900, "USD"),
            ("CA", "CAD", 12_100, "CAD"),
            ("CA", "USD", 8_900, "USD"),
            ("CA", "EUR", 12_100, "CAD"),
        ],
    )
    async def test_it_is_owed_once_with_the_first_campaign(self, database, country, currency, cents, billed):
        """In the currency of the bills, else of the country; a brand costs nothing, a second campaign neither."""
        await company(database, a_tenant(country=country, currency=currency))
        await submit(database, await a_form(database, "brand"))
        assert await fees_of(database) == []
        first = await a_form(database)
        await submit(database, first)
        await submit(database, await a_form(database))

        assert await fees_of(database) == [
            Fee(tenant="acme", kind="registration", at=NOW, cents=cents, currency=billed, application=first)
        ]


class TestCorrecting:
    async def test_what_tcr_did_not_take_is_corrected_and_sent_again(self, database):
        """The reasons stay until the next answer; everything may change, for TCR has nothing of it."""
        await company(database)
        name = await a_form(database, "brand")
        found = await submit(database, name)
        await put(database, replace(found.application, state="refused", faults=("EIN does not match.",)))
        async with at_desk(database) as desk:
            saved = await flows.save(desk, name, forms.SOLE)
        assert (saved.reasons, saved.can()) == (("EIN does not match.",), ["save", "check", "submit", "withdraw"])
        again = await submit(database, name)

        assert (again.application.state, again.reasons) == ("submitting", ("EIN does not match.",))

    @pytest.mark.parametrize("status", sorted(BRAND.states - {""}))
    async def test_a_brand_is_corrected_when_it_is_not_confirmed(self, database, status):
        """Then it is pending again; in every other state the form rests."""
        await company(database)
        name = await a_form(database, "brand")
        await submit(database, name)
        await taken(database, name, status=status, faults=("Name does not match.",))
        if status != "unverified":
            assert (await form(database, name)).can() == []
            assert (await refusal(submit(database, name))).code == "not_from_here"
            return
        async with at_desk(database) as desk:
            assert (await refusal(flows.save(desk, name, forms.SOLE))).code == "cannot_change"
            await flows.save(desk, name, forms.BRAND | {"legal_name": "Acme Inc"})
            assert (await refusal(flows.withdraw(desk, name))).code == "not_from_here"
        found = await submit(database, name)

        assert (found.application.state, found.brand.status) == ("submitting", "pending")
        assert found.reasons == ("Name does not match.",)

    @pytest.mark.parametrize(
        ("status", "sharing", "after"),
        [
            ("rejected", "accepted", "pending"),
            ("active", "declined", "active"),
            ("active", "accepted", None),
            ("pending", "pending", None),
            ("suspended", "accepted", None),
            ("expired", "declined", None),
            ("deactivated", "declined", None),
        ],
    )
    async def test_a_campaign_is_corrected_when_it_is_turned_down(self, database, status, sharing, after):
        """But for what is fixed at registration: use case, declarations. It costs nothing again."""
        await company(database)
        name = await a_form(database)
        await submit(database, name)
        await taken(database, name, status=status, sharing=sharing, faults=("No opt-in shown.",))
        if after is None:
            assert (await refusal(submit(database, name))).code == "not_from_here"
            return
        async with at_desk(database) as desk:
            other = forms.CAMPAIGN | {"use_case": "MIXED", "age_gated": True, "description": "x"}
            fixed = await refusal(flows.save(desk, name, other))
            await flows.save(desk, name, forms.CAMPAIGN | {"description": "Acme tells people where their orders are."})
        assert {one.pointer for one in fixed.faults} == {"/fields/use_case", "/fields/age_gated"}
        found = await submit(database, name)

        assert (found.application.state, found.campaign.status) == ("submitting", after)
        assert found.reasons == ("No opt-in shown.",)
        assert len(await fees_of(database)) == 1

    async def test_a_form_is_withdrawn_for_good(self, database):
        """Nothing can be done with it; another one can be begun."""
        await company(database)
        name = await a_form(database)
        async with at_desk(database) as desk:
            gone = await flows.withdraw(desk, name)
        assert (gone.application.state, gone.can()) == ("withdrawn", [])
        for step in (flows.submit, flows.withdraw):
            async with at_desk(database) as desk:
                assert (await refusal(step(desk, name))).code == "not_from_here"


async def test_a_form_holds_whatever_people_type(database):
    """Signs that a database cannot keep, and letters of all kinds; what is wrong with it is said when it is checked."""
    await company(database)
    name = await a_form(database, description="\x00 \U0001f600 é\ud7ff" + "'; DROP TABLE tenants; --")
    found = await form(database, name)

    assert fields_of(found)["description"].startswith("\x00 \U0001f600")
    assert [one.code for one in (await refusal(submit(database, name))).faults] == ["invalid_value"]
