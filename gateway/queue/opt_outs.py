"""Who does not want to be texted, as the store has it: opt-outs, suspicions, what was taken back, and lists of them.

Not here: the rules of it (functions/opt_outs.lua), what opt-outs of before the lists need (opt_out_index.py).
"""

from collections.abc import Sequence

from gateway.queue import Became, Heard, OptOutRecord, Spoken, Suspicion, keys
from gateway.queue.consent import (
    Consent,
    ConsentPage,
    Dismissed,
    Lifted,
    Restoration,
    Restored,
    Settled,
    Standing,
    Suspected,
    Word,
)
from gateway.queue.opt_out_index import OptOutIndexer
from gateway.queue.wire import Wire, fcall


class OptOutStore:
    """The edge's part of the queue that is about people who do not want texts."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def put_opt_outs(self, records: Sequence[OptOutRecord]) -> None:
        """Keep opt-outs; durable when it returns. The earliest instant stays."""
        by_tenant: dict[str, list[OptOutRecord]] = {}
        for record in records:
            by_tenant.setdefault(record.tenant, []).append(record)
        await self._wire.all(
            *(
                fcall(
                    "optout",
                    [keys.opt_out(tenant, record.recipient) for record in theirs],
                    *(value for record in theirs for value in (record.at_ms, record.keyword, record.number)),
                )
                for tenant, theirs in by_tenant.items()
            ),
            kept=True,
        )

    async def heard(self, spoken: Spoken) -> Heard:
        """Keep what a person said of further texts, once by its id; durable when it returns."""
        became, age_ms, user = await self._wire.one(
            fcall(
                "heard",
                (keys.opt_out(spoken.tenant, spoken.recipient),),
                *(spoken.word, spoken.id, spoken.at_ms, spoken.keyword, spoken.number, spoken.said_ms, spoken.user),
            ),
            kept=True,
        )
        return Heard(Became(became.decode()), age_ms, user.decode())

    async def opt_outs(self, pairs: Sequence[tuple[str, str]]) -> list[OptOutRecord | Suspicion | None]:
        """Read opt-outs, or suspicions, fresh for (tenant, E.164 recipient) pairs, in one round trip."""
        by_tenant: dict[str, list[int]] = {}
        for place, (tenant, _) in enumerate(pairs):
            by_tenant.setdefault(tenant, []).append(place)
        replies = await self._wire.all(
            *(
                fcall("optouts", [keys.opt_out(*pairs[place]) for place in places], "suspected", read_only=True)
                for places in by_tenant.values()
            )
        )
        found: list[OptOutRecord | Suspicion | None] = [None] * len(pairs)
        for places, reply in zip(by_tenant.values(), replies, strict=True):
            for at in range(0, len(reply), 4):
                place = places[reply[at] - 1]
                found[place] = _opt_out(*pairs[place], *reply[at + 1 : at + 4])
        return found

    def indexer(self) -> OptOutIndexer:
        """Return what brings opt-outs of an older version into the lists."""
        return OptOutIndexer(self._wire)

    async def restore(self, restoration: Restoration) -> Restored:
        """End an opt-out or a suspicion, on somebody's word; durable when it returns. The same again gives the same."""
        became, at_ms = await self._wire.one(
            fcall(
                "restore",
                (keys.opt_out(restoration.tenant, restoration.recipient),),
                *(restoration.name, restoration.evidence, restoration.by, restoration.vouched_ms),
            ),
            kept=True,
        )
        return Restored(Settled(became.decode()), at_ms)

    async def consent(self, tenant: str, recipient: str) -> Consent:
        """Read all that is known of a person; nothing known is Standing.NONE."""
        said = await self._wire.one(("HGETALL", keys.opt_out(tenant, recipient)))
        return _consent(recipient, said)

    async def consents(self, tenant: str, standing: Standing, *, after: str, limit: int) -> ConsentPage:
        """List who stands somewhere, the newest first, behind a cursor ("" for the beginning; else ValueError).

        Nobody is left out who stood there all the while, whoever else comes or goes between pages.
        """
        at_ms, recipient = keys.place_of_opt_out(after) if after else ("", "")
        listed, indexed = await self._wire.all(
            fcall("optouts_page", (keys.opt_outs(tenant, standing),), limit, at_ms, recipient, read_only=True),
            ("HGET", keys.OPT_OUTS_INDEXED, "done"),
        )
        items = tuple(_consent(who.decode(), said) for who, _, said in listed)
        following = ""
        if len(listed) == limit:
            last, last_ms, _ = listed[-1]
            following = keys.cursor_of_opt_out(int(float(last_ms)), last.decode())
        return ConsentPage(items, following, indexed is not None)


def _opt_out(tenant: str, recipient: str, at_ms: bytes, keyword: bytes, number: bytes) -> OptOutRecord | Suspicion:
    if not keyword:
        return Suspicion(tenant=tenant, recipient=recipient, at_ms=int(at_ms))
    return OptOutRecord(
        tenant=tenant, recipient=recipient, at_ms=int(at_ms), keyword=keyword.decode(), number=number.decode()
    )


def _consent(recipient: str, found: Sequence[bytes]) -> Consent:
    said = dict(zip((name.decode() for name in found[::2]), found[1::2], strict=True))

    def text(name: str) -> str:
        return said.get(name, b"").decode(errors="replace")

    def ms(name: str) -> int:
        return int(said[name])

    out = Word(ms("at_ms"), text("keyword"), text("number")) if "at_ms" in said else None
    suspected = lifted = dismissed = None
    if "suspect_ms" in said:
        suspected = Suspected(ms("suspect_ms"), text("suspect_number"), text("suspect_text"))
    if "lifted_ms" in said:
        how = Word(ms("lifted_ms"), text("lifted_keyword"), text("lifted_number"))
        lifted = Lifted(how, text("lifted_evidence"), text("lifted_by"), _was(text("was")))
    if "dismissed_ms" in said:
        dismissed = Dismissed(ms("dismissed_ms"), text("dismissed_evidence"), text("dismissed_by"))
    return Consent(recipient=recipient, out=out, suspected=suspected, lifted=lifted, dismissed=dismissed)


def _was(kept: str) -> Word | None:
    parts = kept.split("\t", 2)
    return Word(int(parts[0]), parts[1], parts[2]) if len(parts) == 3 else None  # noqa: PLR2004 - as it is written
