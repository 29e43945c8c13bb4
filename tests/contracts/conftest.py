"""What the tests of both APIs share."""

from tests.registry.conftest import migrated

__all__ = ["migrated"]
