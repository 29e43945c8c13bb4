"""What must hold after any fault, as pure functions from ledgers to what breaks it. No I/O, no clock.

Each rule is one promise. It says nothing of what happened meanwhile: errors, waits and retries are allowed, these are
not.

Not here: what was seen (ledger.py), and by whom.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from loadtests.faults.ledger import Arrival, Attempt, Change, Ledgers

#: A lost answer leads to one more submission, and no further.
_RESENDS_MAX: Final = 1
_DOUBT: Final = "doubt_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One promise that was broken."""

    rule: str
    #: The message, or the key, or "" for the run as a whole.
    subject: str
    words: str


Rule: TypeAlias = Callable[[Ledgers], list[Violation]]


def check(ledgers: Ledgers, rules: Sequence[Rule] | None = None) -> list[Violation]:
    """Ask every rule."""
    return [violation for rule in (RULES if rules is None else rules) for violation in rule(ledgers)]


def every_key_answered(ledgers: Ledgers) -> list[Violation]:
    """Whoever repeats a request with its key gets an answer that stands, once all is well again."""
    answered = {attempt.key for attempt in ledgers.attempts if attempt.final}
    return [
        Violation(rule="every_key_answered", subject=line.key, words="was never told 202 or why not")
        for line in ledgers.lines
        if line.key not in answered
    ]


def one_id_per_key(ledgers: Ledgers) -> list[Violation]:
    """A repeated request is the same message, another one is another; what was accepted once is never refused."""
    found = []
    ids: dict[str, set[str]] = defaultdict(set)
    keys: dict[str, set[str]] = defaultdict(set)
    for attempt in ledgers.attempts:
        if attempt.accepted:
            ids[attempt.key].add(attempt.id)
            keys[attempt.id].add(attempt.key)
        elif attempt.final and attempt.key in ids:
            words = f"was answered {attempt.status} {attempt.said} after its 202"
            found.append(Violation(rule="one_id_per_key", subject=attempt.key, words=words))
    for key, its_ids in ids.items():
        if len(its_ids) > 1:
            words = f"has {len(its_ids)} ids: {', '.join(sorted(its_ids))}"
            found.append(Violation(rule="one_id_per_key", subject=key, words=words))
    for name, its_keys in keys.items():
        if len(its_keys) > 1:
            words = f"was given to {len(its_keys)} keys: {', '.join(sorted(its_keys))}"
            found.append(Violation(rule="one_id_per_key", subject=name, words=words))
    return found


def no_lost(ledgers: Ledgers) -> list[Violation]:
    """What was answered with 202 is known, and what is said to have reached the carrier did, word for word."""
    found = []
    digests = _digests(ledgers)
    taken = {arrival.reference for arrival in ledgers.arrivals if arrival.taken}
    for name, digest in digests.items():
        changes = ledgers.changes.get(name, ())
        if not changes:
            found.append(Violation(rule="no_lost", subject=name, words="was answered with 202 and is not known"))
        elif digest and name not in taken and changes[-1].status in {"submitted", "delivered", "undelivered"}:
            words = f"is {changes[-1].status}, and the carrier never took it"
            found.append(Violation(rule="no_lost", subject=name, words=words))
    found.extend(
        Violation(rule="no_lost", subject=arrival.reference, words="reached the carrier with another text or address")
        for arrival in ledgers.arrivals
        if digests.get(arrival.reference, arrival.digest) not in {"", arrival.digest}
    )
    return found


def one_terminal(ledgers: Ledgers) -> list[Violation]:
    """Every accepted message has exactly one terminal status, its last, and no change is missing."""
    found = []
    for name in _accepted(ledgers.attempts):
        changes = ledgers.changes.get(name, ())
        words = _wrong_history(changes) if changes else ""
        if words:
            found.append(Violation(rule="one_terminal", subject=name, words=words))
    return found


def _wrong_history(changes: Sequence[Change]) -> str:
    statuses = " ".join(change.status for change in changes)
    if [change.seq for change in changes] != list(range(1, len(changes) + 1)):
        return f"its changes are not counted without a gap from 1: {statuses}"
    ends = [change.terminal for change in changes]
    if not any(ends):
        return f"has not come to an end: {statuses}"
    if sum(ends) > 1 or not ends[-1]:
        return f"went on after its end: {statuses}"
    return ""


def nothing_blocked_submitted(ledgers: Ledgers) -> list[Violation]:
    """The carrier sees only what was accepted for it: nothing refused, nothing internal, nothing that nobody sent."""
    accepted = _accepted(ledgers.attempts)
    inside = {line.digest for line in ledgers.lines if line.inside} - {""}
    inside_keys = {line.key for line in ledgers.lines if line.inside}
    found = []
    arrived: Counter[str] = Counter()
    for arrival in ledgers.arrivals:
        arrived[arrival.reference] += 1
        words = ""
        if arrival.digest in inside or accepted.get(arrival.reference) in inside_keys:
            words = "may not leave, and reached the carrier"
        elif arrival.reference not in accepted and not _in_doubt(ledgers, arrival):
            words = "reached the carrier, and was accepted from nobody"
        if words:
            found.append(Violation(rule="nothing_blocked_submitted", subject=arrival.reference, words=words))
    for name in accepted:
        changes = ledgers.changes.get(name, ())
        submitting = sum(change.status == "submitting" for change in changes)
        if changes and changes[-1].status in {"blocked", "cancelled"} and arrived[name] > submitting:
            words = f"is {changes[-1].status}, and reached the carrier without an attempt on record"
            found.append(Violation(rule="nothing_blocked_submitted", subject=name, words=words))
    return found


def _in_doubt(ledgers: Ledgers, arrival: Arrival) -> bool:
    """Whether it is a line's whose client never got an answer: it may have been accepted."""
    answered = {attempt.key for attempt in ledgers.attempts if attempt.final}
    return any(line.digest == arrival.digest and line.key not in answered for line in ledgers.lines)


def doubles_explained(ledgers: Ledgers) -> list[Violation]:
    """The carrier takes a message once, and once more for a doubt that stands among its changes; never a third time."""
    taken = Counter(arrival.reference for arrival in ledgers.arrivals if arrival.taken)
    found = []
    for name, times in taken.items():
        doubts = resends(ledgers.changes.get(name, ()))
        if times > 1 + doubts:
            words = f"was taken {times} times with {doubts} doubts on record"
            found.append(Violation(rule="doubles_explained", subject=name, words=words))
    for name, changes in ledgers.changes.items():
        if (doubts := resends(changes)) > _RESENDS_MAX:
            words = f"was sent again {doubts} times for lost answers"
            found.append(Violation(rule="doubles_explained", subject=name, words=words))
    return found


def resends(changes: Iterable[Change]) -> int:
    """Count how often a lost answer put a message back in line."""
    return sum(change.status == "queued" and change.code.startswith(_DOUBT) for change in changes)


def order_kept(ledgers: Ledgers) -> list[Violation]:
    """What was accepted before the next was sent arrives first, if both went through without a hitch."""
    first: dict[str, int] = {}
    for number, arrival in enumerate(ledgers.arrivals):
        first.setdefault(arrival.reference, number)
    conversation_of = {line.key: line.conversation for line in ledgers.lines}
    conversations: dict[str, list[_Sent]] = defaultdict(list)
    for sent in _sent(ledgers.attempts):
        if sent.id in first and sent.key in conversation_of and _smooth(ledgers.changes.get(sent.id, ())):
            conversations[conversation_of[sent.key]].append(sent)
    found = []
    for messages in conversations.values():
        accepted = deque(sorted(messages, key=lambda sent: sent.accepted_ns))
        last: _Sent | None = None  # Of those that were accepted by then, the one that arrived last.
        for sent in sorted(messages, key=lambda sent: sent.sent_ns):
            while accepted[0].accepted_ns <= sent.sent_ns:
                one = accepted.popleft()
                last = one if last is None or first[one.id] > first[last.id] else last
            if last is not None and first[sent.id] < first[last.id]:
                words = f"reached the carrier before {last.id}, which was accepted before it was sent"
                found.append(Violation(rule="order_kept", subject=sent.id, words=words))
    return found


class _Sent(NamedTuple):
    """An accepted message as its client saw it."""

    id: str
    key: str
    #: When the client first asked, and when it first was told 202.
    sent_ns: int
    accepted_ns: int


def _sent(attempts: Iterable[Attempt]) -> Iterator[_Sent]:
    sent_ns: dict[str, int] = {}
    told: set[str] = set()
    for attempt in attempts:
        sent_ns.setdefault(attempt.key, attempt.sent_ns)
        if attempt.accepted and attempt.id not in told:
            told.add(attempt.id)
            yield _Sent(attempt.id, attempt.key, sent_ns[attempt.key], attempt.ended_ns)


def _smooth(changes: Sequence[Change]) -> bool:
    """Whether a message was tried once, and no doubt stands in its history."""
    tried = sum(change.status == "submitting" for change in changes)
    return tried == 1 and not any(change.code.startswith(_DOUBT) for change in changes)


def conservation(ledgers: Ledgers) -> list[Violation]:
    """The store's counters agree with themselves and with the clients: accepted = ended + open, and nothing is open."""
    counted = ledgers.counted
    if counted is None:
        return [Violation(rule="conservation", subject="", words="nobody told the store's counters")]
    found = []
    if counted.difference != 0 or counted.accepted != counted.terminal + counted.open:
        words = f"accepted {counted.accepted} - ended {counted.terminal} - open {counted.open} is not 0"
        found.append(Violation(rule="conservation", subject="", words=words))
    if counted.open != 0:
        found.append(Violation(rule="conservation", subject="", words=f"{counted.open} messages are still open"))
    least = len(_accepted(ledgers.attempts))
    most = least + len(every_key_answered(ledgers))
    if not least <= counted.accepted <= most:
        words = f"the store accepted {counted.accepted} messages, the clients were told of {least} (at most {most})"
        found.append(Violation(rule="conservation", subject="", words=words))
    return found


def _accepted(attempts: Iterable[Attempt]) -> dict[str, str]:
    """Return the key of each message id that was answered with 202."""
    return {attempt.id: attempt.key for attempt in attempts if attempt.accepted}


def _digests(ledgers: Ledgers) -> Mapping[str, str]:
    """Return the digest of each message that was answered with 202."""
    of_key = {line.key: line.digest for line in ledgers.lines}
    return {name: of_key.get(key, "") for name, key in _accepted(ledgers.attempts).items()}


#: Asked of every run, in this order.
RULES: Final[tuple[Rule, ...]] = (
    every_key_answered,
    one_id_per_key,
    no_lost,
    one_terminal,
    nothing_blocked_submitted,
    doubles_explained,
    order_kept,
    conservation,
)
