"""The numbers that a batch is about, with all that decides what can be done with them, in memory.

Read once a batch, and changed row by row, so that each row finds what the rows before it left: who is enabled, how full
a campaign is. What one row would change and cannot is undone by never having been entered (Draft).

Not here: what a row wishes (numbers.py), and the steps themselves (lifecycle/standing.py).
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.bulk.judged import Judged, Office, Wish
from registry.commands import Seen, find
from registry.counts import HOLDING
from registry.flows.desk import Desk
from registry.flows.numbers import chosen_campaign, registered, superseded
from registry.lifecycle.cycle import ABSENT
from registry.lifecycle.numbers import may_text
from registry.lifecycle.standing import Registered, Standing, lacking
from registry.quickly import maker, replaced
from registry.records import Assignment, Brand, Campaign, Number, User
from registry.tables import assignments, brands, campaigns, numbers

#: Makes a standing of the values in this order.
_standing: Final = maker(
    Standing,
    ("registered", "assignment", "sms", "kind", "owned", "licensed", "sms_page", "room", "others"),
)


@dataclass(slots=True, kw_only=True)
class Draft:
    """One number as one row would have it."""

    number: Number
    link: Assignment | None
    superseded: tuple[str, ...] = ()
    wish: Wish | None = None


class Books:
    """The rows that a batch may look at. Made by opened()."""

    def __init__(self, office: Office) -> None:
        self.office = office
        #: By did, whoever has them; as they are now, and as they were.
        self.numbers: dict[str, Number] = {}
        self.links: dict[str, Assignment] = {}
        #: Of the tenant, those who left among them.
        self.users: dict[str, User] = {}
        #: All of the tenant.
        self.campaigns: dict[str, Campaign] = {}
        self.wishes: dict[str, Wish] = {}
        #: The numbers that rows have changed since changes() was last asked: what they and their links were.
        self._before: dict[str, tuple[Number | None, Assignment | None]] = {}
        self._brands: dict[str, Brand] = {}
        #: Each person's local numbers that are enabled.
        self._enabled: dict[str, set[str]] = {}
        self._held: Counter[str] = Counter()
        self._registered: dict[str, Registered] = {}
        self._after: dict[tuple[Callable[[Standing], Standing], Standing], Standing] = {}
        #: Campaigns that are VERIFIED, in their order; and what a number would get if none had room.
        self._good: list[Campaign] = []
        self._else: tuple[Campaign | None, Brand | None] = None, None

    @classmethod
    async def opened(
        cls, connection: AsyncConnection, office: Office, dids: Collection[str], people: Collection[str]
    ) -> "Books":
        """Read what rows about some numbers, which may name some people, can need."""
        books = cls(office)
        await books._read_registered(connection)
        await books._read_numbers(connection, dids, people)
        return books

    def user(self, name: str) -> User | None:
        """Return a person of the tenant who has not left."""
        user = self.users.get(name)
        return user if user is not None and user.left_at is None else None

    def standing(self, draft: Draft, campaign_id: str | None = None) -> tuple[Standing, Campaign | None]:
        """Return how a number stands towards a campaign: the named one, else the one it is in or would get."""
        campaign, facts = self._campaign_for(draft, campaign_id)
        number, link = draft.number, draft.link
        user = None if number.user is None else self.users.get(number.user)
        others = self._others(draft)
        standing = _standing(
            (
                facts,
                ABSENT if link is None else link.state,
                number.sms,
                number.kind,
                user is not None,
                user is not None and may_text(user.licence),
                number.sms_page,
                campaign is None or self._has_room(campaign, self._holds(link)),
                len(others),
            )
        )
        return standing, campaign

    def after(self, step: Callable[[Standing], Standing], standing: Standing) -> Standing:
        """Return what a step makes of a standing; RefusedError. Rows stand alike by the thousand, so it is kept."""
        known = self._after.get((step, standing))
        if known is None:
            known = self._after[step, standing] = step(standing)
        return known

    def step(self, draft: Draft, before: Standing, after: Standing, campaign: Campaign | None) -> None:
        """Write into a draft what a step came to, as registry.flows.numbers does."""
        now = self.office.now
        turned_on = after.sms == "enabled" != draft.number.sms
        enabled_at = now if turned_on else draft.number.sms_enabled_at
        number = replaced(draft.number, sms=after.sms, sms_page=after.sms_page, sms_enabled_at=enabled_at)
        if after.sms == "enabled" and after.others < before.others:
            draft.superseded = tuple(sorted(self._others(draft)))
        draft.number = number
        link = self._link(draft, after.assignment, campaign)
        if link is not None and link != draft.link:
            action = "remove" if link.state == "removing" else "add"
            draft.wish = Wish(number.did, action, link.campaign_id)
            draft.link = link

    def enter(self, draft: Draft) -> None:
        """Let later rows find what a row left."""
        did = draft.number.did
        before, link_before = self.numbers.get(did), self.links.get(did)
        self._before.setdefault(did, (before, link_before))
        self._count_out(before)
        for other in draft.superseded:
            number = self.numbers[other]
            self._before.setdefault(other, (number, self.links.get(other)))
            self._count_out(number)
            self.numbers[other] = superseded(number)
        self.numbers[did] = draft.number
        self._count_in(draft.number)
        for link, one in ((link_before, -1), (draft.link, 1)):
            if (held := self._holds(link)) is not None:
                self._held[held] += one
        if draft.link is not None:
            self.links[did] = draft.link
        if draft.wish is not None:
            self.wishes[did] = draft.wish

    def judged(self) -> Judged:
        """Return what has changed since the last time."""
        before, wishes = self._before, self.wishes
        self._before, self.wishes = {}, {}
        numbers = [number for did, (was, _) in before.items() if (number := self.numbers[did]) != was]
        links = [link for did, (_, was) in before.items() if (link := self.links.get(did)) is not None and link != was]
        seen: Seen = {
            Number: {(did,): was for did, (was, _) in before.items()},
            Assignment: {(did,): was for did, (_, was) in before.items()},
        }
        return Judged(put=[*numbers, *links], wishes=wishes, seen=seen)

    async def _read_registered(self, connection: AsyncConnection) -> None:
        tenant = self.office.tenant
        desk = Desk(connection=connection, tenant=tenant, actor="", now=self.office.now, limits=self.office.limits)
        of_tenant = sa.select(brands.c.id).filter_by(tenant=tenant)
        theirs = await desk.all(Campaign, campaigns.c.brand_id.in_(of_tenant))
        self.campaigns = {campaign.id: campaign for campaign in theirs}
        self._brands = {brand.id: brand for brand in await desk.all(Brand, brands.c.tenant == tenant)}
        self._registered = {one.id: registered(one, self._brands[one.brand_id]) for one in theirs}
        self._good = [one for one in theirs if lacking(self._registered[one.id]) is None]
        if not self._good:
            self._else = await chosen_campaign(desk)
        limited = [one.id for one in theirs if one.number_pool != "approved"]
        if limited:
            counted = await connection.execute(
                sa.select(assignments.c.campaign_id, sa.func.count())
                .where(
                    many.among(connection, [assignments.c.campaign_id], [(name,) for name in limited]),
                    assignments.c.state.in_(sorted(HOLDING)),
                )
                .group_by(assignments.c.campaign_id),
            )
            self._held.update({name: count for name, count in counted if name is not None})

    async def _read_numbers(self, connection: AsyncConnection, dids: Collection[str], people: Collection[str]) -> None:
        keys = {(did,) for did in dids}
        self.numbers = {did: number for (did,), number in (await find(connection, Number, keys)).items()}
        self.links = {did: link for (did,), link in (await find(connection, Assignment, keys)).items()}
        mine = [number for number in self.numbers.values() if number.tenant == self.office.tenant]
        named = {(name,) for name in people} | {(number.user,) for number in mine if number.user is not None}
        found = await find(connection, User, named)
        self.users = {user.id: user for user in found.values() if user.tenant == self.office.tenant}
        if self.users:
            enabled = await connection.scalars(
                sa.select(numbers.c.did).where(
                    many.among(connection, [numbers.c.user], [(name,) for name in self.users]),
                    numbers.c.kind == "local",
                    numbers.c.sms == "enabled",
                )
            )
            others = {(did,) for did in enabled if did not in self.numbers}
            self.numbers |= {did: number for (did,), number in (await find(connection, Number, others)).items()}
            self.links |= {did: link for (did,), link in (await find(connection, Assignment, others)).items()}
        for number in self.numbers.values():
            self._count_in(number)

    def _campaign_for(self, draft: Draft, campaign_id: str | None) -> tuple[Campaign | None, Registered]:
        link = draft.link
        if campaign_id is not None:
            return self.campaigns[campaign_id], self._registered[campaign_id]
        if link is not None and link.state != "removing":
            campaign = self.campaigns.get(link.campaign_id or "")
            return campaign, Registered() if campaign is None else self._registered[campaign.id]
        for campaign in self._good:
            if self._has_room(campaign, None):
                return campaign, self._registered[campaign.id]
        if self._good:
            return self._good[0], self._registered[self._good[0].id]
        campaign, brand = self._else
        return campaign, registered(campaign, brand)

    def _has_room(self, campaign: Campaign, without: str | None) -> bool:
        if campaign.number_pool == "approved":
            return True
        held = self._held[campaign.id] - (1 if without == campaign.id else 0)
        return held < self.office.limits.numbers_per_campaign

    def _link(self, draft: Draft, state: str, campaign: Campaign | None) -> Assignment | None:
        """Return the assignment as a step leaves it."""
        link, now = draft.link, self.office.now
        if state == ABSENT:
            return None
        if state == "pending" and campaign is not None:
            if link is not None and (link.state, link.campaign_id) == (state, campaign.id):
                return link
            return Assignment(
                did=draft.number.did, state=state, campaign_id=campaign.id, brand_id=campaign.brand_id, since=now
            )
        if link is None or link.state == state:
            return link
        return replaced(link, state=state, since=now, fault=None)

    def _others(self, draft: Draft) -> set[str]:
        """Name the owner's other local numbers that are enabled."""
        number = draft.number
        if number.user is None or number.kind != "local":
            return set()
        return self._enabled.get(number.user, set()) - {number.did}

    @staticmethod
    def _holds(link: Assignment | None) -> str | None:
        return link.campaign_id if link is not None and link.state in HOLDING else None

    def _count_in(self, number: Number) -> None:
        if number.user is not None and number.kind == "local" and number.sms == "enabled":
            self._enabled.setdefault(number.user, set()).add(number.did)

    def _count_out(self, number: Number | None) -> None:
        if number is not None and number.user is not None:
            self._enabled.get(number.user, set()).discard(number.did)
