"""Numbers, campaigns, brands and keys as the admin API shows and changes them: found, shown, and what a change puts.

An object of another tenant is as unknown as none. What a change refers to (a campaign, a user) must be of the same
tenant.

Not here: what a body may hold (admin_patches.py), and how rows are written (commands.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.senders import canonical_sender
from registry.action import Look
from registry.admin_patches import AssignmentPatch, BrandPatch, CampaignPatch, KeyPatch, NumberPatch, Patch, UserPatch
from registry.commands import RowName, find
from registry.counts import held_by
from registry.flows.desk import SYSTEM_ROLE, Desk
from registry.flows.numbers import registered, superseded
from registry.flows.people import change_user
from registry.lifecycle.cycle import ABSENT, LifeCycle
from registry.lifecycle.numbers import ASSIGNMENT, SMS
from registry.lifecycle.registration import BRAND, CAMPAIGN, CARRIER, SHARING
from registry.lifecycle.standing import Standing, lacking, lose
from registry.people.rights import PROVIDER_SCOPES
from registry.problems import Problem, wrong_field
from registry.provisioning.progress import progress_of
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

    async def beside(self, look: Look) -> dict[str, Any]:
        """Return what is told beside it, and is no part of its version."""

    async def edited(self, desk: Desk, patch: Any, *, states_by_hand: bool) -> Edit:
        """Return what a patch of its kind comes to; Problem when it refers to what is not there.

        states_by_hand: it may say itself what others decide, as far as the life cycles lead there.
        """


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


class _Alone:
    """There is nothing to tell beside it."""

    async def beside(self, look: Look) -> dict[str, Any]:  # noqa: ARG002 - as Loaded has it
        """As Loaded."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedNumber:
    """A number and its assignment."""

    number: Number
    link: Assignment | None

    def shown(self) -> dict[str, Any]:
        """Return it as JSON."""
        link = None if self.link is None else _fields(self.link, "did")
        return _fields(self.number) | {"assignment": link}

    async def beside(self, look: Look) -> dict[str, Any]:
        """Tell how far it is at the aggregator, for how long, and what helps; by others' numbers of late, too."""
        far = await progress_of(look.connection, self.number.did, look.limits.patience)
        return {"progress": None if far is None else far.shown()}

    async def edited(self, desk: Desk, patch: NumberPatch, *, states_by_hand: bool) -> Edit:
        """Give it to another user, switch SMS on or off, or say by hand how it is assigned.

        A user has one enabled local number: it takes the place of those that were enabled before. A number that
        changes hands loses SMS, unless the same call says otherwise.
        """
        number = self.number
        if "user" in patch.model_fields_set and patch.user != number.user:
            await self._check_user(desk, patch.user)
            lost = lose(Standing(sms=number.sms)).sms
            number = replace(number, user=patch.user, number_changed_at=desk.now, sms=lost)
        if "sms" in patch.model_fields_set:
            number = replace(number, sms=_by_hand(SMS, self.number.sms, patch.sms, allowed=states_by_hand))
        if number.sms == "enabled" != self.number.sms:
            number = replace(number, sms_enabled_at=desk.now, sms_page=True)
        put: list[Record] = [number]
        if number != self.number:
            put += await _superseded_by(desk, number)
        if "assignment" not in patch.model_fields_set:
            return Edit(put)
        state = ABSENT if self.link is None else self.link.state
        wanted = ABSENT if patch.assignment is None else patch.assignment.state
        _by_hand(ASSIGNMENT, state, wanted, allowed=states_by_hand)
        if patch.assignment is None:
            return Edit(put, [(Assignment, (number.did,))])
        put[0] = replace(number, sms_page=True)
        return Edit([*put, await self._link(desk, patch.assignment)])

    async def _link(self, desk: Desk, patch: AssignmentPatch) -> Assignment:
        """Return the assignment as it is to be; its brand is the campaign's, so that the judge finds them in accord."""
        campaign_id = None if self.link is None else self.link.campaign_id
        if "campaign_id" in patch.model_fields_set:
            campaign_id = patch.campaign_id
        if campaign_id is None:
            raise wrong_field("/assignment/campaign_id", "missing_field", "Name the campaign: the number has none.")
        campaign = await _campaign_of(desk.connection, self.number.tenant, campaign_id)
        if campaign is None:
            raise wrong_field("/assignment/campaign_id", "unknown_campaign")
        same = self.link is not None and (self.link.state, self.link.campaign_id) == (patch.state, campaign.id)
        return Assignment(
            did=self.number.did,
            state=patch.state,
            campaign_id=campaign.id,
            brand_id=campaign.brand_id,
            since=self.link.since if same and self.link is not None else desk.now,
        )

    async def _check_user(self, desk: Desk, name: str | None) -> None:
        if name is None:
            return
        user = await _one(desk.connection, User, name)
        gone = user is None or user.tenant != self.number.tenant or user.left_at is not None
        if user is None or gone or user.role == SYSTEM_ROLE:
            raise wrong_field("/user", "unknown_user")


def _by_hand(cycle: LifeCycle, state: str, wanted: str, *, allowed: bool) -> str:
    """Return a state that somebody names; Problem when it is not theirs to say, or nothing leads there."""
    if wanted == state:
        return wanted
    if not allowed:
        raise Problem("state_not_by_hand")
    if not cycle.reaches(state, wanted):
        raise Problem("not_from_here")
    return wanted


async def _superseded_by(desk: Desk, number: Number) -> list[Number]:
    """Return the other numbers of the owner that give way to an enabled local number."""
    if number.user is None or number.kind != "local" or number.sms != "enabled":
        return []
    theirs = await desk.all(
        Number,
        numbers.c.user == number.user,
        numbers.c.kind == "local",
        numbers.c.sms == "enabled",
        numbers.c.did != number.did,
    )
    return [superseded(other) for other in theirs]


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

    async def beside(self, look: Look) -> dict[str, Any]:
        """Tell how many numbers it holds, how many it may, and what keeps it and its brand from being VERIFIED."""
        campaign = self.campaign
        why = lacking(registered(campaign, await _one(look.connection, Brand, campaign.brand_id)))
        limit = None if campaign.number_pool == "approved" else look.limits.numbers_per_campaign
        numbers_held = await held_by(look.connection, campaign.id)
        return {"numbers": numbers_held, "numbers_max": limit, "verified": why is None, "lacks": why}

    async def edited(self, desk: Desk, patch: CampaignPatch, *, states_by_hand: bool) -> Edit:  # noqa: ARG002 - as Loaded has it
        """Set the states that were given."""
        campaign = self.campaign
        given = patch.given("status", "sharing", "dca_complete", "osr_status")
        carriers = patch.carriers.given(*_CARRIERS)
        cycles = {"status": CAMPAIGN, "sharing": SHARING} | dict.fromkeys(carriers, CARRIER)
        wanted = given | carriers
        for name, cycle in cycles.items():
            if name in wanted:
                _by_hand(cycle, getattr(campaign, name), wanted[name], allowed=states_by_hand)
        edited = replace(campaign, **wanted)
        if edited != campaign and not states_by_hand:
            raise Problem("state_not_by_hand")
        return Edit([edited])


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedBrand(_Alone):
    """A brand."""

    brand: Brand

    def shown(self) -> dict[str, Any]:
        """Return it as JSON."""
        return _fields(self.brand)

    async def edited(self, desk: Desk, patch: BrandPatch, *, states_by_hand: bool) -> Edit:  # noqa: ARG002 - as Loaded has it
        """Set what was given."""
        if "status" in patch.model_fields_set:
            _by_hand(BRAND, self.brand.status, patch.status, allowed=states_by_hand)
        edited = replace(self.brand, **patch.given("status", "vetting_score"))
        if edited != self.brand and not states_by_hand:
            raise Problem("state_not_by_hand")
        return Edit([edited])


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedUser(_Alone):
    """A person."""

    user: User

    def shown(self) -> dict[str, Any]:
        """Return it as JSON."""
        return _fields(self.user)

    async def edited(self, desk: Desk, patch: UserPatch, *, states_by_hand: bool) -> Edit:  # noqa: ARG002 - as Loaded has it
        """Change name, role, licence or extension; another licence takes SMS away from every number of theirs."""
        given = patch.given("name", "role", "licence")
        await change_user(desk, self.user.id, given=given, extension=patch.extension)
        return Edit([])


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedKey(_Alone):
    """An API key."""

    key: ApiKey

    def shown(self) -> dict[str, Any]:
        """Return it as JSON, without what proves it."""
        return _fields(self.key, "sha256") | {"revoked": self.key.revoked_at is not None}

    async def edited(self, desk: Desk, patch: KeyPatch, *, states_by_hand: bool) -> Edit:  # noqa: ARG002 - as Loaded has it
        """Revoke it, once and for all, or set its scopes. A person's key never administers."""
        key = self.key
        if PROVIDER_SCOPES & set(key.scopes) and not desk.operator:
            raise Problem("forbidden")
        if "revoked" in patch.model_fields_set and key.revoked_at is None:
            key = replace(key, revoked_at=desk.now)
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
        if number is None or number.tenant != tenant or number.left_at is not None:
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


class _Users:
    path = "/v1/users/{id}"
    patch: type[Patch] = UserPatch

    async def find(self, connection: AsyncConnection, tenant: str, name: str) -> Loaded | None:
        user = await _one(connection, User, name)
        gone = user is None or user.tenant != tenant or user.left_at is not None or user.role == SYSTEM_ROLE
        return None if user is None or gone else LoadedUser(user=user)


class _Keys:
    path = "/v1/keys/{id}"
    patch: type[Patch] = KeyPatch

    async def find(self, connection: AsyncConnection, tenant: str, name: str) -> Loaded | None:
        key = await _one(connection, ApiKey, name)
        return None if key is None or key.tenant != tenant else LoadedKey(key=key)


RESOURCES: Final[tuple[Resource, ...]] = (_Numbers(), _Campaigns(), _Brands(), _Users(), _Keys())
