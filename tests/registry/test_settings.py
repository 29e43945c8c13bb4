"""Settings: variables, options, defaults, and what is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from registry.settings import Settings


def test_the_database_is_in_the_data_directory_unless_it_is_named():
    """One folder holds everything of an embedded run."""
    assert Settings(data_dir=Path("/data")).sql_url() == "sqlite+aiosqlite:////data/registry.db"
    assert Settings(database_url="postgresql+asyncpg://db/reg").sql_url() == "postgresql+asyncpg://db/reg"


def test_a_variable_sets_and_an_argument_wins(monkeypatch):
    """Operators set variables; a person at a terminal overrides one."""
    monkeypatch.setenv("A2P_REGISTRY_HTTP_PORT", "9081")
    monkeypatch.setenv("A2P_REGISTRY_ADMIN_PORT", "9092")
    settings = Settings(admin_port=1)

    assert (settings.http_port, settings.admin_port) == (9081, 1)


@pytest.mark.parametrize(
    "given", [{"http_port": 70000}, {"admin_port": -1}, {"registry_url": "http://store"}, {"http_port": "many"}]
)
def test_what_cannot_be_is_refused(given):
    """At the start, not at the first use."""
    with pytest.raises(ValidationError):
        Settings(**given)


def test_they_do_not_change():
    """A process keeps what it was started with."""
    with pytest.raises(ValidationError):
        Settings().http_port = 1


def test_addresses_with_passwords_are_not_shown():
    """Settings end up in tracebacks."""
    settings = Settings(database_url="postgresql://me:hunter2@db", registry_url="redis://:hunter2@store")

    assert "hunter2" not in repr(settings)
