"""Turns a company file (a2p-company/1) into records, and says which rows cannot be taken and why.

The file is a JSON object with lists: tenants, users, brands, campaigns, numbers, opt_outs, contacts. A row may refer to
rows of earlier kinds, in the file or in the database. The first row with an id counts; a bad row takes nothing with it
but the rows that refer to it. States are kept as they are: a state that nobody knows is the judge's to refuse.

Not here: how a single field is read (rows.py) and how records are written (importer.py).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.commands import RowKey, RowName, row_key
from registry.flows.desk import SYSTEM_ROLE
from registry.records import Assignment, Brand, Campaign, Contact, Extension, Number, OptOut, Record, Tenant, User
from registry.rows import BadRow, Row
from registry.tables import KEY_NAMES, brands, campaigns, extensions, tenants, users

FORMAT: Final = "a2p-company/1"
_SCORE_MAX: Final = 100


class CompanyFileError(Exception):
    """The file as a whole cannot be taken; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What rows may refer to. Grows as rows are read."""

    tenants: set[str]
    #: Id to the tenant that it belongs to.
    users: dict[str, str]
    brands: dict[str, str]
    campaigns: dict[str, str]
    #: Tenant and digits to the user who has that extension in the database.
    extensions: dict[tuple[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one good row asks for."""

    put: tuple[Record, ...]
    remove: tuple[RowName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A file, read."""

    #: Good rows by kind, in the order in which they can be written.
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    #: Good opt-outs by their place in the file. Not entries: their truth is the gateway's (opt_outs.py).
    opt_outs: dict[int, OptOut] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)
    #: Fields that mean nothing to us, as kind[].field, with how often they were there.
    left_out: Counter[str] = field(default_factory=Counter)

    def take(self, row: Row, entry: Entry) -> None:
        """Add a good row."""
        match entry.put[0]:
            case OptOut() as opt_out:
                self.opt_outs[row.index] = opt_out
            case _:
                self.entries.setdefault(row.kind, []).append(entry)


async def load_known(connection: AsyncConnection) -> Known:
    """Return what the database has that rows may refer to."""
    campaign_rows = sa.select(campaigns.c.id, brands.c.tenant).select_from(campaigns.join(brands))
    people = sa.select(users.c.id, users.c.tenant).where(users.c.role != SYSTEM_ROLE)
    extension_rows = (await connection.execute(sa.select(extensions))).all()
    return Known(
        tenants=set((await connection.execute(sa.select(tenants.c.id))).scalars()),
        users={row.id: row.tenant for row in await connection.execute(people)},
        brands={row.id: row.tenant for row in await connection.execute(sa.select(brands.c.id, brands.c.tenant))},
        campaigns={row.id: row.tenant for row in await connection.execute(campaign_rows)},
        extensions={(row.tenant, row.digits): row.user for row in extension_rows},
    )


def read_company(raw: bytes, known: Known) -> Company:
    """Read a file; CompanyFileError when it is not a company file at all."""
    lists = _lists(raw)
    reader = _Reader(known, {row["id"] for row in lists["users"] if type(row) is dict and type(row.get("id")) is str})
    company = Company()
    for kind, read in reader.kinds():
        seen: dict[RowKey, int] = {}
        for index, data in enumerate(lists[kind]):
            row = Row(kind, index, data)
            entry = None if row.bad else read(row)
            company.left_out.update(f"{kind}[].{name}" for name in row.unread())
            if entry is not None and not row.bad:
                _check_once(row, entry.put[0], seen)
            if entry is None or row.bad:
                company.bad.extend(row.bad)
            else:
                company.take(row, entry)
                reader.learn(entry)
    return company


def row_reader(kind: str, known: Known) -> Callable[[Any], tuple[Entry | None, list[BadRow]]]:
    """Return what reads a row of one kind, such as numbers, that may refer to what is known: its entry, or its faults.

    For files that are read row by row: that two rows are about the same is for others to see.
    """
    read = dict(_Reader(known, set()).kinds())[kind]

    def read_row(data: Any) -> tuple[Entry | None, list[BadRow]]:
        row = Row(kind, 0, data)
        entry = None if row.bad else read(row)
        return (None if row.bad else entry), row.bad

    return read_row


def _check_once(row: Row, record: Record, seen: dict[RowKey, int]) -> None:
    """Refuse a row whose primary key an earlier good row had."""
    first = seen.setdefault(row_key(record), row.index)
    if first != row.index:
        row.refuse(KEY_NAMES[type(record)][-1], f"{row.kind}[{first}] has the same, and counts: remove one of the two")


def _lists(raw: bytes) -> dict[str, list[Any]]:
    """Return the rows of each kind."""
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise CompanyFileError(f"the file is not JSON ({error}): export it again") from None
    if type(data) is not dict or data.get("format") != FORMAT:
        raise CompanyFileError(f'the file is not of the format {FORMAT}: its top must be {{"format": "{FORMAT}", ...}}')
    lists = {}
    for kind in ("tenants", "users", "brands", "campaigns", "numbers", "contacts", "opt_outs"):
        rows = data.get(kind, [])
        if type(rows) is not list:
            raise CompanyFileError(f"{kind} must be a list of rows")
        lists[kind] = rows
    return lists


class _Reader:
    """Reads rows of every kind against what is known so far."""

    def __init__(self, known: Known, users_in_file: set[str]) -> None:
        self._known = known
        self._users_in_file = users_in_file
        #: Extensions that good rows of the file have taken.
        self._claimed: set[tuple[str, str]] = set()

    def kinds(self) -> Iterator[tuple[str, Callable[[Row], Entry]]]:
        """Name the lists of the file with their readers, each after those that it refers to."""
        yield "tenants", self._tenant
        yield "users", self._user
        yield "brands", self._brand
        yield "campaigns", self._campaign
        yield "numbers", self._number
        yield "contacts", self._contact
        yield "opt_outs", self._opt_out

    def learn(self, entry: Entry) -> None:
        """Let later rows refer to what a good row brings."""
        for record in entry.put:
            match record:
                case Tenant():
                    self._known.tenants.add(record.id)
                case User():
                    self._known.users[record.id] = record.tenant
                case Extension():
                    self._claimed.add((record.tenant, record.digits))
                case Brand():
                    self._known.brands[record.id] = record.tenant
                case Campaign():
                    self._known.campaigns[record.id] = self._known.brands[record.brand_id]
                case _:
                    pass

    def _tenant(self, row: Row) -> Entry:
        tenant = Tenant(
            id=row.identifier("id"),
            name=row.text("name"),
            country=row.text("country", "US"),
            time_zone=row.time_zone("time_zone", "UTC"),
            currency=row.text("currency", "USD"),
            customer_since=row.day("customer_since"),
        )
        return Entry(put=(tenant,))

    def _user(self, row: Row) -> Entry:
        user = User(
            id=row.identifier("id"),
            tenant=row.reference("tenant", self._known.tenants, "tenant"),
            name=row.text("name"),
            role=row.text("role", "employee"),
            licence=row.text("licence", ""),
        )
        _stays(row, "tenant", user.tenant, self._known.users.get(user.id))
        digits = row.extension("extension")
        extension = None if digits is None else Extension(tenant=user.tenant, digits=digits, user=user.id)
        if extension is not None:
            self._check_free(row, extension)
        return Entry(put=(user,) if extension is None else (user, extension))

    def _check_free(self, row: Row, extension: Extension) -> None:
        """Refuse an extension that somebody else has and keeps."""
        place = (extension.tenant, extension.digits)
        holder = self._known.extensions.get(place, extension.user)
        # A holder who is in the file too has what the file says: then only an earlier row's claim counts.
        kept = holder != extension.user and holder not in self._users_in_file
        if kept or place in self._claimed:
            row.refuse("extension", "another user of the tenant has it: give one of them another extension")

    def _brand(self, row: Row) -> Entry:
        brand = Brand(
            id=row.identifier("id"),
            tenant=row.reference("tenant", self._known.tenants, "tenant"),
            legal_name=row.text("legal_name", ""),
            status=row.text("status"),
            vetting_score=row.whole_or_none("vetting_score", _SCORE_MAX),
            government=row.flag("government"),
        )
        _stays(row, "tenant", brand.tenant, self._known.brands.get(brand.id))
        return Entry(put=(brand,))

    def _campaign(self, row: Row) -> Entry:
        carriers, declares = row.within("carriers"), row.within("declares")
        campaign = Campaign(
            id=row.identifier("id"),
            brand_id=row.reference("brand_id", self._known.brands, "brand"),
            use_case=row.text("use_case"),
            sub_use_cases=row.texts("sub_use_cases"),
            status=row.text("status"),
            sharing=row.text("sharing", "pending"),
            dca_complete=row.flag("dca_complete"),
            mock=row.flag("mock"),
            att=carriers.text("att", "review"),
            tmobile=carriers.text("tmobile", "review"),
            verizon=carriers.text("verizon", "review"),
            us_cellular=carriers.text("us_cellular", "review"),
            osr_status=row.whole_or_none("osr_status"),
            embedded_link=declares.flag("embedded_link"),
            embedded_phone=declares.flag("embedded_phone"),
            age_gated=declares.flag("age_gated"),
            direct_lending=declares.flag("direct_lending"),
            att_class=row.message_class("att_class"),
            description=row.text("description", ""),
            samples=row.texts("samples"),
            opt_out_keywords=row.texts("opt_out_keywords"),
            help_message=row.text("help_message", ""),
        )
        _stays(row, "brand_id", self._known.brands.get(campaign.brand_id, ""), self._known.campaigns.get(campaign.id))
        return Entry(put=(campaign,))

    def _number(self, row: Row) -> Entry:
        number = Number(
            did=row.our_number("did"),
            tenant=row.reference("tenant", self._known.tenants, "tenant"),
            user=row.reference_or_none("user", self._known.users, "user"),
            kind=row.text("kind", "local"),
            sms=row.text("sms", "disabled"),
            sms_enabled_at=row.instant_or_none("sms_enabled_at"),
            number_changed_at=row.instant_or_none("number_changed_at"),
            licence_changed_at=row.instant_or_none("licence_changed_at"),
            toll_free_verification=row.text_or_none("toll_free_verification"),
        )
        _same_tenant(row, "user", self._known.users.get(number.user or ""), number.tenant)
        link = row.within("assignment")
        if not row.has("assignment"):
            return Entry(put=(number,), remove=((Assignment, (number.did,)),))
        assignment = Assignment(
            did=number.did,
            state=link.text("state"),
            campaign_id=link.reference_or_none("campaign_id", self._known.campaigns, "campaign"),
            brand_id=link.reference_or_none("brand_id", self._known.brands, "brand"),
        )
        _same_tenant(link, "campaign_id", self._known.campaigns.get(assignment.campaign_id or ""), number.tenant)
        _same_tenant(link, "brand_id", self._known.brands.get(assignment.brand_id or ""), number.tenant)
        return Entry(put=(number, assignment))

    def _contact(self, row: Row) -> Entry:
        contact = Contact(
            number=row.phone_number("number"),
            carrier=row.text_or_none("carrier"),
            line=row.text_or_none("line"),
        )
        return Entry(put=(contact,))

    def _opt_out(self, row: Row) -> Entry:
        opt_out = OptOut(
            tenant=row.reference("tenant", self._known.tenants, "tenant"),
            recipient=row.phone_number("recipient"),
            at=row.instant("at"),
            keyword=row.text("keyword", "stop"),
            number=row.our_number("number") if row.has("number") else None,
        )
        return Entry(put=(opt_out,))


def _stays(row: Row, name: str, tenant: str, before: str | None) -> None:
    """Refuse to move something from one tenant to another: its history would move along."""
    if before is not None and tenant and before != tenant:
        row.refuse(name, "the id belongs to another tenant already: ids are unique over all tenants, take another id")


def _same_tenant(row: Row, name: str, tenant: str | None, own: str) -> None:
    """Refuse to use what belongs to another tenant."""
    if tenant is not None and own and tenant != own:
        row.refuse(name, "belongs to another tenant: name one of the number's own tenant")
