"""How long a number went on sending after its registration was taken away, as pure functions from ledgers to figures.

A flip is one number that loses its assignment and later gets it back. Its interval goes from the commit (the audit
row's instant, written inside the transaction: never later than the commit) to the moment at which the give-back was
asked for. What the carrier saw of that number in the interval is late, by its distance from the commit.

Not here: who flips (admin.py), what is broken meanwhile (rounds.py), no I/O, no clock.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from loadtests.faults.checkers import Violation
from loadtests.faults.client import Conversation
from loadtests.faults.ledger import Arrival, Line

Origin: TypeAlias = Literal["app", "api"]
Mode: TypeAlias = Literal["strict", "enforce"]

S: Final = 1_000_000_000
#: The bound: always, and for 99 of 100 flips where nothing is broken.
ALWAYS_S: Final = 5.0
USUAL_S: Final = 1.0
USUAL_SHARE: Final = 0.99
#: A machine that keeps runnable programs waiting for longer than this is allowed for.
LAG_FREE_S: Final = 0.3
#: From the last check to the write, which an effective answer does not undo.
CHECK_TO_WRITE_S: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """One number whose assignment was taken away and given back. Wall clock, ns."""

    did: str
    mode: Mode
    #: What was broken meanwhile.
    round: str
    #: When it was first asked for, and the audit row's instant.
    sent_ns: int
    committed_ns: int
    #: When the registry said that it was effective, and how that came about (processes, leases).
    answered_ns: int
    by: str
    #: When the give-back was asked for.
    restored_ns: int


class Text(NamedTuple):
    """Whose a text is."""

    did: str
    origin: Origin


class Late(NamedTuple):
    """What arrived of one flip's number in its interval."""

    flip: Flip
    #: Seconds from the commit to each submission, by origin, ascending.
    after_s: Mapping[Origin, tuple[float, ...]]
    #: The same from the answer that called the change effective, whatever the origin, in this interval.
    since_answer_s: Mapping[Origin, tuple[float, ...]]

    def worst_s(self, origin: Origin) -> float:
        """Return the lateness: seconds from the commit to the last submission; 0 when there was none."""
        return max(self.after_s[origin], default=0.0)

    def since_answer(self) -> dict[Origin, float]:
        """Return seconds from the effective answer to the last submission, of the origins that it speaks of."""
        origins: tuple[Origin, ...] = bounded(self.flip) if self.flip.by == "leases" else ("app", "api")
        return {origin: max(self.since_answer_s[origin], default=0.0) for origin in origins}


class Figures(NamedTuple):
    """Lateness over flips, in seconds."""

    p50: float
    p99: float
    max: float


def texts_of(lines: Iterable[Line], conversations: Iterable[Conversation], tenant_key: str) -> dict[str, Text]:
    """Say whose text each digest is; what a program sends goes with the tenant's key."""
    talks = {talk.name: talk for talk in conversations}
    found = {}
    for line in lines:
        talk = talks[line.conversation]
        found[line.digest] = Text(talk.sender, "api" if talk.key == tenant_key else "app")
    return found


def late_submissions(flips: Iterable[Flip], arrivals: Iterable[Arrival], texts: Mapping[str, Text]) -> list[Late]:
    """Say of each flip what the carrier saw of its number between commit and give-back, taken or refused."""
    seen: dict[tuple[str, Origin], list[int]] = defaultdict(list)
    for arrival in arrivals:
        if arrival.digest in texts:
            seen[texts[arrival.digest]].append(arrival.at_ns)
    for instants in seen.values():
        instants.sort()

    def between(flip: Flip, origin: Origin, since_ns: int) -> tuple[float, ...]:
        instants = seen[flip.did, origin]
        first, last = bisect_left(instants, since_ns), bisect_left(instants, flip.restored_ns)
        return tuple((at_ns - since_ns) / S for at_ns in instants[first:last])

    origins: tuple[Origin, ...] = ("app", "api")
    return [
        Late(
            flip,
            {origin: between(flip, origin, flip.committed_ns) for origin in origins},
            {origin: between(flip, origin, flip.answered_ns) for origin in origins},
        )
        for flip in flips
    ]


def figures(values: Sequence[float]) -> Figures:
    """Return the nearest ranks; all 0 for nothing."""
    if not values:
        return Figures(0.0, 0.0, 0.0)
    return Figures(rank(values, 0.5), rank(values, 0.99), max(values))


def rank(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is not exceeded by this share of the values."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def bounded(flip: Flip) -> tuple[Origin, ...]:
    """Name the origins to which the 5 s apply: in enforce mode people's texts may go on, flagged, on stale facts."""
    return ("app", "api") if flip.mode == "strict" or flip.round == "none" else ("api",)


def broken(lates: Sequence[Late], lags: Mapping[tuple[Mode, str], float]) -> list[Violation]:
    """List what breaks the bound.

    lags: for how long the machine kept runnable programs waiting, in seconds, by round. No lag makes the 5 s longer.
    """

    def allowance_s(flips: Iterable[Flip]) -> float:
        lag_s = max((lags.get((flip.mode, flip.round), 0.0) for flip in flips), default=0.0)
        return lag_s if lag_s > LAG_FREE_S else 0.0

    found = []
    for late in lates:
        flip = late.flip
        where = f"{flip.mode}, {flip.round}"
        for origin in bounded(flip):
            if late.worst_s(origin) > ALWAYS_S:
                words = f"sent {late.worst_s(origin):.3f} s after the commit ({origin}; {where})"
                found.append(Violation(rule="never_after_5_s", subject=_masked(flip.did), words=words))
        for origin, worst_s in late.since_answer().items():
            if worst_s > CHECK_TO_WRITE_S + allowance_s([flip]):
                words = f"sent {worst_s:.3f} s after effective by {flip.by} was answered ({origin}; {where})"
                found.append(Violation(rule="effective_is_the_end", subject=_masked(flip.did), words=words))
    quiet = [late for late in lates if late.flip.round == "none"]
    for origin in ("app", "api"):
        p99_s = figures([late.worst_s(origin) for late in quiet]).p99
        if p99_s > USUAL_S + allowance_s(late.flip for late in quiet):
            words = f"p99 is {p99_s:.3f} s over {len(quiet)} flips while nothing is broken"
            found.append(Violation(rule="usually_within_1_s", subject=origin, words=words))
    return found


def _masked(did: str) -> str:
    return f"...{did[-4:]}"
