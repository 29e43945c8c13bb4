"""a2p-registry key and tenant: how the first key comes to be, with nothing but the database."""

import asyncio

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from compliance.api_keys import read_bearer
from registry.__main__ import app
from registry.database import Database
from registry.tables import api_keys, audit, tenants
from tests.registry.builders import a_tenant, a_user
from tests.registry.registration.desks import put


class Terminal:
    """A terminal beside a database."""

    def __init__(self, settings):
        self._where = ["--data-dir", str(settings.data_dir), "--database-url", settings.database_url]

    def run(self, *words):
        """Run a command; its exit status, and what it wrote."""
        result = CliRunner().invoke(app, [*words, *self._where])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output.strip()


@pytest.fixture
def terminal(settings):
    """One beside the test's own database."""
    return Terminal(settings)


def rows(settings, table):
    """Every row of a table."""

    async def read():
        async with Database.opened(settings) as database, database.reading() as connection:
            found = await connection.execute(sa.select(table).order_by(*table.primary_key.columns))
            return found.mappings().all()

    return asyncio.run(read())


def test_the_first_operator(terminal, settings):
    """The provider's company, its first key, and both on record; there is one provider."""
    assert terminal.run("key", "create", "--tenant", "phoneco", "--scope", "operator")[0] == 1
    assert terminal.run("tenant", "provider", "phoneco", "--name", "Phone Co") == (0, "phoneco is the provider.")
    assert terminal.run("tenant", "provider", "phoneco")[0] == 0
    status, said = terminal.run("tenant", "provider", "other")
    assert (status, "phoneco" in said) == (1, True)
    status, key = terminal.run("key", "create", "--tenant", "phoneco", "--scope", "operator", "--label", "first")

    assert status == 0
    (company,) = rows(settings, tenants)
    (kept,) = rows(settings, api_keys)
    assert (company["name"], company["provider"]) == ("Phone Co", True)
    assert read_bearer(f"Bearer {key}").proves(kept["sha256"])
    assert (kept["scopes"], kept["label"]) == (("operator",), "first")
    assert {row["actor"] for row in rows(settings, audit)} == {"terminal"}
    assert key.split("_")[2] not in terminal.run("key", "list")[1]


def test_keys_are_listed_and_revoked(terminal, settings):
    """For good; what is not there is said."""
    terminal.run("tenant", "provider", "phoneco")
    _, key = terminal.run("key", "create", "--tenant", "phoneco", "--scope", "send", "--scope", "read")
    name = key.split("_")[1]

    assert terminal.run("key", "list", "--tenant", "phoneco")[1].split("\t")[:5] == [
        name,
        "phoneco",
        "-",
        "send,read",
        "live",
    ]
    assert terminal.run("key", "list", "--tenant", "acme") == (0, "")
    assert terminal.run("key", "revoke", name) == (0, "Revoked.")
    assert rows(settings, api_keys)[0]["revoked_at"] is not None
    assert terminal.run("key", "revoke", name) == (0, "It was revoked before.")
    assert terminal.run("key", "revoke", "none")[0] == 1


def test_what_cannot_be(terminal):
    """A word that is no scope, nobody's key, the provider's scopes for a customer."""
    terminal.run("tenant", "provider", "phoneco")
    assert terminal.run("key", "create", "--tenant", "phoneco", "--scope", "root")[0] == 1
    assert terminal.run("key", "create", "--tenant", "phoneco", "--scope", "send", "--user", "nobody")[0] == 1
    assert terminal.run("key", "create", "--tenant", "phoneco")[0] == 2


async def test_a_customer_has_none_of_the_provider_s(database, settings, dialect):
    """Nor does a person get more than the role has, at the terminal either."""
    del dialect
    await put(database, a_tenant(), a_user())
    terminal = Terminal(settings)

    def run(*words):  # (in a thread: the command has a loop of its own)
        return terminal.run("key", "create", "--tenant", "acme", *words)[0]

    assert await asyncio.to_thread(run, "--scope", "operator") == 1
    assert await asyncio.to_thread(run, "--scope", "admin", "--user", "ben") == 1
    assert await asyncio.to_thread(run, "--scope", "read", "--user", "ben") == 0
