"""Reads one row of a company file field by field, and remembers everything that is wrong with it.

An edge: nothing that comes out of here needs to be checked again. A field that cannot be read gives a stand-in of the
right type, so that the rest of the row is read too and a person sees all its faults at once; a row with faults is then
dropped whole by its reader (company.py).

Not here: which fields a kind of row has, and what a row may refer to (company.py).
"""

import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

T = TypeVar("T")

#: What a sender number must look like to be ours: E.164, North American.
NANP: Final = re.compile(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}")
E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
EXTENSION: Final = re.compile(r"[0-9]{1,15}")
#: Ids become parts of store keys and of destinations such as user:<id>, hence no colon and no blank.
IDENTIFIER: Final = re.compile(r"[^\s:]{1,128}")
_MESSAGE_CLASS: Final = re.compile(r"[A-Z]")

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
#: The largest whole number that every database takes.
_WHOLE_MAX: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """One fault of one row, and what to do about it."""

    #: The list in the file, such as users, and the row's place in it, from 0.
    kind: str
    index: int
    #: Empty when it is about the row as a whole.
    field: str
    problem: str

    def __str__(self) -> str:
        """Write it as a path into the file and a sentence."""
        return f"{self.kind}[{self.index}]{'.' if self.field else ''}{self.field}: {self.problem}"


class Row:
    """A row, or an object within one. Each method reads one field."""

    def __init__(self, kind: str, index: int, data: Any) -> None:
        self.kind = kind
        self.index = index
        #: Everything wrong with the row so far.
        self.bad: list[BadRow] = []
        self._data: dict[str, Any] = {}
        self._within = ""
        #: The fields that somebody asked for, and the objects within.
        self._asked: set[str] = set()
        self._inner: list[Row] = []
        if type(data) is dict:
            self._data = data
        else:
            self.refuse("", "must be an object")

    def refuse(self, field: str, problem: str) -> None:
        """Note a fault of a field."""
        self.bad.append(BadRow(kind=self.kind, index=self.index, field=self._within + field, problem=problem))

    def unread(self) -> Iterator[str]:
        """Name the fields that are there and that nobody asked for."""
        mine = [self._within + name for name in self._data.keys() - self._asked]
        yield from sorted(mine + [name for inner in self._inner for name in inner.unread()])

    def within(self, field: str) -> "Row":
        """Return the object in a field as a row that shares our faults; an object that is not there has no fields."""
        inner = Row(self.kind, self.index, {})
        inner.bad, inner._within = self.bad, f"{self._within}{field}."
        self._inner.append(inner)
        data = self._get(field)
        if type(data) is dict:
            inner._data = data
        elif data is not None:
            self.refuse(field, "must be an object or null")
        return inner

    def has(self, field: str) -> bool:
        """Tell whether a field holds anything but null."""
        return self._data.get(field) is not None

    def text(self, field: str, default: str | None = None) -> str:
        """Read a text; without a default the field must be there."""
        if default is not None and self._get(field) is None:
            return default
        return self._read(field, _text, "")

    def text_or_none(self, field: str) -> str | None:
        """Read a text or null."""
        return None if self._get(field) is None else self.text(field)

    def texts(self, field: str) -> tuple[str, ...]:
        """Read a list of texts; none when it is not there."""
        return self._read(field, _texts, ()) if self._present(field) else ()

    def matching(self, field: str, pattern: re.Pattern[str], what: str) -> str:
        """Read a text that is wholly of a pattern; what says which kind of text that is."""
        value = self._read(field, _text, None)
        if value is not None and not (pattern.fullmatch(value) and value.isprintable()):
            self.refuse(field, f"must be {what}")
        return value or ""

    def identifier(self, field: str) -> str:
        """Read an id."""
        return self.matching(field, IDENTIFIER, "1 to 128 printable characters without blanks and colons")

    def our_number(self, field: str) -> str:
        """Read one of our own numbers."""
        return self.matching(field, NANP, "a US or Canadian number in E.164, such as +12025550123")

    def phone_number(self, field: str) -> str:
        """Read anybody's number."""
        return self.matching(field, E164, "a number in E.164, such as +12025550123")

    def extension(self, field: str) -> str | None:
        """Read an extension or null."""
        return self.matching(field, EXTENSION, "1 to 15 digits, or null") if self._present(field) else None

    def message_class(self, field: str) -> str | None:
        """Read an AT&T message class or null."""
        return self.matching(field, _MESSAGE_CLASS, "one upper-case letter, or null") if self._present(field) else None

    def reference(self, field: str, known: Container[str], what: str) -> str:
        """Read the id of something that must be known already."""
        value = self._read(field, _text, "")
        if value and value not in known:
            self.refuse(field, f"there is no {what} {_shown(value)} (or its row is bad): add it, or correct the id")
        return value

    def reference_or_none(self, field: str, known: Container[str], what: str) -> str | None:
        """Read the id of something that must be known already, or null."""
        return None if self._get(field) is None else self.reference(field, known, what)

    def flag(self, field: str) -> bool:
        """Read true or false; false when it is not there."""
        return self._read(field, _flag, False) if self._present(field) else False  # noqa: FBT003 - the stand-in

    def whole_or_none(self, field: str, maximum: int = _WHOLE_MAX) -> int | None:
        """Read a whole number from 0 to maximum, or null."""
        value = self._read(field, _whole, 0) if self._present(field) else None
        if value is not None and value > maximum:
            self.refuse(field, f"must be at most {maximum}")
        return value

    def instant(self, field: str) -> datetime:
        """Read an instant, in UTC."""
        return self._read(field, _instant, _EPOCH)

    def instant_or_none(self, field: str) -> datetime | None:
        """Read an instant, in UTC, or null."""
        return None if self._get(field) is None else self.instant(field)

    def day(self, field: str) -> date:
        """Read a date."""
        return self._read(field, _day, _EPOCH.date())

    def time_zone(self, field: str, default: str) -> str:
        """Read the name of a time zone."""
        name = self.text(field, default)
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.refuse(field, "must be an IANA time zone, such as America/New_York")
        return name

    def _present(self, field: str) -> bool:
        return self._get(field) is not None

    def _get(self, field: str) -> Any:
        self._asked.add(field)
        return self._data.get(field)

    def _read(self, field: str, read: Callable[[Any], T], stand_in: T) -> T:
        value = self._get(field)
        if value is None:
            self.refuse(field, "is missing")
            return stand_in
        try:
            return read(value)
        except _FaultError as fault:
            self.refuse(field, str(fault))
            return stand_in


class _FaultError(ValueError):
    """A value is not what it must be; the message says what it must be."""


def _text(value: Any) -> str:
    if type(value) is not str:
        raise _FaultError("must be a string")
    if "\x00" in value:  # PostgreSQL cannot keep it.
        raise _FaultError("must not contain the character NUL")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if type(value) is not list:
        raise _FaultError("must be a list of strings")
    return tuple(_text(item) for item in value)


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise _FaultError("must be true or false")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise _FaultError("must be a whole number, zero or more")
    return value


def _instant(value: Any) -> datetime:
    try:
        instant = datetime.fromisoformat(_text(value))
    except ValueError:
        raise _FaultError("must be an RFC 3339 instant, such as 2026-11-20T13:00:00Z") from None
    if instant.tzinfo is None:
        raise _FaultError("has no offset: write Z or +hh:mm at its end")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise _FaultError("is out of range") from None


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(_text(value))
    except ValueError:
        raise _FaultError("must be a date, such as 2026-11-20") from None


def _shown(value: str) -> str:
    """Quote an id for a message; a long one is cut, and control characters do not reach the terminal."""
    return repr(value if len(value) <= 40 else value[:37] + "...")  # noqa: PLR2004 - a line's worth
