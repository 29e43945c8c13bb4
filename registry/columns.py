"""What columns are made of: the metadata, and the types that both databases keep alike.

Not here: the tables (tables.py, work_tables.py).
"""

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Column

#: Constraints and indexes have names, so that a later migration can name them.
NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata: Final = sa.MetaData(naming_convention=NAMES)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An instant. Taken with any offset, kept and given back in UTC; SQLite alone would give back naive times."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - the base's
        """Convert to UTC; a naive time names no instant and is a fault of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - the base's
        """Mark what the driver gave back as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Texts(sa.types.TypeDecorator[tuple[str, ...]]):
    """A short list of texts that is only ever read whole, kept as JSON."""

    impl = sa.JSON
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002 - the base's
        """Turn the tuple into a JSON array."""
        return None if value is None else list(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> tuple[str, ...] | None:  # noqa: ARG002 - the base's
        """Turn the JSON array into a tuple, so that records stay hashable and frozen."""
        return None if value is None else tuple(value)


def text(name: str) -> Column[str]:
    """Make a column of text that is always there."""
    return Column(name, sa.String, nullable=False)


def flag(name: str) -> Column[bool]:
    """Make a column of true and false."""
    return Column(name, sa.Boolean, nullable=False)


#: A growing number; SQLite grows only its own INTEGER by itself.
SERIAL: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
