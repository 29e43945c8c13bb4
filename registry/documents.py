"""What the gateway sees of the rows: documents of compliance.documents, rendered from SQL.

A document is a pure function of the rows as they stand. So the outbox of a change and the rebuild of the whole store
use the same renderers, and cannot tell different stories. A document whose rows are gone renders to no bytes, which
means: delete it.

Not here: the keys and bytes themselves (compliance/documents.py) and when documents are sent (projector.py).
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from operator import attrgetter
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance import documents, facts
from registry import many
from registry.columns import UtcDateTime
from registry.records import (
    ApiKey,
    Assignment,
    Brand,
    Campaign,
    Contact,
    Extension,
    Number,
    Record,
    Tenant,
    TokenKey,
    User,
)
from registry.tables import (
    api_keys,
    assignments,
    brands,
    campaigns,
    contacts,
    extensions,
    numbers,
    tenants,
    token_keys,
    users,
)

#: Bytes that stand for "this document is to be deleted".
GONE: Final = b""
#: How many documents are rendered, sent or staged at once.
BATCH: Final = 500

#: Store key to bytes, in the order in which they were rendered.
Documents = dict[str, bytes]
#: A row by its columns.
Values = Mapping[str, Any]
#: Records by kind and key; None where there is none of that key.
Rows = Mapping[type[Any], Mapping[tuple[str, ...], Record | None]]
#: The values that name one document within its kind.
DocumentId = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kind:
    """How one kind of document is made. Compared by identity: columns have an == of their own."""

    #: The columns that name a document.
    id: tuple[sa.ColumnElement[Any], ...]
    #: Selects one row a document.
    rows: sa.Select[Any]
    key: Callable[..., str]
    value: Callable[[Values], bytes]


def _number(row: Values) -> bytes:
    state = row["state"]
    return documents.dump_number(
        facts.SenderNumber(
            owner=None if row["user"] is None else facts.Owner(tenant=row["tenant"], user=row["user"]),
            kind=row["kind"],
            sms=row["sms"],
            sms_enabled_at=row["sms_enabled_at"],
            number_changed_at=row["number_changed_at"],
            licence_changed_at=row["licence_changed_at"],
            toll_free_verification=row["toll_free_verification"],
            assignment=None
            if state is None
            else facts.Assignment(state=state, campaign_id=row["campaign_id"], brand_id=row["brand_id"]),
        ),
        pool_of="" if row["user"] is not None else row["tenant"],
    )


def _campaign(row: Values) -> bytes:
    return documents.dump_campaign(
        facts.Campaign(
            id=row["id"],
            brand_id=row["brand_id"],
            use_case=row["use_case"],
            sub_use_cases=row["sub_use_cases"],
            status=row["status"],
            sharing=row["sharing"],
            dca_complete=row["dca_complete"],
            mock=row["mock"],
            carriers=facts.CarrierStates(
                att=row["att"],
                tmobile=row["tmobile"],
                verizon=row["verizon"],
                us_cellular=row["us_cellular"],
            ),
            osr_status=row["osr_status"],
            declares=facts.Declarations(
                embedded_link=row["embedded_link"],
                embedded_phone=row["embedded_phone"],
                age_gated=row["age_gated"],
                direct_lending=row["direct_lending"],
            ),
            att_class=row["att_class"],
        ),
        help_message=row["help_message"],
    )


def _brand(row: Values) -> bytes:
    facts_of_it = {name: value for name, value in row.items() if name != "legal_name"}
    return documents.dump_brand(facts.Brand(**facts_of_it), name=row["legal_name"])


def _user(row: Values) -> bytes:
    return documents.dump_user(
        documents.UserDocument(
            id=row["id"], tenant=row["tenant"], customer_since=row["customer_since"], number=row["number"]
        )
    )


def _extension(row: Values) -> bytes:
    return documents.dump_extension(documents.ExtensionDocument(user=row["user"]))


def _api_key(row: Values) -> bytes:
    return documents.dump_key(documents.KeyDocument(**row))


def _token_key(row: Values) -> bytes:
    return documents.dump_token_key(documents.TokenKeyDocument(**row))


def _line(row: Values) -> bytes:
    return documents.dump_line(documents.LineDocument(carrier=row["carrier"], line=row["line"]))


#: The number that a user sends from when none is named: the local one whose SMS is enabled. There should be one (the
#: others are superseded); of several the one that was enabled last.
_SENDING_NUMBER: Final = (
    sa.select(numbers.c.did)
    .where(numbers.c.user == users.c.id, numbers.c.kind == "local", numbers.c.sms == "enabled")
    .order_by(numbers.c.sms_enabled_at.desc().nulls_last(), numbers.c.did)
    .limit(1)
    .scalar_subquery()
)

NUMBERS: Final = Kind(
    id=(numbers.c.did,),
    rows=sa.select(numbers, assignments.c.state, assignments.c.campaign_id, assignments.c.brand_id)
    .select_from(numbers.outerjoin(assignments))
    .where(numbers.c.left_at.is_(None)),
    key=documents.number_key,
    value=_number,
)
CAMPAIGNS: Final = Kind(id=(campaigns.c.id,), rows=sa.select(campaigns), key=documents.campaign_key, value=_campaign)
BRANDS: Final = Kind(
    id=(brands.c.id,),
    rows=sa.select(brands.c.id, brands.c.status, brands.c.vetting_score, brands.c.government, brands.c.legal_name),
    key=documents.brand_key,
    value=_brand,
)
USERS: Final = Kind(
    id=(users.c.id,),
    rows=sa.select(users.c.id, users.c.tenant, tenants.c.customer_since, _SENDING_NUMBER.label("number"))
    .select_from(users.join(tenants))
    .where(users.c.left_at.is_(None)),
    key=documents.user_key,
    value=_user,
)
EXTENSIONS: Final = Kind(
    id=(extensions.c.tenant, extensions.c.digits),
    rows=sa.select(extensions),
    key=documents.extension_key,
    value=_extension,
)
API_KEYS: Final = Kind(
    id=(api_keys.c.id,),
    rows=sa.select(
        api_keys.c.id,
        api_keys.c.sha256,
        api_keys.c.tenant,
        api_keys.c.user,
        api_keys.c.scopes,
    ).where(api_keys.c.revoked_at.is_(None)),
    key=documents.api_key_key,
    value=_api_key,
)
TOKEN_KEYS: Final = Kind(
    id=(token_keys.c.id,),
    rows=sa.select(token_keys.c.id, token_keys.c.x),
    key=documents.token_key_key,
    value=_token_key,
)
LINES: Final = Kind(id=(contacts.c.number,), rows=sa.select(contacts), key=documents.line_key, value=_line)

#: In which document a record shows. A tenant shows through its users (touched_by), what is not here in none.
_SHOWN_IN: Final[Mapping[type[Any], Kind]] = {
    Brand: BRANDS,
    Campaign: CAMPAIGNS,
    User: USERS,
    Extension: EXTENSIONS,
    ApiKey: API_KEYS,
    TokenKey: TOKEN_KEYS,
    Number: NUMBERS,
    Assignment: NUMBERS,
    Contact: LINES,
}
#: All there is, in the order in which a rebuild writes it.
KINDS: Final = (BRANDS, CAMPAIGNS, USERS, EXTENSIONS, API_KEYS, TOKEN_KEYS, NUMBERS, LINES)

_NUMBER_COLUMNS: Final = tuple(column.name for column in numbers.columns)
_NUMBER_INSTANTS: Final = tuple(column.name for column in numbers.columns if isinstance(column.type, UtcDateTime))
_of_number: Final = attrgetter(*_NUMBER_COLUMNS)
_of_link: Final = attrgetter("state", "campaign_id", "brand_id")

#: Get the values that name a document from a record that shows in it: a tuple of them, or the only one.
_IDS: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    kind: attrgetter(*(column.name for column in kind.id)) for kind in KINDS
}


class Touched(NamedTuple):
    """Documents that may look different after some changes."""

    #: Those that can be rendered as they are.
    known: "Part"
    #: Those of which the rows have to be read.
    ids: Mapping[Kind, set[DocumentId]]
    #: Companies of which all people's documents may look different.
    companies: Collection[str]


def touched_by(changes: Iterable[tuple[Record | None, Record | None]], after: Rows) -> Touched:
    """Return which documents may look different after the changes, each given as the record before and after.

    after has rows as they are then; a number's document follows from it where it has both of its rows.
    """
    touched: dict[Kind, set[DocumentId]] = {kind: set() for kind in KINDS}
    companies = set()
    for sides in changes:
        before, now = sides
        if type(before) is Tenant and type(now) is Tenant and before.customer_since != now.customer_since:
            companies.add(now.id)
        for record in sides:
            if record is None:
                continue
            shown = _SHOWN_IN.get(type(record))
            if shown is not None:
                document_id = _IDS[shown](record)
                touched[shown].add(document_id if type(document_id) is tuple else (document_id,))
            if type(record) is Number and record.user is not None and _may_be_sent_from(record):
                touched[USERS].add((record.user,))
    numbers_after, links_after = after.get(Number, {}), after.get(Assignment, {})
    ids = sorted(did for did in touched[NUMBERS] if did in numbers_after and did in links_after)
    touched[NUMBERS].difference_update(ids)
    rows = [_number_row(number, links_after[did]) for did in ids if (number := numbers_after[did]) is not None]
    return Touched(Part(NUMBERS, ids, [row for row in rows if row["left_at"] is None]), touched, companies)


def _number_row(number: Any, link: Any) -> Values:
    """Return what NUMBERS would have read of a number and its assignment."""
    row = dict(zip(_NUMBER_COLUMNS, _of_number(number), strict=True))
    for name in _NUMBER_INSTANTS:
        at = row[name]
        if at is not None and at.tzinfo is not UTC:
            row[name] = at.astimezone(UTC)
    row["state"], row["campaign_id"], row["brand_id"] = (None, None, None) if link is None else _of_link(link)
    return row


def _may_be_sent_from(number: Number) -> bool:
    """Say whether a number may be its owner's sending number, as _SENDING_NUMBER has it."""
    return number.sms == "enabled" and number.kind == "local"


async def render(connection: AsyncConnection, ids: Mapping[Kind, set[DocumentId]]) -> Documents:
    """Render the named documents from the rows as they are now; GONE for those that have none."""
    rendered: Documents = {}
    for part in await _read(connection, ids):
        rendered |= part.gone() | part.rendered(part.rows)
    return rendered


async def read(connection: AsyncConnection, touched: Touched) -> "list[Part]":
    """Return documents that may look different, but for those that are known; rows are read as they are now."""
    wanted = dict(touched.ids)
    if touched.companies:
        theirs = await connection.execute(sa.select(users.c.id).where(users.c.tenant.in_(touched.companies)))
        wanted[USERS] = wanted[USERS] | {(user,) for user in theirs.scalars()}
    return await _read(connection, wanted)


async def _read(connection: AsyncConnection, wanted: Mapping[Kind, set[DocumentId]]) -> "list[Part]":
    parts = []
    for kind, ids in wanted.items():
        ordered = sorted(ids)
        for start in range(0, len(ordered), BATCH):
            some = ordered[start : start + BATCH]
            rows = await connection.execute(kind.rows.where(many.among(connection, kind.id, some)))
            parts.append(Part(kind, some, _values(rows.keys(), rows.all())))
    return parts


class Part(NamedTuple):
    """Some documents of one kind that are to be rendered."""

    kind: Kind
    ids: Sequence[DocumentId]
    #: In any order; of documents that are gone there is none.
    rows: Sequence[Values]

    def gone(self) -> Documents:
        """Return all of them, in the order of their ids, as if they were gone."""
        return {self.kind.key(*document_id): GONE for document_id in self.ids}

    def rendered(self, rows: Sequence[Values]) -> Documents:
        """Render some of the rows."""
        return _render_rows(self.kind, rows)


async def render_all(connection: AsyncConnection) -> AsyncIterator[Documents]:
    """Render every document there is, in batches; all of one instant if connection is of Database.reading()."""
    for kind in KINDS:
        rows = await connection.stream(kind.rows)
        names = rows.keys()
        async for some in rows.partitions(BATCH):
            yield _render_rows(kind, _values(names, some))


def _values(names: Iterable[str], rows: Iterable[sa.Row[Any]]) -> list[Values]:
    """Return rows by their columns; each value is asked for by name, which a dict answers best."""
    columns = tuple(names)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _render_rows(kind: Kind, rows: Iterable[Values]) -> Documents:
    names, key, value = [column.name for column in kind.id], kind.key, kind.value
    if len(names) == 1:  # (nearly all)
        (name,) = names
        return {key(row[name]): value(row) for row in rows}
    return {key(*[row[name] for name in names]): value(row) for row in rows}
