"""What the console's benchmark looks at: one company after years, with 100,000 numbers and all that comes with them.

Rows are written as they are, past the flows; the audit's are a chain that is in order. In every list something is rare:
a few numbers of each state, kind and owner among very many others, so that a page that looks for it has far to go.
"""

import itertools
import random
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from registry import many
from registry.audit import chain
from registry.database import Database
from registry.ledger.bulk import insert
from registry.ledger.database import LedgerDatabase
from registry.ledger.tables import decisions, messages, tallies, texts
from registry.records import Assignment, Number
from registry.settings import Settings
from registry.tables import (
    api_keys,
    applications,
    assignments,
    campaigns,
    numbers,
    opt_outs,
    requests,
    users,
)
from registry.work_tables import drift
from tests.registry.builders import a_campaign, a_number, a_user, an_assignment
from tests.registry.ledger.journal import record

#: How the numbers are shared out to campaigns.
SHAPES = {
    "pool": "all in one campaign with a number pool",
    "few": "49 in the campaign, all others in the inventory",
    "many": "a campaign for every 49 of them",
}
FULL = 49
AUDITED = 100_000
SENT = 200_000
OPTED_OUT = 20_000
ASKED_ADMIN = 600
DRIFTED = 3_000
KEYS = 2_000
FORMS = 300
AT_ONCE = 5_000
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_REASONS = ("ok_registered", "ok_internal_im", "did_unassigned", "recipient_opted_out", "campaign_pending")


class Filled(NamedTuple):
    """What is there to be asked for besides the pages of every company."""

    more: list[str]


def did_of(place: int) -> str:
    """Return the number at a place."""
    return f"+1303{2_000_000 + place:07}"


def _row(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


def _number(shape: str, place: int, count: int) -> tuple[Number, Assignment | None]:
    """Return a number and its assignment; near the end of the list a few are unlike all others."""
    did, odd = did_of(place), count - place
    campaign = f"CB{place // FULL:05}" if shape == "many" else "CACME"
    is_first = place % 2 == 0
    number = a_number(did, user=f"p{place // 2}", sms="enabled" if is_first else "superseded", sms_page=True)
    link: Assignment | None = an_assignment(did, campaign_id=campaign)
    fields: dict[str, Any] = {}
    if shape == "few" and place >= FULL:
        number, link = a_number(did, user=f"p{place // 2}", sms="disabled", sms_page=False, sms_enabled_at=None), None
    match odd:
        case 1 | 2 | 3:
            state = ("failed", "pending", "removing")[odd - 1]
            link = an_assignment(did, campaign_id=campaign, state=state, since=datetime.now(UTC))
        case 4 | 5:
            fields, link = {"kind": "toll_free", "toll_free_verification": "pending", "user": None}, None
        case 6 | 7:
            fields, link = {"user": None, "sms": "disabled"}, None
        case 8:
            fields, link = {"sms": "enabled", "sms_page": True}, None
        case _:
            pass
    return (a_number(**_row(number) | fields) if fields else number), link


async def fill(settings: Settings, database: Database, shape: str, count: int) -> Filled:
    """Write everything."""
    pick = random.Random(7)
    await _people_and_numbers(database, shape, count)
    await _audit(database, count)
    await _rest(database, pick, count)
    async with LedgerDatabase.made(settings) as ledger:
        shown = await _sent(ledger, pick, count)
    for url in (settings.database_url, settings.ledger_url):
        if url:
            await _as_autovacuum_would(url)
    last, first = did_of(count - 1), did_of(0)
    return Filled(
        [
            *(f"/phone-system/users/{name}" for name in ("p0", f"p{count // 2 - 1}")),
            *(f"/phone-system/numbers/{quote(did)}" for did in (first, last)),
            *(f"/phone-system/sms?{query}" for query in _of_sms(last)),
            *(f"/phone-system/numbers?{query}" for query in _of_numbers(last)),
            *(
                f"/phone-system/users?{query}"
                for query in (f"search=Person {count // 2 - 1:06}", "search=zzz", "role=admin")
            ),
            *(f"/audit?{query}" for query in _of_audit(last)),
            *(
                f"/messages/log?{query}"
                for query in ("user=p0", "status=failed", "channel=im&verdict=defer", "verdict=flag")
            ),
            *(f"/messages/log/{name}" for name in shown),
            f"/messages/opt-outs?number={quote('+16465550000')}",
            *(
                "/drift?state=healed",
                "/drift?kind=provisioning_stuck",
                "/keys?ended=1",
                "/registration/campaigns?status=rejected",
            ),
            f"/preflight?from={quote(last)}&to={quote('+16465550151')}",
            "/registration/applications/A00000",
            "/requests?cursor=",
        ]
    )


def _of_sms(last: str) -> Iterator[str]:
    for state in ("none", "pending", "assigned", "failed", "removing"):
        yield f"assignment={state}"
    yield "campaign=CACME"
    yield f"prefix={quote(last[:-1])}"


def _of_numbers(last: str) -> Iterator[str]:
    yield from (
        "kind=toll_free",
        "kind=service",
        "sms=disabled",
        "sms=enabled",
        "pool=yes",
        "kind=toll_free&sms=enabled",
    )
    yield f"prefix={quote(last[:-1])}"


def _of_audit(last: str) -> Iterator[str]:
    yield from ("kind=campaigns", "kind=numbers", "actor=key:rare", "actor=import", "kind=campaigns&actor=import")
    yield f"kind=numbers&object={quote(last)}"
    yield f"object={quote(did_of(0))}"
    yield "since=2020-01-01T00:00&until=2020-02-01T00:00"
    yield "since=2020-01-01T00:00"


async def _people_and_numbers(database: Database, shape: str, count: int) -> None:
    more = [a_campaign(f"CB{place:05}") for place in range(-(-count // FULL))] if shape == "many" else []
    async with database.writing() as connection:
        if shape == "pool":
            await connection.execute(
                sa.update(campaigns).where(campaigns.c.id == "CACME").values(number_pool="approved")
            )
        if more:
            await connection.execute(sa.insert(campaigns), [_row(one) for one in more])
    for first in range(0, count, AT_ONCE):
        places = range(first, min(count, first + AT_ONCE))
        people = [a_user(f"p{one // 2}", name=f"Person {one // 2:06}") for one in places if one % 2 == 0]
        owned = [_number(shape, one, count) for one in places]
        async with database.writing() as connection:
            links = [link for _, link in owned if link is not None]
            for table, records in ((users, people), (numbers, [one for one, _ in owned]), (assignments, links)):
                rows = [_row(one) for one in records]
                await many.insert(
                    connection, table, list(rows[0]) if rows else [], [tuple(one.values()) for one in rows]
                )


async def _audit(database: Database, count: int) -> None:
    """Write what the company's numbers went through, with some changes of other things in between."""
    began = datetime.now(UTC) - timedelta(days=500)
    for first in range(0, AUDITED, AT_ONCE):
        entries = []
        for place in range(first, first + AT_ONCE):
            number = a_number(did_of(place % count), user=f"p{place // 2}")
            kind, actor = "numbers", "import" if place % 2 else f"user:p{place % 500}"
            if place % 20_000 == 0:
                kind, actor = "campaigns", "key:rare"
            entries.append(
                chain.Entry(
                    began + timedelta(minutes=7 * place),
                    *(actor, "changed", kind),
                    orjson.dumps(["CACME" if kind == "campaigns" else number.did]).decode(),
                    orjson.dumps(_row(number) | {"sms": "disabled"}, option=orjson.OPT_UTC_Z).decode(),
                    orjson.dumps(_row(number), option=orjson.OPT_UTC_Z).decode(),
                    "acme",
                )
            )
        async with database.writing() as connection:
            head, rows = chain.linked(await chain.read_head(connection), entries)
            await chain.append(connection, head, rows)


async def _rest(database: Database, pick: random.Random, count: int) -> None:
    """Write opt-outs, requests, drift, keys and forms."""
    now = datetime.now(UTC)
    async with database.writing() as connection:
        await connection.execute(
            sa.insert(opt_outs),
            [
                {
                    "tenant": "acme",
                    "recipient": f"+1646{5_550_000 + one:07}",
                    "at": now,
                    "keyword": "stop",
                    "number": None,
                }
                for one in range(OPTED_OUT)
            ],
        )
        await connection.execute(sa.insert(requests), [_request(one, now, pick, count) for one in range(ASKED_ADMIN)])
        await connection.execute(sa.insert(drift), [_drift(one, now) for one in range(DRIFTED)])
        await connection.execute(sa.insert(api_keys), [_key(one, now) for one in range(KEYS)])
        await connection.execute(sa.insert(applications), [_form(one, now) for one in range(FORMS)])


def _request(place: int, now: datetime, pick: random.Random, count: int) -> Mapping[str, Any]:
    number = pick.randrange(count // 2) * 2
    closed = place % 2 == 1
    return {
        "id": f"r-{place:012x}00000000",
        "tenant": "acme",
        "user": f"p{number // 2}",
        "did": did_of(number),
        "recipient": f"+1646555{place:04}",
        "reason": "did_unassigned",
        "note": "Please.",
        "state": "dismissed" if closed else "open",
        "opened_at": now,
        "closed_at": now if closed else None,
        "closed_by": "user:ada" if closed else None,
        "answer": "No." if closed else "",
    }


def _drift(place: int, now: datetime) -> Mapping[str, Any]:
    return {
        "kind": "shown_not_effective",
        "object": f"number:{did_of(place)}",
        "tenant": "acme",
        "detail": "carriers do not see it",
        "found_at": now,
        "seen_at": now,
        "state": "open" if place % 3 else "healed",
        "decided_by": None,
        "decided_at": None,
    }


def _key(place: int, now: datetime) -> Mapping[str, Any]:
    return {
        "id": f"k{place:06}",
        "sha256": f"{place:064x}" if place % 2 else "",
        "tenant": "acme",
        "user": None if place % 2 else f"p{place}",
        "scopes": ("send",),
        "label": f"Program {place}",
        "revoked_at": now if place % 3 == 0 else None,
        "created_at": now,
    }


def _form(place: int, now: datetime) -> Mapping[str, Any]:
    return {
        "id": f"A{place:05}",
        "tenant": "acme",
        "kind": "campaign",
        "state": "draft" if place < 20 else "withdrawn",
        "fields": orjson.dumps({"use_case": "low_volume", "description": "x" * 400}).decode(),
        "brand_id": "BACME",
        "object_id": None,
        "faults": (),
        "created_at": now,
        "created_by": "user:ada",
        "submitted_at": None,
    }


async def _sent(ledger: LedgerDatabase, pick: random.Random, count: int) -> list[str]:
    """Write what the company sent in a month, and what was decided by the hour; gives ids of messages to look at."""
    now_ms = int(time.time() * 1000)
    step, names = 30 * _DAY_MS // SENT, []
    said = record().decode()
    for first in range(0, SENT, AT_ONCE):
        rows = [_message(pick, one, now_ms - (SENT - one) * step, count) for one in range(first, first + AT_ONCE)]
        names = [str(row[0]) for row in rows]
        async with ledger.writing() as connection:
            await insert(connection, messages, rows)
            await insert(connection, texts, [(row[0], row[2], 0, "On our way", None) for row in rows])
            await insert(connection, decisions, [(row[0], row[2], said) for row in rows])
    hours = range(now_ms // _HOUR_MS - 30 * 24, now_ms // _HOUR_MS + 1)
    kinds = itertools.product(hours, ("im", "sms", "mms"), ("allow", "block"), _REASONS)
    counted = [("acme", hour * _HOUR_MS, *kind, 1 + pick.randrange(9)) for hour, *kind in kinds]
    async with ledger.writing() as connection:
        await insert(connection, tallies, counted)
    return names[-1:]


def _message(pick: random.Random, place: int, at_ms: int, count: int) -> tuple[Any, ...]:
    number = pick.randrange(count // 2) * 2
    ways = (("allow", "ok_registered"), ("block", "did_unassigned"), ("flag", "destination_landline"))
    verdict, reason = pick.choices(ways, (980, 15, 5))[0]
    status = "refused" if verdict == "block" else pick.choices(("delivered", "failed"), (998, 2))[0]
    return (
        *(f"{place % 4}-{at_ms}-{place}-0", "acme", at_ms, f"p{number // 2}", pick.choice(("sms", "mms")), "app"),
        *(did_of(number), f"+1646555{pick.randrange(10_000):04}", "p2p", "message", verdict, reason),
        *("CACME", 1, "gsm7", 1, "[]", None, 0, at_ms + 14_400_000, status, at_ms + 900, 4, 1, 0),
        *(int(status == "refused"), None),
    )


async def _as_autovacuum_would(url: str) -> None:
    """Have PostgreSQL look at its tables, which a server of tests does not do by itself."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.exec_driver_sql("VACUUM ANALYZE")
    await engine.dispose()
