"""The first tables: messages with their events, texts and decisions, cursors, gaps, erasures, tallies.

Types are written plainly, not taken from tables.py: a migration must not change when the code does.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables, and draw what pages are signed with."""
    _create_messages()
    _create_events()
    _create_contents()
    _create_progress()
    _create_erasures()
    kept = op.create_table(
        "secrets",
        _text("name"),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secrets"),
    )
    op.bulk_insert(kept, [{"name": "pages", "value": secrets.token_bytes(32)}])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, autoincrement=False)


def _index(table: str, *columns: str) -> None:
    op.create_index("_".join(("ix", table, *columns)), table, list(columns))


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", _ID, nullable=False),
        _text("tenant"),
        _whole("accepted_ms"),
        _text("user_id"),
        _text("channel"),
        _text("origin"),
        sa.Column("sender", sa.String, nullable=True),
        _text("recipient"),
        _text("traffic_class"),
        _text("kind"),
        _text("verdict"),
        _text("reason"),
        sa.Column("campaign_id", sa.String, nullable=True),
        _whole("segments"),
        _text("encoding"),
        _whole("participants"),
        _text("media"),
        sa.Column("client_message_id", sa.String, nullable=True),
        _whole("not_before_ms"),
        _whole("expires_ms"),
        _text("status"),
        _whole("status_ms"),
        _whole("changes"),
        _whole("attempts"),
        _whole("doubts"),
        sa.Column("refused", sa.SmallInteger, nullable=False),
        sa.Column("erasure", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
    )
    _index("messages", "refused", "accepted_ms")
    _index("messages", "tenant", "accepted_ms", "id")
    for column in ("sender", "user_id", "recipient", "reason", "status"):
        _index("messages", "tenant", column, "accepted_ms", "id")


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("message_id", _ID, nullable=False),
        _whole("entry_ms"),
        _whole("entry_seq"),
        sa.Column("place", sa.SmallInteger, nullable=False, autoincrement=False),
        _text("kind"),
        _whole("seq"),
        _text("status"),
        _whole("at_ms"),
        _whole("attempt"),
        _text("carrier"),
        _text("reference"),
        _text("code"),
        _text("detail"),
        _whole("carrier_ms"),
        sa.PrimaryKeyConstraint("message_id", "entry_ms", "entry_seq", "place", name="pk_events"),
        sqlite_with_rowid=False,
    )


def _create_contents() -> None:
    op.create_table(
        "texts",
        sa.Column("message_id", _ID, nullable=False),
        _whole("accepted_ms"),
        sa.Column("urgent", sa.SmallInteger, nullable=False),
        _text("text"),
        sa.Column("judged", sa.String, nullable=True),
        sa.PrimaryKeyConstraint("message_id", name="pk_texts"),
    )
    _index("texts", "urgent", "accepted_ms")
    op.create_table(
        "decisions",
        sa.Column("message_id", _ID, nullable=False),
        _whole("accepted_ms"),
        _text("record"),
        sa.PrimaryKeyConstraint("message_id", name="pk_decisions"),
    )
    _index("decisions", "accepted_ms")
    op.create_table(
        "tallies",
        _text("tenant"),
        _whole("hour_ms"),
        _text("channel"),
        _text("verdict"),
        _text("reason"),
        _whole("messages"),
        sa.PrimaryKeyConstraint("tenant", "hour_ms", "channel", "verdict", "reason", name="pk_tallies"),
    )


def _create_progress() -> None:
    op.create_table(
        "cursors",
        sa.Column("partition", sa.Integer, nullable=False, autoincrement=False),
        _whole("entry_ms"),
        _whole("entry_seq"),
        _whole("entry_number"),
        _whole("lost"),
        _whole("unreadable"),
        sa.PrimaryKeyConstraint("partition", name="pk_cursors"),
    )
    op.create_table(
        "gaps",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        _whole("found_ms"),
        _text("after_entry"),
        sa.Column("before_entry", sa.String, nullable=True),
        _whole("entries"),
        sa.PrimaryKeyConstraint("id", name="pk_gaps"),
    )
    op.create_table(
        "retained",
        _text("kind"),
        _whole("until_ms"),
        sa.PrimaryKeyConstraint("kind", name="pk_retained"),
    )


def _create_erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", _SERIAL, nullable=False),
        _text("tenant"),
        _whole("at_ms"),
        _text("actor"),
        _text("kind"),
        _text("subject"),
        _whole("watched_until_ms"),
        sa.Column("done_ms", sa.BigInteger, nullable=True),
        _whole("texts"),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    _index("erasures", "tenant", "id")
    _index("erasures", "watched_until_ms")
    _index("erasures", "done_ms")
