"""Every change is its row, its audit record and its outbox entries: all of them or none."""

from datetime import timedelta, timezone

import orjson
import pytest
import sqlalchemy as sa

from compliance.documents import number_key, user_key
from registry import commands
from registry.audit.verifying import verify
from registry.commands import change, changing, find
from registry.documents import GONE
from registry.records import Assignment, Brand, Extension, Number, Tenant, User
from registry.tables import TABLES, audit, outbox
from tests.registry.builders import (
    AT,
    BASICS,
    DID,
    a_brand,
    a_number,
    a_tenant,
    a_user,
    an_assignment,
    everything,
    trail,
)


async def do(database, *put, remove=()):
    """Make one change, in a transaction of its own."""
    async with database.writing() as connection:
        return await change(connection, actor="tess", put=put, remove=remove)


async def audited(database):
    """The audit, oldest first, without instants."""
    async with database.reading() as connection:
        rows = await connection.execute(
            sa.select(audit.c.actor, audit.c.action, audit.c.kind, audit.c.row_key, audit.c.before, audit.c.after)
        )
        return [tuple(row) for row in rows]


async def outgoing(database):
    """The outbox, in order: keys and bytes."""
    async with database.reading() as connection:
        return [tuple(row) for row in await connection.execute(sa.select(outbox.c.key, outbox.c.document))]


class TestTrail:
    async def test_a_creation(self, database):
        """The audit has the whole new record; the outbox the document that shows it."""
        await do(database, a_tenant())
        await do(database, a_brand())

        *_, last = await audited(database)
        assert last[:5] == ("tess", "created", "brands", '["BACME"]', None)
        assert orjson.loads(last[5])["vetting_score"] == 78
        assert await outgoing(database) == list((await everything(database)).items())

    async def test_a_change(self, database):
        """The audit has both records, so that the difference can be shown."""
        await do(database, a_tenant(), a_brand())
        before = await trail(database)
        assert await do(database, a_brand(status="suspended")) == 1

        *_, last = await audited(database)
        assert last[1] == "changed"
        assert [orjson.loads(side)["status"] for side in last[4:]] == ["verified", "suspended"]
        assert await trail(database) == (before[0] + 1, before[1] + 1)

    async def test_a_removal(self, database):
        """A number whose assignment is gone is another document, not none."""
        await do(database, *BASICS)
        assert await do(database, remove=[(Assignment, (DID,))]) == 1

        *_, last = await audited(database)
        assert (last[1], last[2], last[5]) == ("removed", "assignments", None)
        key, document = (await outgoing(database))[-1]
        assert (key, orjson.loads(document)["assignment"]) == (number_key(DID), None)

    async def test_a_document_without_rows_is_told_as_gone(self, database):
        """An extension that nobody has any more."""
        await do(database, *BASICS, Extension(tenant="acme", digits="1001", user="ben"))
        await do(database, remove=[(Extension, ("acme", "1001"))])

        assert (await outgoing(database))[-1] == ("{reg}:ext:acme:1001", GONE)

    @pytest.mark.parametrize("record", BASICS, ids=lambda record: type(record).__name__)
    async def test_what_is_as_it_should_be_leaves_no_trace(self, database, record):
        """Writing the same record again is not a change."""
        await do(database, *BASICS)
        before = await trail(database)

        assert await do(database, record) == 0
        assert await trail(database) == before

    async def test_what_points_at_each_other_goes_together(self, database):
        """Whatever the order in which it is named: the one that points goes first."""
        await do(database, *BASICS)
        assert await do(database, remove=[(Number, (DID,)), (Assignment, (DID,))]) == 2

        assert dict(await outgoing(database))[number_key(DID)] == GONE
        assert number_key(DID) not in await everything(database)

    async def test_removing_what_is_not_there_leaves_no_trace(self, database):
        """Nor is that one."""
        assert await do(database, remove=[(Assignment, (DID,))]) == 0
        assert await trail(database) == (0, 0)

    async def test_who_is_put_and_removed_at_once_is_put(self, database):
        """An extension that one user leaves and another takes."""
        await do(database, *BASICS, a_user("ann"), Extension(tenant="acme", digits="1001", user="ben"))
        await do(
            database,
            Extension(tenant="acme", digits="1001", user="ann"),
            remove=[(Extension, ("acme", "1001"))],
        )

        async with database.reading() as connection:
            assert (await find(connection, Extension, [("acme", "1001")]))["acme", "1001"].user == "ann"


class TestSeen:
    async def test_rows_that_were_read_are_not_read_again(self, database, monkeypatch):
        """The audit tells of the row as it was read; what was not read is looked up."""
        await do(database, *BASICS, a_user("ann"))
        asked = []

        async def found(connection, kind, keys):
            asked.append((kind, set(keys)))
            return await find(connection, kind, keys)

        monkeypatch.setattr(commands, "find", found)
        async with database.writing() as connection:
            read = await find(connection, User, [("ben",)])
            changed = await change(
                connection,
                actor="tess",
                put=[a_user(name="B"), a_user("ann", name="A"), a_user("new")],
                seen={User: {**read, ("new",): None}},
            )
        assert changed == 3
        assert asked == [(User, {("ann",)})]
        told = {
            key: (action, before and orjson.loads(before)["name"])
            for _, action, _, key, before, _ in await audited(database)
        }
        assert told['["ben"]'] == ("changed", a_user().name)
        assert told['["ann"]'] == ("changed", a_user("ann").name)
        assert told['["new"]'] == ("created", None)

    async def test_a_row_that_is_as_it_was_read_is_left_alone(self, database):
        """Without another look."""
        await do(database, *BASICS)
        before = await trail(database)
        async with database.writing() as connection:
            read = await find(connection, User, [("ben",)])
            assert await change(connection, actor="tess", put=[a_user()], seen={User: read}) == 0
        assert await trail(database) == before


class TestAllOrNothing:
    async def test_a_record_that_points_nowhere_is_refused_as_such(self, database):
        """An error of its own, not one of a group: the audit is put into words meanwhile."""
        await do(database, *BASICS)
        before = (await trail(database), await everything(database))
        with pytest.raises(sa.exc.IntegrityError):
            await do(database, a_user("ann"), a_number(user="nobody"))
        assert (await trail(database), await everything(database)) == before

    @pytest.mark.parametrize("step", ["_write_rows", "_write_audit", "_write_outbox"])
    async def test_a_failure_undoes_everything(self, database, monkeypatch, step):
        """Whichever of the three fails, none of them has happened."""
        await do(database, a_tenant(), a_brand())
        before = (await trail(database), await everything(database))
        does = getattr(commands, step)

        async def does_and_fails(*args):
            await does(*args)
            raise ConnectionError

        monkeypatch.setattr(commands, step, does_and_fails)
        with pytest.raises(ConnectionError):
            await do(database, a_tenant(name="Changed"), a_brand(status="suspended"))

        assert (await trail(database), await everything(database)) == before
        async with database.reading() as connection:
            assert (await find(connection, Tenant, [("acme",)]))["acme",].name == "Acme"
            assert (await find(connection, Brand, [("BACME",)]))["BACME",].status == "verified"


class TestDocuments:
    async def test_the_outbox_tells_what_a_rebuild_would(self, database):
        """After any changes, the last document of each key is the one that the rows give."""
        await do(database, *BASICS, a_user("ann"))
        await do(database, a_number(user="ann"), an_assignment(state="removing"))
        await do(database, a_tenant(customer_since=a_tenant().customer_since.replace(year=2020)))
        await do(database, a_number(user=None))

        told = dict(await outgoing(database))
        assert {key: document for key, document in told.items() if document != GONE} == await everything(database)

    @pytest.mark.parametrize("left_at", [None, AT])
    async def test_what_is_not_read_is_told_as_if_it_had_been(self, database, left_at):
        """A number whose rows the change has both; instants are told in UTC, however they were given."""
        await do(database, *BASICS)
        there = AT.astimezone(timezone(timedelta(hours=-5)))
        number = a_number(sms_enabled_at=there, number_changed_at=there, left_at=left_at)
        await do(database, number, an_assignment(state="removing"))
        told = dict(await outgoing(database))
        assert told[number_key(DID)] == (await everything(database)).get(number_key(DID), GONE)

    async def test_changes_of_one_transaction_are_told_in_their_order(self, database):
        """Also where some documents had to be read and others not: the last that is told is how things are."""
        await do(database, *BASICS, a_user("ann"), a_number(), an_assignment())
        async with database.writing() as connection, changing(connection, "tess") as changes:
            await changes.add(put=[a_number(user="ann")])  # (its assignment is not known: it is read)
            await changes.add(put=[a_number(user="ben"), an_assignment(state="removing")])
            await changes.add(put=[a_number(user="ann", sms="disabled")])
            await changes.add(put=[a_number(user="ann")], seen={Assignment: {(DID,): an_assignment(state="removing")}})
        assert dict(await outgoing(database)) == await everything(database)
        async with database.reading() as connection:
            assert (await verify(connection, {}, lambda *_: None)).finding is None

    async def test_a_number_that_changes_hands_shows_in_both_users(self, database):
        """A user's document names the number they send from."""
        await do(database, *BASICS, a_user("ann"))
        before = await trail(database)
        await do(database, a_number(user="ann"))

        entries = dict((await outgoing(database))[before[1] :])
        numbers = {key: orjson.loads(entries[key])["number"] for key in (user_key("ben"), user_key("ann"))}
        assert numbers == {user_key("ben"): None, user_key("ann"): DID}

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({}, DID),
            ({"sms": "disabled"}, None),
            ({"sms": "superseded"}, None),
            ({"kind": "toll_free"}, None),
            ({"kind": "service"}, None),
            ({"user": None}, None),
        ],
    )
    async def test_a_user_sends_from_their_enabled_local_number(self, database, fields, expected):
        """A toll-free number or one that is off is never chosen for them."""
        await do(database, *BASICS)
        await do(database, a_number(**fields))

        assert orjson.loads((await everything(database))[user_key("ben")])["number"] == expected


def test_every_kind_of_record_has_a_table():
    """change() goes through TABLES: a kind that is not in it would be lost."""
    assert set(TABLES) == set(commands.Record.__args__)
