"""Many rows in one statement come out as they went in, and are found by their keys whatever a planner knows."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from registry import many
from registry.commands import change, find
from registry.records import Campaign, Number, User
from registry.tables import TABLES, numbers, users
from tests.registry.builders import AT, a_brand, a_campaign, a_number, a_tenant, a_user
from tests.registry.dialects import only_postgresql

#: More than one statement, and fewer than are worth packing.
SIZES = (1, 3, 200)
#: Names that packing could confuse: a separator of its own, nothing, letters of every kind.
ODD = ("\x1f", "a\x1fb", "", " ", "NULL", "{a,b}", "\\", '"', "é\U0001f600", "\n")


def did(place):
    """One of many numbers."""
    return f"+1202{2_000_000 + place}"


def people(count, names=("Ann",)):
    """People with names in turn."""
    return [a_user(f"u{place}", name=names[place % len(names)]) for place in range(count)]


async def fill(database, *put):
    """Have a company and some rows."""
    async with database.writing() as connection:
        await change(connection, actor="test", put=[a_tenant(), a_brand(), *put])


async def kept(database, kind):
    """The records of a kind, in the order of their keys."""
    table = TABLES[kind]
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(table).order_by(*table.primary_key.columns))
        return [kind(**row) for row in rows.mappings()]


def in_order(records):
    """Records in the order of their keys."""
    return sorted(records, key=lambda one: one.did if isinstance(one, Number) else one.id)


class TestRows:
    @pytest.mark.parametrize("count", SIZES)
    @pytest.mark.parametrize("names", [("Ann",), ("Ann", "Ben"), ODD, ODD[2:], ("",)])
    async def test_texts_are_kept_as_they_are(self, database, count, names):
        """The same in all rows, or different, or such as a separator could stand in."""
        await fill(database, *people(count, names))
        assert await kept(database, User) == in_order(people(count, names))

    @pytest.mark.parametrize("count", SIZES)
    async def test_so_are_instants_flags_and_nothing(self, database, count):
        """Of each column some, all or none."""
        given = [
            a_number(
                did(place),
                user=None if place % 2 else "u1",
                sms_enabled_at=AT + timedelta(seconds=place) if place % 3 else None,
                number_changed_at=AT,
                licence_changed_at=None,
                toll_free_verification="x" if place % 5 else None,
                sms_page=place % 2 == 0,
            )
            for place in range(count)
        ]
        await fill(database, *people(2), *given)
        assert await kept(database, Number) == in_order(given)

    @pytest.mark.parametrize("count", SIZES)
    async def test_so_are_lists(self, database, count):
        """JSON among columns of texts."""
        given = [a_campaign(f"C{place:03}", samples=("x", f"y{place % 2}")) for place in range(count)]
        await fill(database, *given)
        assert await kept(database, Campaign) == in_order(given)

    @pytest.mark.parametrize("count", SIZES)
    async def test_rows_become_others(self, database, count):
        """Each its own, whether a column is now the same in all or not."""
        await fill(database, *people(count))
        for names in (ODD, ("Carl",)):
            await fill(database, *people(count, names))
            assert await kept(database, User) == in_order(people(count, names))

    async def test_the_order_is_that_of_the_rows(self, database):
        """Numbers that grow grow along them: the outbox is read in it."""
        await fill(database)
        backwards = list(reversed(people(200)))
        async with database.writing() as connection:
            names = [column.name for column in users.columns]
            rows = [tuple(getattr(user, name) for name in names) for user in backwards]
            await many.insert(connection, users, names, rows)
            if connection.dialect.name == "postgresql":
                found = await connection.execute(sa.text("SELECT id FROM users ORDER BY ctid"))
            else:
                found = await connection.execute(sa.text("SELECT id FROM users ORDER BY rowid"))
            assert list(found.scalars()) == [user.id for user in backwards]


class TestByKeys:
    @pytest.mark.parametrize("by_keys", [False, True])
    @pytest.mark.parametrize("count", [*SIZES, 1_000])
    async def test_rows_are_found_by_their_keys(self, database, count, by_keys):
        """All that are there, and no others."""
        await fill(database, *people(count))
        async with database.writing() as connection:
            if by_keys:
                await many.by_keys(connection)
            names = [f"u{place}" for place in range(0, count * 2, 2)]
            found = await find(connection, User, {(name,) for name in names} | {("",), ("a\x1fb",)})
        assert found.keys() == {(name,) for name in names[: (count + 1) // 2]}

    @only_postgresql
    async def test_no_table_is_read_whole(self, database):
        """Not even one that was empty when the statement was first planned, and of which nothing is known since."""
        keys = [(f"u{place}",) for place in range(1_000)]

        async def plan(connection):
            wanted = many.among(connection, [numbers.c.user], keys)
            query = sa.select(numbers).where(wanted, numbers.c.kind == "local", numbers.c.sms == "enabled")
            text = str(query.compile(connection.sync_connection, compile_kwargs={"literal_binds": True}))
            return "\n".join((await connection.execute(sa.text(f"EXPLAIN {text}".replace(":", "\\:")))).scalars())

        await fill(database, *people(1_000))
        async with database.writing() as connection:
            await many.by_keys(connection)
            await find(connection, Number, {(did(place),) for place in range(1_000)})
        await fill(database, *(a_number(did(place), user=f"u{place}") for place in range(1_000)))
        async with database.writing() as connection:
            await many.by_keys(connection)
            found = await plan(connection)
        assert "Index Cond" in found
        assert "Seq Scan" not in found
        assert "Join" not in found
        assert "Loop" not in found

    @only_postgresql
    async def test_what_was_planned_before_is_planned_anew(self, database):
        """A plan that was made for an empty table reads it whole, and would be kept when it is full."""
        async with database.writing() as connection:
            await connection.execute(sa.text("SET LOCAL plan_cache_mode = force_generic_plan"))
            await connection.execute(sa.text("PREPARE looked_up (varchar) AS SELECT * FROM numbers WHERE did = $1"))
            plan = sa.text("EXPLAIN EXECUTE looked_up ('+12025550101')")
            await connection.execute(sa.text("SET LOCAL enable_indexscan = off"))
            await connection.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
            assert "Seq Scan" in str((await connection.execute(plan)).all())
            await connection.execute(sa.text("SET LOCAL enable_indexscan = on"))
            assert "Seq Scan" in str((await connection.execute(plan)).all())
            await many.by_keys(connection)
            assert "Index Scan" in str((await connection.execute(plan)).all())

    @only_postgresql
    async def test_it_ends_with_the_transaction(self, database):
        """The next one, on the same connection, plans as ever."""
        async with database.writing() as connection:
            await many.by_keys(connection)
            assert await connection.scalar(sa.text("SHOW enable_seqscan")) == "off"
            assert await connection.scalar(sa.text("SHOW jit")) == "off"
        async with database.reading() as connection:
            assert await connection.scalar(sa.text("SHOW enable_seqscan")) == "on"
            assert connection.sync_connection is not None
            assert "by_keys" not in connection.sync_connection.get_execution_options()
