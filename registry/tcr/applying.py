"""What follows for our rows from what TCR says, in one transaction with the note of when it was said.

Webhooks repeat, come late and out of order, or not at all. So each aspect of a brand or campaign has a mark: the newest
instant that anybody told us about it. What is older changes nothing; of two words of the same instant the adverse one
wins; an end (deleted, expired) wins whenever it comes, because nothing leads on from it. The outcome is the same in
whatever order the words arrive.

A word without a time counts as of now if it is adverse. A good one then only fills what nobody has spoken about yet;
otherwise it has TCR asked (a job in tcr_jobs), and so has a good one that came too late: it may be an old word, or the
mark may be wrong.

What a brand or campaign does that we do not know yet is kept, and done when we get to know it (replay).

Not here: what an event says (events.py), and asking (catching_up.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.commands import change, find
from registry.lifecycle.cycle import LifeCycle
from registry.lifecycle.registration import BRAND, CAMPAIGN, CARRIER, DCA, SHARING
from registry.records import Brand, Campaign
from registry.tcr import events
from registry.tcr.events import Event, Observation
from registry.work_tables import tcr_events, tcr_jobs, tcr_marks

ACTOR: Final = "tcr"
ASK: Final = "ask"
SCORE: Final = "score"
_CYCLES: Final[Mapping[str, LifeCycle]] = {
    events.IDENTITY: BRAND,
    events.STATUS: CAMPAIGN,
    events.SHARING: SHARING,
    events.DCA: DCA,
    **dict.fromkeys(events.CARRIERS, CARRIER),
}
#: Which column has an aspect, where it is not called the same.
_COLUMNS: Final = {events.IDENTITY: "status", events.DCA: "dca_complete"}
#: How a carrier's reasons begin, among those of a campaign.
_LABELS: Final = {"att": "AT&T: ", "tmobile": "T-Mobile: ", "verizon": "Verizon: ", "us_cellular": "US Cellular: "}
#: What nobody has decided yet.
_OPEN: Final = frozenset({"", "pending", "review", "incomplete"})


class Outcome(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    #: The row is as it says already.
    UNCHANGED = "unchanged"
    #: Something newer was said before.
    OLDER = "older"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_OBJECT = "unknown_object"
    #: It was applied before, word for word.
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of an event or an answer, and what somebody should hear of."""

    outcome: Outcome
    #: Statuses that no life cycle has a word for, as aspect:word.
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Something that TCR says, and when it was so."""

    seen: Observation
    at: datetime
    #: TCR said when; otherwise at is when it reached us.
    is_dated: bool = True


async def apply_event(connection: AsyncConnection, event: Event, now: datetime) -> Applied:
    """Keep an event and do what follows from it; connection is one of Database.writing().

    One that came before word for word is done once. Only an adverse one without a time is done again: it may have
    happened again.
    """
    known = (await connection.execute(sa.select(tcr_events.c.outcome).where(tcr_events.c.id == event.id))).scalar()
    seen = events.observations(event)
    is_again_adverse = event.occurred_at is None and any(one.is_adverse for one in seen)
    if known not in {None, Outcome.UNKNOWN_OBJECT} and not is_again_adverse:
        return Applied(outcome=Outcome.REPEATED)
    applied = await _apply(connection, event, seen, now)
    if known is None:
        await connection.execute(
            sa.insert(tcr_events).values(
                id=event.id,
                received_at=now,
                occurred_at=event.occurred_at,
                type=event.type,
                object=event.object,
                outcome=applied.outcome.value,
                body=orjson.dumps(event.body).decode(),
            )
        )
    else:
        kept = sa.update(tcr_events).where(tcr_events.c.id == event.id)
        await connection.execute(kept.values(outcome=applied.outcome.value))
    return applied


async def replay(connection: AsyncConnection, name: str, now: datetime) -> None:
    """Do what came for a brand or campaign (such as brand:BAAAAA1) before we knew it."""
    waiting = (
        sa.select(tcr_events.c.id, tcr_events.c.body)
        .where(tcr_events.c.object == name, tcr_events.c.outcome == Outcome.UNKNOWN_OBJECT.value)
        .order_by(tcr_events.c.received_at)
    )
    for row in (await connection.execute(waiting)).all():
        event = events.read_event(orjson.loads(row.body))
        applied = await _apply(connection, event, events.observations(event), now)
        kept = sa.update(tcr_events).where(tcr_events.c.id == row.id)
        await connection.execute(kept.values(outcome=applied.outcome.value))


async def apply_words(connection: AsyncConnection, words: Sequence[Word], ask_at: datetime) -> Applied:
    """Do what follows from words about one brand or campaign, each only if nothing newer was said about its aspect.

    ask_at: when TCR is to be asked, where a good word came too late.
    """
    record = await _record(connection, words[0].seen.kind, words[0].seen.id) if words else None
    if record is None:
        return Applied(outcome=Outcome.UNKNOWN_OBJECT)
    marks = await _marks(connection, words[0].seen.object)
    after, outcomes = record, []
    for word in words:
        current = value_of(after, word.seen.aspect)
        mark = marks.get(word.seen.aspect)
        if not _wins(word, mark, current):
            outcomes.append(Outcome.OLDER)
            if word.seen.value == current and not after.faults:
                # It says nothing else, but why: an answer of the same second as the webhook is older by a hair.
                after = _with(after, word.seen, current)
            if not word.seen.is_adverse and _could_be_better(word.seen.aspect, current):
                await ask(connection, word.seen.object, ask_at)
            continue
        await _write_mark(connection, word, mark)
        after = _with(after, word.seen, current)
        outcomes.append(Outcome.UNCHANGED)
    if await change(connection, actor=ACTOR, put=[after]):
        outcomes.append(Outcome.APPLIED)
    best = min(outcomes, key=(Outcome.APPLIED, Outcome.UNCHANGED, Outcome.OLDER).index)
    return Applied(outcome=best, unknown=tuple(_unknown(word.seen for word in words)))


async def apply_score(connection: AsyncConnection, brand_id: str, score: int | None, at: datetime) -> None:
    """Note the vetting score of a brand as of an instant, unless a newer one was noted."""
    name = f"brand:{brand_id}"
    brand = (await find(connection, Brand, {(brand_id,)})).get((brand_id,))
    mark = (await _marks(connection, name)).get(SCORE)
    if brand is None or (mark is not None and mark["at"] > at):
        return
    await change(connection, actor=ACTOR, put=[replace(brand, vetting_score=score)])
    await _put_mark(connection, name, SCORE, at=at, adverse=False, is_new=mark is None)


async def set_mark(connection: AsyncConnection, seen: Observation, at: datetime) -> None:
    """Note that an aspect is so as of an instant, for a row that was written otherwise."""
    marks = await _marks(connection, seen.object)
    await _write_mark(connection, Word(seen=seen, at=at), marks.get(seen.aspect))


async def ask(connection: AsyncConnection, name: str, now: datetime) -> None:
    """Have TCR asked how a brand or campaign (such as brand:BAAAAA1) stands."""
    one = (tcr_jobs.c.action == ASK, tcr_jobs.c.object == name)
    there = (await connection.execute(sa.select(tcr_jobs.c.object).where(*one))).first()
    if there is None:
        new = {"action": ASK, "object": name, "attempts": 0, "next_at": now, "fault": None}
        await connection.execute(sa.insert(tcr_jobs).values(**new))
    else:  # One that is being asked right now was asked too early: who asks sees that the time is another.
        await connection.execute(sa.update(tcr_jobs).where(*one).values(next_at=now))


async def _apply(connection: AsyncConnection, event: Event, seen: Sequence[Observation], now: datetime) -> Applied:
    if events.has_to_be_asked(event) and event.object is not None and not event.is_mock:
        await ask(connection, event.object, now)
    if not events.is_known(event):
        return Applied(outcome=Outcome.UNKNOWN_TYPE)
    if event.is_mock:
        await _mark_as_mock(connection, event)
        seen = [one for one in seen if one.is_adverse]
    if not seen:
        return Applied(outcome=Outcome.UNCHANGED)
    # A clock that is ahead of ours must not silence what comes after it.
    at = now if event.occurred_at is None else min(event.occurred_at, now)
    return await apply_words(
        connection, [Word(seen=one, at=at, is_dated=event.occurred_at is not None) for one in seen], now
    )


def _wins(word: Word, mark: Mapping[str, Any] | None, current: str) -> bool:
    """Say whether a word is the newest about its aspect."""
    seen, cycle = word.seen, _CYCLES[word.seen.aspect]
    if current in cycle.dead_ends:
        return False
    if seen.value in cycle.dead_ends:
        return True
    if not word.is_dated and not seen.is_adverse:
        return mark is None and current in _OPEN
    if mark is None:
        return True
    return (word.at, seen.is_adverse, seen.value) >= (mark["at"], mark["adverse"], current)


def _could_be_better(aspect: str, current: str) -> bool:
    return current not in events.GOOD[aspect] and current not in _CYCLES[aspect].dead_ends


def _with(record: Brand | Campaign, seen: Observation, current: str) -> Brand | Campaign:
    """Return a row as TCR says that it is.

    TCR may be several moves ahead of us, because webhooks get lost: it is enough that moves lead there. A word that the
    life cycle does not have is kept: it can do nothing.
    """
    cycle = _CYCLES[seen.aspect]
    if seen.value in cycle.states and not cycle.reaches(current, seen.value):
        return record
    value: Any = seen.value == "complete" if seen.aspect == events.DCA else seen.value
    changed = replace(record, **{_COLUMNS.get(seen.aspect, seen.aspect): value})
    return replace(changed, faults=_faults(record.faults, seen))


def _faults(before: tuple[str, ...], seen: Observation) -> tuple[str, ...]:
    """Return the reasons of a row: those of the identity or the sharing, then those of each carrier."""
    if seen.aspect in {events.DCA, events.STATUS} and not seen.reasons:
        return before
    own = tuple(one for one in before if not one.startswith(tuple(_LABELS.values())))
    labelled = {name: tuple(one for one in before if one.startswith(label)) for name, label in _LABELS.items()}
    if seen.aspect in _LABELS:
        labelled[seen.aspect] = tuple(_LABELS[seen.aspect] + reason for reason in seen.reasons)
    elif seen.reasons or not seen.is_adverse or seen.value in _OPEN:
        own = seen.reasons
    return own + tuple(one for name in _LABELS for one in labelled[name])


def _unknown(seen: Iterable[Observation]) -> Iterable[str]:
    for one in seen:
        if one.value not in _CYCLES[one.aspect].states:
            yield f"{one.aspect}:{one.value}"


def value_of(record: Brand | Campaign, aspect: str) -> str:
    """Return what a row has for an aspect, as an observation would say it."""
    value = getattr(record, _COLUMNS.get(aspect, aspect))
    if aspect == events.DCA:
        return "complete" if value else "incomplete"
    return str(value)


async def _record(connection: AsyncConnection, kind: str, name: str) -> Brand | Campaign | None:
    if kind == "brand":
        return (await find(connection, Brand, {(name,)})).get((name,))
    return (await find(connection, Campaign, {(name,)})).get((name,))


async def _mark_as_mock(connection: AsyncConnection, event: Event) -> None:
    """Note that a campaign is a mock one: it is never shared and can carry nothing, whatever else is said of it."""
    if event.campaign_id is not None:
        campaign = (await find(connection, Campaign, {(event.campaign_id,)})).get((event.campaign_id,))
        if campaign is not None:
            await change(connection, actor=ACTOR, put=[replace(campaign, mock=True)])


async def _marks(connection: AsyncConnection, name: str) -> dict[str, Mapping[str, Any]]:
    rows = await connection.execute(sa.select(tcr_marks).where(tcr_marks.c.object == name))
    return {row["aspect"]: dict(row) for row in rows.mappings()}


async def _write_mark(connection: AsyncConnection, word: Word, before: Mapping[str, Any] | None) -> None:
    seen = word.seen
    # An end may be older than the mark: the mark never goes back.
    at = word.at if before is None else max(word.at, before["at"])
    await _put_mark(connection, seen.object, seen.aspect, at=at, adverse=seen.is_adverse, is_new=before is None)


async def _put_mark(
    connection: AsyncConnection, name: str, aspect: str, *, at: datetime, adverse: bool, is_new: bool
) -> None:
    if is_new:
        new = {"object": name, "aspect": aspect, "at": at, "adverse": adverse}
        await connection.execute(sa.insert(tcr_marks).values(**new))
    else:
        one = (tcr_marks.c.object == name, tcr_marks.c.aspect == aspect)
        await connection.execute(sa.update(tcr_marks).where(*one).values(at=at, adverse=adverse))
