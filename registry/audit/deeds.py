"""Changes of what is no record, in the audit's chain beside those of records: whose they are, and who made them.

Logins, a company's address for notices, decisions about drift, erasures, planned ends of keys and visits of the
provider's people are rows of their own (work_tables.py, the ledger), whose writers call this where they change them.

Nothing secret is ever among the fields: no password's hash, no secret of a hook or an invitation.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.audit import chain

LOGINS: Final = "logins"
HOOKS: Final = "notice_hooks"
DRIFT: Final = "drift"
ERASURES: Final = "erasures"
VISITS: Final = "visits"
KEY_ENDS: Final = "key_retirements"

#: What there is of something; None: nothing.
Fields = Mapping[str, Any]


async def note(
    connection: AsyncConnection,
    kind: str,
    key: tuple[str, ...],
    *,
    at: datetime,
    actor: str,
    tenant: str | None,
    before: Fields | None = None,
    after: Fields | None = None,
) -> None:
    """Write that something became what it is after; nothing where it was that before.

    connection is one of Database.writing(). kind: one of the above.
    """
    if before == after:
        return
    action = "created" if before is None else "removed" if after is None else "changed"
    name = orjson.dumps(key).decode()
    entry = chain.Entry(at, actor, action, kind, name, _json(before), _json(after), tenant)
    head, rows = chain.linked(await chain.read_head(connection), [entry])
    await chain.append(connection, head, rows)


def _json(fields: Fields | None) -> str | None:
    return None if fields is None else orjson.dumps(fields, option=orjson.OPT_UTC_Z).decode()
