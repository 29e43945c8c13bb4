"""`a2p-registry audit verify`: whatever is done to the audit past the registry is found; the first bad row is named."""

# ruff: noqa: S608 - what is done past the registry is done with SQL made here

import asyncio
import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from registry.__main__ import app
from registry.audit import anchors
from registry.audit.anchors import AnchorError, anchor, read_anchors
from registry.audit.chain import START, Entry, Head, link
from registry.audit.verifying import verify
from registry.commands import change
from registry.database import Database
from registry.tables import audit, audit_head
from registry.tasks import stop
from tests.registry.builders import a_tenant, eventually
from tests.registry.dialects import only_sqlite

ROWS = 12


@pytest.fixture
async def filled(database):
    """Twelve rows; their ids are 1 to 12."""
    async with database.writing() as connection:
        await change(connection, actor="tess", put=[a_tenant(f"t{n:02}") for n in range(ROWS)])
    return database


async def sql(database, *statements):
    """Do something past the registry."""
    async with database.writing() as connection:
        for statement in statements:
            await connection.execute(sa.text(statement) if isinstance(statement, str) else statement)


async def found(database, known=None):
    """What is found, and how many rows were good."""
    async with database.reading() as connection:
        head, finding = await verify(connection, known or {}, lambda *_: None)
    return finding, head.length


async def rewritten(database, first):
    """Write the chain anew from a row on, head included, as somebody could who knows how it is made."""
    async with database.writing() as connection:
        rows = list(await connection.execute(sa.select(audit).order_by(audit.c.id)))
        previous = START
        for row in rows:
            current = link(previous, Entry(*row[1:8], row.tenant)) if row.id >= first else row.hash
            values = {"prev_hash": previous, "hash": current}
            await connection.execute(sa.update(audit).where(audit.c.id == row.id).values(**values))
            previous = current
        await connection.execute(sa.update(audit_head).values(count=len(rows), hash=previous))


COLUMNS = ("actor", "action", "kind", "row_key", "before", "after", "tenant")
COPY = "SELECT at, actor, action, kind, row_key, before, after, tenant, prev_hash, hash FROM audit WHERE id = 5"


class TestTampering:
    async def test_a_chain_that_was_left_alone_is_good(self, filled):
        """And an empty one, too."""
        assert await found(filled) == (None, ROWS)

    async def test_an_empty_chain_is_good(self, database):
        """Nothing happened yet."""
        assert await found(database) == (None, 0)

    @pytest.mark.parametrize("column", COLUMNS)
    @pytest.mark.parametrize("row", [1, 5, ROWS])
    async def test_an_edited_row(self, filled, row, column):
        """Whatever was edited in it, first, last or in between."""
        await sql(filled, f"UPDATE audit SET {column} = 'x' WHERE id = {row}")
        assert await found(filled) == (f"Row {row} was edited: its hash is of something else.", row - 1)

    async def test_an_edited_instant(self, filled):
        """When it happened is part of it."""
        await sql(filled, sa.update(audit).where(audit.c.id == 5).values(at=datetime(2026, 1, 1, tzinfo=UTC)))
        assert (await found(filled))[0] == "Row 5 was edited: its hash is of something else."

    @only_sqlite
    @pytest.mark.parametrize("edit", ["at = 'soon'", "at = 7", "actor = x'00ff'", "after = 3"])
    async def test_a_row_that_cannot_be_read(self, filled, edit):
        """SQLite keeps anything anywhere; the search does not stumble over it."""
        await sql(filled, f"UPDATE audit SET {edit} WHERE id = 5")
        finding, good = await found(filled)
        assert (finding.partition(":")[0], good) == ("Row 5 was edited", 4)

    @pytest.mark.parametrize(("column", "value"), [("hash", "'1:00'"), ("prev_hash", "'1:00'")])
    async def test_an_edited_hash(self, filled, column, value):
        """The chain's own columns are no way around it."""
        await sql(filled, f"UPDATE audit SET {column} = {value} WHERE id = 5")
        assert await found(filled) == ("Row 5 was edited: its hash is of something else.", 4)

    @pytest.mark.parametrize("column", ["hash", "prev_hash"])
    async def test_a_hash_that_was_taken_away(self, filled, column):
        """No row goes without."""
        await sql(filled, f"UPDATE audit SET {column} = NULL WHERE id = 5")
        assert await found(filled) == ("Row 5 is in no chain: it was added past the registry.", 4)

    async def test_a_removed_row(self, filled):
        """The one behind it hangs on nothing."""
        await sql(filled, "DELETE FROM audit WHERE id = 5")
        finding = "Row 6 does not belong behind row 4: a row was removed there, added, or moved."
        assert await found(filled) == (finding, 4)

    async def test_a_removed_beginning(self, filled):
        """The first row follows a constant."""
        await sql(filled, "DELETE FROM audit WHERE id < 4")
        finding = "Row 4 does not belong at the beginning: a row was removed there, added, or moved."
        assert await found(filled) == (finding, 0)

    async def test_swapped_rows(self, filled):
        """Neighbours, whole, with their hashes."""
        await sql(filled, *(f"UPDATE audit SET id = {new} WHERE id = {old}" for old, new in ((5, 99), (6, 5), (99, 6))))
        finding = "Row 5 does not belong behind row 4: a row was removed there, added, or moved."
        assert await found(filled) == (finding, 4)

    async def test_swapped_contents(self, filled):
        """The words of one row under the hashes of another."""
        await sql(
            filled,
            "UPDATE audit SET row_key = '[\"t05\"]', after = (SELECT after FROM audit WHERE id = 6) WHERE id = 5",
        )
        assert await found(filled) == ("Row 5 was edited: its hash is of something else.", 4)

    async def test_an_added_row_without_hashes(self, filled):
        """As from an older version, or by hand."""
        columns = "at, actor, action, kind, row_key, before, after, tenant"
        chosen = f"SELECT {columns} FROM audit WHERE id = 5"
        await sql(filled, f"INSERT INTO audit (id, {columns}) SELECT 13, one.* FROM ({chosen}) one")
        assert await found(filled) == ("Row 13 is in no chain: it was added past the registry.", ROWS)

    async def test_an_added_row_in_between(self, filled):
        """Made with the right hash of the row before: then the next one has another."""
        await sql(filled, "UPDATE audit SET id = id + 100 WHERE id > 5")
        async with filled.writing() as connection:
            five = (await connection.execute(sa.select(audit).where(audit.c.id == 5))).one()
            entry = Entry(*five[1:8], five.tenant)
            await connection.execute(
                sa.insert(audit).values(id=6, **entry._asdict(), prev_hash=five.hash, hash=link(five.hash, entry))
            )
        finding = "Row 106 does not belong behind row 6: a row was removed there, added, or moved."
        assert await found(filled) == (finding, 6)

    async def test_a_copied_row(self, filled):
        """With its hashes: it does not belong where it is."""
        columns = "at, actor, action, kind, row_key, before, after, tenant, prev_hash, hash"
        await sql(filled, f"INSERT INTO audit (id, {columns}) SELECT 13, one.* FROM ({COPY}) one")
        finding = "Row 13 does not belong behind row 12: a row was removed there, added, or moved."
        assert await found(filled) == (finding, ROWS)

    async def test_an_added_row_at_the_end(self, filled):
        """Rightly hashed, but the head does not know of it."""
        async with filled.writing() as connection:
            last = (await connection.execute(sa.select(audit).where(audit.c.id == ROWS))).one()
            entry = Entry(*last[1:8], last.tenant)
            await connection.execute(
                sa.insert(audit).values(id=13, **entry._asdict(), prev_hash=last.hash, hash=link(last.hash, entry))
            )
        assert "Row 13 is not the one that the audit ended with" in (await found(filled))[0]

    async def test_a_cut_off_end(self, filled):
        """All that is left is good; the head knows of more."""
        await sql(filled, "DELETE FROM audit WHERE id > 9")
        assert await found(filled) == ("3 rows are missing behind row 9, where the audit ends.", 9)

    async def test_a_cut_off_end_with_its_count(self, filled):
        """The count alone does not help whoever cut it."""
        await sql(filled, "DELETE FROM audit WHERE id > 9", "UPDATE audit_head SET count = 9")
        assert "Row 9 is not the one that the audit ended with" in (await found(filled))[0]

    async def test_an_emptied_audit(self, filled):
        """The head is still there."""
        await sql(filled, "DELETE FROM audit")
        assert await found(filled) == ("12 rows are missing at the beginning, where the audit ends.", 0)


class TestAnchors:
    async def test_a_chain_that_was_written_anew_shows_only_against_an_anchor(self, filled):
        """What a chain is good for ends there, and this says so."""
        async with filled.reading() as connection:
            known = dict((await connection.execute(sa.select(audit.c.id, audit.c.hash))).all())
        await sql(filled, "UPDATE audit SET actor = 'x' WHERE id = 5")
        await rewritten(filled, 5)

        assert await found(filled) == (None, ROWS)
        assert await found(filled, {4: known[4]}) == (None, ROWS)
        told = "Row {}, or one before it, was written anew: an anchor has another hash for it."
        assert await found(filled, {8: known[8]}) == (told.format(8), 7)
        assert await found(filled, {4: known[4], ROWS: known[ROWS]}) == (told.format(12), 11)

    async def test_an_end_that_was_cut_off_with_the_head_shows_only_against_an_anchor(self, filled):
        """The same."""
        async with filled.reading() as connection:
            known = {ROWS: await connection.scalar(sa.select(audit.c.hash).where(audit.c.id == ROWS))}
        await sql(filled, "DELETE FROM audit WHERE id > 9")
        await rewritten(filled, 10)

        assert await found(filled) == (None, 9)
        told = "3 rows are missing behind row 9, where the audit ends: an anchor knows of more."
        assert await found(filled, known) == (told, 9)

    async def test_they_are_appended_while_the_chain_grows(self, filled, tmp_path):
        """Once for each end of it; the file is its owner's only."""
        path = tmp_path / "sub" / "audit.anchor"
        assert [await anchor(filled, path), await anchor(filled, path)] == [True, False]
        await sql(filled, "SELECT 1")
        async with filled.writing() as connection:
            await change(connection, actor="tess", put=[a_tenant("more")])
        assert await anchor(filled, path)

        assert list(read_anchors(path)) == [ROWS, ROWS + 1]
        assert path.stat().st_mode & 0o077 == 0
        assert await found(filled, read_anchors(path)) == (None, ROWS + 1)

    async def test_a_shorter_chain_is_not_noted(self, filled, tmp_path):
        """Or the truth would be hidden by what took its place."""
        path = tmp_path / "audit.anchor"
        await anchor(filled, path)
        before = path.read_bytes()
        await sql(filled, "DELETE FROM audit WHERE id > 9")
        await rewritten(filled, 10)

        assert not await anchor(filled, path)
        assert path.read_bytes() == before

    async def test_they_are_kept_while_the_registry_runs(self, filled, tmp_path, monkeypatch):
        """As the chain grows; a file that is none is waited out."""
        monkeypatch.setattr(anchors, "_PERIOD_S", 0.01)
        path = tmp_path / "audit.anchor"
        path.write_text("{}\n")
        task = asyncio.create_task(anchors.keep_anchors(filled, path))

        async def noted(rows):
            return rows in read_anchors(path)

        await asyncio.sleep(0.1)
        path.unlink()
        await eventually(lambda: noted(ROWS))
        async with filled.writing() as connection:
            await change(connection, actor="tess", put=[a_tenant("more")])
        await eventually(lambda: noted(ROWS + 1))
        assert not task.done()
        await stop(task)

    def test_a_line_that_was_cut_off_counts_for_nothing(self, tmp_path):
        """A full disk; what follows stands on lines of its own."""
        path = tmp_path / "audit.anchor"
        anchors.append_anchor(path, Head(1, "1:aa"))
        with path.open("ab") as file:
            file.write(b'{"rows":2,"ha')
        assert read_anchors(path) == {1: "1:aa"}
        anchors.append_anchor(path, Head(3, "1:cc"))
        assert read_anchors(path) == {1: "1:aa", 3: "1:cc"}

    @pytest.mark.parametrize(
        "text", ["{}", '{"rows":"1","hash":"x"}', '{"rows":1,"hash":"x"}\n{"rows":1,"hash":"y"}', "{x}"]
    )
    def test_another_file_is_refused(self, tmp_path, text):
        """As are anchors that contradict each other."""
        (tmp_path / "file").write_text(text)
        with pytest.raises(AnchorError):
            read_anchors(tmp_path / "file")


def run(settings, *args):
    """Run the command; gives status, output and errors."""
    at = ("--data-dir", str(settings.data_dir), "--database-url", settings.database_url)
    result = CliRunner().invoke(app, ["audit", *args, *at])
    return result.exit_code, result.stdout, result.stderr


class TestCommand:
    async def fill(self, settings, *statements):
        """Some rows, and what was done to them."""
        async with Database.opened(settings) as database:
            async with database.writing() as connection:
                await change(connection, actor="tess", put=[a_tenant(), a_tenant("solo", name="A\x1b[2J")])
                await change(connection, actor="key:1", put=[a_tenant(name="Changed")])
            await sql(database, *statements)

    def test_a_good_audit(self, settings):
        """Says where it ends, and notes it."""
        asyncio.run(self.fill(settings))
        status, out, err = run(settings, "verify")
        assert (status, err) == (0, "")
        assert "3 rows of the audit are as they were written." in out
        assert "there was no earlier anchor" in out
        assert list(read_anchors(settings.data_dir / "audit.anchor")) == [3]
        assert "1 earlier anchors agree" in run(settings, "verify")[1]
        assert len(read_anchors(settings.data_dir / "audit.anchor")) == 1

    def test_a_bad_one(self, settings, tmp_path):
        """Names the row, ends with 1, notes nothing."""
        asyncio.run(self.fill(settings, "UPDATE audit SET actor = 'x' WHERE row_key = '[\"solo\"]'"))
        status, out, _ = run(settings, "verify", "--anchor", str(tmp_path / "elsewhere"))
        assert status == 1
        assert "Row 2 was edited" in out
        assert not (tmp_path / "elsewhere").exists()

    def test_a_file_that_is_none(self, settings):
        """Said in a sentence."""
        status, _, err = run(settings, "verify", "--anchor", __file__)
        assert (status, "Traceback" in err) == (1, False)
        assert "this is no anchor of an audit" in err

    def test_the_list(self, settings):
        """The newest first, with what differs; no sign of a record reaches the terminal as a command."""
        asyncio.run(self.fill(settings))
        status, out, _ = run(settings, "list")
        lines = out.splitlines()
        assert status == 0
        assert [line.partition(" ")[0] for line in lines] == ["3", "2", "1"]
        assert lines[0].endswith('key:1 changed tenants acme: name "Acme" -> "Changed"')
        assert "\x1b" not in run(settings, "list", "--json")[1]

        rows = [json.loads(line) for line in run(settings, "list", "--json", "--actor", "tess")[1].splitlines()]
        assert [row["key"] for row in rows] == [["solo"], ["acme"]]
        assert len(run(settings, "list", "--limit", "1")[1].splitlines()) == 1
        assert run(settings, "list", "--tenant", "nobody")[1] == ""
        assert run(settings, "list", "--until", "2020-01-01T00:00:00Z")[1] == ""
        assert len(run(settings, "list", "--since", "2020-01-01T00:00:00Z", "--object", "acme")[1].splitlines()) == 2
        assert run(settings, "list", "--since", "yesterday")[0] == 2
