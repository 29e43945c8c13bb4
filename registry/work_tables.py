"""The tables of work under way: what is asked of others, what they said, what is to be told, and how far it has come.

None of them is a record: their rows are written as they are, without an outbox; what a person changes among them is in
the audit (audit/deeds.py). What follows from them for a record goes through commands.change() like everything else.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Table

from registry.columns import SERIAL, UtcDateTime, flag, metadata, text

#: What is being asked of the aggregator for a number; gone when it is done.
provisioning_jobs: Final = Table(
    "provisioning_jobs",
    metadata,
    Column("did", ForeignKey("numbers.did"), primary_key=True),
    #: add or remove.
    text("action"),
    #: Where it is to be added, or removed from.
    Column("campaign_id", sa.String),
    #: due (to be asked), asked (its answer is awaited) or stuck (a person has to look).
    text("state"),
    #: When this was wished for.
    Column("wished_at", UtcDateTime, nullable=False),
    Column("asked_at", UtcDateTime),
    Column("next_at", UtcDateTime, nullable=False, index=True),
    Column("attempts", sa.Integer, nullable=False),
    #: When it was switched off and on once because it was shown as done and was not effective.
    Column("remedied_at", UtcDateTime),
    Column("fault", sa.String),
)

#: What is to be asked of TCR: submit an application, deactivate a campaign, ask how something stands. Gone when done.
tcr_jobs: Final = Table(
    "tcr_jobs",
    metadata,
    #: submit, deactivate or ask.
    Column("action", sa.String, primary_key=True),
    #: The application's id, or the campaign's; of ask a kind and an id, such as campaign:CAAAAA1.
    Column("object", sa.String, primary_key=True),
    Column("attempts", sa.Integer, nullable=False),
    Column("next_at", UtcDateTime, nullable=False, index=True),
    Column("fault", sa.String),
)

#: The newest that TCR said about one aspect of a brand or campaign; what is older changes nothing.
tcr_marks: Final = Table(
    "tcr_marks",
    metadata,
    Column("object", sa.String, primary_key=True),
    #: identity, score, status, sharing, dca, or a carrier.
    Column("aspect", sa.String, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    flag("adverse"),
)

#: What TCR told us, once each.
tcr_events: Final = Table(
    "tcr_events",
    metadata,
    #: What makes it the same event.
    Column("id", sa.String, primary_key=True),
    Column("received_at", UtcDateTime, nullable=False, index=True),
    Column("occurred_at", UtcDateTime),
    text("type"),
    Column("object", sa.String, index=True),
    #: applied, older, unchanged, unknown_type or unknown_object.
    text("outcome"),
    Column("body", sa.Text, nullable=False),
)

#: What a tenant's admins are told, by an instant message and a webhook.
notices: Final = Table(
    "notices",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    text("kind"),
    #: What it is about, such as campaign:CAAAAA1.
    text("subject"),
    Column("at", UtcDateTime, nullable=False),
    #: What the sentence needs, as a JSON object.
    Column("params", sa.Text, nullable=False),
    #: The same thing is told once.
    Column("once", sa.String, nullable=False, unique=True),
    #: When it was handed over; NULL while it is not.
    Column("im_at", UtcDateTime),
    Column("hook_at", UtcDateTime),
    Column("attempts", sa.Integer, nullable=False),
    #: NULL when nothing is left to do.
    Column("next_at", UtcDateTime, index=True),
    Column("fault", sa.String),
    sqlite_autoincrement=True,
)

#: Who is to get a notice, and how far that is: a row for each person, and one for the tenant's hook.
notice_deliveries: Final = Table(
    "notice_deliveries",
    metadata,
    Column("notice", ForeignKey("notices.id"), primary_key=True),
    #: user:<id>, or hook.
    Column("recipient", sa.String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    #: waiting, delivered, or given_up.
    text("state"),
    Column("attempts", sa.Integer, nullable=False),
    #: NULL when nothing is left to do.
    Column("next_at", UtcDateTime, index=True),
    Column("done_at", UtcDateTime),
    Column("fault", sa.String),
)

#: Where a tenant wants its notices.
notice_hooks: Final = Table(
    "notice_hooks",
    metadata,
    Column("tenant", ForeignKey("tenants.id"), primary_key=True),
    text("url"),
    text("secret"),
    Column("created_at", UtcDateTime, nullable=False),
)

#: Where the registry and those around it disagree.
drift: Final = Table(
    "drift",
    metadata,
    #: The class of drift, a word of drift/.
    Column("kind", sa.String, primary_key=True),
    #: Such as number:+12025550123.
    Column("object", sa.String, primary_key=True),
    Column("tenant", sa.String, index=True),
    Column("detail", sa.String, nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    #: open, healed or accepted (a person decided that it may stay).
    Column("state", sa.String, nullable=False, index=True),
    Column("decided_by", sa.String),
    Column("decided_at", UtcDateTime),
)

#: How far a sweep over many objects has come.
sweeps: Final = Table(
    "sweeps",
    metadata,
    Column("name", sa.String, primary_key=True),
    text("cursor"),
    Column("at", UtcDateTime, nullable=False),
)

#: Keys that were renewed and go on for a while beside the new ones: when they end.
key_retirements: Final = Table(
    "key_retirements",
    metadata,
    Column("key", ForeignKey("api_keys.id"), primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    text("wished_by"),
)

#: Who signs in to the console, and with what.
logins: Final = Table(
    "logins",
    metadata,
    #: In lower case.
    Column("email", sa.String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    Column("user", ForeignKey("users.id"), nullable=False, unique=True),
    #: Argon2; "" while there is none: an invitation is open, or the company's own identity provider vouches.
    text("password"),
    Column("changed_at", UtcDateTime, nullable=False),
    #: SHA-256 of the secret in an invitation's link, and until when it is good.
    Column("invitation", sa.String, unique=True),
    Column("invited_until", UtcDateTime),
    #: In which the person wants to see times; none: in that of the company that they look at.
    Column("time_zone", sa.String),
)

#: Who is signed in to the console.
sign_ins: Final = Table(
    "sign_ins",
    metadata,
    #: SHA-256 of what the browser's cookie holds.
    Column("id", sa.String, primary_key=True),
    #: The key of this sign-in: what its tokens open, and that it goes on.
    Column("key", ForeignKey("api_keys.id"), nullable=False),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    Column("user", ForeignKey("users.id"), nullable=False, index=True),
    #: Which company one of the provider's people looks at; NULL: their own.
    Column("acting_for", ForeignKey("tenants.id")),
    #: What its forms show.
    text("csrf"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False, index=True),
)

#: Campaigns that TCR does not renew, and when they end (notices/ending.py).
campaign_ends: Final = Table(
    "campaign_ends",
    metadata,
    Column("campaign", ForeignKey("campaigns.id"), primary_key=True),
    Column("ends_at", UtcDateTime, nullable=False, index=True),
    Column("learnt_at", UtcDateTime, nullable=False),
    #: How many days before the end it was told last; None: never.
    Column("told", sa.Integer),
)

#: Sign-ins that failed, by address and by name, so that nobody guesses for long.
sign_in_tries: Final = Table(
    "sign_in_tries",
    metadata,
    #: SHA-256 of what tries: a network address, or an email.
    Column("id", sa.String, primary_key=True),
    Column("failures", sa.Integer, nullable=False),
    #: The first of them; long after it they are forgotten.
    Column("since", UtcDateTime, nullable=False, index=True),
)

#: Bulk imports, so that one that was cut off goes on where it stopped.
bulk_jobs: Final = Table(
    "bulk_jobs",
    metadata,
    Column("id", sa.String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), index=True),
    #: SHA-256 of the file.
    text("digest"),
    #: running or done.
    text("state"),
    #: Rows that were read, that changed something, and that were bad.
    Column("rows", sa.BigInteger, nullable=False),
    Column("changed", sa.BigInteger, nullable=False),
    Column("bad", sa.BigInteger, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

#: How many people there are with each licence, who have not left. This and the next two are kept by triggers
#: (migrations/versions/r0009_*), so nobody writes there, and what comes to none may stay, as 0.
people_counts: Final = Table(
    "people_counts",
    metadata,
    Column("tenant", sa.String, primary_key=True),
    Column("licence", sa.String, primary_key=True),
    Column("count", sa.BigInteger, nullable=False),
)

#: Who has more than one local number with SMS on.
people_with_several: Final = Table(
    "people_with_several",
    metadata,
    Column("tenant", sa.String, primary_key=True),
    Column("user", sa.String, primary_key=True),
)

#: How many numbers of a block stand on the SMS page and have no assignment.
unassigned_counts: Final = Table(
    "unassigned_counts",
    metadata,
    Column("tenant", sa.String, primary_key=True),
    #: The first ten signs of its numbers: a hundred of them, such as +120255501.
    Column("block", sa.String, primary_key=True),
    Column("count", sa.BigInteger, nullable=False),
)

#: How many numbers there are of each kind: kept by triggers on numbers and assignments (migrations/versions/r0008_*),
#: whoever writes those, so nobody writes here. What comes to none may stay, as 0.
number_counts: Final = Table(
    "number_counts",
    metadata,
    Column("tenant", sa.String, primary_key=True),
    #: Of the assignment, with its state; "" of a number that has none.
    Column("campaign", sa.String, primary_key=True, index=True),
    Column("state", sa.String, primary_key=True),
    Column("sms", sa.String, primary_key=True),
    Column("kind", sa.String, primary_key=True),
    #: user: somebody has it; pool: nobody.
    Column("owner", sa.String, primary_key=True),
    #: here, or left.
    Column("place", sa.String, primary_key=True),
    #: sms: it stands on the SMS page by itself; "" of one that does for its assignment, or does not.
    Column("page", sa.String, primary_key=True),
    Column("count", sa.BigInteger, nullable=False),
)
