"""Reads rows out of bytes as they come: CSV, JSON lines, or one JSON array, told apart by the first character.

Memory is bounded whatever comes: a row is at most 64 KiB, a quoted cell at most 20 lines. What is wrong with one row is
that row's fault, and the next one is read as if nothing had been; what is wrong with the file is a FileFaultError.

Not here: what a row means (numbers.py, people.py, given.py).
"""

import csv
import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

import orjson

from registry.bulk.cells import plain
from registry.bulk.columns import Kind
from registry.bulk.faults import Fault

ROW_MAX: Final = 65_536
CELL_MAX: Final = 1_000
#: Lines of one quoted cell: also how often a line can be read again when a quote stays open.
_LINES_MAX: Final = 20
#: So many bytes are read at once: a sender of single bytes does not make us look at each row from its start each time.
_PORTION: Final = 8_192
_BOM: Final = b"\xef\xbb\xbf"
_BLANKS: Final = b" \t\r\n"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_NOT_UTF8: Final = "the file is not UTF-8: save it as CSV UTF-8, or export it again"
_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|["\[\]{},]', re.DOTALL)


class FileFaultError(Exception):
    """The file as a whole cannot be taken; the message says what to do."""


class Row(NamedTuple):
    """One row of a file."""

    #: The line on which it begins, from 1.
    line: int
    #: Column to text; None where the cell is empty. A column that is not there is to stay as it is.
    cells: dict[str, str | None]
    faults: tuple[Fault, ...] = ()


class _Format(Protocol):
    def take(self, *, last: bool) -> Iterator[Row]:
        """Return the rows that are whole; last: nothing more is to come."""


class Rows:
    """Takes bytes and gives rows."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._held = bytearray()
        self._lines = _Lines()
        self._format: _Format | None = None

    def feed(self, data: bytes) -> Iterator[Row]:
        """Take some bytes; returns the rows that are whole. FileFaultError."""
        self._held += data
        if len(self._held) >= _PORTION:
            yield from self._take(last=False)

    def end(self) -> Iterator[Row]:
        """Say that there are no more bytes; returns the rows that are left. FileFaultError."""
        yield from self._take(last=True)

    def _take(self, *, last: bool) -> Iterator[Row]:
        if self._format is None:
            self._begin()
        if self._format is not None:
            self._lines.add(bytes(self._held))
            self._held.clear()
            yield from self._format.take(last=last)

    def _begin(self) -> None:
        """Find out what kind of file it is."""
        head = bytes(self._held)
        if head.startswith(_UTF16) or b"\0" in head[:4]:
            raise FileFaultError(_NOT_UTF8)
        if head.startswith(_BOM):
            del self._held[: len(_BOM)]
            head = bytes(self._held)
        first = head.lstrip(_BLANKS)[:1]
        if not first:
            raise FileFaultError("the file is empty: its first row names the columns")
        if first == b"[":
            self._format = _Array(self._lines, self._kind)
        elif first == b"{":
            self._format = _JsonLines(self._lines, self._kind)
        else:
            self._format = _Csv(self._lines, self._kind)


class _Lines:
    """Bytes as lines, none longer than a row may be."""

    def __init__(self) -> None:
        self.held = b""
        self.number = 0
        self._skipping = False

    def add(self, data: bytes) -> None:
        """Take more bytes."""
        self.held += data

    def take(self, *, last: bool) -> Iterator[tuple[int, bytes | None]]:
        """Return whole lines with their numbers, without their ends; None for one that is too long."""
        *whole, rest = self.held.split(b"\n")
        if last and rest:
            whole, rest = [*whole, rest], b""
        for line in whole:
            if not self._skipping:
                self.number += 1
                yield self.number, line.removesuffix(b"\r") if len(line) <= ROW_MAX else None
            self._skipping = False
        if len(rest) > ROW_MAX and not self._skipping:
            self.number += 1
            self._skipping = True
            yield self.number, None
        self.held = b"" if self._skipping else rest


class _Csv:
    """Comma-separated values with a header (RFC 4180)."""

    def __init__(self, lines: _Lines, kind: Kind) -> None:
        self._lines = lines
        self._kind = kind
        self._names: list[str] | None = None
        #: Lines of a row whose quote is still open, and lines that are to be read again after such a row was given up.
        self._open: list[tuple[int, bytes]] = []
        self._quotes = 0

    def take(self, *, last: bool) -> Iterator[Row]:
        """As _Format."""
        waiting: deque[tuple[int, bytes | None]] = deque()
        for number, line in self._lines.take(last=last):
            if self._names is not None and line and not self._open and not waiting and b'"' not in line:
                if line.strip():  # (nearly all: a row that is whole)
                    yield _csv_row(number, line, self._names)
                continue
            waiting.append((number, line))
            yield from self._work(waiting)
        if last:
            while self._open:
                yield self._give_up(waiting)
                yield from self._work(waiting)
            if self._names is None:
                raise FileFaultError("the file is empty: its first row names the columns")

    def _work(self, waiting: deque[tuple[int, bytes | None]]) -> Iterator[Row]:
        while waiting:
            number, line = waiting.popleft()
            if line is None:
                if self._open:
                    waiting.appendleft((number, line))
                    yield self._give_up(waiting)
                else:
                    yield self._too_long(number)
                continue
            if not self._open and not line.strip():
                continue
            self._open.append((number, line))
            self._quotes += line.count(b'"')
            if self._quotes % 2 == 0:
                first, raw = self._open[0][0], b"\n".join(line for _, line in self._open)
                self._open, self._quotes = [], 0
                yield from self._record(first, raw)
            elif len(self._open) >= _LINES_MAX:
                yield self._give_up(waiting)

    def _give_up(self, waiting: deque[tuple[int, bytes | None]]) -> Row:
        """Take the first line of a row whose quote stays open for a bad row, and read the others again."""
        (number, _), *again = self._open
        waiting.extendleft(reversed(again))
        self._open, self._quotes = [], 0
        if self._names is None:
            raise FileFaultError("a quote in the header is never closed: export the file again")
        return Row(number, {}, (Fault("", "open_quote"),))

    def _too_long(self, number: int) -> Row:
        if self._names is None:
            raise FileFaultError("the header is too long: is it a CSV file?")
        return Row(number, {}, (Fault("", "too_long"),))

    def _record(self, number: int, raw: bytes) -> Iterator[Row]:
        if self._names is not None:
            yield _csv_row(number, raw, self._names)
        elif len(raw) > ROW_MAX:
            yield self._too_long(number)
        else:
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                raise FileFaultError(_NOT_UTF8) from None
            self._names = _header(_cells(text), text, self._kind)


def _csv_row(number: int, raw: bytes, names: list[str]) -> Row:
    if len(raw) > ROW_MAX:
        return Row(number, {}, (Fault("", "too_long"),))
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Row(number, {}, (Fault("", "not_utf8"),))
    cells = _cells(text)
    if cells is None:
        return Row(number, {}, (Fault("", "bad_csv"),))
    if len(cells) != len(names):
        return Row(number, {}, (Fault("", "column_count"),))
    read = {name: plain(cell) or None for name, cell in zip(names, cells, strict=True)}
    return _row(number, read) if len(text) > CELL_MAX or "\0" in text else Row(number, read)


def _cells(text: str) -> list[str] | None:
    """Split a row; None when it is not CSV."""
    if '"' not in text and "\r" not in text:  # (then there is nothing to it)
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return None


def _header(cells: list[str] | None, text: str, kind: Kind) -> list[str]:
    """Read the names of the columns; FileFaultError."""
    if cells is None:
        raise FileFaultError("the header is not CSV: export the file again")
    names = [cell.strip().lower() for cell in cells]
    if len(names) == 1 and (";" in text or "\t" in text):
        raise FileFaultError("the columns are not separated by commas: save the file with commas")
    unknown = [name for name in names if name not in kind.columns]
    if unknown:
        shown = ", ".join(repr(name[:40]) for name in unknown[:5])
        raise FileFaultError(
            f"there is no column {shown} in a file of {kind.name}; there are {', '.join(kind.columns)}"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileFaultError(f"the header has {', '.join(twice)} twice: leave one of them out")
    if kind.key not in names:
        raise FileFaultError(f"the header has no column {kind.key}: it says which row is about what")
    return names


class _JsonLines:
    """One JSON object a line."""

    def __init__(self, lines: _Lines, kind: Kind) -> None:
        self._lines = lines
        self._kind = kind

    def take(self, *, last: bool) -> Iterator[Row]:
        """As _Format."""
        for number, line in self._lines.take(last=last):
            if line is None:
                yield Row(number, {}, (Fault("", "too_long"),))
            elif line.strip():
                yield _object(number, line, self._kind)


class _Array:
    """One JSON array of objects."""

    def __init__(self, lines: _Lines, kind: Kind) -> None:
        self._lines = lines
        self._kind = kind
        self._line = 1
        self._depth = 0
        #: Where in what is held the next sign is looked for; a row that is being read begins at 0.
        self._at = 0
        self._ended = False
        #: Where a row ends that is not JSON, nobody knows: the rest is not read.
        self._stopped = False

    def take(self, *, last: bool) -> Iterator[Row]:
        """As _Format."""
        if self._stopped:
            self._lines.held = b""
            return
        yield from self._whole()
        if len(self._lines.held) > ROW_MAX and not self._ended:
            yield self._stop("too_long")
        elif last and (not self._ended or self._lines.held.strip(_BLANKS)):
            yield self._stop("file_cut")
        if self._ended:
            self._lines.held = self._lines.held.strip(_BLANKS)[:1]  # (all that matters of what comes after the end)

    def _whole(self) -> Iterator[Row]:
        """Return the elements that end in what is held."""
        while not self._ended and (sign := _TOKENS.search(self._lines.held, self._at)) is not None:
            token = sign[0]
            if token == b'"':  # A text that does not end in what is held.
                return
            self._at = sign.end()
            ends = self._depth == 1 and token in b",]"
            if token in b"[{":
                self._depth += 1
                if self._depth == 1:
                    self._drop(sign.end())
            elif token in b"]}":
                self._depth -= 1
            if ends:
                yield from self._element(self._lines.held[: sign.start()], may_be_empty=token == b"]")
                self._drop(sign.end())
                self._ended = token == b"]"

    def _element(self, raw: bytes, *, may_be_empty: bool) -> Iterator[Row]:
        blank = len(raw) - len(raw.lstrip(_BLANKS))
        line = self._line + raw.count(b"\n", 0, blank)
        if raw.strip(_BLANKS) or not may_be_empty:
            yield _object(line, raw, self._kind) if len(raw) <= ROW_MAX else Row(line, {}, (Fault("", "too_long"),))

    def _drop(self, end: int) -> None:
        self._line += self._lines.held.count(b"\n", 0, end)
        self._lines.held = self._lines.held[end:]
        self._at = 0

    def _stop(self, code: str) -> Row:
        self._stopped, self._lines.held = True, b""
        return Row(self._line, {}, (Fault("", code),))


def _object(number: int, raw: bytes, kind: Kind) -> Row:
    """Read one JSON object."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return Row(number, {}, (Fault("", "not_utf8"),))
    try:
        data = orjson.loads(raw)
        if type(data) is not dict:
            return Row(number, {}, (Fault("", "not_json"),))
        keys: list[int] = []
        json.loads(raw, object_pairs_hook=lambda pairs: keys.append(len(pairs)))
    except (ValueError, RecursionError):
        return Row(number, {}, (Fault("", "not_json"),))
    if keys[-1] != len(data):
        return Row(number, {}, (Fault("", "duplicate_key"),))
    cells: dict[str, str | None] = {}
    faults = []
    for name, value in data.items():
        if name not in kind.columns:
            faults.append(Fault(name if re.fullmatch(r"[a-z_]{1,40}", name) else "", "unknown_column"))
        elif value is None or type(value) is str:
            cells[name] = value or None
        elif type(value) is bool and name == "enabled":
            cells[name] = "yes" if value else "no"
        else:
            faults.append(Fault(name, "wrong_type"))
    return _row(number, cells, tuple(faults))


def _row(number: int, cells: dict[str, str | None], faults: tuple[Fault, ...] = ()) -> Row:
    """Check what every cell must be, whatever it means."""
    found: list[Fault] = []
    for name, cell in cells.items():
        if cell is None:
            continue
        if len(cell) > CELL_MAX:
            found.append(Fault(name, "too_long"))
        elif "\0" in cell:
            found.append(Fault(name, "nul"))
    return Row(number, cells, (*faults, *found))
