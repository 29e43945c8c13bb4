"""How the platform's own work stands, for the provider's people: what SQL has, and which jobs wait or do not get on.

Not here: the stores (registry/store.py, registry/ledger/backlog.py) and single jobs
(registry/provisioning, registry/tcr).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from apidocs.table import closed, nullable
from registry.action import Look, Query, View
from registry.counts import everywhere
from registry.projector import read_position
from registry.tables import tenants
from registry.work_tables import drift, notice_deliveries, provisioning_jobs, tcr_jobs

#: The most faults that are shown; the oldest first.
_SHOWN: Final = 10


async def _operations(look: Look, _: Mapping[str, str], __: Query) -> dict[str, Any]:
    now = datetime.now(UTC)
    position = await read_position(look.connection)
    setting_up, tcr, told = provisioning_jobs.c, tcr_jobs.c, notice_deliveries.c
    queues = {
        "provisioning": await _counted(
            look, provisioning_jobs, due=setting_up.next_at <= now, stuck=setting_up.state == "stuck"
        ),
        "tcr": await _counted(look, tcr_jobs, due=tcr.next_at <= now, stuck=tcr.fault.is_not(None)),
        "notices": await _counted(
            look, notice_deliveries, told.state == "waiting", due=told.next_at <= now, stuck=told.fault.is_not(None)
        ),
    }
    faults = [
        *await _faults(look, "provisioning", setting_up.did, setting_up.fault, setting_up.next_at, setting_up.attempts),
        *await _faults(look, "tcr", tcr.object, tcr.fault, tcr.next_at, tcr.attempts),
    ]
    count = sa.select(sa.func.count())
    return {
        "epoch": position.epoch,
        "seq": position.seq,
        "companies": await look.connection.scalar(count.select_from(tenants)),
        "numbers": await everywhere(look.connection),
        "drift": await look.connection.scalar(count.select_from(drift).where(drift.c.state == "open")),
        "jobs": [{"queue": name, **of} for name, of in queues.items()],
        "faults": faults,
    }


async def _counted(
    look: Look, table: sa.Table, *where: sa.ColumnElement[bool], **kinds: sa.ColumnElement[bool]
) -> dict[str, int]:
    """Count the rows of a table, and how many of them are of each kind."""
    of = [sa.func.coalesce(sa.func.sum(sa.case((kind, 1), else_=0)), 0) for kind in kinds.values()]
    row = (await look.connection.execute(sa.select(sa.func.count(), *of).select_from(table).where(*where))).one()
    return dict(zip(("waiting", *kinds), map(int, row), strict=True))


async def _faults(look: Look, queue: str, *columns: sa.Column[Any]) -> list[dict[str, Any]]:
    object_, fault, next_at, attempts = columns
    wanted = sa.select(object_, fault, next_at, attempts).where(fault.is_not(None)).order_by(next_at).limit(_SHOWN)
    rows = await look.connection.execute(wanted)
    return [
        {"queue": queue, "object": name, "fault": said, "next_at": at, "attempts": tries}
        for name, said, at, tries in rows
    ]


_COUNT: Final = {"type": "integer", "minimum": 0}
_TEXT: Final = {"type": "string"}
VIEWS: Final[tuple[View, ...]] = (
    View(
        "/v1/operations",
        "getOperations",
        Query,
        _operations,
        "How the platform's own work stands: the last change in SQL, and what is to be done at the aggregator, at TCR"
        " and for notices. `due` should have been done by now, `stuck` has failed at least once.",
        provider=True,
        shows=closed(
            {
                **dict.fromkeys(("epoch", "seq", "companies", "numbers", "drift"), _COUNT),
                "jobs": {
                    "type": "array",
                    "items": closed({"queue": _TEXT, "waiting": _COUNT, "due": _COUNT, "stuck": _COUNT}),
                },
                "faults": {
                    "type": "array",
                    "items": closed(
                        {
                            "queue": _TEXT,
                            "object": _TEXT,
                            "fault": _TEXT,
                            "next_at": nullable({"type": "string", "format": "date-time"}),
                            "attempts": _COUNT,
                        }
                    ),
                },
            }
        ),
    ),
)
