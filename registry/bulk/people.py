"""What a file says about people, row by row: name, role, licence, extension; an id that nobody has is a new person.

As in a person's own page: another licence takes SMS away from all of somebody's numbers, an extension is added to those
that they have, and a cell that is empty leaves things as they are.

Not here: the words of the file (reading.py).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.bulk.judged import Judged, Office, Outcome, RowError
from registry.bulk.reading import Row
from registry.commands import find
from registry.flows.desk import SYSTEM_ROLE
from registry.lifecycle import standing as steps
from registry.lifecycle.standing import Standing
from registry.people.keys import narrowed
from registry.records import Extension, Number, Record, User
from registry.rows import EXTENSION, IDENTIFIER
from registry.tables import extensions, numbers

#: What a file can make of people; the provider's roles are given by operators, one by one.
_ROLES: Final = ("employee", "admin")
_NAME_MAX: Final = 200
_LICENCE_MAX: Final = 40


class _People:
    """The people of a batch, as the rows leave them."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.users: dict[str, User] = {}
        #: Who has which of the extensions that the batch names.
        self.holders: dict[str, str] = {}
        self.numbers: dict[str, list[Number]] = {}

    async def read(self, connection: AsyncConnection, rows: Sequence[Row]) -> None:
        """Read what the rows are about."""
        named = {(name,) for row in rows if (name := row.cells.get("id")) is not None and "\0" not in name}
        self.users = {user.id: user for user in (await find(connection, User, named)).values()}
        wanted = {(digits,) for row in rows if (digits := row.cells.get("extension")) is not None and not row.faults}
        if wanted:
            held = await connection.execute(
                sa.select(extensions.c.digits, extensions.c.user).where(
                    extensions.c.tenant == self.office.tenant, many.among(connection, [extensions.c.digits], wanted)
                )
            )
            self.holders = {row_.digits: row_.user for row_ in held}
        again = {
            (user.id,)
            for row in rows
            if (user := self.users.get(row.cells.get("id") or "")) is not None
            and row.cells.get("licence") not in {None, user.licence}
        }
        if again:
            names = [column.name for column in numbers.columns]
            theirs = await connection.execute(
                sa.select(*numbers.c).where(many.among(connection, [numbers.c.user], again)).order_by(numbers.c.did)
            )
            for row_ in theirs:
                number = Number(**dict(zip(names, row_, strict=True)))
                self.numbers.setdefault(str(number.user), []).append(number)


async def judge_people(connection: AsyncConnection, office: Office, rows: Sequence[Row]) -> Judged:
    """Judge a batch of rows about people, each as the ones before it leave things."""
    people = _People(office)
    await people.read(connection, rows)
    before, numbers_before = dict(people.users), dict(people.numbers)
    new: list[Record] = []
    outcomes = []
    for row in rows:
        try:
            outcomes.append(_row(people, row, new))
        except RowError as refused:
            outcomes.append(Outcome(faults=(refused.fault,)))
    put: list[Record] = [user for name, user in people.users.items() if user != before.get(name)]
    put += [one for name, theirs in people.numbers.items() if theirs != numbers_before.get(name) for one in theirs]
    others = [
        user for name, user in people.users.items() if (was := before.get(name)) is not None and was.role != user.role
    ]
    put += await narrowed(connection, others, office.now)  # (keys follow the role)
    return Judged(outcomes=outcomes, put=[*put, *new])


def _row(people: _People, row: Row, new: list[Record]) -> Outcome:
    if row.faults:
        return Outcome(faults=row.faults)
    user = _user(people, row)
    before = people.users.get(user.id)
    extension = _extension(people, row, user)
    changed = [
        name
        for name in ("name", "role", "licence")
        if before is not None and getattr(user, name) != getattr(before, name)
    ]
    if before is None:
        changed.append("id")
    elif "licence" in changed:
        people.numbers[user.id] = [
            replace(one, licence_changed_at=people.office.now, sms=steps.lose(Standing(sms=one.sms)).sms)
            for one in people.numbers.get(user.id, [])
        ]
    if extension is not None:
        new.append(extension)
        people.holders[extension.digits] = user.id
        changed.append("extension")
    people.users[user.id] = user
    return Outcome(changed=tuple(changed))


def _user(people: _People, row: Row) -> User:
    """Return the person of a row as it has them."""
    name = row.cells.get("id")
    if name is None:
        raise RowError("id", "missing")
    if not (IDENTIFIER.fullmatch(name) and name.isprintable()):
        raise RowError("id", "bad_value")
    given: dict[str, Any] = {
        field: cell for field in ("name", "role", "licence") if (cell := row.cells.get(field)) is not None
    }
    for field, longest in (("name", _NAME_MAX), ("licence", _LICENCE_MAX)):
        if len(given.get(field, "")) > longest:
            raise RowError(field, "bad_value")
    before = people.users.get(name)
    if before is not None and before.tenant != people.office.tenant:
        raise RowError("id", "id_taken")
    if before is not None and before.left_at is not None:
        raise RowError("id", "has_left")
    if before is not None and before.role == SYSTEM_ROLE:
        raise RowError("id", "not_found")
    role = _role(given.get("role"), before)
    if before is not None:
        return replace(before, **given)
    if "name" not in given:
        raise RowError("name", "missing")
    return User(id=name, tenant=people.office.tenant, name=given["name"], role=role, licence=given.get("licence", ""))


def _role(given: str | None, before: User | None) -> str:
    """Return the role that a person is to have; the provider's roles are neither given nor taken by a file."""
    if before is not None and given in {None, before.role}:
        return before.role
    role = given or "employee"
    if role not in _ROLES or (before is not None and before.role not in _ROLES):
        raise RowError("role", "bad_word")
    return role


def _extension(people: _People, row: Row, user: User) -> Extension | None:
    """Return the extension that a person gets; None when they have it already, or get none."""
    digits = row.cells.get("extension")
    if digits is None:
        return None
    if not EXTENSION.fullmatch(digits):
        raise RowError("extension", "bad_value")
    holder = people.holders.get(digits)
    if holder == user.id:
        return None
    if holder is not None:
        raise RowError("extension", "extension_taken")
    return Extension(tenant=people.office.tenant, digits=digits, user=user.id)
