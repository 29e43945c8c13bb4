"""Signing in and out: names and passwords, how often, and what a cookie opens."""

import asyncio
from ipaddress import ip_network

import pytest
import sqlalchemy as sa

from registry.console.tries import PER_NAME_AND_ADDRESS
from registry.work_tables import sign_ins
from tests.registry.console.visitors import PASSWORD


class TestSignIn:
    async def test_a_person_with_a_password_comes_in(self, console):
        """And is led to where they wanted to go."""
        visitor = await console.visitor()
        seen = await visitor.go("/console/password")
        assert (seen.status, seen.path) == (200, "/console/sign-in?next=/console/password")
        seen = await visitor.sign_in("admin", next="/console/password")
        assert (seen.status, seen.path) == (200, "/console/password")

    @pytest.mark.parametrize(
        ("who", "password"),
        [("admin", "wrong horse battery"), ("nobody@console.example", PASSWORD), ("admin", ""), ("", "")],
    )
    async def test_whatever_is_wrong_the_answer_is_the_same(self, console, who, password):
        """So nobody learns which names there are."""
        visitor = await console.visitor()
        seen = await visitor.sign_in(who, password)
        assert seen.status == 403
        assert seen.said.startswith("That did not work. Check the email address and the password.")
        assert "Set-Cookie" not in seen.headers

    @pytest.mark.parametrize(
        "to", ["https://evil.example/", "//evil.example", "/v1/users", "/console\\..", "javascript:1"]
    )
    async def test_it_leads_to_pages_of_ours_only(self, console, to):
        """Whoever made the link."""
        visitor = await console.visitor()
        assert (await visitor.sign_in("admin", next=to)).path == "/console"

    async def test_who_guesses_has_to_wait(self, console):
        """So many failures for a name, also of one that is not there; then the right password does not help either."""
        visitor = await console.visitor()
        for _ in range(PER_NAME_AND_ADDRESS):
            assert (await visitor.sign_in("admin", "wrong")).status == 403
        seen = await visitor.sign_in("admin")
        assert (seen.status, int(seen.headers["Retry-After"]) > 3_000) == (429, True)
        assert (await visitor.sign_in("solo")).path == "/console"

    async def test_guesses_at_once_are_as_many(self, console):
        """A try counts before it is known that it fails."""
        visitors = [await console.visitor() for _ in range(PER_NAME_AND_ADDRESS + 8)]
        seen = await asyncio.gather(*(visitor.sign_in("admin", "wrong") for visitor in visitors))
        assert sorted(one.status for one in seen) == [403] * PER_NAME_AND_ADDRESS + [429] * 8

    async def test_who_signs_in_often_does_not_wait(self, console):
        """What worked is not counted."""
        visitor = await console.visitor()
        for _ in range(PER_NAME_AND_ADDRESS + 2):
            assert (await visitor.sign_in("admin")).path == "/console"

    async def test_each_sign_in_is_another_cookie(self, console):
        """And the one that the browser had ends: a cookie that somebody put there is worth nothing."""
        visitor = await console.visitor("admin")
        before = [cookie.value for cookie in visitor._session.cookie_jar]
        await visitor.sign_in("admin")
        after = [cookie.value for cookie in visitor._session.cookie_jar]
        assert set(before).isdisjoint(after)
        async with console.database.reading() as connection:
            assert (await connection.execute(sa.select(sa.func.count()).select_from(sign_ins))).scalar() == 1

    async def test_the_cookie_is_kept_from_script_and_other_sites(self, console):
        """HttpOnly and SameSite=Strict; over TLS also Secure and bound to the host (test_frame.py)."""
        visitor = await console.visitor()
        seen = await visitor.send(
            "/console/sign-in", {"email": "ada@console.example", "password": PASSWORD}, allow_redirects=False
        )
        cookie = seen.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie


class TestBehindAProxy:
    @pytest.fixture
    def settings(self, settings):
        """Of a registry behind a proxy on this machine."""
        return settings.model_copy(update={"trusted_proxies": (ip_network("127.0.0.0/8"),)})

    async def test_guesses_of_others_do_not_lock_a_person_out(self, console):
        """They come from elsewhere: so says our proxy, whatever they wrote themselves."""
        visitor = await console.visitor()
        of_ours = {"Origin": console.base, "Sec-Fetch-Site": "same-origin"}
        wrong = {"email": "ada@console.example", "password": "wrong"}
        for place in range(PER_NAME_AND_ADDRESS + 1):
            forwarded = of_ours | {"X-Forwarded-For": f"198.51.100.{place}, 203.0.113.7"}
            status = (await visitor.send("/console/sign-in", wrong, headers=forwarded)).status
        assert status == 429
        forwarded = of_ours | {"X-Forwarded-For": "203.0.113.8"}
        right = wrong | {"password": PASSWORD}
        assert (await visitor.send("/console/sign-in", right, headers=forwarded)).path == "/console"


class TestSignOut:
    async def test_the_cookie_opens_nothing_afterwards(self, console, admin):
        """Also in a browser that kept it."""
        kept = {cookie.key: cookie.value for cookie in admin._session.cookie_jar}
        await admin.go("/console/password")
        assert (await admin.send("/console/sign-out")).said == "You are signed out."
        thief = await console.visitor()
        thief._session.cookie_jar.update_cookies(kept)
        assert (await thief.go("/console")).path.startswith("/console/sign-in")


class TestPassword:
    async def test_a_new_one_ends_other_sign_ins(self, console, admin):
        """The one that it was changed in goes on."""
        other = await console.visitor("admin")
        await admin.go("/console/password")
        new = "quite another horse"
        seen = await admin.send("/console/password", {"old": PASSWORD, "password": new, "again": new})
        assert (seen.path, "another now" in seen.said) == ("/console", True)
        assert (await other.go("/console")).path.startswith("/console/sign-in")
        assert (await admin.go("/console")).path == "/console"
        assert (await other.sign_in("admin")).status == 403
        assert (await other.sign_in("admin", new)).path == "/console"

    @pytest.mark.parametrize(
        ("old", "new", "again", "status"),
        [
            ("wrong", "quite another horse", "quite another horse", 403),
            (PASSWORD, "quite another horse", "quite another house", 422),
            (PASSWORD, "short", "short", 422),
            (PASSWORD, "a" * 40, "a" * 40, 422),
            (PASSWORD, "x y" * 100, "x y" * 100, 422),
        ],
    )
    async def test_what_is_no_password_is_refused(self, console, admin, old, new, again, status):
        """And the old one stays."""
        await admin.go("/console/password")
        seen = await admin.send("/console/password", {"old": old, "password": new, "again": again})
        assert (seen.status, bool(seen.said)) == (status, True)
        assert (await (await console.visitor()).sign_in("admin")).path == "/console"
