"""The columns of each kind of file: which there are, which a row must have, and who reads them.

Not here: what a row comes to (numbers.py, people.py, given.py).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Kind(NamedTuple):
    """One kind of file."""

    name: str
    #: What names a row; every file has it.
    key: str
    #: Read as wishes.
    wishes: tuple[str, ...]
    #: Read as states, and only with --as-import.
    states: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All that a file may have, in the order of an export."""
        return tuple(dict.fromkeys((self.key, *self.wishes, *self.states)))

    def read(self, *, as_import: bool) -> frozenset[str]:
        """Return the columns that mean something; the others are shown for people."""
        return frozenset((self.key, *(self.states if as_import else self.wishes)))


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "numbers": Kind(
            "numbers",
            "did",
            ("user", "kind", "enabled", "campaign_id"),
            (
                "user",
                "kind",
                "sms",
                "assignment",
                "campaign_id",
                "brand_id",
                "sms_enabled_at",
                "number_changed_at",
                "licence_changed_at",
                "toll_free_verification",
            ),
        ),
        "users": Kind(
            "users", "id", ("name", "role", "licence", "extension"), ("name", "role", "licence", "extension")
        ),
        "assignments": Kind("assignments", "did", ("campaign_id",), ("assignment", "campaign_id", "brand_id")),
    }
)
