"""What admins do with people."""

import pytest

from registry.commands import find
from registry.flows import people
from registry.people.logins import login_of, put_login
from registry.problems import Problem
from registry.records import ApiKey, Extension, User
from tests.registry.builders import a_number, a_tenant, a_user
from tests.registry.flows.desks import NOW, a_did, at_desk, company, number

X = a_did(1)


async def test_who_joins_has_an_extension_of_their_own(database):
    """Nobody gets somebody else's."""
    await company(database)
    async with at_desk(database) as desk:
        user = await people.join(desk, name="Kim", role="employee", licence="X2", extension="101")
        assert await find(desk.connection, Extension, {("acme", "101")}) != {}
        assert (user.tenant, user.left_at) == ("acme", None)
    with pytest.raises(Problem, match="extension_taken"):
        async with at_desk(database) as desk:
            await people.join(desk, name="Kit", role="employee", licence="X2", extension="101")


async def test_who_leaves_takes_nothing_along(database):
    """The numbers lie in the pool, off; the extension is free; the keys are revoked; the row stays for the audit."""
    await company(
        database,
        a_number(X),
        Extension(tenant="acme", digits="7", user="ben"),
        ApiKey(id="k1", sha256="0" * 64, tenant="acme", user="ben", scopes=("send",), label="", revoked_at=None),
    )
    async with at_desk(database) as desk:
        await people.leave(desk, "ben")
        assert (await find(desk.connection, ApiKey, {("k1",)}))["k1",].revoked_at == NOW
        assert await find(desk.connection, Extension, {("acme", "7")}) == {}
        assert (await find(desk.connection, User, {("ben",)}))["ben",].left_at == NOW
    found, _ = await number(database, X)
    assert (found.user, found.sms) == (None, "disabled")
    with pytest.raises(Problem, match="not_found"):
        async with at_desk(database) as desk:
            await people.leave(desk, "ben")


async def with_login(desk, user, email):
    """Give somebody a login."""
    values = {"email": email, "user": user, "tenant": "acme", "now": NOW, "actor": "test", "password": "kept"}
    await put_login(desk.connection, **values)


async def test_who_left_needs_no_email_address(database):
    """Whoever comes back, under another id, signs in with it again."""
    await company(database, a_user("cat"))
    async with at_desk(database) as desk:
        await with_login(desk, "ben", "ben@acme.example")
        with pytest.raises(Problem, match="email_taken"):
            await with_login(desk, "cat", "ben@acme.example")
        await people.leave(desk, "ben")
        assert await login_of(desk.connection, user="ben") is None
        await with_login(desk, "cat", "ben@acme.example")


class TestWithdrawnLogin:
    async def test_its_sign_ins_end_and_nothing_else(self, database):
        """Keys that programs have go on; the email address is free."""
        of_ben = {"tenant": "acme", "user": "ben", "scopes": ("send",), "label": "", "revoked_at": None}
        sign_in, program = ApiKey(id="k1", sha256="", **of_ben), ApiKey(id="k2", sha256="0" * 64, **of_ben)
        await company(database, a_user("cat"), sign_in, program)
        async with at_desk(database) as desk:
            await with_login(desk, "ben", "ben@acme.example")
            await people.withdraw_login(desk, "ben")
            found = await find(desk.connection, ApiKey, {("k1",), ("k2",)})
            assert [found[name,].revoked_at for name in ("k1", "k2")] == [NOW, None]
            assert (await desk.user("ben")).left_at is None
            await with_login(desk, "cat", "ben@acme.example")

    async def test_there_has_to_be_one(self, database):
        """Of a person who is there."""
        await company(database)
        for name in ("ben", "nobody"):
            with pytest.raises(Problem, match="not_found"):
                async with at_desk(database) as desk:
                    await people.withdraw_login(desk, name)

    async def test_the_last_admin_keeps_theirs(self, database):
        """Else nobody could invite anybody; an operator can."""
        await company(database, a_user("ann", role="admin"))
        async with at_desk(database) as desk:
            await with_login(desk, "ann", "ann@acme.example")
        with pytest.raises(Problem, match="last_admin"):
            async with at_desk(database) as desk:
                await people.withdraw_login(desk, "ann")
        async with at_desk(database, operator=True) as desk:
            await people.withdraw_login(desk, "ann")
            assert await login_of(desk.connection, user="ann") is None


async def without_ann(database, how, **who):
    """Take the admin's role from ann, in one of two ways."""
    async with at_desk(database, **who) as desk:
        if how == "leaves":
            await people.leave(desk, "ann")
        else:
            await people.change_user(desk, "ann", given={"role": "employee"})


class TestTheLastAdmin:
    @pytest.mark.parametrize("how", ["leaves", "has another role"])
    async def test_a_company_keeps_one(self, database, how):
        """One who left is none, nor is another company's; once there is another one, the first may go."""
        gone = a_user("cat", role="admin", left_at=NOW)
        others = [a_tenant("solo"), a_user("sol", tenant="solo", role="admin")]
        await company(database, a_user("ann", role="admin"), a_user("dan"), gone, *others)
        with pytest.raises(Problem, match="last_admin"):
            await without_ann(database, how)
        async with at_desk(database) as desk:
            assert (await desk.user("ann")).role == "admin"
            await people.change_user(desk, "dan", given={"role": "admin"})
        await without_ann(database, how)

    @pytest.mark.parametrize("how", ["leaves", "has another role"])
    async def test_an_operator_may_take_even_that_one(self, database, how):
        """Who can name another."""
        await company(database, a_user("ann", role="admin"))
        await without_ann(database, how, operator=True)

    async def test_what_else_is_changed_of_that_one_is_changed(self, database):
        """A name, or the same role again."""
        await company(database, a_user("ann", role="admin"))
        async with at_desk(database) as desk:
            changed = await people.change_user(desk, "ann", given={"role": "admin", "name": "Anna"})
        assert changed.name == "Anna"


async def test_the_same_licence_again_changes_nothing(database):
    """Only another one takes SMS away."""
    await company(database, a_number(X))
    async with at_desk(database) as desk:
        await people.change_user(desk, "ben", given={"licence": "X2", "name": "Benjamin"})

    assert (await number(database, X))[0].sms == "enabled"
