"""Instances for scenarios, and the databases of their registries."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.conftest import postgres
from tests.scenarios.instance import Up, free_base, wait_until_gone

__all__ = ["postgres"]

#: An ordinary user of PostgreSQL's: what the policies forbid, they forbid the registry itself.
_OWNER = "DO $$ BEGIN CREATE ROLE owner LOGIN CREATEROLE; EXCEPTION WHEN duplicate_object THEN NULL; END $$"


@pytest.fixture
def dialect(request: pytest.FixtureRequest) -> str:
    """What the registry's databases are: as databases.py has it for a test, else as the environment says."""
    return getattr(request, "param", None) or os.environ.get("A2P_TEST_DATABASE") or "sqlite"


@pytest.fixture
def registry_databases(request: pytest.FixtureRequest, dialect: str) -> Iterator[dict[str, str]]:
    """Settings of a registry whose tables and ledger are where the test wants them; none: files of its own."""
    if dialect == "sqlite":
        yield {}
        return
    assert dialect == "postgresql", "A2P_TEST_DATABASE is sqlite or postgresql"
    server = request.getfixturevalue("postgres")
    server.run(_OWNER)
    with server.database(owner="owner") as tables, server.database(owner="owner") as ledger:
        yield {
            "A2P_REGISTRY_DATABASE_URL": server.url(tables, user="owner"),
            "A2P_REGISTRY_LEDGER_URL": server.url(ledger, user="owner"),
        }


@pytest.fixture
def start(tmp_path: Path, registry_databases: dict[str, str]) -> Iterator[object]:
    """Start instances that are gone at the end, whatever happens."""
    started: list[Up] = []

    def begin(name: str, port_base: int | None = None, *options: str) -> Up:
        started.append(Up(tmp_path / name, port_base or free_base(), *options, registry=registry_databases))
        return started[-1]

    yield begin
    for up in started:
        if up.process.poll() is None:
            up.process.kill()
        up.process.wait()
        up.process.stdout.close()
        wait_until_gone(up.data_dir)
    if registry_databases:
        assert [file for up in started for file in up.data_dir.glob("*.db")] == []
