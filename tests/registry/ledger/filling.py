"""Puts messages straight into a ledger, for tests of what is asked of it."""

import itertools

from compliance.journal import refusal_id
from registry.ledger.batch import Batch, Entry
from registry.ledger.journals import Cursor, Piece
from registry.ledger.writer import start, write
from tests.registry.ledger.journal import START_MS, a_line, an_envelope

_places = itertools.count(1)


async def fill(ledger, *legs, status="delivered"):
    """Add messages, each told of by the fields of its envelope; gives their ids. Refused where the verdict is block."""
    begun = await start(ledger, 1)
    batch, names, entries = Batch(watches=begun.watches), [], []
    for leg in legs:
        place = next(_places)
        at_ms, raw = leg.get("accepted_ms", START_MS), an_envelope(**leg)
        if leg.get("verdict") == "block":
            entries.append(Entry(at_ms, place, [b"refusal", raw]))
            names.append(refusal_id(0, entries[-1].name))
        else:
            names.append(f"0-{at_ms}-{place}-0")
            lines = [
                a_line(names[-1], 1, "queued", at_ms, payload=raw),
                a_line(names[-1], 2, status, at_ms + 9, attempt=1),
            ]
            entries.append(Entry(at_ms, place, [b"lines", b"\n".join(lines)]))
        batch.add(0, entries[-1])
    before = begun.cursors[0]
    after = Cursor(before.ms, before.seq + 1, before.number + 1)
    await write(ledger, begun, batch, [Piece(0, before, after, entries, 0, replaced=False, behind=0)])
    return names
