"""The tables, as SQLAlchemy Core metadata. Nothing in here that PostgreSQL could not run.

A change of a table needs a migration beside it (migrations/versions); a test compares the two. Three tables are not
records: audit (who changed what), outbox (what the registry store has yet to learn, in order) and projection (which
epoch of the store's copy is the valid one).

Not here: how rows are written (commands.py) and the engine (database.py).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Table

from registry import records

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


def _text(name: str) -> Column[str]:
    return Column(name, sa.String, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, sa.Boolean, nullable=False)


#: A growing number; SQLite grows only its own INTEGER by itself.
_Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")

tenants: Final = Table(
    "tenants",
    metadata,
    Column("id", sa.String, primary_key=True),
    _text("name"),
    _text("country"),
    _text("time_zone"),
    _text("currency"),
    Column("customer_since", sa.Date, nullable=False),
)

users: Final = Table(
    "users",
    metadata,
    Column("id", sa.String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    _text("name"),
    _text("role"),
    _text("licence"),
)

extensions: Final = Table(
    "extensions",
    metadata,
    Column("tenant", ForeignKey("tenants.id"), primary_key=True),
    Column("digits", sa.String, primary_key=True),
    Column("user", ForeignKey("users.id"), nullable=False, index=True),
)

brands: Final = Table(
    "brands",
    metadata,
    Column("id", sa.String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    _text("legal_name"),
    _text("status"),
    Column("vetting_score", sa.Integer),
    _flag("government"),
)

campaigns: Final = Table(
    "campaigns",
    metadata,
    Column("id", sa.String, primary_key=True),
    Column("brand_id", ForeignKey("brands.id"), nullable=False, index=True),
    _text("use_case"),
    Column("sub_use_cases", Texts, nullable=False),
    _text("status"),
    _text("sharing"),
    _flag("dca_complete"),
    _flag("mock"),
    _text("att"),
    _text("tmobile"),
    _text("verizon"),
    _text("us_cellular"),
    Column("osr_status", sa.Integer),
    _flag("embedded_link"),
    _flag("embedded_phone"),
    _flag("age_gated"),
    _flag("direct_lending"),
    Column("att_class", sa.String),
    _text("description"),
    Column("samples", Texts, nullable=False),
    Column("opt_out_keywords", Texts, nullable=False),
    _text("help_message"),
)

numbers: Final = Table(
    "numbers",
    metadata,
    Column("did", sa.String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    Column("user", ForeignKey("users.id"), index=True),
    _text("kind"),
    _text("sms"),
    Column("sms_enabled_at", UtcDateTime),
    Column("number_changed_at", UtcDateTime),
    Column("licence_changed_at", UtcDateTime),
    Column("toll_free_verification", sa.String),
)

assignments: Final = Table(
    "assignments",
    metadata,
    Column("did", ForeignKey("numbers.did"), primary_key=True),
    _text("state"),
    Column("campaign_id", ForeignKey("campaigns.id"), index=True),
    Column("brand_id", ForeignKey("brands.id")),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("id", sa.String, primary_key=True),
    _text("sha256"),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    Column("user", ForeignKey("users.id"), index=True),
    Column("scopes", Texts, nullable=False),
    _text("label"),
    Column("revoked_at", UtcDateTime),
)

contacts: Final = Table(
    "contacts",
    metadata,
    Column("number", sa.String, primary_key=True),
    Column("carrier", sa.String),
    Column("line", sa.String),
)

opt_outs: Final = Table(
    "opt_outs",
    metadata,
    Column("tenant", ForeignKey("tenants.id"), primary_key=True),
    Column("recipient", sa.String, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    _text("keyword"),
    Column("number", sa.String),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    _text("actor"),
    #: created, changed or removed.
    _text("action"),
    #: The table, and the row's primary key as a JSON array.
    _text("kind"),
    _text("row_key"),
    #: The record before and after as JSON; NULL where there was none.
    Column("before", sa.Text),
    Column("after", sa.Text),
    sqlite_autoincrement=True,
)

outbox: Final = Table(
    "outbox",
    metadata,
    #: Commit order is the order of seq: there is one writer at a time (database.py). Gaps are possible.
    Column("seq", _Serial, primary_key=True),
    #: Key and bytes of a document of compliance.documents; no bytes mean that the document is gone.
    _text("key"),
    Column("document", sa.LargeBinary, nullable=False),
    Column("committed_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

projection: Final = Table(
    "projection",
    metadata,
    #: Always 1: there is one row.
    Column("id", sa.Integer, primary_key=True, autoincrement=False),
    #: Grows by one whenever the store's copy is made anew.
    Column("epoch", sa.BigInteger, nullable=False),
)

#: Which table keeps which record, in an order in which rows can be written: a row comes after those it points at.
TABLES: Final[Mapping[type[Any], Table]] = MappingProxyType(
    {
        records.Tenant: tenants,
        records.User: users,
        records.Extension: extensions,
        records.Brand: brands,
        records.Campaign: campaigns,
        records.Number: numbers,
        records.Assignment: assignments,
        records.ApiKey: api_keys,
        records.Contact: contacts,
        records.OptOut: opt_outs,
    },
)

#: The columns of each record's primary key, in order.
KEY_NAMES: Final[Mapping[type[Any], tuple[str, ...]]] = MappingProxyType(
    {kind: tuple(column.name for column in table.primary_key.columns) for kind, table in TABLES.items()},
)
