"""Takes submissions in: chooses what happens to each, writes it down, and plans the receipts. Waits for nothing.

When take() returns, the ledger has a line for every submission; the answer is still unsent. Not here: the answers'
bytes and how they leave (answers.py, submit.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from loadtests.carrier.behaviours import ON_DEMAND, UNANSWERED, Behaviour, ReceiptStep
from loadtests.carrier.director import Director
from loadtests.carrier.ledger import Event, Ledger
from loadtests.carrier.messages import Card, Message, Messages
from loadtests.carrier.receipts import Receipt, ReceiptSender
from loadtests.carrier.wire import Malformed, Submission

#: Of each text on the page; longer than what the wire's senders allow is cut.
_TEXT_SHOWN_MAX = 1_600
#: One element of a batch answer's results, as the wire has it.
Result = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one request."""

    #: What happens to the request as a whole; None: each result speaks for itself.
    whole: Behaviour | None
    #: One a submission, in order.
    results: Sequence[Result]
    #: To be sent before the answer.
    early: Sequence[Receipt]


@dataclass(slots=True, kw_only=True)
class _Visit:
    """One request on its way through the desk: where it came from, and what it leads to."""

    request: int
    arrived_ns: int
    whole: Behaviour | None
    results: list[Result] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    #: With seconds to wait from now.
    later: list[tuple[Receipt, float]] = field(default_factory=list)
    early: list[Receipt] = field(default_factory=list)


class Desk:
    """Where submissions arrive."""

    def __init__(
        self,
        *,
        director: Director,
        ledger: Ledger,
        messages: Messages,
        sender: ReceiptSender,
        deduplicate: bool,
    ) -> None:
        self._director = director
        self._ledger = ledger
        self._messages = messages
        self._sender = sender
        self._deduplicate = deduplicate
        # Ids differ between runs, because a ledger may hold several.
        self._id_prefix = f"c{uuid4().hex[:10]}-"
        self._ids = 0

    def take(self, items: Sequence[Submission | Malformed], *, request: int, arrived_ns: int) -> Outcome:
        """Decide about the submissions of one request.

        Args:
            items: what was asked, in order.
            request: number of the request, which ties the ledger's lines together.
            arrived_ns: wall clock.

        Raises:
            OSError: the ledger could not be written, so nothing may be answered.
        """
        whole = self._director.for_request([item for item in items if isinstance(item, Submission)])
        visit = _Visit(request=request, arrived_ns=arrived_ns, whole=whole)
        for item in items:
            if isinstance(item, Malformed):
                self._refuse_malformed(item, visit)
            elif whole is not None and not whole.taken:
                self._refuse(item, whole, visit)
            elif self._deduplicate and (known := self._messages.newest(item.reference)):
                self._repeat(item, known, visit)
            else:
                behaviour = self._director.for_message(item, whole)
                (self._accept if behaviour.taken else self._refuse)(item, behaviour, visit)
        self._ledger.append(visit.events)
        for receipt, after_s in visit.later:
            self._sender.schedule(receipt, after_s)
        return Outcome(whole=whole, results=visit.results, early=visit.early)

    def _accept(self, item: Submission, behaviour: Behaviour, visit: _Visit) -> None:
        self._ids += 1
        message_id = f"{self._id_prefix}{self._ids}"
        message = self._messages.take(message_id, item.reference, visit.arrived_ns)
        visit.results.append({"status_code": 202, "id": message_id, "reference": item.reference})
        shown = visit.whole or behaviour
        visit.events.append(_received(item, visit, shown, message_id=message_id, taken=True, count=message.count))
        self._messages.show(_card(item, visit, shown, message_id=message_id, count=message.count, status="accepted"))
        if item.receipt_url is not None:
            for step in behaviour.receipts:
                receipt = _receipt(step, item.receipt_url, message, self._id_prefix)
                if step.before_answer:
                    visit.early.append(receipt)
                else:
                    visit.later.append((receipt, step.after_ms / 1000))

    def _refuse(self, item: Submission, behaviour: Behaviour, visit: _Visit) -> None:
        result: Result = {
            "status_code": behaviour.status_code,
            "reference": item.reference,
            "code": behaviour.code,
            "detail": ON_DEMAND,
        }
        if behaviour.retry_after_s is not None:
            result["retry_after"] = behaviour.retry_after_s
        visit.results.append(result)
        count = self._messages.times_taken(item.reference)
        visit.events.append(_received(item, visit, behaviour, message_id=None, taken=False, count=count))
        self._messages.show(_card(item, visit, behaviour, message_id=None, count=count, status="not taken"))

    def _repeat(self, item: Submission, known: Message, visit: _Visit) -> None:
        """Answer a reference that was taken before as it was answered then."""
        visit.results.append({"status_code": 202, "id": known.id, "reference": item.reference})
        shown = visit.whole or Behaviour()
        visit.events.append(
            _received(item, visit, shown, message_id=known.id, taken=False, count=known.count) | {"duplicate": True},
        )
        # Without its id: the receipts belong to the first card.
        self._messages.show(_card(item, visit, shown, message_id=None, count=known.count, status="duplicate"))

    def _refuse_malformed(self, item: Malformed, visit: _Visit) -> None:
        self._messages.refuse_unreadable()
        visit.results.append(
            {"status_code": 400, "reference": item.reference, "code": "malformed", "detail": item.detail},
        )
        visit.events.append(
            {
                "event": "received",
                "at_ns": visit.arrived_ns,
                "request": visit.request,
                "reference": item.reference,
                "id": None,
                "taken": False,
                "behaviour": "malformed",
                "status_code": 400,
                "code": "malformed",
            },
        )


def _received(
    item: Submission, visit: _Visit, behaviour: Behaviour, *, message_id: str | None, taken: bool, count: int
) -> dict[str, Any]:
    return {
        "event": "received",
        "at_ns": visit.arrived_ns,
        "request": visit.request,
        "reference": item.reference,
        "id": message_id,
        "taken": taken,
        "count": count,
        "behaviour": behaviour.kind,
        "status_code": None if behaviour.kind in UNANSWERED else behaviour.status_code,
        "code": behaviour.code,
        "digest": item.digest(),
    }


def _card(
    item: Submission, visit: _Visit, behaviour: Behaviour, *, message_id: str | None, count: int, status: str
) -> Card:
    return Card(
        id=message_id,
        reference=item.reference,
        received_at_ns=visit.arrived_ns,
        sender=item.sender,
        recipient=item.recipient,
        text=item.text[:_TEXT_SHOWN_MAX],
        media_count=item.media_count,
        behaviour=behaviour.kind,
        answer="none" if behaviour.kind in UNANSWERED else f"{behaviour.status_code} {behaviour.code}".rstrip(),
        count=count,
        status=status,
    )


def _receipt(step: ReceiptStep, url: str, message: Message, id_prefix: str) -> Receipt:
    # A message nobody submitted has an id that looks like ours, and a reference that is none.
    unknown = step.unknown_message
    return Receipt(
        url=url,
        id=f"{id_prefix}unknown-{message.id.removeprefix(id_prefix)}" if unknown else message.id,
        reference=f"unknown-{message.id}" if unknown else message.reference,
        status=step.status,
        code=step.code,
        occurred_at_ns=message.received_at_ns + step.occurred_ms * 1_000_000,
    )
