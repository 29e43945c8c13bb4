"""Who wants texts from whom, in memory: what optout, heard, restore and optouts of functions/opt_outs.lua do.

Not here: the rest of the queue store (queue_model.py). test_conformance.py holds this and the real functions together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.queue import Became, OptOutRecord, Spoken, Suspicion, Word
from gateway.queue.consent import Restoration, Restored, Settled


@dataclass(slots=True)
class _Standing:
    """One person and one tenant."""

    out: OptOutRecord | None = None
    #: The instant that a carrier gave for the latest STOP; 0: none did.
    last_ms: int = 0
    suspect_ms: int | None = None
    #: When the latest of it was heard.
    told_ms: int = 0


class Standings:
    """All of them, and what was heard before."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._of: dict[tuple[str, str], _Standing] = {}
        self._heard: dict[tuple[str, str], tuple[Became, str]] = {}
        self._restored: dict[tuple[str, str], Restored] = {}

    def put(self, records: Sequence[OptOutRecord]) -> None:
        """Keep opt-outs; the earliest instant stays."""
        for record in records:
            self._opt_out(record, 0)

    def read(self, tenant: str, recipient: str) -> OptOutRecord | Suspicion | None:
        """Read one."""
        at = self._at(tenant, recipient)
        if at.out is None and at.suspect_ms is not None:
            return Suspicion(tenant=tenant, recipient=recipient, at_ms=at.suspect_ms)
        return at.out

    def heard(self, spoken: Spoken) -> tuple[Became, str]:
        """Hear a word, once by its id; what came of it, and whose number it was."""
        name = spoken.tenant, spoken.id
        if name not in self._heard:
            self._heard[name] = self._change(spoken), spoken.user
        return self._heard[name]

    def restore(self, restoration: Restoration) -> Restored:
        """End an opt-out or a suspicion, once by the request's name."""
        name = restoration.tenant, restoration.name
        if name not in self._restored:
            self._restored[name] = Restored(self._settle(restoration), self._now_ms())
        return self._restored[name]

    def _settle(self, restoration: Restoration) -> Settled:
        at = self._at(restoration.tenant, restoration.recipient)
        if at.out is None and at.suspect_ms is None:
            return Settled.WAS_NOT_OUT
        if at.told_ms > (restoration.vouched_ms or self._now_ms()):
            return Settled.OVERTAKEN
        settled = Settled.DISMISSED if at.out is None else Settled.RESTORED
        if at.out is None:
            at.suspect_ms = None
        else:
            at.out, at.last_ms = None, 0
        return settled

    def _change(self, spoken: Spoken) -> Became:
        at = self._at(spoken.tenant, spoken.recipient)
        if spoken.word is Word.STOP:
            record = OptOutRecord(
                tenant=spoken.tenant,
                recipient=spoken.recipient,
                at_ms=spoken.at_ms,
                keyword=spoken.keyword,
                number=spoken.number,
            )
            return Became.OPTED_OUT if self._opt_out(record, spoken.said_ms) else Became.WAS_OUT
        if spoken.word is Word.SUSPECTED:
            if at.out is not None:
                return Became.WAS_OUT
            at.suspect_ms = spoken.at_ms if at.suspect_ms is None else at.suspect_ms
            at.told_ms = self._now_ms()
            return Became.SUSPECTED
        at.suspect_ms = None
        if at.out is None:
            return Became.WAS_NOT_OUT
        if 0 < spoken.said_ms < at.last_ms:
            return Became.OVERTAKEN
        at.out, at.last_ms = None, 0
        return Became.OPTED_IN

    def _opt_out(self, record: OptOutRecord, said_ms: int) -> bool:
        at = self._at(record.tenant, record.recipient)
        is_new = at.out is None
        if at.out is None or record.at_ms < at.out.at_ms:
            at.out = record
        at.last_ms = max(at.last_ms, said_ms)
        at.suspect_ms = None
        at.told_ms = self._now_ms()
        return is_new

    def _at(self, tenant: str, recipient: str) -> _Standing:
        return self._of.setdefault((tenant, recipient), _Standing())
