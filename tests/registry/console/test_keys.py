"""API keys: made with a secret that is shown once, renewed with an overlap, revoked; sign-ins stand apart."""

import re

import pytest

from tests.registry.builders import DID

KEYS = "/console/keys"


def secret(seen):
    """The key that a page shows."""
    return re.search(r'<code id="secret">([^<]+)</code>', seen.text)[1]


async def status(console, text):
    """How the API answers a key."""
    return (await console.api.get(f"/v1/numbers/{DID}", key=f"Bearer {text}")).status


class TestList:
    async def test_keys_with_what_they_may(self, admin):
        """The company's and its people's; those of other companies are not among them."""
        seen = await admin.go(KEYS)
        assert "app" in seen.words
        assert "keyofacme" in seen.text
        assert "keyofsolo" not in seen.text

    async def test_sign_ins_stand_apart_and_can_be_ended(self, console, admin):
        """An employee's sign-in ends at once; one's own has no button."""
        employee = await console.visitor("employee")
        seen = await admin.go(KEYS)
        assert "Sign-in to the console" not in seen.words
        assert "Ada This is you" in seen.words
        (form,) = set(re.findall(r'action="(/console/keys/[^"]+/revoke)"', seen.text))
        seen = await admin.send(form, {"sign_in": "yes"})
        assert seen.said == "The sign-in was ended."
        assert "Ben" not in seen.text.split('id="signed-in"')[1]
        assert "sign-in" in (await employee.go("/console")).path

    async def test_of_one_person(self, admin):
        """As their page leads here."""
        seen = await admin.go(f"{KEYS}?user=ben")
        assert "Keys and sign-ins of Ben." in seen.words
        assert "keyofacme" not in seen.text
        assert (await admin.go(f"{KEYS}?user=sol")).status == 404


class TestMaking:
    async def test_the_secret_is_shown_once_and_works(self, console, admin):
        """It is on no other page."""
        fields = [("label", "Booking system"), ("scopes", "send"), ("scopes", "admin"), ("user", "")]
        seen = await admin.send(f"{KEYS}/new", fields)
        assert seen.status == 200
        text = secret(seen)
        assert await status(console, text) == 200
        listed = await admin.go(KEYS)
        assert "Booking system" in listed.words
        assert text not in listed.text

    async def test_a_persons_key_has_the_scopes_of_the_role(self, console, admin):
        """Others are not offered, and refused."""
        page = await admin.go(f"{KEYS}/new?user=ben")
        assert 'value="admin"' not in page.text
        seen = await admin.send(f"{KEYS}/new", [("user", "ben"), ("scopes", "admin")])
        assert (seen.status, "More than the role has." in seen.words) == (422, True)
        seen = await admin.send(f"{KEYS}/new", [("user", "ben"), ("scopes", "send"), ("scopes", "read")])
        assert await status(console, secret(seen)) == 403

    async def test_what_it_may_has_to_be_said(self, admin):
        """And nobody gives what they do not have."""
        seen = await admin.send(f"{KEYS}/new", [("label", "X"), ("user", "")])
        assert (seen.status, "Tick what the key is for." in seen.words) == (422, True)
        assert 'value="X"' in seen.text
        seen = await admin.send(f"{KEYS}/new", [("scopes", "operator"), ("user", "")])
        assert (seen.status, "More than you have." in seen.words) == (422, True)


class TestRenewing:
    @pytest.mark.parametrize(("ends", "old_status"), [("now", 401), ("1", 200), ("30", 200)])
    async def test_the_old_one_ends_when_it_was_said(self, console, admin, ends, old_status):
        """Until then both work."""
        made = await admin.send(f"{KEYS}/new", [("scopes", "admin"), ("label", "Renewed"), ("user", "")])
        (key,) = re.findall(r"/console/keys/(\w+)/renew", _row(await admin.go(KEYS), "Renewed"))
        seen = await admin.send(f"{KEYS}/{key}/renew", {"ends": ends})
        assert [await status(console, secret(one)) for one in (made, seen)] == [old_status, 200]
        assert ("until then both work" in seen.words) is (old_status == 200)


class TestRevoking:
    async def test_it_is_asked_first_and_ends_at_once(self, console, admin):
        """And it is listed among the revoked."""
        made = await admin.send(f"{KEYS}/new", [("scopes", "admin"), ("label", "Gone"), ("user", "")])
        (key,) = re.findall(r"/console/keys/(\w+)/revoke", _row(await admin.go(KEYS), "Gone"))
        assert "It cannot be undone" in (await admin.go(f"{KEYS}/{key}/revoke")).words
        seen = await admin.send(f"{KEYS}/{key}/revoke")
        assert seen.said.startswith("The key was revoked")
        assert await status(console, secret(made)) == 401
        assert "Gone" not in seen.words
        assert "Gone" in (await admin.go(f"{KEYS}?ended=yes")).words


class TestWhoMay:
    async def test_others_are_not_there(self, admin):
        """A key of another company is as unknown as none."""
        for key in ("keyofsolo", "keyofnone"):
            for answer in (
                await admin.go(f"{KEYS}/{key}/renew"),
                await admin.send(f"{KEYS}/{key}/renew", {"ends": "now"}),
                await admin.go(f"{KEYS}/{key}/revoke"),
                await admin.send(f"{KEYS}/{key}/revoke"),
            ):
                assert answer.status == 404

    async def test_support_sees_and_has_no_buttons(self, console):
        """And the forms refuse."""
        support = await console.visitor("support")
        async with console.database.writing() as connection:
            await connection.exec_driver_sql("UPDATE sign_ins SET acting_for = 'acme' WHERE tenant = 'phoneco'")
        seen = await support.go(KEYS)
        assert "keyofacme" in seen.text
        assert "/revoke" not in seen.text
        assert "Make a key" not in seen.words
        assert (await support.go(f"{KEYS}/new")).status == 403
        assert (await support.send(f"{KEYS}/keyofacme/revoke")).said.startswith("Not allowed")

    async def test_employees_do_not(self, console):
        """Neither look nor make one."""
        employee = await console.visitor("employee")
        assert (await employee.go(KEYS)).status == 403
        assert (await employee.send(f"{KEYS}/new", [("scopes", "send")])).status == 403


def _row(seen, label):
    return next(part for part in seen.text.split("<tr>") if label in part)
