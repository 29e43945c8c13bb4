"""What the carrier remembers: the newest messages for look-ups, the newest cards for the page, and totals.

All of it is bounded; the ledger is what remembers everything. A message's status moves as its receipts fall due and its
first final status stands, whatever a contradictory receipt says later.
"""

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field

#: How many arrivals the page shows.
CARDS_MAX = 100

_FINAL = frozenset({"delivered", "undelivered", "expired", "rejected"})


@dataclass(slots=True, kw_only=True)
class Message:
    """One message the carrier has taken."""

    id: str
    reference: str
    #: "accepted", then as the receipts say.
    status: str
    #: Wall clock, as in the ledger.
    received_at_ns: int
    #: How many times this reference was taken, up to this message.
    count: int


@dataclass(slots=True, kw_only=True)
class Card:
    """One arrival as the page shows it, taken or not."""

    id: str | None
    reference: str
    received_at_ns: int
    sender: str
    recipient: str
    text: str
    media_count: int
    behaviour: str
    #: What the submitter was to be told: a status code and perhaps a code.
    answer: str
    count: int
    status: str
    #: How often (status of the receipt, what the gateway said) happened, in the order of the first time.
    receipts: Counter[tuple[str, str]] = field(default_factory=Counter)


class Messages:
    """Messages by carrier id and by reference, and the newest cards. Forgets the oldest beyond remembered_max."""

    def __init__(self, remembered_max: int) -> None:
        self._remembered_max = remembered_max
        self._by_id: OrderedDict[str, Message] = OrderedDict()
        self._by_reference: dict[str, Message] = {}
        self._cards: deque[Card] = deque(maxlen=CARDS_MAX)
        self._card_of: dict[str, Card] = {}
        #: By the names that page.py shows them under.
        self.totals: Counter[str] = Counter()
        #: Grows with every change the page would show.
        self.revision = 0

    def take(self, message_id: str, reference: str, received_at_ns: int) -> Message:
        """Remember a message that was taken."""
        earlier = self._by_reference.get(reference)
        count = earlier.count + 1 if earlier else 1
        message = Message(
            id=message_id, reference=reference, status="accepted", received_at_ns=received_at_ns, count=count
        )
        self._by_id[message_id] = self._by_reference[reference] = message
        if len(self._by_id) > self._remembered_max:
            _, oldest = self._by_id.popitem(last=False)
            if self._by_reference.get(oldest.reference) is oldest:
                del self._by_reference[oldest.reference]
        self.totals["taken"] += 1
        self.totals["doubled"] += count > 1
        return message

    def find(self, id_or_reference: str) -> Message | None:
        """Return the message with this carrier id, or the newest one with this reference."""
        return self._by_id.get(id_or_reference) or self._by_reference.get(id_or_reference)

    def newest(self, reference: str) -> Message | None:
        """Return the newest message with this reference."""
        return self._by_reference.get(reference)

    def times_taken(self, reference: str) -> int:
        """Return how many messages with this reference were taken, as far as they are remembered."""
        newest = self._by_reference.get(reference)
        return newest.count if newest else 0

    def show(self, card: Card) -> None:
        """Put an arrival on the page, before the oldest falls off."""
        if len(self._cards) == CARDS_MAX and (oldest := self._cards[0].id):
            self._card_of.pop(oldest, None)
        self._cards.append(card)
        if card.id:
            self._card_of[card.id] = card
        self.totals["received"] += 1
        self.revision += 1

    def refuse_unreadable(self) -> None:
        """Count something that was no submission."""
        self.totals["unreadable"] += 1
        self.revision += 1

    def leave_unanswered(self) -> None:
        """Count a request whose answer did not go out whole."""
        self.totals["unsent"] += 1
        self.revision += 1

    def newest_cards(self) -> list[Card]:
        """Return the cards, newest first."""
        return list(reversed(self._cards))

    def advance(self, message_id: str, status: str) -> None:
        """Note that a receipt of this status fell due."""
        for known in (self._by_id.get(message_id), self._card_of.get(message_id)):
            if known is not None and known.status not in _FINAL:
                known.status = status
        self.revision += 1

    def receipt_answered(self, message_id: str, status: str, answer: str) -> None:
        """Note on the page how the delivery of a receipt went."""
        if (card := self._card_of.get(message_id)) is not None:
            card.receipts[status, answer] += 1
        self.revision += 1
