"""What rows about people come to."""

import pytest

from registry.flows.people import change_user, leave
from registry.records import Extension, Number, User
from tests.registry.builders import trail
from tests.registry.bulk.builders import FIRST, a_desk, an_office, fill, records, run


@pytest.fixture
def path(tmp_path):
    """Where the file is written."""
    return tmp_path / "people.ndjson"


REFUSED = [
    # row                                                  field, code
    ({"id": None, "name": "N"}, "id", "missing"),
    ({"id": "a b", "name": "N"}, "id", "bad_value"),
    ({"id": "new"}, "name", "missing"),
    ({"id": "sol", "name": "N"}, "id", "id_taken"),
    ({"id": "ann", "name": "n" * 201}, "name", "bad_value"),
    ({"id": "ann", "role": "operator"}, "role", "bad_word"),
    ({"id": "new", "name": "N", "role": "support"}, "role", "bad_word"),
    ({"id": "ann", "extension": "1001"}, "extension", "extension_taken"),
    ({"id": "ann", "extension": "x"}, "extension", "bad_value"),
]


class TestPeople:
    async def test_they_are_as_the_rows_have_them(self, database, path):
        """New ones are there; an empty cell leaves things; a second time there is nothing to do."""
        await fill(database)
        rows = [
            {"id": "new", "name": "=Nick", "role": "admin", "licence": "X4", "extension": "1002"},
            {"id": "ann", "name": "Anna", "role": None, "licence": None},
        ]
        assert (await run(database, path, rows, "users"))[0].changed == 2
        people = {user.id: user for user in await records(database, User)}
        assert (people["new"].name, people["new"].role, people["new"].licence) == ("=Nick", "admin", "X4")
        assert (people["ann"].name, people["ann"].role, people["ann"].licence) == ("Anna", "employee", "X2")
        assert Extension(tenant="acme", digits="1002", user="new") in await records(database, Extension)
        before = await trail(database)
        assert (await run(database, path, rows, "users"))[0].changed == 0
        assert await trail(database) == before

    async def test_another_licence_takes_sms_away(self, database, path):
        """From every number, as in the person's own page."""
        await fill(database)
        await run(database, path, [{"id": "ben", "licence": "X4"}], "users")
        (number,) = [one for one in await records(database, Number) if one.did == FIRST]
        assert (number.sms, number.licence_changed_at is not None) == ("disabled", True)

    @pytest.mark.parametrize(("row", "field", "code"), REFUSED)
    async def test_a_row_that_cannot_be_taken_changes_nothing(self, database, path, row, field, code):
        """And says why."""
        await fill(database)
        before = await records(database)
        _, (line,) = await run(database, path, [row], "users")
        assert [(fault["field"], fault["code"]) for fault in line["faults"]] == [(field, code)]
        assert await records(database) == before

    async def test_who_left_is_not_brought_back(self, database, path):
        """By an old file."""
        await fill(database)
        async with database.writing() as connection:
            await leave(a_desk(connection), "ann")
        _, (line,) = await run(database, path, [{"id": "ann", "name": "Ann"}], "users")
        assert line["faults"][0]["code"] == "has_left"

    async def test_a_file_leaves_the_company_an_administrator(self, database, path):
        """Each row as those before it leave things: the last one stays, unless another was made first."""
        await fill(database)
        async with database.writing() as connection:
            await change_user(a_desk(connection), "ann", given={"role": "admin"})
        rows = [
            {"id": "ann", "role": "employee"},
            {"id": "new", "name": "N", "role": "admin"},
            {"id": "ann", "role": "employee"},
            {"id": "new", "role": "employee"},
        ]
        _, lines = await run(database, path, rows, "users", office=an_office(operator=False))

        assert [[(fault["field"], fault["code"]) for fault in line.get("faults", ())] for line in lines] == [
            [("role", "last_admin")],
            [],
            [],
            [("role", "last_admin")],
        ]
        roles = {user.id: user.role for user in await records(database, User)}
        assert (roles["ann"], roles["new"]) == ("employee", "admin")

    async def test_an_administrator_whom_no_row_names_is_one(self, database, path):
        """Who is made one by the file may be none again."""
        await fill(database)
        async with database.writing() as connection:
            await change_user(a_desk(connection), "ann", given={"role": "admin"})
        rows = [{"id": "new", "name": "N", "role": "admin"}, {"id": "new", "role": "employee"}]
        summary, _ = await run(database, path, rows, "users", office=an_office(operator=False))

        assert summary.changed == 2
