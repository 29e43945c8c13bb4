"""Users: the list, a person's details, the switches of their numbers, joining, leaving, and invitations."""

import re

import pytest

from registry.commands import change
from tests.registry.builders import DID, OTHER_DID, a_brand, a_number, a_user, an_assignment
from tests.registry.console.visitors import PASSWORD

BEN = "/console/phone-system/users/ben"
#: Ben's second number, new.
SECOND = "+12025550120"


async def put(console, *records):
    """Change rows beside the console."""
    async with console.database.writing() as connection:
        await change(connection, actor="test", put=records)


@pytest.fixture
async def second(console):
    """Ben has a second number, which never texted."""
    await put(console, a_number(SECOND, sms="disabled", sms_enabled_at=None))


async def number(console, did):
    """A number as the API shows it."""
    return (await console.api.get(f"/v1/numbers/{did}")).body


def box(seen, did):
    """The switch of a number, as it stands on the page."""
    return next(tag for tag in re.findall(r'<input type="checkbox" role="switch"[^>]*>', seen.text) if did in tag)


class TestList:
    async def test_people_are_found_by_name_and_role(self, admin):
        """With what they text from; a search without result says so."""
        seen = await admin.go("/console/phone-system/users")
        assert "Ben Employee X2 – +1 202-555-0101 +1 202-555-0101" in seen.words
        assert "Stu" not in seen.words
        assert "Ben" not in (await admin.go("/console/phone-system/users?role=admin")).words
        assert "Nobody found" in (await admin.go("/console/phone-system/users?search=zzz")).words


class TestDetails:
    async def test_what_was_changed_is_saved(self, console, admin):
        """Name and extension; SMS stays as it is."""
        fields = dict(admin.form_of(await admin.go(BEN), BEN)) | {"name": "Ben Two", "extension": "1001"}
        seen = await admin.send(BEN, fields)
        assert (seen.path, seen.said) == (BEN, "Saved.")
        assert "Ben Two" in seen.words
        assert "extension 1001" in seen.words
        assert (await number(console, DID))["sms"] == "enabled"

    async def test_another_licence_takes_sms_away(self, console, admin):
        """And the page says so, before and after."""
        before = await admin.go(BEN)
        assert "Another licence switches SMS off" in before.words
        seen = await admin.send(BEN, dict(admin.form_of(before, BEN)) | {"licence": "X4"})
        assert seen.said.startswith("Saved. SMS was switched off")
        assert (await number(console, DID))["sms"] == "disabled"

    async def test_who_is_late_is_told(self, console, admin):
        """Somebody else saved in between: nothing is overwritten, and the page is as it is now."""
        fields = dict(admin.form_of(await admin.go(BEN), BEN))
        await put(console, a_user("ben", name="Benjamin"))
        seen = await admin.send(BEN, fields | {"name": "Ben Two"})
        assert seen.status == 409
        assert "Somebody changed this person" in seen.said
        assert 'value="Benjamin"' in seen.text

    async def test_what_is_wrong_stands_at_the_field(self, console, admin):
        """With what was typed."""
        await put(console, a_user("ann", name="Ann"))
        await console.api.patch("/v1/users/ann", {"extension": "1002"})
        fields = dict(admin.form_of(await admin.go(BEN), BEN)) | {"extension": "1002", "name": "Typed"}
        seen = await admin.send(BEN, fields)
        assert seen.status == 422
        assert "Somebody has the extension" in seen.words
        assert 'value="Typed"' in seen.text

    async def test_the_last_administrator_stays_one(self, admin):
        """Said at the field, with what to do first; and again where the same person is let go."""
        ada = "/console/phone-system/users/ada"
        fields = dict(admin.form_of(await admin.go(ada), ada)) | {"role": "employee"}
        seen = await admin.send(ada, fields)
        assert (seen.status, "Make somebody else an administrator first" in seen.words) == (422, True)
        seen = await admin.send(f"{ada}/leave")
        assert (seen.status, "Make somebody else an administrator first" in seen.words) == (200, True)
        assert (await admin.go(ada)).status == 200


class TestSwitches:
    async def test_one_on_takes_the_place_of_the_other(self, console, admin, second):
        """The campaign is assigned by itself; both things are said."""
        del second
        before = await admin.go(BEN)
        assert "checked" in box(before, DID)
        assert "Switched on, it gets campaign CACME" in before.words
        fields = [("was", DID), ("on", SECOND)]
        seen = await admin.send(f"{BEN}/sms", fields)
        assert seen.said.startswith("SMS is being enabled: Pending, up to 48 hours. Campaign CACME was assigned.")
        assert "The other number was switched off." in seen.said
        assert (await number(console, DID))["sms"] == "superseded"
        now = await number(console, SECOND)
        assert (now["sms"], now["assignment"]["state"], now["assignment"]["campaign_id"]) == (
            "enabled",
            "pending",
            "CACME",
        )
        assert "checked" in box(seen, SECOND)
        assert "checked" not in box(seen, DID)
        assert "Pending" in seen.words

    async def test_off_is_off(self, console, admin):
        """The number stays in its campaign."""
        seen = await admin.send(f"{BEN}/sms", [("was", DID)])
        assert seen.said == "SMS was switched off."
        now = await number(console, DID)
        assert (now["sms"], now["assignment"]["state"]) == ("disabled", "assigned")

    async def test_two_at_once_are_refused(self, console, admin, second):
        """Without script somebody can tick both."""
        del second
        await put(console, a_number(DID, sms="disabled"))
        seen = await admin.send(f"{BEN}/sms", [("on", DID), ("on", SECOND)])
        assert (seen.status, "One number of a person can text" in seen.said) == (422, True)
        assert (await number(console, SECOND))["sms"] == "disabled"

    async def test_the_old_one_may_stay_ticked(self, console, admin, second):
        """Without script nothing unticks it: the one that is newly on wins."""
        del second
        await admin.send(f"{BEN}/sms", [("was", DID), ("on", DID), ("on", SECOND)])
        assert (await number(console, DID))["sms"] == "superseded"

    async def test_who_is_late_switches_nothing(self, console, admin, second):
        """Another admin's switch is not undone by an old page."""
        del second
        await put(console, a_number(DID, sms="superseded"), a_number(SECOND, sms="enabled"))
        seen = await admin.send(f"{BEN}/sms", [("was", DID), ("on", DID)])
        assert (seen.status, "Somebody switched a number" in seen.said) == (409, True)
        assert (await number(console, SECOND))["sms"] == "enabled"

    async def test_only_once_brand_and_campaign_are_verified(self, console, admin, second):
        """The switch says why and where; who sends the form all the same is refused."""
        del second
        await put(console, a_brand(status="unverified"))
        seen = await admin.go(BEN)
        assert "disabled" in box(seen, SECOND)
        assert "SMS can be switched on once brand and campaign are VERIFIED." in seen.words
        assert 'href="/console/registration"' in seen.text
        seen = await admin.send(f"{BEN}/sms", [("was", DID), ("on", SECOND)])
        assert seen.status == 422
        assert (await number(console, SECOND))["sms"] == "disabled"

    async def test_a_legacy_number_is_assigned_on_the_sms_page(self, console, admin, second):
        """It could text before, and is in no campaign: the switch leads there."""
        del second
        await put(console, a_number(SECOND, sms="disabled", sms_page=True))
        seen = await admin.go(BEN)
        assert "disabled" in box(seen, SECOND)
        assert "To be assigned on the SMS page" in seen.words
        assert 'href="/console/phone-system/sms?prefix=%2B12025550120"' in seen.text

    async def test_what_failed_says_what_helps(self, console, admin, second):
        """With the aggregator's reason."""
        del second
        await put(console, a_number(SECOND), an_assignment(SECOND, state="failed", fault="A carrier said no."))
        seen = await admin.go(BEN)
        assert "Enabling Failed A carrier said no." in " ".join(
            re.sub(r"This number goes off when you save: one number of a person can text\.", "", seen.words).split()
        )
        assert "Use Assign to campaign on the SMS page to try again." in seen.words


class TestJoiningAndLeaving:
    async def test_a_person_is_added(self, admin):
        """And their page is next."""
        fields = {"name": "Cy", "role": "employee", "licence": "X2", "extension": "1007"}
        seen = await admin.send("/console/phone-system/users/new", fields)
        assert seen.path.startswith("/console/phone-system/users/u-")
        assert seen.said.startswith("Cy was added.")
        seen = await admin.send("/console/phone-system/users/new", fields | {"name": ""})
        assert (seen.status, "Out of range" in seen.words) == (422, True)

    async def test_letting_go_tells_what_follows_first(self, console, admin):
        """Then the number is in the pool, and the person is not listed."""
        seen = await admin.go(f"{BEN}/leave")
        assert "1 number goes into the pool, with SMS off: +1 202-555-0101 ." in seen.words
        seen = await admin.send(f"{BEN}/leave")
        assert seen.said == "Ben left. Their numbers are in the pool."
        now = await number(console, DID)
        assert (now["user"], now["sms"]) == (None, "disabled")
        assert (await admin.go(BEN)).status == 404

    async def test_an_invitation_is_shown_once_and_opens(self, console, admin):
        """Whoever has the link chooses a password, and is in."""
        seen = await admin.send("/console/phone-system/users/ann/invitation", {"email": "ann@console.example"})
        (path,) = set(re.findall(r"/console/invitation/[\w-]+", seen.text))
        page = await admin.go("/console/phone-system/users/ann")
        assert path not in page.text
        assert "Invited as ann@console.example" in page.words
        visitor = await console.visitor()
        await visitor.go(path)
        words = {"username": "ann@console.example", "password": PASSWORD + "!", "again": PASSWORD + "!"}
        assert (await visitor.send(path, words)).status == 200
        page = await admin.go("/console/phone-system/users/ann")
        assert "Signs in as ann@console.example" in page.words

    async def test_an_address_of_somebody_else(self, admin):
        """Is told at the field."""
        seen = await admin.send("/console/phone-system/users/ann/invitation", {"email": "ben@console.example"})
        assert (seen.status, "That email address is another person's" in seen.words) == (422, True)


class TestWithdrawnLogin:
    async def test_the_person_is_out_at_once(self, console, admin):
        """What follows is told first; whoever it was can be invited anew."""
        ben = await console.visitor("employee")
        assert f'href="{BEN}/login"' in (await admin.go(BEN)).text
        asked = await admin.go(f"{BEN}/login")
        assert "no longer signs in as ben@console.example" in asked.words
        done = await admin.send(f"{BEN}/login")
        assert (done.path, done.said) == (BEN, "Ben has no login any more.")
        assert "Has no login to the console" in done.words

        assert "sign-in" in (await ben.go("/console/messages")).path
        assert (await ben.sign_in("employee")).status == 403
        assert (await admin.go(f"{BEN}/login")).status == 404
        assert (await admin.send(f"{BEN}/login")).status == 404
        again = await admin.send(f"{BEN}/invitation", {"email": "ben@console.example"})
        assert "/console/invitation/" in again.text

    async def test_an_invitation_goes_with_it(self, console, admin):
        """Its link opens nothing any more."""
        place = "/console/phone-system/users/ann"
        seen = await admin.send(f"{place}/invitation", {"email": "ann@console.example"})
        (path,) = set(re.findall(r"/console/invitation/[\w-]+", seen.text))
        assert "The invitation of ann@console.example opens nothing" in (await admin.go(f"{place}/login")).words
        await admin.send(f"{place}/login")
        assert (await (await console.visitor()).go(path)).status == 410

    async def test_nobody_is_led_to_take_their_own(self, console, admin):
        """And the last administrator's stays, whoever asks."""
        ada = "/console/phone-system/users/ada"
        assert f'href="{ada}/login"' not in (await admin.go(ada)).text
        refused = await admin.send(f"{ada}/login")
        assert "Nobody else is an administrator" in refused.said
        assert (await admin.go("/console")).status == 200


class TestWhoMay:
    async def test_support_sees_and_has_no_buttons(self, console):
        """And is refused by whoever sends a form all the same."""
        support = await console.visitor("support")
        async with console.database.writing() as connection:
            await connection.exec_driver_sql("UPDATE sign_ins SET acting_for = 'acme' WHERE tenant = 'phoneco'")
        seen = await support.go(BEN)
        assert seen.status == 200
        assert "Save" not in seen.words
        assert "disabled" in box(seen, DID)
        assert (await support.send(f"{BEN}/sms", [("was", DID)])).said.startswith("Not allowed")
        assert (await number(console, DID))["sms"] == "enabled"
        assert f"{BEN}/login" not in seen.text
        for path in ("leave", "login"):
            assert (await support.go(f"{BEN}/{path}")).status == 403

    async def test_employees_do_not(self, console):
        """Not even their own page."""
        employee = await console.visitor("employee")
        for path in ("", "/ben", "/new", "/ben/leave", "/ben/login"):
            assert (await employee.go(f"/console/phone-system/users{path}")).status == 403

    async def test_others_are_not_there(self, console, admin):
        """A person of another company is as unknown as none."""
        for path in ("sol", "nobody"):
            for answer in (
                await admin.go(f"/console/phone-system/users/{path}"),
                await admin.go(f"/console/phone-system/users/{path}/leave"),
                await admin.send(f"/console/phone-system/users/{path}", {"name": "X", "version": "*"}),
                await admin.send(f"/console/phone-system/users/{path}/sms", [("on", OTHER_DID)]),
                await admin.send(f"/console/phone-system/users/{path}/invitation", {"email": "x@console.example"}),
            ):
                assert answer.status == 404
        del console
