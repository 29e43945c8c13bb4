"""Numbers, campaigns, brands and keys as the admin API shows and changes them: found, shown, and what a change puts.

An object of another tenant is as unknown as none. What a change refers to (a campaign, a user) must be of the same
tenant.

Not here: what a body may hold (admin_patches.py), and how rows are written (commands.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.senders import canonical_sender
from registry.admin_patches import AssignmentPatch, BrandPatch, CampaignPatch, KeyPatch, NumberPatch, Patch
from registry.commands import RowName, find
from registry.problems import wrong_field
from registry.records import ApiKey, Assignment, Brand, Campaign, Number, Record, User
from registry.rows import IDENTIFIER
from registry.tables import numbers

R = TypeVar("R", bound=Record)

_CARRIERS: Final = ("att", "tmobile", "verizon", "us_cellular")
_DECLARATIONS: Final = ("embedded_link", "embedded_phone", "age_gated", "direct_lending")


class Edit(NamedTuple):
    """What a change comes to: rows for commands.change()."""

    put: Sequence[Record]
    remove: Sequence[RowName] = ()


class Loaded(Protocol):
    """An object as it is in the database, within the connection it was found on."""

    def shown(self) -> dict[str, Any]:
        """Return it as JSON; never a secret."""

    async def edited(self, connection: AsyncConnection, patch: Any, now: datetime) -> Edit:
        """Return what a patch of its kind comes to; Problem when it refers to what is not there."""


class Resource(Protocol):
    """A kind of object."""

    path: str
    patch: type[Patch]

    async def find(self, connection: AsyncConnection, tenant: str, name: str) -> Loaded | None:
        """Return a tenant's object by the name in its path; None when there is none."""


async def _one(connection: AsyncConnection, kind: type[R], name: str | None) -> R | None:
    """Return a record by its id; what cannot be an id is not looked for."""
    if name is None or not (IDENTIFIER.fullmatch(name) and name.isprintable()):
        return None
    return (await find(connection, kind, {(name,)})).get((name,))


async def _campaign_of(connection: AsyncConnection, tenant: str, name: str) -> Campaign | None:
    campaign = await _one(connection, Campaign, name)
    brand = None if campaign is None else await _one(connection, Brand, campaign.brand_id)
    return campaign if brand is not None and brand.tenant == tenant else None


def _fields(record: Record, *without: str) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record) if field.name not in without}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedNumber:
    """A number and its assignment."""

    number: Number
    link: Assignment | None

    def shown(self) -> dict[str, Any]:
        """Return it as JSON."""
        link = None if self.link is None else _fields(self.link, "did")
        return _fields(self.number) | {"assignment": link}

    async def edited(self, connection: AsyncConnection, patch: NumberPatch, now: datetime) -> Edit:
        """Assign, unassign, enable, disable, or give to another user.

        A user has one enabled local number: it takes the place of those that were enabled before. A number that
        changes hands, or is enabled, is from now on.
        """
        number = replace(self.number, **patch.given("sms", "user"))
        if number.user != self.number.user:
            await self._check_user(connection, number.user)
            number = replace(number, number_changed_at=now)
        if number.sms == "enabled" != self.number.sms:
            number = replace(number, sms_enabled_at=now)
        put: list[Record] = [number]
        if number != self.number:
            put += await _superseded_by(connection, number)
        if "assignment" not in patch.model_fields_set:
            return Edit(put)
        if patch.assignment is None:
            return Edit(put, [(Assignment, (number.did,))])
        return Edit([*put, await self._link(connection, patch.assignment)])

    async def _link(self, connection: AsyncConnection, patch: AssignmentPatch) -> Assignment:
        """Return the assignment as it is to be; its brand is the campaign's, so that the judge finds them in accord."""
        campaign_id = None if self.link is None else self.link.campaign_id
        if "campaign_id" in patch.model_fields_set:
            campaign_id = patch.campaign_id
        if campaign_id is None:
            raise wrong_field("/assignment/campaign_id", "missing_field", "Name the campaign: the number has none.")
        campaign = await _campaign_of(connection, self.number.tenant, campaign_id)
        if campaign is None:
            raise wrong_field("/assignment/campaign_id", "unknown_campaign")
        return Assignment(did=self.number.did, state=patch.state, campaign_id=campaign.id, brand_id=campaign.brand_id)

    async def _check_user(self, connection: AsyncConnection, name: str | None) -> None:
        if name is None:
            return
        user = await _one(connection, User, name)
        if user is None or user.tenant != self.number.tenant:
            raise wrong_field("/user", "unknown_user")


async def _superseded_by(connection: AsyncConnection, number: Number) -> list[Number]:
    """Return the other numbers of the owner that give way to an enabled local number."""
    if number.user is None or number.kind != "local" or number.sms != "enabled":
        return []
    theirs = sa.select(numbers).where(
        numbers.c.user == number.user,
        numbers.c.kind == "local",
        numbers.c.sms == "enabled",
        numbers.c.did != number.did,
    )
    rows = (await connection.execute(theirs)).mappings()
    return [replace(Number(**row), sms="superseded") for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedCampaign:
    """A campaign."""

    campaign: Campaign

    def shown(self) -> dict[str, Any]:
        """Return it as JSON, carriers and declarations as in a company file."""
        campaign = self.campaign
        return _fields(campaign, *_CARRIERS, *_DECLARATIONS) | {
            "carriers": {name: getattr(campaign, name) for name in _CARRIERS},
            "declares": {name: getattr(campaign, name) for name in _DECLARATIONS},
        }

    async def edited(self, connection: AsyncConnection, patch: CampaignPatch, now: datetime) -> Edit:  # noqa: ARG002 - as Loaded has it
        """Set the states that were given."""
        given = patch.given("status", "sharing", "dca_complete", "osr_status")
        return Edit([replace(self.campaign, **given, **patch.carriers.given(*_CARRIERS))])


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedBrand:
    """A brand."""

    brand: Brand

    def shown(self) -> dict[str, Any]:
        """Return it as JSON."""
        return _fields(self.brand)

    async def edited(self, connection: AsyncConnection, patch: BrandPatch, now: datetime) -> Edit:  # noqa: ARG002 - as Loaded has it
        """Set what was given."""
        return Edit([replace(self.brand, **patch.given("status", "vetting_score"))])


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedKey:
    """An API key."""

    key: ApiKey

    def shown(self) -> dict[str, Any]:
        """Return it as JSON, without what proves it."""
        return _fields(self.key, "sha256") | {"revoked": self.key.revoked_at is not None}

    async def edited(self, connection: AsyncConnection, patch: KeyPatch, now: datetime) -> Edit:  # noqa: ARG002 - as Loaded has it
        """Revoke it, once and for all, or set its scopes. A person's key never administers."""
        key = self.key
        if "revoked" in patch.model_fields_set and key.revoked_at is None:
            key = replace(key, revoked_at=now)
        if "scopes" in patch.model_fields_set:
            if key.user is not None and "admin" in patch.scopes:
                place = f"/scopes/{patch.scopes.index('admin')}"
                raise wrong_field(place, "invalid_enum", "A user's key has send and read at most.")
            wanted = tuple(scope for scope in ("send", "read", "admin") if scope in patch.scopes)
            key = key if set(wanted) == set(key.scopes) else replace(key, scopes=wanted)
        return Edit([key])


class _Numbers:
    path = "/v1/numbers/{did}"
    patch: type[Patch] = NumberPatch

    async def find(self, connection: AsyncConnection, tenant: str, name: str) -> Loaded | None:
        number = await _one(connection, Number, canonical_sender(name))
        if number is None or number.tenant != tenant:
            return None
        return LoadedNumber(number=number, link=await _one(connection, Assignment, number.did))


class _Campaigns:
    path = "/v1/campaigns/{id}"
    patch: type[Patch] = CampaignPatch

    async def find(self, connection: AsyncConnection, tenant: str, name: str) -> Loaded | None:
        campaign = await _campaign_of(connection, tenant, name)
        return None if campaign is None else LoadedCampaign(campaign=campaign)


class _Brands:
    path = "/v1/brands/{id}"
    patch: type[Patch] = BrandPatch

    async def find(self, connection: AsyncConnection, tenant: str, name: str) -> Loaded | None:
        brand = await _one(connection, Brand, name)
        return None if brand is None or brand.tenant != tenant else LoadedBrand(brand=brand)


class _Keys:
    path = "/v1/keys/{id}"
    patch: type[Patch] = KeyPatch

    async def find(self, connection: AsyncConnection, tenant: str, name: str) -> Loaded | None:
        key = await _one(connection, ApiKey, name)
        return None if key is None or key.tenant != tenant else LoadedKey(key=key)


RESOURCES: Final[tuple[Resource, ...]] = (_Numbers(), _Campaigns(), _Brands(), _Keys())
