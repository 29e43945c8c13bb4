"""The looks of a sweep: each takes some objects behind a place, compares, heals, notes, and says where to go on.

What is found is noted as it was found, and healed in the same transaction; the next turn finds it gone, and says so. A
look outside is always before the transaction: nobody waits for the writers' lock while an aggregator thinks.

Not here: the order of the looks (sweep.py).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import orjson
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.commands import find
from registry.database import Database
from registry.documents import KINDS
from registry.drift import aggregator, copies, ours, registered
from registry.drift.book import note, objects_open
from registry.drift.classes import CLASSES, Drift
from registry.drift.healing import ACTOR, heal_number
from registry.drift.ours import Whole
from registry.drift.sides import Rules, Sides
from registry.flows.desk import Desk
from registry.provisioning.client import Shown
from registry.records import Assignment, Brand, Campaign, Number, Record, User
from registry.tables import TABLES, assignments, brands, campaigns, numbers, users
from registry.tcr.errors import TcrNotFoundError
from registry.tcr.values import Operations, Sharing, TcrBrand, TcrCampaign
from registry.work_tables import provisioning_jobs

R = TypeVar("R", bound=Record)

#: Objects a look: of those that are asked about outside, and of those that only rows are read for.
_FEW: Final = 20
_MANY: Final = 500
_RECENT: Final = 1_000
_HOLDING: Final = ("pending", "assigned", "removing")

log = structlog.get_logger()


class Looks:
    """All looks, over the same sides."""

    def __init__(self, database: Database, sides: Sides, rules: Rules) -> None:
        self._database = database
        self._sides = sides
        self._rules = rules

    async def recent_numbers(self, after: str, now: datetime) -> str | None:
        """Look at numbers that sent of late, the last one first."""
        if self._sides.senders is None:
            return None
        start = int(after or 0)
        dids = (await self._sides.senders.recent(_RECENT))[start : start + _FEW]
        async with self._database.reading() as connection:
            found = await find(connection, Number, {(did,) for did in dids})
            wholes = await _wholes(connection, [found[did,] for did in dids if (did,) in found])
        await self._look_at(wholes, now)
        return str(start + _FEW) if len(dids) == _FEW else None

    async def numbers(self, after: str, now: datetime) -> str | None:
        """Look at all numbers, those that left among them."""
        size = _MANY if self._sides.aggregator is None else _FEW
        async with self._database.reading() as connection:
            found = await _page(connection, Number, numbers.c.did, after, size)
            wholes = await _wholes(connection, found)
        await self._look_at(wholes, now)
        return found[-1].did if found else None

    async def strangers(self, after: str, now: datetime) -> str | None:
        """Look at what the aggregator has besides."""
        if self._sides.aggregator is None:
            return None
        page = await self._sides.aggregator.changed(after=int(after or 0))
        async with self._database.reading() as connection:
            known = await find(connection, Number, {(shown.did,) for shown in page.numbers})
        strangers = [shown for shown in page.numbers if (shown.did,) not in known]
        async with self._database.writing() as connection:
            found = [one for shown in strangers for one in aggregator.stranger(shown)]
            objects = [f"number:{shown.did}" for shown in page.numbers]
            self._tell(await note(connection, objects, aggregator.OF_STRANGERS, found, now))
        return str(page.next) if page.more else None

    async def people(self, after: str, now: datetime) -> str | None:
        """Look at people."""
        async with self._database.writing() as connection:
            found = await _page(connection, User, users.c.id, after, _MANY)
            on = await _all(
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
            self._tell(await note(connection, objects, ours.OF_PEOPLE, drift, now))
        return found[-1].id if found else None

    async def campaigns(self, after: str, now: datetime) -> str | None:
        """Look at campaigns; where TCR says otherwise, its answer is applied, and compared once more."""
        async with self._database.reading() as connection:
            found = await _page(connection, Campaign, campaigns.c.id, after, self._size(self._sides.tcr))
            owners = await find(connection, Brand, {(one.brand_id,) for one in found})
        tenants = {one.id: owners[one.brand_id,].tenant for one in found}
        answers = {one.id: await self._campaign_at_tcr(one.id) for one in found} if self._sides.tcr else {}

        def differing(rows: Iterable[Campaign]) -> list[Drift]:
            return [
                drift
                for one in rows
                if one.id in answers
                for drift in registered.of_campaign(one, tenants[one.id], *answers[one.id])
            ]

        objects = [f"campaign:{one.id}" for one in found]
        if answers:
            differ = differing(found)
            async with self._database.writing() as connection:
                self._tell(await note(connection, objects, registered.OF_CAMPAIGNS, differ, now))
            await self._catch_up(differ)
        async with self._database.writing() as connection:
            rows = list((await find(connection, Campaign, {(one.id,) for one in found})).values())
            held = await _held(connection, rows)
            drift = [one for row in rows for one in ours.of_campaign(row, tenants[row.id], held[row.id], self._rules)]
            self._tell(await note(connection, objects, ours.OF_CAMPAIGNS, drift, now))
            if answers:
                await note(connection, objects, registered.OF_CAMPAIGNS, differing(rows), now)
        return found[-1].id if found else None

    async def brands(self, after: str, now: datetime) -> str | None:
        """Look at brands, in the same way."""
        async with self._database.reading() as connection:
            found = await _page(connection, Brand, brands.c.id, after, self._size(self._sides.tcr))
        answers = {one.id: await self._brand_at_tcr(one.id) for one in found} if self._sides.tcr else {}

        def differing(rows: Iterable[Brand]) -> list[Drift]:
            return [drift for one in rows if one.id in answers for drift in registered.of_brand(one, answers[one.id])]

        objects = [f"brand:{one.id}" for one in found]
        if answers:
            differ = differing(found)
            async with self._database.writing() as connection:
                self._tell(await note(connection, objects, registered.OF_BRANDS, differ, now))
            await self._catch_up(differ)
        async with self._database.writing() as connection:
            rows = list((await find(connection, Brand, {(one.id,) for one in found})).values())
            drift = [one for row in rows for one in ours.of_brand(row)]
            self._tell(await note(connection, objects, ours.OF_BRANDS, drift, now))
            if answers:
                await note(connection, objects, registered.OF_BRANDS, differing(rows), now)
        return found[-1].id if found else None

    async def documents(self, after: str, now: datetime) -> str | None:
        """Look whether the store has the documents of our rows: by kind, and by what names a document in it."""
        if self._sides.store is None:
            return None
        place, *key = orjson.loads(after) if after else [0]
        kind = KINDS[place]
        query = kind.rows.with_only_columns(*kind.id, maintain_column_froms=True).order_by(*kind.id).limit(_MANY)
        if key:
            query = query.where(sa.tuple_(*kind.id) > sa.tuple_(*(sa.literal(part) for part in key)))
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        await self._compare([kind.key(*row) for row in rows], now)
        if len(rows) == _MANY:
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
            for start in range(0, len(keys), _MANY):
                await self._compare(keys[start : start + _MANY], now)
        following, names = await self._sides.store.names(int(after or 0), _MANY)
        await self._compare([name for name in names if copies.is_document(name)], now)
        return str(following) if following else None

    async def _look_at(self, wholes: Sequence[Whole], now: datetime) -> None:
        """Look at numbers, here and at the aggregator; heal and note what is found."""
        for_these = list(ours.OF_NUMBERS)
        shown: dict[str, Shown | None] = {}
        found: dict[str, list[Drift]] = {whole.name: list(ours.of_number(whole, self._rules, now)) for whole in wholes}
        if self._sides.aggregator is not None:
            for_these += aggregator.OF_NUMBERS
            for whole in wholes:
                shown[whole.name] = await self._sides.aggregator.read(whole.number.did)
                found[whole.name] += await self._at_aggregator(whole, shown[whole.name], now)
        if not wholes:
            return
        async with self._database.writing() as connection:
            for whole in wholes:
                desk = Desk(
                    connection=connection,
                    tenant=whole.number.tenant,
                    actor=ACTOR,
                    now=now,
                    limits=self._rules.limits,
                )
                there = shown.get(whole.name)
                await heal_number(desk, whole, found[whole.name], None if there is None else there.holds)
            drift = [one for each in found.values() for one in each]
            self._tell(await note(connection, list(found), for_these, drift, now))

    async def _at_aggregator(self, whole: Whole, shown: Shown | None, now: datetime) -> list[Drift]:
        found = list(aggregator.compared(whole, shown))
        side = self._sides.aggregator
        if side is not None and not found and aggregator.worth_looking_up(whole, shown, self._rules, now):
            found += aggregator.seen(whole, await side.look_up(whole.number.did))
        return found

    async def _campaign_at_tcr(self, name: str) -> tuple[TcrCampaign | None, Sharing | None, Operations | None]:
        tcr = self._sides.tcr
        if tcr is None:
            raise ValueError("there is no TCR to ask")
        try:
            found = await tcr.campaign(name)
            return found, await tcr.sharing(name), await tcr.operations(name)
        except TcrNotFoundError:
            return None, None, None

    async def _brand_at_tcr(self, name: str) -> TcrBrand | None:
        if self._sides.tcr is None:
            raise ValueError("there is no TCR to ask")
        try:
            return await self._sides.tcr.brand(name)
        except TcrNotFoundError:
            return None

    async def _catch_up(self, differ: Iterable[Drift]) -> None:
        """Have those follow that TCR has otherwise."""
        if self._sides.catch_up is not None:
            for name in sorted({one.object for one in differ}):
                await self._sides.catch_up(name)

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
            self._tell(await note(connection, objects, copies.OF_DOCUMENTS, [one.drift for one in wrong], now))

    @staticmethod
    def _size(side: object | None) -> int:
        return _MANY if side is None else _FEW

    def _tell(self, new: Sequence[Drift]) -> None:
        """Log what is worth a page, by its class: nothing of an object."""
        for one in new:
            if CLASSES[one.kind].page:
                log.error("drift_found", kind=one.kind)


async def _page(
    connection: AsyncConnection, kind: type[R], key: sa.ColumnElement[str], after: str, most: int
) -> list[R]:
    """Return the records behind a key, in its order."""
    return await _all(connection, kind, key > after, most=most)


async def _all(
    connection: AsyncConnection, kind: type[R], *where: sa.ColumnElement[bool], most: int | None = None
) -> list[R]:
    table = TABLES[kind]
    query = sa.select(table).where(*where).order_by(*table.primary_key.columns).limit(most)
    names = [column.name for column in table.columns]
    return [kind(**dict(zip(names, row, strict=True))) for row in await connection.execute(query)]


async def _wholes(connection: AsyncConnection, found: Sequence[Number]) -> list[Whole]:
    """Return numbers with all that they point at."""
    keys = {(number.did,) for number in found}
    links = await find(connection, Assignment, keys)
    people = await find(connection, User, {(number.user,) for number in found if number.user is not None})
    named = {(link.campaign_id,) for link in links.values() if link.campaign_id is not None}
    campaign_of = await find(connection, Campaign, named)
    brand_of = await find(connection, Brand, {(one.brand_id,) for one in campaign_of.values()})
    jobs = provisioning_jobs.c.did
    working = set((await connection.execute(sa.select(jobs).where(many.among(connection, [jobs], keys)))).scalars())
    wholes = []
    for number in found:
        link = links.get((number.did,))
        campaign = None if link is None else campaign_of.get((link.campaign_id or "",))
        wholes.append(
            Whole(
                number=number,
                link=link,
                user=people.get((number.user or "",)),
                campaign=campaign,
                brand=None if campaign is None else brand_of.get((campaign.brand_id,)),
                job=number.did in working,
            )
        )
    return wholes


async def _held(connection: AsyncConnection, found: Sequence[Campaign]) -> Counter[str]:
    """Count the numbers that campaigns hold."""
    name = assignments.c.campaign_id
    rows = await connection.execute(
        sa.select(name, sa.func.count())
        .where(many.among(connection, [name], [(one.id,) for one in found]), assignments.c.state.in_(_HOLDING))
        .group_by(name)
    )
    return Counter({row[0]: row[1] for row in rows})
