"""What the tests of both APIs share."""

from tests.registry.conftest import databases, dialect, migrated, postgres, postgres_databases

__all__ = ["databases", "dialect", "migrated", "postgres", "postgres_databases"]
