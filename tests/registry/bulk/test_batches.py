"""Batches: a file leaves what its rows leave one by one, however it is cut into portions, and others get their turn."""

import asyncio
import random
from dataclasses import fields, replace
from datetime import datetime

import orjson
import pytest
import sqlalchemy as sa

from compliance.documents import number_key, user_key
from registry import commands
from registry.audit.verifying import verify
from registry.bulk import ahead, batches, given
from registry.bulk.columns import KINDS
from registry.bulk.reading import Row
from registry.database import Database
from registry.flows.desk import Limits
from registry.records import ApiKey, Assignment, Extension, Number, User
from registry.tables import audit, outbox
from registry.work_tables import provisioning_jobs
from tests.registry.builders import AT, a_user, everything, trail
from tests.registry.bulk.builders import COMPANY, FIRST, FRESH, a_desk, an_office, fill, records, run

#: Somebody who left, and an admin with a key of their own.
BOSS_KEY = ApiKey(
    id="keyofboss",
    sha256="0" * 64,
    tenant="acme",
    user="boss",
    scopes=("send", "read", "admin"),
    label="",
    revoked_at=None,
    created_at=AT,
)
MORE = (a_user("gone", left_at=AT), a_user("boss", role="admin"), BOSS_KEY)
OURS = tuple(f"+1202555010{place}" for place in range(1, 9))


@pytest.fixture
def path(tmp_path):
    """Where the file is written."""
    return tmp_path / "file"


@pytest.fixture
def small(monkeypatch):
    """Batches of several portions, of few rows each."""
    monkeypatch.setattr(batches, "BATCH", 12)
    monkeypatch.setattr(batches, "PORTION", 3)
    monkeypatch.setattr(batches, "_TURN", 2)


def any_numbers(chance, count):
    """Wishes for numbers: in order and not, several about the same."""
    campaigns = ["CACME", "CTWO", "COFF", "CSOLO", None]
    cells = {
        "user": lambda: chance.choice(["ben", "ann", "low", "sol", "nobody", None]),
        "enabled": lambda: chance.choice(["yes", "no", "yes", None, "maybe"]),
        "campaign_id": lambda: chance.choice(campaigns),
    }
    return [
        {"did": chance.choice(OURS)} | {name: cell() for name, cell in cells.items() if chance.random() < 0.6}
        for _ in range(count)
    ]


def any_states(chance, count):
    """Numbers as they are to be; few kinds of rows, so that many are alike."""
    alike = [
        {"kind": "local", "sms": "enabled", "assignment": "assigned", "campaign_id": "CACME", "brand_id": "BACME"},
        {"sms": "disabled", "assignment": None},
        {"sms": "superseded", "sms_enabled_at": "2026-01-02T03:04:05Z"},
        {"sms": "enabled", "sms_enabled_at": "yesterday"},
        {"sms": "disabled", "assignment": "failed", "campaign_id": "CSOLO"},
    ]
    rows = []
    for _ in range(count):
        row = {"did": f"+120255501{chance.randrange(1, 30):02}"} | chance.choice(alike)
        if chance.random() < 0.8:
            row["user"] = chance.choice(["ben", "ann", "low", "gone", "sol", "nobody", None])
        rows.append(row)
    return rows


def any_people(chance, count):
    """People, new ones, others' and odd ones; extensions that go from hand to hand."""
    cells = {
        "name": lambda: chance.choice(["N", "=M", None]),
        "role": lambda: chance.choice(["employee", "admin", None, "operator"]),
        "licence": lambda: chance.choice(["X1", "X2", "X4", None]),
        "extension": lambda: chance.choice(["1001", "1002", "1003", None, "x"]),
    }
    names = ["ben", "ann", "boss", "sol", "new", "newer", "gone", "b:d"]
    return [
        {"id": chance.choice(names)} | {name: cell() for name, cell in cells.items() if chance.random() < 0.6}
        for _ in range(count)
    ]


FILES = [("numbers", any_numbers, False), ("numbers", any_states, True), ("users", any_people, False)]
FILES += [("users", any_people, True)]


def timeless(record):
    """Leave out when it was done: one by one it is done at several instants."""
    done = [field.name for field in fields(record) if isinstance(getattr(record, field.name), datetime)]
    return replace(record, **{name: type(record).__name__ for name in done})


async def left_by(database):
    """What is there: records, documents that were sent, jobs; the audit is whole, and tells of every step."""
    found = [timeless(one) for one in await records(database, User, Number, Assignment, Extension, ApiKey)]
    async with database.reading() as connection:
        sent = dict((await connection.execute(sa.select(outbox.c.key, outbox.c.document).order_by(outbox.c.seq))).all())
        table = provisioning_jobs
        jobs = await connection.execute(sa.select(table.c.did, table.c.action, table.c.campaign_id, table.c.state))
        wished = {tuple(row) for row in jobs}
        assert (await verify(connection, {}, lambda *_: None)).finding is None
        was = {}
        for row in await connection.execute(sa.select(audit).order_by(audit.c.id)):
            assert row.before == was.get((row.kind, row.row_key))  # (each change begins where the last one ended)
            was[row.kind, row.row_key] = row.after
    shown = await everything(database)
    assert {key: sent.get(key) for key in shown} == shown  # (what was sent last is how things are)
    return found, wished


class TestOneByOne:
    @pytest.mark.parametrize("seed", range(2))
    @pytest.mark.parametrize(("kind", "rows", "as_import"), FILES)
    async def test_a_file_leaves_what_its_rows_leave(self, databases, tmp_path, small, kind, rows, as_import, seed):
        """Records, documents, the aggregator's work, and what is said of each row: as each row in a file of its own."""
        listed = rows(random.Random(seed), 30)
        office = an_office(limits=Limits(numbers_per_campaign=3))
        left = []
        for name in ("whole", "one by one"):
            with databases.new(tmp_path / name) as settings:
                async with Database.opened(settings) as database:
                    await fill(database, [*COMPANY, *MORE])
                    file = tmp_path / "file.ndjson"
                    said = []
                    for part in [listed] if name == "whole" else [[row] for row in listed]:
                        _, report = await run(database, file, part, kind, office=office, as_import=as_import)
                        said += [(line["is"], line.get("faults"), line.get("changed")) for line in report]
                    left.append((await left_by(database), said))
        assert left[0][0] == left[1][0]
        assert left[0][1] == left[1][1]
        assert {verdict for verdict, *_ in left[0][1]} == {"bad", "changed"}

    async def test_a_number_that_changes_twice_in_a_portion_changes_once(self, database, path):
        """From how it was before the first row to how it is after the last."""
        await fill(database)
        rows = [{"did": FRESH, "enabled": word} for word in ("yes", "no", "yes")]
        assert (await run(database, path, rows))[0].changed == 3
        await left_by(database)
        async with database.reading() as connection:
            told = sa.select(audit.c.before, audit.c.after).where(audit.c.actor == "bulk", audit.c.kind == "numbers")
            ((before, after),) = await connection.execute(told.where(audit.c.row_key == f'["{FRESH}"]'))
        assert [orjson.loads(side)["sms"] for side in (before, after)] == ["disabled", "enabled"]

    async def test_rows_that_are_alike_are_read_once(self, database, path, monkeypatch):
        """And no further: another state, another person or a number that is there is read by itself."""
        await fill(database)
        read, rows = [], given.row_reader
        monkeypatch.setattr(given, "row_reader", lambda *known: lambda data: read.append(data) or rows(*known)(data))
        alike = [{"did": f"+1202555020{place}", "user": "ben", "sms": "disabled"} for place in range(5)]
        others = [
            {"did": "+12025550206", "user": "ben", "sms": "enabled"},
            {"did": "+12025550207", "user": "sol", "sms": "disabled"},
            {"did": FIRST, "user": "ben", "sms": "disabled"},
        ]
        summary, _ = await run(database, path, [*alike, *others], as_import=True)
        assert (summary.changed, summary.bad) == (7, 1)
        assert [data["did"] for data in read] == [alike[0]["did"], *(row["did"] for row in others)]


class TestTransactions:
    async def test_it_ends_when_others_have_waited_long_enough(self, database, path, small, monkeypatch):
        """Some portions of a batch are a transaction then, and the rest of it is the next one's."""
        await fill(database)
        taken = []
        take = batches.take

        async def hurried(connection, office, kind, rows, **named):
            taken.append(len(rows))
            return await take(connection, office, kind, rows, **named, longest_s=0)

        monkeypatch.setattr("registry.bulk.jobs.take", hurried)
        people = [{"id": f"u{place}", "name": "N"} for place in range(14)]
        summary, report = await run(database, path, people, "users")
        assert (summary.rows, summary.changed) == (14, 14)
        assert [line["row"] for line in report] == list(range(1, 15))
        assert taken == [12, 9, 6, 3, 2]

    async def test_the_next_portion_is_judged_while_one_is_written(self, database, small, monkeypatch):
        """The database and we are busy at the same time; what is judged sees what was judged before it."""
        await fill(database)
        seen = []

        async def slowly(*rows):
            seen.append("writing")
            await asyncio.sleep(0.05)
            await write(*rows)
            seen.append("written")

        write = commands._write_rows

        class Watching:
            def __init__(self, judge):
                self.judge = judge

            def row(self, row):
                seen.append("judged")
                return self.judge.row(row)

            def judged(self):
                return self.judge.judged()

        opened = batches._opened

        async def watched(*given_, **named):
            judge, rows = await opened(*given_, **named)
            return Watching(judge), rows

        monkeypatch.setattr(commands, "_write_rows", slowly)
        monkeypatch.setattr(batches, "_opened", watched)
        rows = [Row(place, {"did": FRESH, "enabled": "yes" if place % 2 else "no"}) for place in range(6)]
        async with database.writing() as connection:
            outcomes = await batches.take(
                connection, an_office(), KINDS["numbers"], rows, meanwhile=lambda: seen.append("all judged")
            )
        assert [one.changed for one in outcomes] == [(), *[("enabled", "campaign_id")], *[("enabled",)] * 4]
        assert seen.pop(seen.index("all judged")) not in seen[-1:]  # (while the last are being written)
        assert seen == [*["judged"] * 3, "writing", *["judged"] * 3, "written", "writing", "written"]

    async def test_a_portion_that_cannot_be_written_undoes_those_before_and_behind_it(
        self, database, path, small, monkeypatch
    ):
        """What was put into words behind it is never written, and the next run does it all: the chain is whole."""
        await fill(database)
        before = (await trail(database), await everything(database))
        write, portions = commands._write_rows, []

        async def fails_once(*rows):
            portions.append(None)
            await write(*rows)
            if len(portions) == 2:
                raise ConnectionError

        monkeypatch.setattr(commands, "_write_rows", fails_once)
        rows = [{"did": f"+120255502{place:02}", "user": "ben", "sms": "disabled"} for place in range(12)]
        with pytest.raises(ConnectionError):
            await run(database, path, rows, as_import=True)
        assert len(portions) == 2
        assert (await trail(database), await everything(database)) == before
        summary, report = await run(database, path, rows, as_import=True)
        assert (summary.changed, len(report)) == (12, 12)
        await left_by(database)

    async def test_who_loses_a_role_loses_its_keys_scopes_with_it(self, database, path, small):
        """In the same transaction, in whichever portion it happens, and back again gives none back."""
        await fill(database)
        await fill(database, MORE)
        roles = ["admin", "admin", "employee", "admin", "admin"]
        await run(database, path, [{"id": "boss", "role": role} for role in roles], "users")
        async with database.reading() as connection:
            (key,) = await a_desk(connection).all(ApiKey)
        assert key.scopes == ("send", "read")


class TestDocuments:
    @pytest.mark.parametrize(
        ("before", "after", "told"),
        [
            ({"sms": "disabled"}, {"sms": "superseded"}, False),
            ({"sms": "disabled"}, {"sms": "enabled"}, True),
            ({"sms": "enabled"}, {"sms": "disabled"}, True),
            ({"sms": "enabled", "kind": "toll_free"}, {"sms": "disabled", "kind": "toll_free"}, False),
        ],
    )
    async def test_a_person_is_told_anew_when_the_number_may_be_theirs_to_send_from(
        self, database, before, after, told
    ):
        """And not for numbers that are off and stay off."""
        await fill(database)
        number = next(one for one in await records(database, Number) if one.did == FRESH)
        await fill(database, [replace(number, **before)])
        async with database.reading() as connection:
            last = await connection.scalar(sa.select(sa.func.max(outbox.c.seq)))
        await fill(database, [replace(number, **after)])
        async with database.reading() as connection:
            keys = set(await connection.scalars(sa.select(outbox.c.key).where(outbox.c.seq > last)))
        assert keys == {number_key(FRESH), *([user_key("ann")] if told else [])}


class TestAhead:
    async def test_a_batch_of_long_rows_has_fewer(self, monkeypatch):
        """Memory is bounded by bytes, not by rows alone."""
        monkeypatch.setattr(ahead, "_BYTES", 50_000)

        async def parts():
            yield b"id,name\n"
            for place in range(400):
                yield b"u%d,%s\n" % (place, b"n" * 900)

        async with ahead.read_ahead(parts(), KINDS["users"]) as found:
            sizes = [len(batch) async for batch in found]
        assert sum(sizes) == 400
        assert max(sizes) < 100


async def test_the_audit_says_who_and_whose(database, path, small):
    """Each row that changed, in the order of the file."""
    await fill(database)
    await run(database, path, [{"id": f"u{place}", "name": "N"} for place in range(30)], "users")
    async with database.reading() as connection:
        rows = (await connection.execute(sa.select(audit).where(audit.c.actor == "bulk").order_by(audit.c.id))).all()
    assert [orjson.loads(row.row_key) for row in rows] == [[f"u{place}"] for place in range(30)]
    assert {(row.action, row.kind, row.tenant) for row in rows} == {("created", "users", "acme")}
