"""The truth of the aggregator: which number is tied to which campaign, what is under way, and what OSR knows.

A number has one operation at a time. What is asked for again is answered as it stands; what contradicts an operation
under way is refused until that has ended. Every change gives the number a new version, larger than any before it in the
whole book; events carry it, so that their order can be told whatever order they arrive in.

Not here: HTTP (calls.py), events on their way (hooks.py).
"""

import asyncio
import bisect
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from loadtests.aggregator.rules import REASONS, Rule
from loadtests.aggregator.settings import Settings
from loadtests.emulator import BadSettingsError


class RefusedError(Exception):
    """The aggregator does not begin an operation: an HTTP status, a code, and what a person reads."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """What the aggregator knows about one number."""

    tn: str
    #: PENDING, ADDED, FAILED or DELETED.
    state: str
    #: ASSIGNMENT or DELETION: which operation the state is of.
    operation: str
    #: Of a deletion that failed, the number still belongs to it; of an assignment that failed, it does not.
    campaign_id: str | None
    #: The caller's own, of the operation.
    reference: str
    #: Why it failed; a key of REASONS.
    reason: str | None = None
    version: int = 0
    #: Seconds of the epoch.
    updated_at: float = 0.0
    #: Not shown: the campaign that OSR knows, how the operation ends and when, and what becomes of its events.
    osr: str | None = None
    rule: Rule = field(default_factory=Rule)
    due_at: float | None = None
    #: Whether OSR will not know the number though it is ADDED: "", curable (by removal and addition) or incurable.
    ill: str = ""

    @property
    def holds(self) -> str | None:
        """Return the campaign among whose numbers this one counts."""
        if self.state == "DELETED" or (self.state == "FAILED" and self.operation == "ASSIGNMENT"):
            return None
        return self.campaign_id

    def shown(self) -> dict[str, Any]:
        """Return what callers are told."""
        reasons = [] if self.reason is None else [{"code": self.reason, "detail": REASONS[self.reason]}]
        return {
            "phoneNumber": self.tn,
            "campaignId": self.campaign_id,
            "status": self.state,
            "operation": self.operation,
            "reference": self.reference,
            "reasons": reasons,
            "version": self.version,
            "updatedAt": rfc3339(self.updated_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRules:
    """What is special about a campaign; others are active and have no pool."""

    state: str = "active"
    #: Most numbers, once a carrier approved a pool.
    pool: int | None = None


def rfc3339(seconds: float) -> str:
    """Write an instant as the wire does, in UTC, with microseconds."""
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((seconds - whole) * 1_000_000):06d}Z"


def _illness(before: str, rule: Rule) -> str:
    """Tell how ill an addition leaves a number that was ill before."""
    if before == "incurable":
        return before
    if before == "curable" or rule.effective:
        return ""
    return "curable" if rule.curable else "incurable"


class Book:
    """All numbers. Used within one event loop; call close() at the end."""

    def __init__(self, settings: Settings, tell: Callable[[Number, str], None]) -> None:
        """Begin with what the state file and the company file say; tell is called with a number and an event's type.

        Raises:
            BadSettingsError: the state or the company file cannot be read.
        """
        self._settings = settings
        self._tell = tell
        self._numbers: dict[str, Number] = {}
        #: Version and number of every change, oldest first; only a number's last one counts.
        self._changes: list[tuple[int, str]] = []
        self._held_by: dict[str, str] = {}
        self.campaigns: dict[str, CampaignRules] = {}
        #: The numbers of each campaign, those included that are on their way in or out.
        self._members: defaultdict[str | None, set[str]] = defaultdict(set)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._file: BinaryIO | None = None
        if settings.state is not None:
            self._restore(settings.state)
            self._file = self._begin_file(settings.state)
        if settings.company is not None:
            self._take_company(settings.company)

    def close(self) -> None:
        """Stop the clocks, and the file."""
        for timer in self._timers.values():
            timer.cancel()
        if self._file is not None:
            self._file.close()

    def __len__(self) -> int:
        """Return how many numbers are known."""
        return len(self._numbers)

    def find(self, tn: str) -> Number | None:
        """Return a number, if it was ever heard of."""
        return self._numbers.get(tn)

    def osr(self, tn: str) -> str | None:
        """Return the campaign that OSR has for a number."""
        found = self._numbers.get(tn)
        return None if found is None else found.osr

    def changes(self, after: int, since: float) -> Iterator[Number]:
        """Yield the numbers that changed after a version and not before an instant, oldest change first."""
        for version, tn in self._changes[bisect.bisect_right(self._changes, (after, "\U0010ffff")) :]:
            number = self._numbers.get(tn)
            if number is not None and number.version == version and number.updated_at >= since:
                yield number

    def add(self, tn: str, campaign_id: str, reference: str, rule: Rule) -> Number:
        """Begin to tie a number to a campaign.

        Raises:
            RefusedError: not now, or not so.
        """
        there = self._numbers.get(tn)
        if there is not None and there.holds == campaign_id and there.operation == "ASSIGNMENT":
            return there  # Done, or under way.
        if there is not None and there.state == "PENDING":
            raise RefusedError(409, "OPERATION_PENDING", f"{there.operation.capitalize()} under way: wait for its end.")
        if there is not None and there.holds not in {None, campaign_id}:
            raise RefusedError(409, "NUMBER_ON_OTHER_CAMPAIGN", "Remove the number from its campaign first.")
        campaign = self.campaigns.get(campaign_id, CampaignRules())
        if campaign.state != "active":
            raise RefusedError(422, "CAMPAIGN_NOT_ACTIVE", "The campaign expired or was deactivated.")
        limit = campaign.pool or self._settings.campaign_numbers_max
        if len(self._members[campaign_id] - {tn}) >= limit:
            raise RefusedError(422, "EXCEEDED_10DLC_LIMIT", f"A campaign has at most {limit} numbers without a pool.")
        if tn in self._held_by:
            rule = replace(rule, outcome="failed", reason="NUMBER_HELD_BY_OTHER_PROVIDER")
        number = Number(
            tn=tn,
            state="PENDING",
            operation="ASSIGNMENT",
            campaign_id=campaign_id,
            reference=reference,
            osr=None if there is None else there.osr,
            ill=_illness("" if there is None else there.ill, rule),
        )
        return self._begin(number, rule, self._settings.add_s)

    def remove(self, tn: str, reference: str, rule: Rule) -> Number:
        """Begin to take a number out of its campaign.

        Raises:
            RefusedError: not now, or nobody knows the number.
        """
        there = self._numbers.get(tn)
        if there is None:
            raise RefusedError(404, "NUMBER_NOT_FOUND", "The number was never tied to a campaign.")
        if there.state == "DELETED" or (there.state == "PENDING" and there.operation == "DELETION"):
            return there
        if there.state == "PENDING":
            raise RefusedError(409, "OPERATION_PENDING", "Assignment under way: wait for its end.")
        if there.holds is None:
            gone = replace(there, state="DELETED", operation="DELETION", campaign_id=None, reference=reference)
            return self._write(replace(gone, reason=None, rule=rule), "DELETION")
        number = replace(there, state="PENDING", operation="DELETION", reference=reference, reason=None)
        return self._begin(number, rule, self._settings.remove_s)

    def finish(self, tn: str, *, reason: str | None) -> Number:
        """End an operation now, with a reason if it failed.

        Raises:
            RefusedError: nothing is under way.
        """
        number = self._numbers.get(tn)
        if number is None or number.state != "PENDING":
            raise RefusedError(409, "NOTHING_PENDING", "No operation is under way for the number.")
        self._cancel(tn)
        return self._end(number, reason)

    def put(self, tn: str, fields_: dict[str, Any]) -> None:
        """Set behind everybody's back: held_by (another provider, or null), or campaignId and effective; no event."""
        if "held_by" in fields_:
            self._held_by.pop(tn, None)
            if fields_["held_by"]:
                self._held_by[tn] = fields_["held_by"]
        if "campaignId" in fields_:
            self._cancel(tn)
            campaign = fields_["campaignId"]
            osr = campaign if fields_.get("effective", True) else None
            state, operation = ("ADDED", "ASSIGNMENT") if campaign else ("DELETED", "DELETION")
            made = Number(
                tn=tn, state=state, operation=operation, campaign_id=campaign, reference="set-by-control", osr=osr
            )
            self._write(made, None)

    def _begin(self, number: Number, rule: Rule, usual_s: float) -> Number:
        after_s = (usual_s if rule.after_s is None else rule.after_s) * self._settings.scale
        due_at = None if rule.outcome == "never" else time.time() + after_s
        self._cancel(number.tn)  # OSR may not have followed yet: it will follow this instead.
        number = self._write(replace(number, rule=rule, due_at=due_at), "STATUS_UPDATE")
        self._wait(number)
        return number

    def _wait(self, number: Number) -> None:
        """Set the clock of an operation, or of OSR."""
        if number.due_at is None:
            return
        after_s = max(0.0, number.due_at - time.time())
        loop = asyncio.get_running_loop()
        self._timers[number.tn] = loop.call_later(after_s, self._due, number.tn)

    def _cancel(self, tn: str) -> None:
        timer = self._timers.pop(tn, None)
        if timer is not None:
            timer.cancel()

    def _due(self, tn: str) -> None:
        self._timers.pop(tn, None)
        number = self._numbers[tn]
        if number.state == "PENDING":
            self._end(number, number.rule.reason if number.rule.outcome == "failed" else None)
        else:
            self._keep(replace(number, osr=number.campaign_id, due_at=None))

    def _end(self, number: Number, reason: str | None) -> Number:
        adding = number.operation == "ASSIGNMENT"
        if reason is not None:
            return self._write(replace(number, state="FAILED", reason=reason, due_at=None), number.operation)
        reaches_osr = not adding or not number.ill
        due_at = time.time() + self._settings.osr_s * self._settings.scale if reaches_osr else None
        done = replace(number, state="ADDED" if adding else "DELETED", due_at=due_at)
        done = self._write(done if adding else replace(done, campaign_id=None), number.operation)
        self._wait(done)
        return done

    def _write(self, number: Number, event: str | None) -> Number:
        version = self._changes[-1][0] + 1 if self._changes else 1
        number = self._keep(replace(number, version=version, updated_at=time.time()))
        self._changes.append((version, number.tn))
        if event is not None:
            self._tell(number, event)
        return number

    def _keep(self, number: Number) -> Number:
        self._enter(number)
        if self._file is not None:
            self._file.write(orjson.dumps(asdict(number), option=orjson.OPT_APPEND_NEWLINE))
        return number

    def _enter(self, number: Number) -> None:
        before = self._numbers.get(number.tn)
        if before is not None:
            self._members[before.holds].discard(number.tn)
        self._numbers[number.tn] = number
        self._members[number.holds].add(number.tn)

    def _restore(self, path: Path) -> None:
        """Read a state file; a last line that was cut by a crash is left out."""
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        known = {field_.name for field_ in fields(Number)}
        try:
            for line in lines:
                data = {name: value for name, value in orjson.loads(line).items() if name in known}
                self._enter(Number(**{**data, "rule": Rule(**data["rule"])}))
        except (ValueError, TypeError, KeyError) as error:
            raise BadSettingsError(f"state: {path} is not a state file of this emulator") from error
        self._changes = sorted((number.version, number.tn) for number in self._numbers.values())
        for number in self._numbers.values():
            self._wait(number)

    def _begin_file(self, path: Path) -> BinaryIO:
        """Write the numbers as they are into a new file in the place of the old one, and leave it open."""
        draft = path.with_name(path.name + ".new")
        file = draft.open("wb", buffering=0)
        file.write(
            b"".join(orjson.dumps(asdict(one), option=orjson.OPT_APPEND_NEWLINE) for one in self._numbers.values())
        )
        draft.replace(path)
        return file

    def _take_company(self, path: Path) -> None:
        try:
            numbers = orjson.loads(path.read_bytes())["numbers"]
            tied = {row["did"]: row["assignment"] for row in numbers if row.get("assignment")}
            assigned = {did: tie["campaign_id"] for did, tie in tied.items() if tie["state"] == "assigned"}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise BadSettingsError(f"company: {path} is not a company file") from error
        for tn, campaign_id in assigned.items():
            if tn not in self._numbers:
                self.put(tn, {"campaignId": campaign_id})
