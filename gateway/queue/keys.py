"""The keys of the queue store and the ids that are made of them.

Everything about one message is in the slot {q:k}; functions/ builds the keys below it. What is beside the messages
has slots of its own: {u:...} a user's inbox, {o:...} a tenant's opt-outs, {orphans}, {media}.

Not here: what the keys hold (functions/call.lua says that at its head).
"""

import re
from binascii import crc_hqx
from typing import Final

#: How many partitions there are, written at the first start and never changed.
PARTITIONS: Final = "a2p:partitions"
#: Slot and common beginning of what came to numbers that nobody owns; its inbox is a stream like any other.
ORPHANS: Final = "{orphans}"
#: How far older opt-outs have come into the lists of them: a hash (opt_out_index.py).
OPT_OUTS_INDEXED: Final = "a2p:opt-outs-indexed"
#: Where opt-outs are, of whatever tenant: a pattern.
ANY_OPT_OUT: Final = "{o:*}:+*"
#: The lane of submitted messages whose receipt may not come.
RECEIPT_LANE: Final = "receipt"

_MESSAGE_ID = re.compile(r"(0|[1-9][0-9]{0,3})-([0-9]{1,15}-[0-9]{1,15})-(?:0|[1-9][0-9]{0,5})")
_CURSOR = re.compile(r"[0-9]{1,15}-[0-9]{1,15}")
_OPT_OUT_CURSOR = re.compile(r"(-?[0-9]{1,15})-([0-9]{1,15})")
_REFUSAL_ID = re.compile(r"r-(0|[1-9][0-9]{0,3})-([0-9]{1,15}-[0-9]{1,15})")


def partition_of(tenant: str, user: str, partitions: int) -> int:
    """Say where a sending user's messages live; the same sum as a cluster's key slots."""
    return crc_hqx(f"{tenant}\0{user}".encode(), 0) % partitions


def partition_of_message(message_id: str) -> int | None:
    """Read the partition off a message id; None if it is no id of ours."""
    parts = _MESSAGE_ID.fullmatch(message_id)
    return int(parts[1]) if parts else None


def stream_position(cursor: str) -> str:
    """Return a cursor that a caller gave back; ValueError if it is none of ours."""
    if _CURSOR.fullmatch(cursor) is None:
        raise ValueError("not a cursor")
    return cursor


def entry_of(message_id: str) -> str:
    """Read off a message id which log entry holds the message, "<ms>-<seq>": what acknowledge() takes."""
    parts = _MESSAGE_ID.fullmatch(message_id)
    if parts is None:
        raise ValueError("not a message id")
    return parts[2]


def place_of_refusal(refusal_id: str) -> tuple[int, str] | None:
    """Read partition and journal entry off a refusal id; None if it is no id of ours."""
    parts = _REFUSAL_ID.fullmatch(refusal_id)
    return (int(parts[1]), parts[2]) if parts else None


def base(partition: int) -> str:
    """Slot and common beginning of a partition's keys."""
    return f"{{q:{partition}}}"


def journal(partition: int) -> str:
    """Key of a partition's journal, a stream."""
    return f"{{q:{partition}}}:events"


def user(tenant: str, user_id: str) -> str:
    """Slot and common beginning of a user's inbox keys."""
    return f"{{u:{tenant}:{user_id}}}"


def inbox(tenant: str, user_id: str) -> str:
    """Key of a user's inbox, a stream."""
    return f"{{u:{tenant}:{user_id}}}:inbox"


def opt_out(tenant: str, recipient: str) -> str:
    """Key of one opt-out, a hash; recipient is E.164."""
    return f"{{o:{tenant}}}:{recipient}"


def opt_outs(tenant: str, standing: str) -> str:
    """Key of a list of a tenant's opt-outs, a sorted set: out, suspected or lifted."""
    return f"{{o:{tenant}}}:{standing}"


def cursor_of_opt_out(at_ms: int, recipient: str) -> str:
    """Return the cursor of a place in such a list; recipient is E.164."""
    return f"{at_ms}-{recipient.removeprefix('+')}"


def place_of_opt_out(cursor: str) -> tuple[str, str]:
    """Read instant and recipient off a cursor that a caller gave back; ValueError if it is none of ours."""
    parts = _OPT_OUT_CURSOR.fullmatch(cursor)
    if parts is None:
        raise ValueError("not a cursor")
    return parts[1], f"+{parts[2]}"


def media(media_id: str) -> str:
    """Key of an attachment, a hash."""
    return f"{{media}}:{media_id}"
