"""What guards every page and form: who may, where a form came from, and what browsers are told."""

import pytest

from registry.console.frame import Place
from registry.console.pages import For
from registry.console.table import DOWNLOADS, FORMS, MENU, PAGES
from tests.registry.console.visitors import PEOPLE

PLAIN = sorted({page.path for page in PAGES if "{" not in page.path})
#: What a page has to be asked for: those of one number, or of some.
ASKED = {"/phone-system/sms/assign": "?dids=%2B12025550101"}
BY_PATH = {page.path: page for page in PAGES}
#: Who may see what.
MAY = {
    For.EVERYBODY: {"admin", "employee", "operator", "support"},
    For.ADMINS: {"admin", "operator", "support"},
    For.WRITERS: {"admin", "operator"},
    For.PROVIDER: {"operator", "support"},
    For.OPERATORS: {"operator"},
}


class TestPages:
    @pytest.mark.parametrize("who", sorted(set(PEOPLE) - {"solo"}))
    async def test_each_is_for_whom_it_is_for(self, console, who):
        """Others are told that they may not, and see nothing of it."""
        visitor = await console.visitor(who)
        if who in {"operator", "support"}:
            await visitor.send("/console/provider/tenants/acme/look")
        for path in PLAIN:
            seen = await visitor.go(f"/console{path}{ASKED.get(path, '')}")
            wanted = 200 if who in MAY[BY_PATH[path].of] else 403
            assert seen.status == wanted, (path, who, seen.status, seen.words[:300])

    async def test_nobody_sees_one_without_signing_in(self, console):
        """They are led to the form, and from there to the page."""
        visitor = await console.visitor()
        for path in PLAIN:
            assert (await visitor.go(f"/console{path}")).path.startswith("/console/sign-in?next="), path

    async def test_a_page_is_safe_to_show(self, console, admin):
        """No script but ours, no frame, no copy kept."""
        headers = (await admin.go("/console")).headers
        policy = headers["Content-Security-Policy"]
        for part in ("default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "form-action 'self'"):
            assert part in policy
        assert "unsafe" not in policy
        assert (headers["X-Frame-Options"], headers["X-Content-Type-Options"]) == ("DENY", "nosniff")
        assert headers["Cache-Control"] == "no-store"

    async def test_what_is_not_there_says_so(self, admin):
        """As a page, with a way back."""
        for path in ("/phone-system/users/nobody", "/phone-system/numbers/x", "/registration/campaigns/CNONE", "/none"):
            seen = await admin.go(f"/console{path}")
            assert (seen.status, "Not found" in seen.words) == (404, True), path

    async def test_no_line_of_the_menu_leads_nowhere(self, console):
        """Everybody's own."""
        for who in sorted(set(PEOPLE) - {"solo"}):
            visitor = await console.visitor(who)
            for section in MENU:
                for link in section.links:
                    if who in MAY[link.of]:
                        assert (await visitor.go(f"/console{link.path}")).status == 200, (who, link)


class TestForms:
    @pytest.mark.parametrize("form", FORMS, ids=lambda form: form.path)
    async def test_none_is_taken_without_its_secret(self, console, form):
        """Another site can send it, but not with the secret of the sign-in."""
        visitor = await console.visitor("operator")
        path = f"/console{form.path}".replace("{", "").replace("}", "")
        assert (await visitor.send(path, {}, csrf="guessed")).status == 403

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
            {"Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "null"},
            {},
        ],
        ids=str,
    )
    async def test_one_from_elsewhere_is_refused(self, admin, headers):
        """Even with the secret, by what the browser says of where it was."""
        await admin.go("/console/password")
        fields = {"old": "x", "password": "y", "again": "z"}
        assert (await admin.send("/console/password", fields, headers=headers)).status == 403

    @pytest.mark.parametrize("who", ["employee", "support"])
    async def test_who_may_not_changes_nothing(self, console, who):
        """Employees see none of it, support looks and changes nothing: refused or led back, never done."""
        visitor = await console.visitor(who)
        await visitor.go("/console/password")  # (has the secret of the sign-in)
        before = await _rows(console)
        for form in FORMS:
            if who == "support" and form.of is For.EVERYBODY:
                continue
            path = f"/console{form.path}".replace("{", "").replace("}", "")
            seen = await visitor.send(path, {}, allow_redirects=False)
            assert seen.status in {303, 403, 404, 422}, (form.path, seen.status)
        assert await _rows(console) == before


async def _rows(console):
    import sqlalchemy as sa  # noqa: PLC0415 - only here

    from registry.tables import audit  # noqa: PLC0415 - only here

    async with console.database.reading() as connection:
        return (await connection.execute(sa.select(sa.func.max(audit.c.id)))).scalar()


def test_over_tls_the_cookie_is_bound_to_the_host():
    """The browser itself keeps it from other hosts and from plain HTTP."""
    assert Place(secure=True).cookie.startswith("__Host-")


def test_every_address_is_one_page_s():
    """No two lines of the tables share one."""
    pages = [page.path for page in PAGES] + [one.path for one in DOWNLOADS]
    forms = [form.path for form in FORMS]
    assert len(set(pages)) == len(pages)
    assert len(set(forms)) == len(forms)
