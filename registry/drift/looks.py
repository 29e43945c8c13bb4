"""The looks of a sweep: each takes some objects behind a place, compares, heals, notes, and says where to go on.

What is found is noted as it was found, and healed in the same transaction; the next turn finds it gone, and says so. A
look outside is always before the transaction: nobody waits for the writers' lock while an aggregator thinks. What
somebody changed meanwhile is left for the next turn, and so is what a side would not speak of (asking.py).

Not here: the order of the looks (sweep.py), and those at brands and campaigns (at_tcr.py).
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final

import orjson
import sqlalchemy as sa
import structlog

from registry import many
from registry.commands import find
from registry.database import Database
from registry.documents import KINDS
from registry.drift import aggregator, copies, ours
from registry.drift.asking import Asking, UnansweredError, patiently
from registry.drift.book import note, objects_open
from registry.drift.classes import CLASSES, Drift
from registry.drift.healing import ACTOR, heal_number
from registry.drift.ours import Whole
from registry.drift.reading import page, records, wholes, wholes_again
from registry.drift.sides import AggregatorSide, Rules, Sides
from registry.flows.desk import Desk
from registry.provisioning.client import Shown
from registry.records import Number, User
from registry.tables import numbers, users

#: Objects a look: of those that are asked about outside, and of those that only rows are read for.
FEW: Final = 20
MANY: Final = 500
_RECENT: Final = 1_000

log = structlog.get_logger()


def tell(new: Sequence[Drift]) -> None:
    """Log what is worth a page, by its class: nothing of an object."""
    for one in new:
        if CLASSES[one.kind].page:
            log.error("drift_found", kind=one.kind)


class Looks:
    """The looks at numbers, people and the store, over the same sides."""

    def __init__(self, database: Database, sides: Sides, rules: Rules) -> None:
        self._database = database
        self._sides = sides
        self._rules = rules

    async def recent_numbers(self, after: str, now: datetime) -> str | None:
        """Look at numbers that sent of late, the last one first."""
        if self._sides.senders is None:
            return None
        start = int(after or 0)
        dids = (await self._sides.senders.recent(_RECENT))[start : start + FEW]
        async with self._database.reading() as connection:
            found = await find(connection, Number, {(did,) for did in dids})
            some = await wholes(connection, [found[did,] for did in dids if (did,) in found])
        await self._look_at(some, now)
        return str(start + FEW) if len(dids) == FEW else None

    async def numbers(self, after: str, now: datetime) -> str | None:
        """Look at all numbers, those that left among them."""
        size = MANY if self._sides.aggregator is None else FEW
        async with self._database.reading() as connection:
            found = await page(connection, Number, numbers.c.did, after, size)
            some = await wholes(connection, found)
        await self._look_at(some, now)
        return found[-1].did if found else None

    async def strangers(self, after: str, now: datetime) -> str | None:
        """Look at what the aggregator has besides."""
        if self._sides.aggregator is None:
            return None
        theirs = await patiently(partial(self._sides.aggregator.changed, after=int(after or 0)))
        async with self._database.reading() as connection:
            known = await find(connection, Number, {(shown.did,) for shown in theirs.numbers})
        strangers = [shown for shown in theirs.numbers if (shown.did,) not in known]
        async with self._database.writing() as connection:
            found = [one for shown in strangers for one in aggregator.stranger(shown)]
            objects = [f"number:{shown.did}" for shown in theirs.numbers]
            tell(await note(connection, objects, aggregator.OF_STRANGERS, found, now))
        return str(theirs.next) if theirs.more else None

    async def people(self, after: str, now: datetime) -> str | None:
        """Look at people."""
        async with self._database.writing() as connection:
            found = await page(connection, User, users.c.id, after, MANY)
            on = await records(
                connection,
                Number,
                many.among(connection, [numbers.c.user], [(user.id,) for user in found]),
                numbers.c.sms == "enabled",
            )
            theirs: dict[str, list[Number]] = {}
            for number in on:
                theirs.setdefault(str(number.user), []).append(number)
            drift = [one for user in found for one in ours.of_person(user, theirs.get(user.id, []))]
            objects = [f"user:{user.id}" for user in found]
            tell(await note(connection, objects, ours.OF_PEOPLE, drift, now))
        return found[-1].id if found else None

    async def documents(self, after: str, now: datetime) -> str | None:
        """Look whether the store has the documents of our rows: by kind, and by what names a document in it."""
        if self._sides.store is None:
            return None
        place, *key = orjson.loads(after) if after else [0]
        kind = KINDS[place]
        query = kind.rows.with_only_columns(*kind.id, maintain_column_froms=True).order_by(*kind.id).limit(MANY)
        if key:
            query = query.where(sa.tuple_(*kind.id) > sa.tuple_(*(sa.literal(part) for part in key)))
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        await self._compare([kind.key(*row) for row in rows], now)
        if len(rows) == MANY:
            return orjson.dumps([place, *rows[-1]]).decode()
        return orjson.dumps([place + 1]).decode() if place + 1 < len(KINDS) else None

    async def extra_documents(self, after: str, now: datetime) -> str | None:
        """Look whether the store has documents that no row gives; first at those that were listed, and may be gone."""
        if self._sides.store is None:
            return None
        if not after:
            async with self._database.reading() as connection:
                listed = await objects_open(connection, copies.OF_DOCUMENTS)
            keys = [key for name in listed if (key := copies.key_of(name)) is not None]
            for start in range(0, len(keys), MANY):
                await self._compare(keys[start : start + MANY], now)
        following, names = await self._sides.store.names(int(after or 0), MANY)
        await self._compare([name for name in names if copies.is_document(name)], now)
        return str(following) if following else None

    async def _look_at(self, some: Sequence[Whole], now: datetime) -> None:
        """Look at numbers, here and at the aggregator; heal and note what is found."""
        if not some:
            return
        found = {whole.name: list(ours.of_number(whole, self._rules, now)) for whole in some}
        there = {}
        if self._sides.aggregator is not None:
            there = await self._at_aggregator(self._sides.aggregator, some, now)
        async with self._database.writing() as connection:
            same = await wholes_again(connection, some)
            for whole in same:
                shown, differs = there.get(whole.name, (None, []))
                found[whole.name] += differs
                desk = Desk(
                    connection=connection,
                    tenant=whole.number.tenant,
                    actor=ACTOR,
                    now=now,
                    limits=self._rules.limits,
                )
                await heal_number(desk, whole, found[whole.name], None if shown is None else shown.holds)
            for names, kinds in (
                ([whole.name for whole in same if whole.name in there], ours.OF_NUMBERS + aggregator.OF_NUMBERS),
                ([whole.name for whole in same if whole.name not in there], ours.OF_NUMBERS),
            ):
                drift = [one for name in names for one in found[name]]
                tell(await note(connection, names, kinds, drift, now))

    async def _at_aggregator(
        self, side: AggregatorSide, some: Sequence[Whole], now: datetime
    ) -> dict[str, tuple[Shown | None, list[Drift]]]:
        """Return what the aggregator shows of numbers, and how it differs; not of those it will not speak of."""
        asking, there = Asking(), {}
        for whole in some:
            did = whole.number.did
            with suppress(UnansweredError):
                shown = await asking.ask(partial(side.read, did))
                differs = list(aggregator.compared(whole, shown))
                if not differs and aggregator.worth_looking_up(whole, shown, self._rules, now):
                    differs = list(aggregator.seen(whole, await asking.ask(partial(side.look_up, did))))
                there[whole.name] = (shown, differs)
        asking.finish()
        return there

    async def _compare(self, keys: Sequence[str], now: datetime) -> None:
        """Compare documents; written again and noted is what differs. A store that is behind is looked at next time."""
        if self._sides.store is None or not keys:
            return
        wrong = await copies.compare(self._database, self._sides.store, keys)
        if wrong is None:
            return
        async with self._database.writing() as connection:
            await copies.heal(connection, wrong, now)
            objects = [copies.object_of(key) for key in keys]
            tell(await note(connection, objects, copies.OF_DOCUMENTS, [one.drift for one in wrong], now))
