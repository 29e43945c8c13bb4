"""A company file (a2p-company/1) as a directory in memory, for judging messages without any server.

The file is a JSON object with lists: tenants, users, brands, campaigns, numbers, contacts, opt_outs. Fields that the
judgement does not need are skipped. The first row with an id counts. States are kept as they are: a state that nobody
knows is the judge's to refuse, and so is an assignment to a campaign that does not exist.

Not here: the import into the registry, which keeps much more of the file (registry/company.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

import orjson

from compliance import shapes
from compliance.destinations import read_destination
from compliance.documents import LineDocument, UserDocument
from compliance.facts import Brand, Campaign, OptOut, Owner, SenderNumber
from compliance.senders import canonical_sender
from compliance.shapes import ShapeError

FORMAT: Final = "a2p-company/1"
_KINDS: Final = ("tenants", "users", "brands", "campaigns", "numbers", "contacts", "opt_outs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The companies of a file, with all that is known about their numbers and about the people they text."""

    users: Mapping[str, UserDocument]
    #: Tenant and digits to the user.
    extensions: Mapping[tuple[str, str], str]
    #: E.164 to the number, as the next three.
    numbers: Mapping[str, SenderNumber]
    campaigns: Mapping[str, Campaign]
    brands: Mapping[str, Brand]
    lines: Mapping[str, LineDocument]
    #: Tenant and recipient (E.164) to the opt-out.
    opt_outs: Mapping[tuple[str, str], OptOut]

    def directory(self, tenant: str, to: str) -> Owner | None:
        """Say who a destination is, seen from a tenant: live endpoints of people, of whatever tenant."""
        if to.startswith("user:"):
            user = self.users.get(to.removeprefix("user:"))
            return None if user is None else Owner(tenant=user.tenant, user=user.id)
        if to.startswith("ext:"):
            user_id = self.extensions.get((tenant, to.removeprefix("ext:")))
            return None if user_id is None else Owner(tenant=tenant, user=user_id)
        number = self.numbers.get(read_destination(to)[1])
        return None if number is None or number.kind == "service" else number.owner


def read_company(raw: bytes) -> Company:
    """Read a company file; ShapeError names the row and the field that are wrong."""
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as broken:
        raise ShapeError(f"company file: not JSON: {broken}") from None
    if type(data) is not dict or data.get("format") != FORMAT:
        raise ShapeError(f"company file: its format must be {FORMAT}")
    rows = {kind: list(_rows(data, kind)) for kind in _KINDS}
    since = _first(_tenant(row, where) for where, row in rows["tenants"])
    users = _first(_user(row, where, since) for where, row in rows["users"])
    return Company(
        users=users,
        extensions=_first(_extension(row, where) for where, row in rows["users"] if row.get("extension") is not None),
        numbers=_first(_number(row, where, users) for where, row in rows["numbers"]),
        campaigns=_first(_campaign(row, where) for where, row in rows["campaigns"]),
        brands=_first(_brand(row, where) for where, row in rows["brands"]),
        lines=_first(_contact(row, where) for where, row in rows["contacts"]),
        opt_outs=_first(_opt_out(row, where) for where, row in rows["opt_outs"]),
    )


Row = dict[str, Any]
Key = TypeVar("Key")
Value = TypeVar("Value")


def _rows(data: Row, kind: str) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a list, each with its place for messages."""
    rows = data.get(kind, [])
    if type(rows) is not list:
        raise ShapeError(f"{kind}: must be a list")
    for place, row in enumerate(rows):
        if type(row) is not dict:
            raise ShapeError(f"{kind}[{place}]: must be an object")
        yield f"{kind}[{place}]", row


def _first(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, Value]:
    first: dict[Key, Value] = {}
    for key, value in pairs:
        first.setdefault(key, value)
    return first


def _within(where: str, read: Callable[[Row], Value], row: Row) -> Value:
    """Read a row with a reader that does not know which row it is."""
    try:
        return read(row)
    except ShapeError as wrong:
        raise ShapeError(f"{where}: {wrong}") from None


def _phone_number(row: Row, key: str, where: str) -> str:
    number = read_destination(shapes.text(row, key, where))[1]
    if not number:
        raise ShapeError(f"{where}.{key}: must be a phone number in E.164, such as +12025550143")
    return number


def _tenant(row: Row, where: str) -> tuple[str, date]:
    return shapes.text(row, "id", where), shapes.day(row, "customer_since", where)


def _user(row: Row, where: str, since: Mapping[str, date]) -> tuple[str, UserDocument]:
    user_id, tenant = shapes.text(row, "id", where), shapes.text(row, "tenant", where)
    if tenant not in since:
        raise ShapeError(f"{where}.tenant: is not in the file")
    return user_id, UserDocument(id=user_id, tenant=tenant, customer_since=since[tenant])


def _extension(row: Row, where: str) -> tuple[tuple[str, str], str]:
    return (row["tenant"], shapes.text(row, "extension", where)), row["id"]


def _number(row: Row, where: str, users: Mapping[str, UserDocument]) -> tuple[str, SenderNumber]:
    did = canonical_sender(shapes.text(row, "did", where))
    if did is None:
        raise ShapeError(f"{where}.did: must be a North American number in E.164, such as +12025550143")
    user_id, tenant = shapes.text_or_none(row, "user", where), shapes.text(row, "tenant", where)
    owner = None
    if user_id is not None:
        if user_id not in users or users[user_id].tenant != tenant:
            raise ShapeError(f"{where}.user: is not a user of the number's tenant")
        owner = {"tenant": tenant, "user": user_id}
    return did, _within(where, shapes.number_from, {**row, "owner": owner})


def _campaign(row: Row, where: str) -> tuple[str, Campaign]:
    campaign = _within(where, shapes.campaign_from, row)
    return campaign.id, campaign


def _brand(row: Row, where: str) -> tuple[str, Brand]:
    brand = _within(where, shapes.brand_from, row)
    return brand.id, brand


def _contact(row: Row, where: str) -> tuple[str, LineDocument]:
    line = LineDocument(
        carrier=shapes.text_or_none(row, "carrier", where), line=shapes.text_or_none(row, "line", where)
    )
    return _phone_number(row, "number", where), line


def _opt_out(row: Row, where: str) -> tuple[tuple[str, str], OptOut]:
    tenant = shapes.text(row, "tenant", where)
    opt_out = OptOut(
        at=shapes.instant(row, "at", where),
        keyword=shapes.text(row, "keyword", where, "stop"),
        tenant=tenant,
        number=shapes.text_or_none(row, "number", where),
    )
    return (tenant, _phone_number(row, "recipient", where)), opt_out
