"""The ledger's tables, as SQLAlchemy Core metadata of their own. Nothing in here that PostgreSQL could not run.

Instants are milliseconds since the epoch, as the journal has them: exact, and half as large as a timestamp. Texts are
in one table and nowhere else, decision records are kept without them: to erase a text is to delete a row.

Ids compare byte by byte on both databases, for pages are read in their order.

Not here: how rows are written (writer.py) and the engine (database.py).
"""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Column, Table

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id: Final = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_Serial: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, sa.String, nullable=False, **options)


def _maybe(name: str) -> Column[str]:
    return Column(name, sa.String, nullable=True)


def _whole(name: str) -> Column[int]:
    return Column(name, sa.BigInteger, nullable=False)


#: One row a leg, taken or refused.
messages: Final = Table(
    "messages",
    metadata,
    Column("id", _Id, primary_key=True),
    #: "" until its envelope is known: the line that held it was lost in a gap. Nobody is shown such a row.
    _text("tenant"),
    _whole("accepted_ms"),
    _text("user_id"),
    _text("channel"),
    _text("origin"),
    _maybe("sender"),
    _text("recipient"),
    _text("traffic_class"),
    _text("kind"),
    _text("verdict"),
    _text("reason"),
    _maybe("campaign_id"),
    _whole("segments"),
    _text("encoding"),
    _whole("participants"),
    #: JSON array: id, type and size of attachments.
    _text("media"),
    _maybe("client_message_id"),
    _whole("not_before_ms"),
    _whole("expires_ms"),
    #: The last one that the journal told; refused for a leg that was not taken.
    _text("status"),
    _whole("status_ms"),
    #: Number of changes of status; 0 of a refused leg.
    _whole("changes"),
    _whole("attempts"),
    #: Second submissions, and receipts that contradict an end.
    _whole("doubts"),
    #: 1: a refused leg.
    Column("refused", sa.SmallInteger, nullable=False),
    #: Which erasure took its text; null: none did.
    Column("erasure", sa.BigInteger, nullable=True),
    sa.Index(None, "refused", "accepted_ms"),
    sa.Index(None, "tenant", "accepted_ms", "id"),
    sa.Index(None, "tenant", "sender", "accepted_ms", "id"),
    sa.Index(None, "tenant", "user_id", "accepted_ms", "id"),
    sa.Index(None, "tenant", "recipient", "accepted_ms", "id"),
    sa.Index(None, "tenant", "reason", "accepted_ms", "id"),
    sa.Index(None, "tenant", "status", "accepted_ms", "id"),
)

#: One row a line of the journal, by the message and the place that the line has: the ledger's key for exactly once.
events: Final = Table(
    "events",
    metadata,
    Column("message_id", _Id, primary_key=True),
    Column("entry_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("entry_seq", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("place", sa.SmallInteger, primary_key=True, autoincrement=False),
    #: status, doubt or contradicted.
    _text("kind"),
    _whole("seq"),
    _text("status"),
    _whole("at_ms"),
    _whole("attempt"),
    _text("carrier"),
    _text("reference"),
    _text("code"),
    _text("detail"),
    #: 0: the carrier gave none.
    _whole("carrier_ms"),
    sqlite_with_rowid=False,
)

#: What people wrote. The only place where that is.
texts: Final = Table(
    "texts",
    metadata,
    Column("message_id", _Id, primary_key=True),
    _whole("accepted_ms"),
    #: 1: a one-time code or an alert, kept shorter.
    Column("urgent", sa.SmallInteger, nullable=False),
    _text("text"),
    #: What was judged, where that is not what was written; null: the same.
    _maybe("judged"),
    sa.Index(None, "urgent", "accepted_ms"),
)

#: Decision records, without the text.
decisions: Final = Table(
    "decisions",
    metadata,
    Column("message_id", _Id, primary_key=True),
    _whole("accepted_ms"),
    _text("record"),
    sa.Index(None, "accepted_ms"),
)

#: How many legs were decided in which way, by hour. Says nothing about anybody, so it stays.
tallies: Final = Table(
    "tallies",
    metadata,
    Column("tenant", sa.String, primary_key=True),
    #: Milliseconds since the epoch at which the hour begins.
    Column("hour_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("channel", sa.String, primary_key=True),
    Column("verdict", sa.String, primary_key=True),
    Column("reason", sa.String, primary_key=True),
    _whole("messages"),
    sqlite_with_rowid=False,
)

#: How far each partition's journal was read. Changed in the transaction that writes what was read.
cursors: Final = Table(
    "cursors",
    metadata,
    Column("partition", sa.Integer, primary_key=True, autoincrement=False),
    #: The last entry that is in the tables; 0 and 0: none.
    _whole("entry_ms"),
    _whole("entry_seq"),
    #: Its number among all entries that the stream ever had.
    _whole("entry_number"),
    #: Entries that were gone before they were read, and lines and refusals that could not be read.
    _whole("lost"),
    _whole("unreadable"),
)

#: What was lost, for whoever asks later.
gaps: Final = Table(
    "gaps",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("partition", sa.Integer, nullable=False),
    _whole("found_ms"),
    #: The last entry before it, and the first after it; null: there is none yet.
    _text("after_entry"),
    _maybe("before_entry"),
    _whole("entries"),
)

#: Who had which texts erased, and when. A row is written before the first text goes.
erasures: Final = Table(
    "erasures",
    metadata,
    Column("id", _Serial, primary_key=True),
    _text("tenant"),
    _whole("at_ms"),
    #: For the record: key:<id>, or the command's word.
    _text("actor"),
    #: message, number or tenant.
    _text("kind"),
    #: The message's id or the number; a number is masked once nothing of before can come any more.
    _text("subject"),
    #: Until then texts of before are looked for in what the journal brings.
    _whole("watched_until_ms"),
    #: When all that was there was gone; null: not yet.
    Column("done_ms", sa.BigInteger, nullable=True),
    _whole("texts"),
    sa.Index(None, "tenant", "id"),
    sa.Index(None, "watched_until_ms"),
    sa.Index(None, "done_ms"),
)

#: How far a kind's retention has come where rows go before their message does.
retained: Final = Table(
    "retained",
    metadata,
    Column("kind", sa.String, primary_key=True),
    _whole("until_ms"),
)

#: What this ledger's pages are signed with.
secrets: Final = Table(
    "secrets",
    metadata,
    Column("name", sa.String, primary_key=True),
    Column("value", sa.LargeBinary, nullable=False),
)
