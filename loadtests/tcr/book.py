"""What the registry knows: brands, campaigns, who is told, and what is still to happen. Survives in a file if asked to.

Everything is kept in the API's own words, so that an answer is a copy. The file is written whole and put in place at
once, before an answer is sent: who was answered finds it again.
"""

import random
import string
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

_ALPHABET: Final = string.ascii_uppercase + string.digits
_VERSION: Final = 1
#: A campaign is paid for three months at a time.
_PAID_FOR: Final = timedelta(days=91)


class BadStateError(ValueError):
    """The state file is not one of ours."""


def rfc3339(at: float) -> str:
    """Write an instant as text, in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def renewed_on(at: float) -> str:
    """Return the day on which a campaign that was paid for at an instant is renewed, or ends."""
    return (datetime.fromtimestamp(at, UTC) + _PAID_FOR).date().isoformat()


@dataclass(slots=True, kw_only=True)
class Brand:
    """A brand, and what is not in its own record."""

    fields: dict[str, Any]
    deleted: bool = False
    #: Why it is not verified: {id, displayName, description, fields}.
    feedback: list[dict[str, Any]] = field(default_factory=list)
    vettings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.fields["brandId"])

    def text(self) -> str:
        """Return where its magic words stand."""
        return f"{self.fields.get('companyName', '')} {self.fields.get('displayName', '')}"


@dataclass(slots=True, kw_only=True)
class Campaign:
    """A campaign, and what is not in its own record."""

    fields: dict[str, Any]
    #: With whom it is shared: {downstreamCnpId, upstreamCnpId, sharingStatus, explanation, sharedDate, statusDate}.
    sharing: dict[str, Any] | None = None
    #: Network id, as text, to operation status.
    operations: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.fields["campaignId"])

    def text(self) -> str:
        """Return where its magic words stand."""
        return str(self.fields.get("description", ""))


@dataclass(slots=True, kw_only=True)
class Step:
    """Something that is still to happen to a brand or campaign."""

    #: Seconds since 1970.
    at: float
    object: str
    deed: str
    args: dict[str, Any] = field(default_factory=dict)


class Book:
    """All that is known."""

    def __init__(self, file: Path | None, seed: int) -> None:
        """Open it. BadStateError: the file is not one of ours."""
        self._file = file
        self._draws = random.Random(seed)
        self.csp_id = "SEMUL01"
        self.brands: dict[str, Brand] = {}
        self.campaigns: dict[str, Campaign] = {}
        #: Category to address.
        self.subscriptions: dict[str, str] = {}
        self.steps: list[Step] = []
        if file is not None and file.exists():
            self._load(file)

    def now(self) -> float:
        """Tell the time, in seconds since 1970."""
        return time.time()

    def new_id(self, letter: str) -> str:
        """Draw an id of seven characters that nobody has."""
        while True:
            found = letter + "".join(self._draws.choices(_ALPHABET, k=6))
            if found not in self.brands and found not in self.campaigns:
                return found

    def brand(self, brand_id: str) -> Brand | None:
        """Find a brand that is not deleted."""
        found = self.brands.get(brand_id)
        return None if found is None or found.deleted else found

    def brand_of(self, campaign: Campaign) -> Brand:
        """Find the brand of a campaign."""
        return self.brands[campaign.fields["brandId"]]

    def active_campaigns(self, brand_id: str) -> int:
        """Count the active campaigns of a brand."""
        mine = (one for one in self.campaigns.values() if one.fields["brandId"] == brand_id)
        return sum(one.fields["status"] == "ACTIVE" for one in mine)

    def reference_taken(self, reference: str, among: dict[str, Any]) -> bool:
        """Tell whether a reference id is taken, in any case; the empty one never is."""
        wanted = reference.casefold()
        return bool(wanted) and any(one.fields.get("referenceId", "").casefold() == wanted for one in among.values())

    def take_due(self) -> list[Step]:
        """Take out the steps whose time has come, in order."""
        now = self.now()
        due = sorted((step for step in self.steps if step.at <= now), key=lambda step: step.at)
        self.steps = [step for step in self.steps if step.at > now]
        return due

    def save(self) -> None:
        """Write everything to the file, if there is one. OSError: it cannot be written."""
        if self._file is None:
            return
        content = {
            "version": _VERSION,
            "brands": list(self.brands.values()),
            "campaigns": list(self.campaigns.values()),
            "subscriptions": self.subscriptions,
            "steps": self.steps,
        }
        draft = self._file.with_suffix(".new")
        draft.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        draft.replace(self._file)

    def _load(self, file: Path) -> None:
        try:
            content = orjson.loads(file.read_bytes())
            if content["version"] != _VERSION:
                raise BadStateError(f"{file}: of another version")
            brands = [Brand(**one) for one in content["brands"]]
            campaigns = [Campaign(**one) for one in content["campaigns"]]
            self.steps = [Step(**one) for one in content["steps"]]
            self.subscriptions = dict(content["subscriptions"])
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise BadStateError(f"{file}: not a state file of the TCR emulator") from error
        self.brands = {one.id: one for one in brands}
        self.campaigns = {one.id: one for one in campaigns}
