"""Receipts: carriers' words folded into a status that only moves forward."""

import pytest

from gateway.queue import TERMINAL, Begin, Finish, Folded, Status
from gateway.queue.messages import RECEIPT_STATUSES
from tests.gateway.queue.builders import (
    PAYLOAD,
    a_park,
    a_receipt,
    a_request,
    accepted,
    begun,
    check_conservation,
    owned,
    parked,
    status_of,
    submitted,
    taken,
)

FINAL = sorted(RECEIPT_STATUSES & TERMINAL)


@pytest.mark.parametrize("status", FINAL)
async def test_the_first_final_word_counts(store, status):
    """It becomes the status, ends the wait for a receipt, and the same word again changes nothing."""
    message_id, epoch = await submitted(store)

    assert await store.receipts([a_receipt(message_id, status, code="000", at_ms=7)]) == [Folded.APPLIED]
    assert await store.receipts([a_receipt(message_id, status)]) == [Folded.REPEATED]
    (stored,) = await store.look([message_id])
    assert [event.status for event in stored.events][2:] == [Status.SUBMITTED, status]
    assert stored.events[-1].code == "000"
    assert await store.due(0, epoch, "receipt", now_ms=1 << 50, count=10) == []
    await check_conservation(store)


@pytest.mark.parametrize("second", [status for status in FINAL if status is not Status.DELIVERED])
async def test_a_second_final_word_is_a_contradiction(store, raw, second):
    """The first stands; the other is counted and reported."""
    message_id, _ = await submitted(store)

    assert await store.receipts([a_receipt(message_id), a_receipt(message_id, second)]) == [
        Folded.APPLIED,
        Folded.CONTRADICTED,
    ]
    assert await status_of(store, message_id) is Status.DELIVERED
    assert raw.hget("{q:0}:n", "contradicted") == b"1"
    assert b"\ncontradicted\t" in raw.xrevrange("{q:0}:events")[0][1][b"lines"]


async def test_still_on_its_way_says_nothing_new(store):
    """An intermediate word after submission, or after the end, is a repetition."""
    message_id, _ = await submitted(store)
    on_its_way = a_receipt(message_id, Status.SUBMITTED)

    assert await store.receipts([on_its_way, a_receipt(message_id), on_its_way]) == [
        Folded.REPEATED,
        Folded.APPLIED,
        Folded.REPEATED,
    ]


async def test_a_receipt_may_come_before_the_answer(store):
    """While the attempt is open, a final word is final at once."""
    message_id, _ = await begun(store)

    assert await store.receipts([a_receipt(message_id)]) == [Folded.APPLIED]
    assert await status_of(store, message_id) is Status.DELIVERED


async def test_on_its_way_before_the_answer_proves_the_submission(store, raw):
    """The doubt is resolved: submitted, waiting for its receipt, and the next owner does not send again."""
    message_id, epoch = await begun(store)

    assert await store.receipts([a_receipt(message_id, Status.SUBMITTED)]) == [Folded.APPLIED]
    await store.release(0, epoch)
    epoch = await owned(store, "worker-2")
    assert await store.take(0, epoch, count=10, pending_after="0") == ([], None)
    assert raw.zscore("{q:0}:due:receipt", message_id) is not None
    end = Finish(id=message_id, status=Status.SUBMITTED, attempt=1, carrier_reference="r", receipt_due_ms=77)
    assert await store.finish(0, epoch, [end]) == [Status.SUBMITTED]
    assert raw.zscore("{q:0}:due:receipt", message_id) == 77


async def test_a_receipt_for_a_parked_attempt_stops_the_retry(store):
    """The attempt in doubt had arrived after all."""
    message_id, epoch = await begun(store)
    await store.park(0, epoch, [a_park(message_id, attempt=1, code="doubt_timeout")])

    assert await store.receipts([a_receipt(message_id)]) == [Folded.APPLIED]
    assert await store.due(0, epoch, "acme", now_ms=9, count=10) == []
    (again,) = await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
    assert again.attempt is None


async def test_what_no_carrier_can_know(store):
    """Never begun, in the log, in hand, parked or ended by us; or not ours at all: unknown, and nothing changes."""
    (in_log,) = await accepted(store, a_request(partition=1))
    in_hand, _ = await taken(store)
    waiting, _ = await parked(store)
    receipts = [a_receipt(one) for one in (in_log, in_hand, waiting, "0-1-1-0", "9-1-1-0", "nonsense")]

    assert set(await store.receipts(receipts)) == {Folded.UNKNOWN_MESSAGE}
    assert {await status_of(store, one) for one in (in_log, in_hand, waiting)} == {Status.QUEUED}


async def test_a_batch_over_partitions_is_answered_in_order(store):
    """Each receipt gets its own answer in its own place."""
    message_id, _ = await submitted(store)
    answers = await store.receipts([a_receipt("3-1-1-0"), a_receipt(message_id), a_receipt("x"), a_receipt(message_id)])

    assert answers == [Folded.UNKNOWN_MESSAGE, Folded.APPLIED, Folded.UNKNOWN_MESSAGE, Folded.REPEATED]


async def test_the_first_reference_of_an_early_receipt_is_kept(store):
    """When the answer with the reference was lost, the receipt brings it."""
    message_id, _ = await begun(store)
    await store.receipts([a_receipt(message_id, carrier_reference="from-receipt")])

    (stored,) = await store.look([message_id])
    assert stored.carrier_reference == "from-receipt"


@pytest.mark.parametrize("status", sorted(set(Status) - RECEIPT_STATUSES))
async def test_no_receipt_says_anything_else(store, status):
    """A caller's mistake is told, not stored."""
    with pytest.raises(ValueError, match="no receipt"):
        await store.receipts([a_receipt("0-1-1-0", status)])
