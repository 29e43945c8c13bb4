"""What rows come to: the values that those who judge rows give to those who write them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from registry.bulk.faults import Fault
from registry.bulk.reading import Row
from registry.commands import RowName, Seen
from registry.flows.desk import Limits
from registry.records import Record, User


class Outcome(NamedTuple):
    """What one row comes to: faults, or the columns that it changed, or neither."""

    changed: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


class Wish(NamedTuple):
    """What the aggregator is to do with a number."""

    did: str
    #: add or remove.
    action: str
    campaign_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What some rows come to together; nothing is written yet."""

    put: Sequence[Record] = ()
    remove: Sequence[RowName] = ()
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    #: The rows as they were before, as far as put and remove are about them.
    seen: Seen = field(default_factory=dict)
    #: People whose role became another one, each time that it did: their keys follow it.
    roles: Sequence[User] = ()


class Judge(Protocol):
    """Judges the rows of a batch one after the other, each as the ones before it leave things. Asks no database."""

    def row(self, row: Row) -> Outcome:
        """Judge one row."""

    def judged(self) -> Judged:
        """Return what the rows since the last time come to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Who has a file read, for whom, and under which limits."""

    tenant: str
    #: For the audit.
    actor: str
    now: datetime
    limits: Limits = field(default_factory=Limits)
    #: Of the provider: may take new numbers in.
    operator: bool = False


class RowError(Exception):
    """A row that cannot be taken."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__(code)
        self.fault = Fault(field, code)
