"""The database: tables as declared, one writer at a time, instants in UTC."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.schema import CreateIndex, CreateTable

from registry.columns import metadata
from registry.commands import change, find
from registry.database import Database
from registry.records import Number, OptOut
from registry.settings import Settings
from registry.tables import TABLES, projection, tenants
from tests.registry.builders import BASICS, DID, a_number, a_tenant, a_user
from tests.registry.dialects import a_server, only_postgresql, only_sqlite


class TestMigrations:
    async def test_they_create_exactly_the_metadata(self, database):
        """A table changed in code without a migration, or the other way round, shows as a difference."""

        def differences(connection):
            return compare_metadata(MigrationContext.configure(connection), metadata)

        async with database.reading() as connection:
            assert await connection.run_sync(differences) == []

    async def test_opening_again_changes_nothing(self, settings, database):
        """Every command migrates at its start; most find nothing to do."""
        async with database.writing() as connection:
            await change(connection, actor="test", put=[a_tenant()])

        async with Database.opened(settings) as again, again.reading() as connection:
            assert await connection.scalar(sa.select(tenants.c.id)) == "acme"

    @pytest.mark.usefixtures("without_tables")
    async def test_two_commands_may_start_at_once(self, settings):
        """On an empty database one of them migrates, and the other waits for it."""

        async def epoch():
            async with Database.opened(settings) as database, database.reading() as connection:
                return await connection.scalar(sa.select(projection.c.epoch))

        assert await asyncio.gather(epoch(), epoch(), epoch()) == [0, 0, 0]

    @pytest.mark.parametrize("table", metadata.sorted_tables, ids=str)
    def test_postgresql_could_have_every_table(self, table):
        """Nothing is used that only SQLite has."""
        dialect = postgresql.dialect()

        assert str(CreateTable(table).compile(dialect=dialect))
        assert all(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)


class TestRecords:
    @pytest.mark.parametrize(("record", "table"), TABLES.items(), ids=lambda value: getattr(value, "name", ""))
    def test_a_record_has_the_columns_of_its_table(self, record, table):
        """Rows and records are made from each other by name."""
        assert [field.name for field in dataclasses.fields(record)] == [column.name for column in table.columns]

    async def test_what_is_written_is_read_back_equal(self, database):
        """Or an import would see a difference for ever."""
        async with database.writing() as connection:
            await change(connection, actor="test", put=BASICS)

        async with database.reading() as connection:
            for record in BASICS:
                key = tuple(getattr(record, column.name) for column in TABLES[type(record)].primary_key.columns)
                assert await find(connection, type(record), [key]) == {key: record}


class TestGone:
    @staticmethod
    async def interrupted(server, connection):
        """The server ends all connections to databases of tests; then somebody asks."""
        server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test%'")
        await connection.execute(sa.select(tenants.c.id))

    @only_postgresql
    async def test_a_server_that_goes_away_is_an_operational_error(self, dialect):
        """In the middle of a transaction, and for who comes afterwards: callers wait for it or say so."""
        with a_server() as server, server.database() as name:
            async with Database.opened(Settings(database_url=server.url(name))) as database:
                with pytest.raises(OperationalError):
                    async with database.reading() as connection:
                        await self.interrupted(server, connection)
                async with database.reading() as connection:
                    assert list(await connection.scalars(sa.select(tenants.c.id))) == []
                server.folder.joinpath(".s.PGSQL.5432").unlink()
                await database._engine.dispose()
                with pytest.raises(OperationalError):
                    async with database.reading():
                        pass


class TestInstants:
    async def test_any_offset_goes_in_and_utc_comes_out(self, database):
        """SQLite alone would give back a naive time."""
        at = datetime(2026, 11, 20, 8, 0, tzinfo=timezone(timedelta(hours=-5)))
        async with database.writing() as connection:
            await change(connection, actor="test", put=[a_tenant(), a_user(), a_number(sms_enabled_at=at)])

        async with database.reading() as connection:
            read = (await find(connection, Number, [(DID,)]))[DID,].sms_enabled_at

        assert (read, read.tzinfo) == (at, UTC)

    async def test_a_time_without_an_offset_is_refused(self, database):
        """It names no instant; to guess would move a legal deadline."""
        naive = OptOut(
            tenant="acme",
            recipient="+13035550199",
            at=datetime(2026, 1, 1),  # noqa: DTZ001 - that is the point
            keyword="stop",
            number=None,
        )
        with pytest.raises(ValueError, match="without an offset"):
            async with database.writing() as connection:
                await change(connection, actor="test", put=[a_tenant(), naive])


class TestWriting:
    @only_sqlite
    async def test_sqlite_keeps_its_promises(self, database):
        """Durable commits, readers beside the writer, references that hold, writers that wait."""
        async with database.reading() as connection:
            pragmas = [
                await connection.scalar(sa.text(f"PRAGMA {name}"))
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]

        assert pragmas == ["wal", 2, 1, 30_000]

    async def test_a_reference_to_nothing_is_refused(self, database):
        """A user of no tenant could never be right."""
        with pytest.raises(IntegrityError):
            async with database.writing() as connection:
                await change(connection, actor="test", put=[a_user(tenant="nobody")])

    async def test_a_writer_is_alone_from_its_first_look(self, database):
        """What a writer read is still so when it commits: ten that add one make ten."""

        async def add_one():
            async with database.writing() as connection:
                epoch = await connection.scalar(sa.select(projection.c.epoch))
                await asyncio.sleep(0)
                await connection.execute(sa.update(projection).values(epoch=epoch + 1))

        await asyncio.gather(*(add_one() for _ in range(10)))

        async with database.reading() as connection:
            assert await connection.scalar(sa.select(projection.c.epoch)) == 10

    async def test_a_reader_sees_one_instant(self, database):
        """A commit in between does not show until the next look."""
        async with database.reading() as connection:
            before = await connection.scalar(sa.select(sa.func.count()).select_from(tenants))
            async with database.writing() as writer:
                await change(writer, actor="test", put=[a_tenant()])
            after = await connection.scalar(sa.select(sa.func.count()).select_from(tenants))

        assert (before, after) == (0, 0)

    async def test_a_failed_write_wakes_nobody(self, database):
        """Only a commit is a change."""
        database.changed.clear()
        with pytest.raises(RuntimeError):
            async with database.writing():
                raise RuntimeError

        assert not database.changed.is_set()
