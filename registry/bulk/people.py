"""What a file says about people, row by row: name, role, licence, extension; an id that nobody has is a new person.

As in a person's own page: another licence takes SMS away from all of somebody's numbers, an extension is added to those
that they have, and a cell that is empty leaves things as they are.

Not here: the words of the file (reading.py).
"""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.bulk.judged import Judged, Office, Outcome, RowError
from registry.bulk.reading import Row
from registry.commands import find, row_key
from registry.flows.desk import SYSTEM_ROLE
from registry.lifecycle import standing as steps
from registry.lifecycle.standing import Standing
from registry.people.rights import ADMIN_ROLE
from registry.quickly import maker, replaced
from registry.records import Extension, Number, User
from registry.rows import EXTENSION, IDENTIFIER
from registry.tables import extensions, numbers, users

#: What a file can make of people; the provider's roles are given by operators, one by one.
_ROLES: Final = ("employee", "admin")
_NAME_MAX: Final = 200
_LICENCE_MAX: Final = 40


class JudgePeople:
    """Judges rows about people; a Judge."""

    def __init__(self, office: Office) -> None:
        self.office = office
        #: The people of the batch, as the rows leave them.
        self.users: dict[str, User] = {}
        #: Who has which of the extensions that the batch names.
        self.holders: dict[str, str] = {}
        #: The numbers of people who get another licence.
        self.numbers: dict[str, list[Number]] = {}
        #: Who administers the company, where the batch names roles.
        self.admins: set[str] = set()
        #: As it was when judged() was last asked, where rows have changed it since.
        self._users_before: dict[str, User | None] = {}
        self._numbers_before: dict[str, list[Number]] = {}
        self._extensions: list[Extension] = []
        self._roles: list[User] = []

    async def read(self, connection: AsyncConnection, rows: Sequence[Row]) -> None:
        """Read what the rows are about."""
        named = {(name,) for row in rows if (name := row.cells.get("id")) is not None and "\0" not in name}
        self.users = {user.id: user for user in (await find(connection, User, named)).values()}
        if any(row.cells.get("role") is not None for row in rows):
            self.admins = await _admins(connection, self.office.tenant)
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
            theirs = await connection.execute(
                sa.select(*numbers.c).where(many.among(connection, [numbers.c.user], again)).order_by(numbers.c.did)
            )
            for number in map(maker(Number, numbers.columns.keys()), theirs):
                self.numbers.setdefault(str(number.user), []).append(number)

    def row(self, row: Row) -> Outcome:
        """As Judge."""
        if row.faults:
            return Outcome(faults=row.faults)
        try:
            user = _user(self, row)
            extension = _extension(self, row, user)
        except RowError as refused:
            return Outcome(faults=(refused.fault,))
        changed = self._enter(user)
        if extension is not None:
            self._extensions.append(extension)
            self.holders[extension.digits] = user.id
            changed.append("extension")
        return Outcome(changed=tuple(changed))

    def judged(self) -> Judged:
        """As Judge."""
        users_before, numbers_before = self._users_before, self._numbers_before
        new, roles = self._extensions, self._roles
        self._users_before, self._numbers_before, self._extensions, self._roles = {}, {}, [], []
        people = [user for name, was in users_before.items() if (user := self.users[name]) != was]
        return Judged(
            put=[*people, *(number for name in numbers_before for number in self.numbers[name]), *new],
            seen={
                User: {(name,): was for name, was in users_before.items()},
                Number: {(number.did,): number for was in numbers_before.values() for number in was},
                Extension: {row_key(extension): None for extension in new},  # (or it would have a holder)
            },
            roles=roles,
        )

    def _enter(self, user: User) -> list[str]:
        """Let later rows find a person as a row left them; returns the columns that it changed."""
        before = self.users.get(user.id)
        if user == before:
            return []
        self._users_before.setdefault(user.id, before)
        self.users[user.id] = user
        (self.admins.add if user.role == ADMIN_ROLE else self.admins.discard)(user.id)
        if before is None:
            return ["id"]
        changed = [name for name in ("name", "role", "licence") if getattr(user, name) != getattr(before, name)]
        if "role" in changed:
            self._roles.append(user)
        if "licence" in changed and (theirs := self.numbers.get(user.id)):
            self._numbers_before.setdefault(user.id, theirs)
            self.numbers[user.id] = [
                replaced(one, licence_changed_at=self.office.now, sms=steps.lose(Standing(sms=one.sms)).sms)
                for one in theirs
            ]
        return changed


async def _admins(connection: AsyncConnection, tenant: str) -> set[str]:
    """Return the ids of the company's people who administer it."""
    theirs = sa.select(users.c.id).where(
        users.c.tenant == tenant, users.c.role == ADMIN_ROLE, users.c.left_at.is_(None)
    )
    return set(await connection.scalars(theirs))


async def judge_people(connection: AsyncConnection, office: Office, rows: Sequence[Row]) -> JudgePeople:
    """Read what a batch of rows about people is about."""
    people = JudgePeople(office)
    await people.read(connection, rows)
    return people


def _user(people: JudgePeople, row: Row) -> User:
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
    role = _role(people, given.get("role"), before)
    if before is not None:
        return replaced(before, **given)
    if "name" not in given:
        raise RowError("name", "missing")
    return User(id=name, tenant=people.office.tenant, name=given["name"], role=role, licence=given.get("licence", ""))


def _role(people: JudgePeople, given: str | None, before: User | None) -> str:
    """Return the role that a person is to have.

    The provider's roles are neither given nor taken by a file, and the last admin's role is the provider's to take.
    """
    if before is not None and given in {None, before.role}:
        return before.role
    role = given or "employee"
    if role not in _ROLES or (before is not None and before.role not in _ROLES):
        raise RowError("role", "bad_word")
    if before is not None and people.admins == {before.id} and not people.office.operator:
        raise RowError("role", "last_admin")
    return role


def _extension(people: JudgePeople, row: Row, user: User) -> Extension | None:
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
