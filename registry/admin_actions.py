"""What admins do through the API, besides changing fields: one line an action, each a flow of registry.flows.

An action answers with the object as it is afterwards, once the change is effective (admin_routes.py).

Not here: what a flow does (flows/), and who may call (admin_keys.py).
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field

from apidocs.table import closed
from registry.action import Action, NoBody
from registry.admin_objects import LoadedCampaign, LoadedNumber, LoadedUser
from registry.admin_patches import Patch
from registry.flows import campaigns, numbers, people
from registry.flows.desk import Desk
from registry.problems import PROBLEMS, REGISTRATION_CODES, Problem

_CREATED: Final = 201
_NAME_MAX: Final = 200
#: Of one call; whole inventories go in files (registry.bulk).
_NUMBERS_MAX: Final = 500


class IntoCampaign(Patch):
    """Which campaign; left out, the one that numbers of the company get."""

    campaign_id: str | None = None


class ManyIntoCampaign(IntoCampaign):
    """Which numbers, and into which campaign."""

    dids: list[str] = Field(min_length=1, max_length=_NUMBERS_MAX)


class NewNumber(Patch):
    """A number that the company got."""

    did: str
    kind: Literal["local", "toll_free", "personal", "service"] = "local"
    user: str | None = None


class ToTenant(Patch):
    """Which company gets the number."""

    tenant: str


class NewUser(Patch):
    """A person who joins."""

    name: str = Field(min_length=1, max_length=_NAME_MAX)
    role: Literal["employee", "admin", "support", "operator"] = "employee"
    licence: str = Field(default="", max_length=40)
    extension: str | None = Field(default=None, pattern=r"^[0-9]{1,15}$")


class Confirmation(Patch):
    """The campaign's id once more, as the admin typed it."""

    confirm: str


class PoolVerdict(Patch):
    """What the carriers said."""

    approved: bool


def _shown(found: numbers.Found) -> dict[str, Any]:
    return LoadedNumber(number=found.number, link=found.link).shown()


async def _enable(desk: Desk, path: Mapping[str, str], body: IntoCampaign) -> dict[str, Any]:
    return _shown(await numbers.enable(desk, path["did"], body.campaign_id))


async def _assign(desk: Desk, path: Mapping[str, str], body: IntoCampaign) -> dict[str, Any]:
    return _shown(await numbers.assign(desk, path["did"], body.campaign_id))


async def _assign_many(desk: Desk, _: Mapping[str, str], body: ManyIntoCampaign) -> dict[str, Any]:
    """Assign one after the other; what one is refused for does not stop the others, and nothing of it is written."""
    done, refused = [], []
    for did in dict.fromkeys(body.dids):
        try:
            done.append(_shown(await numbers.assign(desk, did, body.campaign_id)))
        except Problem as problem:
            kind = PROBLEMS[problem.code]
            refused.append({"did": did, "code": problem.code, "title": kind.title, "fix": kind.fix})
    return {"assigned": done, "refused": refused}


async def _disable(desk: Desk, path: Mapping[str, str], _: NoBody) -> dict[str, Any]:
    return _shown(await numbers.disable(desk, path["did"]))


async def _remove(desk: Desk, path: Mapping[str, str], _: NoBody) -> dict[str, Any]:
    return _shown(await numbers.remove(desk, path["did"]))


async def _port_out(desk: Desk, path: Mapping[str, str], _: NoBody) -> dict[str, Any]:
    await numbers.port_out(desk, path["did"])
    return {"did": path["did"], "left": True}


async def _move(desk: Desk, path: Mapping[str, str], body: ToTenant) -> dict[str, Any]:
    await numbers.move_to_tenant(desk, path["did"], body.tenant)
    return {"did": path["did"], "tenant": body.tenant}


async def _add_number(desk: Desk, _: Mapping[str, str], body: NewNumber) -> dict[str, Any]:
    return _shown(await numbers.add_number(desk, body.did, body.kind, body.user))


async def _join(desk: Desk, _: Mapping[str, str], body: NewUser) -> dict[str, Any]:
    user = await people.join(desk, name=body.name, role=body.role, licence=body.licence, extension=body.extension)
    return LoadedUser(user=user).shown()


async def _leave(desk: Desk, path: Mapping[str, str], _: NoBody) -> dict[str, Any]:
    await people.leave(desk, path["id"])
    return {"id": path["id"], "left": True}


async def _deactivate(desk: Desk, path: Mapping[str, str], body: Confirmation) -> dict[str, Any]:
    return LoadedCampaign(campaign=await campaigns.deactivate(desk, path["id"], body.confirm)).shown()


async def _ask_pool(desk: Desk, path: Mapping[str, str], _: NoBody) -> dict[str, Any]:
    return LoadedCampaign(campaign=await campaigns.request_number_pool(desk, path["id"])).shown()


async def _settle_pool(desk: Desk, path: Mapping[str, str], body: PoolVerdict) -> dict[str, Any]:
    settled = await campaigns.settle_number_pool(desk, path["id"], approved=body.approved)
    return LoadedCampaign(campaign=settled).shown()


#: What a person has to have to text.
_PERSON: Final = ("number_cannot_text", "number_without_user", "licence_cannot_text")
NUMBER: Final = {"$ref": "#/components/schemas/ChangedNumber"}
_MANY: Final = closed(
    {
        "assigned": {"type": "array", "items": {"type": "object"}},
        "refused": {
            "type": "array",
            "items": closed({name: {"type": "string"} for name in ("did", "code", "title", "fix")}),
        },
        "change": {"type": "object"},
    }
)

ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "POST",
        "/v1/numbers",
        "addNumber",
        NewNumber,
        _add_number,
        "Take a number into the company's inventory. SMS is off until it is enabled.",
        status=_CREATED,
        operator=True,
        problems=("missing_field", "number_taken", "unknown_user"),
        shows=NUMBER,
    ),
    Action(
        "POST",
        "/v1/numbers/{did}/enable",
        "enableNumber",
        IntoCampaign,
        _enable,
        "Switch SMS on from the user's page: brand and campaign must be VERIFIED. The user's other number goes off; a"
        " number that is new, or was removed from the SMS page, gets the campaign by itself and is pending until the"
        " aggregator has it (up to 48 hours).",
        problems=(
            *REGISTRATION_CODES,
            *_PERSON,
            "unknown_campaign",
            "assignment_removing",
            "assign_on_sms_page",
            "number_limit_exceeded",
        ),
        shows=NUMBER,
    ),
    Action(
        "POST",
        "/v1/numbers/{did}/assign",
        "assignNumber",
        IntoCampaign,
        _assign,
        "Assign to campaign, from the SMS page: for numbers that could text before and are in no campaign, for those"
        " whose enabling failed, and to move a number into another campaign.",
        problems=(*REGISTRATION_CODES, "number_cannot_text", "unknown_campaign", "number_limit_exceeded"),
        shows=NUMBER,
    ),
    Action(
        "POST",
        "/v1/numbers/assign",
        "assignNumbers",
        ManyIntoCampaign,
        _assign_many,
        "Assign several numbers to a campaign, as assignNumber does one; those that cannot be are told, each with why,"
        " and the others go ahead.",
        problems=("missing_field",),
        shows=_MANY,
    ),
    Action(
        "POST",
        "/v1/numbers/{did}/disable",
        "disableNumber",
        NoBody,
        _disable,
        "Switch SMS off. The number stays in its campaign and on the SMS page.",
        shows=NUMBER,
    ),
    Action(
        "POST",
        "/v1/numbers/{did}/remove",
        "removeNumber",
        NoBody,
        _remove,
        "Take a number off the SMS page and out of its campaign. It can be enabled like a new one afterwards.",
        shows=NUMBER,
    ),
    Action(
        "POST",
        "/v1/numbers/{did}/port-out",
        "portOutNumber",
        NoBody,
        _port_out,
        "Let a number go to another provider: it is nobody's of ours at once.",
        operator=True,
    ),
    Action(
        "POST",
        "/v1/numbers/{did}/move",
        "moveNumber",
        ToTenant,
        _move,
        "Give a number to another company: out of its campaign, and into that company's pool.",
        operator=True,
        problems=("missing_field", "unknown_tenant"),
    ),
    Action(
        "POST",
        "/v1/users",
        "addUser",
        NewUser,
        _join,
        "Take a person into the company.",
        status=_CREATED,
        problems=("missing_field", "extension_taken"),
    ),
    Action(
        "POST",
        "/v1/users/{id}/leave",
        "removeUser",
        NoBody,
        _leave,
        "Let a person go: numbers into the pool with SMS off, the extension free, keys revoked. Not the last admin.",
        problems=("last_admin",),
    ),
    Action(
        "POST",
        "/v1/campaigns/{id}/deactivate",
        "deactivateCampaign",
        Confirmation,
        _deactivate,
        "End a campaign for good. SMS goes off for every number in it, and each is taken out of it.",
        problems=("missing_field", "wrong_confirmation", "not_from_here"),
    ),
    Action(
        "POST",
        "/v1/campaigns/{id}/number-pool",
        "askForNumberPool",
        NoBody,
        _ask_pool,
        "Have the provider ask the carriers for leave to hold more numbers than the limit, which can take weeks;"
        " listLeaveRequests tells since when, and what came of it.",
        problems=("not_from_here",),
    ),
    Action(
        "PUT",
        "/v1/campaigns/{id}/number-pool",
        "settleNumberPool",
        PoolVerdict,
        _settle_pool,
        "Note what the carriers said about the number pool.",
        operator=True,
        problems=("missing_field", "not_from_here"),
    ),
)
