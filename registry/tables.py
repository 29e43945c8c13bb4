"""The tables of the records, as SQLAlchemy Core metadata. Nothing in here that PostgreSQL could not run.

A change of a table needs a migration beside it (migrations/versions); a test compares the two. Four tables are not
records: audit and audit_head (who changed what), outbox (what the registry store has yet to learn, in order) and
projection (which epoch of the store's copy is the valid one).

Not here: how rows are written (commands.py), the engine (database.py), and what the registry's own work leaves behind
(work_tables.py).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Table

from registry import records
from registry.columns import SERIAL, Texts, UtcDateTime, flag, metadata, text


def _part(name: str, *columns: str, where: str, sqlite: str = "") -> sa.Index:
    """Return an index of some rows only; a query names their condition in the same words, without bound values."""
    return sa.Index(name, *columns, postgresql_where=sa.text(where), sqlite_where=sa.text(sqlite or where))


tenants: Final = Table(
    "tenants",
    metadata,
    Column("id", sa.String, primary_key=True),
    text("name"),
    text("country"),
    text("time_zone"),
    text("currency"),
    Column("customer_since", sa.Date, nullable=False),
    flag("provider"),
)

users: Final = Table(
    "users",
    metadata,
    Column("id", sa.String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False),
    text("name"),
    text("role"),
    text("licence"),
    Column("left_at", UtcDateTime),
    #: For lists (lists.py); likewise below.
    sa.Index("ix_users_tenant_name", "tenant", "name", "id"),
    sa.Index("ix_users_tenant_licence", "tenant", "licence", "left_at", "role"),
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
    text("legal_name"),
    text("status"),
    Column("vetting_score", sa.Integer),
    flag("government"),
    Column("faults", Texts, nullable=False),
)

campaigns: Final = Table(
    "campaigns",
    metadata,
    Column("id", sa.String, primary_key=True),
    Column("brand_id", ForeignKey("brands.id"), nullable=False, index=True),
    text("use_case"),
    Column("sub_use_cases", Texts, nullable=False),
    text("status"),
    text("sharing"),
    flag("dca_complete"),
    flag("mock"),
    text("att"),
    text("tmobile"),
    text("verizon"),
    text("us_cellular"),
    Column("osr_status", sa.Integer),
    flag("embedded_link"),
    flag("embedded_phone"),
    flag("age_gated"),
    flag("direct_lending"),
    Column("att_class", sa.String),
    text("description"),
    Column("samples", Texts, nullable=False),
    Column("opt_out_keywords", Texts, nullable=False),
    text("help_message"),
    text("number_pool"),
    Column("faults", Texts, nullable=False),
    Column("created_at", UtcDateTime),
)

numbers: Final = Table(
    "numbers",
    metadata,
    Column("did", sa.String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False),
    Column("user", ForeignKey("users.id"), index=True),
    text("kind"),
    text("sms"),
    Column("sms_enabled_at", UtcDateTime),
    Column("number_changed_at", UtcDateTime),
    Column("licence_changed_at", UtcDateTime),
    Column("toll_free_verification", sa.String),
    flag("sms_page"),
    Column("left_at", UtcDateTime),
    sa.Index("ix_numbers_tenant_did", "tenant", "did"),
    sa.Index("ix_numbers_tenant_sms_did", "tenant", "sms", "did"),
    _part("ix_numbers_tenant_kind_did", "tenant", "kind", "did", where="kind <> 'local'"),
    _part("ix_numbers_tenant_pool_did", "tenant", "did", where='"user" IS NULL'),
    _part(
        *("ix_numbers_tenant_page_did", "tenant", "did", "sms_page", "left_at"),
        where="sms_page",
        sqlite="sms_page = 1",
    ),
    #: Those that text; of a person it is one (counts.py).
    _part(
        *("ix_numbers_tenant_on_user", "tenant", "user", "kind", "sms", "left_at"),
        where="kind = 'local' AND sms = 'enabled' AND left_at IS NULL",
    ),
)

assignments: Final = Table(
    "assignments",
    metadata,
    Column("did", ForeignKey("numbers.did"), primary_key=True),
    text("state"),
    Column("campaign_id", ForeignKey("campaigns.id")),
    Column("brand_id", ForeignKey("brands.id")),
    Column("since", UtcDateTime),
    Column("fault", sa.String),
    sa.Index("ix_assignments_campaign_did", "campaign_id", "did"),
    sa.Index("ix_assignments_state_did", "state", "did"),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("id", sa.String, primary_key=True),
    text("sha256"),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    Column("user", ForeignKey("users.id"), index=True),
    Column("scopes", Texts, nullable=False),
    text("label"),
    Column("revoked_at", UtcDateTime),
    Column("created_at", UtcDateTime),
)

token_keys: Final = Table(
    "token_keys",
    metadata,
    Column("id", sa.String, primary_key=True),
    text("x"),
    Column("until", UtcDateTime, nullable=False),
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
    text("keyword"),
    Column("number", sa.String),
    Column("lifted_at", UtcDateTime),
)

applications: Final = Table(
    "applications",
    metadata,
    Column("id", sa.String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    text("kind"),
    text("state"),
    Column("fields", sa.Text, nullable=False),
    Column("brand_id", ForeignKey("brands.id"), index=True),
    Column("object_id", sa.String, index=True),
    Column("faults", Texts, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    text("created_by"),
    Column("submitted_at", UtcDateTime),
)

fees: Final = Table(
    "fees",
    metadata,
    Column("tenant", ForeignKey("tenants.id"), primary_key=True),
    Column("kind", sa.String, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("cents", sa.Integer, nullable=False),
    text("currency"),
    text("application"),
    Column("billed_at", UtcDateTime),
)

leave_requests: Final = Table(
    "leave_requests",
    metadata,
    Column("id", sa.String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    text("kind"),
    Column("subject", sa.String, nullable=False, index=True),
    text("use_case"),
    Column("asked_at", UtcDateTime, nullable=False),
    text("asked_by"),
    Column("settled_at", UtcDateTime),
    Column("outcome", sa.String),
    _part("ix_leave_requests_open", "id", where="settled_at IS NULL"),
)

requests: Final = Table(
    "requests",
    metadata,
    Column("id", sa.String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    Column("user", ForeignKey("users.id"), nullable=False, index=True),
    Column("did", sa.String),
    text("recipient"),
    text("reason"),
    text("note"),
    Column("state", sa.String, nullable=False, index=True),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("closed_by", sa.String),
    text("answer"),
)

restorations: Final = Table(
    "restorations",
    metadata,
    Column("id", sa.String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False),
    text("recipient"),
    text("act"),
    text("evidence"),
    Column("state", sa.String, nullable=False, index=True),
    Column("outcome", sa.String),
    Column("fault", sa.String),
    Column("asked_at", UtcDateTime, nullable=False),
    text("asked_by"),
    Column("done_at", UtcDateTime),
    sa.Index("ix_restorations_tenant_recipient", "tenant", "recipient"),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    text("actor"),
    #: created, changed or removed.
    text("action"),
    #: The table, and the row's primary key as a JSON array.
    text("kind"),
    text("row_key"),
    #: The record before and after as JSON; NULL where there was none.
    Column("before", sa.Text),
    Column("after", sa.Text),
    #: Whose row it is; NULL where it is nobody's, such as what a number look-up said.
    Column("tenant", sa.String),
    #: SHA-256 of the row before, and of this one with it (audit/); NULL in rows from before the chain.
    Column("prev_hash", sa.String),
    Column("hash", sa.String),
    sa.Index("ix_audit_tenant_at", "tenant", "at", "id"),
    sa.Index("ix_audit_tenant_kind_at", "tenant", "kind", "at", "id"),
    sa.Index("ix_audit_tenant_actor_at", "tenant", "actor", "at", "id"),
    sa.Index("ix_audit_row_key", "row_key", postgresql_ops={"row_key": "varchar_pattern_ops"}),
    sqlite_autoincrement=True,
)

#: How long the chain of the audit is, and its last hash. One row, id 1.
audit_head: Final = Table(
    "audit_head",
    metadata,
    Column("id", sa.Integer, primary_key=True, autoincrement=False),
    Column("count", sa.BigInteger, nullable=False),
    text("hash"),
)

outbox: Final = Table(
    "outbox",
    metadata,
    #: Commit order is the order of seq: there is one writer at a time (database.py). Gaps are possible.
    Column("seq", SERIAL, primary_key=True),
    #: Key and bytes of a document of compliance.documents; no bytes mean that the document is gone.
    text("key"),
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
        records.TokenKey: token_keys,
        records.Contact: contacts,
        records.OptOut: opt_outs,
        records.Application: applications,
        records.Fee: fees,
        records.Request: requests,
        records.Restoration: restorations,
        records.LeaveRequest: leave_requests,
    },
)

#: The columns of each record's primary key, in order.
KEY_NAMES: Final[Mapping[type[Any], tuple[str, ...]]] = MappingProxyType(
    {kind: tuple(column.name for column in table.primary_key.columns) for kind, table in TABLES.items()},
)
