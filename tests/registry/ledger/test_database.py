"""The ledger's database: tables as declared, opened by several at once, a signing key of its own."""

import asyncio

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from typer.testing import CliRunner

from registry.__main__ import app
from registry.ledger.database import LedgerDatabase, _engine, migrate
from registry.ledger.tables import metadata, tallies
from registry.settings import Settings
from tests.registry.dialects import only_sqlite
from tests.registry.ledger.filling import fill
from tests.registry.ledger.journal import START_MS, TENANT
from tests.registry.ledger.looking import numbers


async def test_migrations_create_exactly_the_metadata(ledger):
    """A table changed in code without a migration, or the other way round, shows as a difference."""

    def differences(connection):
        return compare_metadata(
            MigrationContext.configure(connection, opts={"version_table": "ledger_version"}), metadata
        )

    async with ledger.reading() as connection:
        assert await connection.run_sync(differences) == []


@only_sqlite
async def test_counts_of_before_are_kept_in_their_key(tmp_path, dialect):
    """A ledger of the first version keeps every count, in a table without rows' own numbers."""
    settings = Settings(data_dir=tmp_path)
    was = ("acme", 1_790_000_000_000 - 1_790_000_000_000 % 3_600_000, "sms", "block", "did_unassigned", 7)
    engine = _engine(settings.ledger_sql_url())
    async with engine.connect() as connection:
        await connection.execution_options(writes=True)
        async with connection.begin():
            await connection.run_sync(lambda sync: migrate(sync, "0001"))
            await connection.execute(sa.insert(tallies), [dict(zip(tallies.c.keys(), was, strict=True))])
    await engine.dispose()

    async with LedgerDatabase.made(settings) as ledger, ledger.reading() as connection:
        assert list(await connection.execute(sa.select(tallies))) == [was]
        made = await connection.scalar(sa.text("SELECT sql FROM sqlite_master WHERE name = 'tallies'"))
        assert "WITHOUT ROWID" in made
        assert "PRIMARY KEY (tenant, hour_ms, channel, verdict, reason)" in made


@only_sqlite
async def test_several_may_begin_at_once(tmp_path, dialect):
    """On an empty folder one migrates, the others wait for it; all sign with one key."""
    settings = Settings(data_dir=tmp_path / "new")

    async def key():
        async with LedgerDatabase.made(settings) as ledger:
            return await ledger.signing_key()

    first, *others = await asyncio.gather(key(), key(), key())
    assert len(first) == 32
    assert others == [first, first]


async def test_a_key_is_the_ledgers_own(ledger, tmp_path):
    """A cursor of one ledger is nothing in another."""
    async with LedgerDatabase.made(Settings(data_dir=tmp_path / "other")) as other:
        assert await ledger.signing_key() != await other.signing_key()


@only_sqlite
async def test_sqlite_keeps_its_promises(ledger):
    """Durable commits, readers beside the writer, writers that wait, and nothing left of what is deleted."""
    async with ledger.reading() as connection:
        pragmas = [
            await connection.scalar(sa.text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "secure_delete", "busy_timeout")
        ]
    assert pragmas == ["wal", 2, 1, 30_000]


class TestCommands:
    @pytest.fixture
    def run(self, ledger_settings):
        """Run a command as an operator does."""

        def run(*words, **environment):
            given = {"A2P_REGISTRY_LEDGER_URL": ledger_settings.ledger_sql_url()} | environment
            return CliRunner().invoke(app, ["ledger", *words], env=given)

        return run

    async def test_status_says_whether_it_is_whole(self, run, ledger, ledger_settings, queue):
        """Rows, and how far behind; without a queue store nobody can say that."""
        await fill(ledger, {}, {"verdict": "block"})
        alone = await asyncio.to_thread(run, "status")
        beside = await asyncio.to_thread(run, "status", A2P_REGISTRY_QUEUE_URL=ledger_settings.queue_url)

        assert (alone.exit_code, beside.exit_code) == (1, 0)
        assert "messages: 2\nevents: 2\ntexts: 2\ndecisions: 2\n" in beside.output
        assert "oldest text: 2026-11-20T20:00:00+00:00" in beside.output
        assert "behind the journal: 0 entries" in beside.output
        assert "nobody can say" in alone.output

    async def test_erase_and_trim(self, run, ledger):
        """Texts of one message, of a number, of all; then everything that is too old."""
        first, _, _ = await fill(
            ledger, {}, {"recipient": "+16465550177"}, {"accepted_ms": START_MS - 400 * 86_400_000}
        )
        assert (await asyncio.to_thread(run, "erase", "--tenant", "solo", "--message", first)).exit_code == 1
        assert (await asyncio.to_thread(run, "erase", "--tenant", TENANT)).exit_code == 2
        assert (await asyncio.to_thread(run, "erase", "--tenant", TENANT, "--number", "ben")).exit_code == 2
        assert (await numbers(ledger))["texts"] == 3

        for number, words in enumerate(
            (("--message", first), ("--number", "646-555-0177"), ("--everything",)), start=1
        ):
            done = await asyncio.to_thread(run, "erase", "--tenant", TENANT, *words)
            assert (done.exit_code, done.output) == (0, f"erasure {number}: 1 texts\n")
        trimmed = await asyncio.to_thread(run, "trim", A2P_REGISTRY_LEDGER_MESSAGES_DAYS="300")
        assert "events: 2 rows deleted" in trimmed.output
        assert "messages: 2 rows deleted" in trimmed.output
        assert (await numbers(ledger))["messages"] == 2
