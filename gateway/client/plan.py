"""A day of texts made ready to be sent: each line with its key and its name, and what cannot be sent left out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from compliance.shapes import ShapeError
from gateway.client.credentials import Credentials
from gateway.client.media import File
from gateway.client.sending import Outgoing
from gateway.offline.day import DayLine, read_day_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What goes, and what does not."""

    messages: list[Outgoing] = field(default_factory=list)
    #: Number of the line in the file, and what is wrong with it.
    bad_lines: list[tuple[int, str]] = field(default_factory=list)
    #: Lines for which the credentials have no key, by user.
    without_key: Counter[str] = field(default_factory=Counter)

    @property
    def files(self) -> Mapping[File, str]:
        """The attachments to upload, each with a key that may."""
        return {file: outgoing.key for outgoing in self.messages for file in outgoing.files}


def make_plan(lines: Iterable[bytes], credentials: Credentials, *, prefix: str, run: str) -> Plan:
    """Read a day; the gateway will know message n as <prefix>-<n>-<run>."""
    plan = Plan()
    taken: set[int] = set()
    for number, raw in enumerate(lines, 1):
        if raw.isspace():
            continue
        try:
            line = _read(raw, taken)
        except ShapeError as wrong:
            plan.bad_lines.append((number, str(wrong)))
            continue
        tenant, key = credentials.tenant_of(line.user), credentials.key_of(line.user, line.message.origin)
        if key is None:
            plan.without_key[line.user] += 1
            continue
        name = f"{prefix}-{line.n}-{run}"
        plan.messages.append(Outgoing(line=line, tenant=tenant or "", key=key, name=name))
    return plan


def _read(raw: bytes, taken: set[int]) -> DayLine:
    line = read_day_line(raw)
    if line.n in taken:
        raise ShapeError("message.n: is the number of an earlier line")
    taken.add(line.n)
    for media in line.message.media:
        if not media.type.isascii() or not media.type.isprintable():
            raise ShapeError("media.type: cannot be sent as a Content-Type")
    return line
