"""Receipts: their shape, signature, order, arrays, repetition and end."""

from datetime import datetime

import orjson
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from loadtests.carrier.settings import DEVELOPMENT_SECRET

MAGIC = "+131255501"


async def test_a_receipt_names_both_ids_and_tells_when_it_happened(carrier, receiver):
    """A single receipt is an object with exactly the wire's fields."""
    _, answer = await carrier.submit()
    await receiver.wait_for(1)

    ((_, body),) = receiver.deliveries
    receipt = orjson.loads(body)
    assert list(receipt) == ["id", "reference", "status", "code", "occurred_at"]
    assert (answer["id"], "m-1", "delivered", "0") == tuple(receipt.values())[:4]
    assert datetime.fromisoformat(receipt["occurred_at"]).tzinfo is not None


async def test_a_delivery_is_signed_as_standard_webhooks_says(carrier, receiver):
    """An independent implementation accepts the signature, and refuses it for a changed body."""
    await carrier.submit()
    await receiver.wait_for(1)

    ((headers, body),) = receiver.deliveries
    assert orjson.loads(body) == Webhook(DEVELOPMENT_SECRET).verify(body, dict(headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(DEVELOPMENT_SECRET).verify(body.replace(b"delivered", b"expired"), dict(headers))


async def test_a_delivery_is_repeated_with_the_same_id_until_it_is_acknowledged(carrier, receiver):
    """Only 200 is durable: after anything else the same content comes again, signed anew, under the same webhook-id."""
    receiver.answers = [503, 202]
    await carrier.submit()

    tries = await carrier.ledger_until("receipt", 3)
    assert [each["status_code"] for each in tries] == [503, 202, 200]
    assert [each["attempt"] for each in tries] == [1, 2, 3]
    assert len({headers["webhook-id"] for headers, _ in receiver.deliveries}) == 1
    assert len({body for _, body in receiver.deliveries}) == 1
    for headers, body in receiver.deliveries:
        Webhook(DEVELOPMENT_SECRET).verify(body, dict(headers))


async def test_a_delivery_is_given_up_after_the_last_try(start, receiver):
    """Tries are bounded, and the ledger says that the receipt never arrived."""
    receiver.answers = [500] * 3
    carrier = await start(receipt_attempts_max=3)
    await carrier.submit()

    (given_up,) = await carrier.ledger_until("receipt_given_up", 1)
    assert (given_up["reference"], given_up["status"], given_up["reason"]) == ("m-1", "delivered", "attempts")
    assert len(receiver.deliveries) == 3


async def test_a_gateway_that_is_not_there_is_tried_again(start):
    """A refused connection is a failure like any other, named in the ledger."""
    carrier = await start(receipt_attempts_max=2)
    await carrier.submit(receipt_url="http://127.0.0.1:9/carriers/http/receipts")

    await carrier.ledger_until("receipt_given_up", 1)
    assert [(each["status_code"], each["error"] is not None) for each in await carrier.ledger("receipt")] == [
        (None, True)
    ] * 2


async def test_receipts_beyond_the_limit_are_given_up_at_once(start, receiver):
    """Memory stays bounded when the gateway takes no receipts; the ledger has what was lost."""
    receiver.may_answer.clear()
    carrier = await start(receipts_waiting_max=2)
    for number in range(3):
        await carrier.submit(f"m-{number}")

    (given_up,) = await carrier.ledger("receipt_given_up")
    assert (given_up["reference"], given_up["reason"]) == ("m-2", "backlog")


async def test_a_backlog_goes_out_in_arrays(start, receiver):
    """What falls due together shares a POST, up to the limit, and every receipt is in one of them."""
    carrier = await start(receipt_batch_max=40)
    await carrier.post([carrier.message(f"m-{number}") for number in range(100)])

    receipts = await receiver.wait_for(100)
    assert {receipt["reference"] for receipt in receipts} == {f"m-{number}" for number in range(100)}
    assert max(len(orjson.loads(body)) for _, body in receiver.deliveries) == 40
    assert len({headers["webhook-id"] for headers, _ in receiver.deliveries}) == len(receiver.deliveries)


async def test_arrays_can_be_switched_off(start, receiver):
    """With a limit of 1 each receipt is an object of its own."""
    carrier = await start(receipt_batch_max=1)
    await carrier.post([carrier.message(f"m-{number}") for number in range(5)])

    await receiver.wait_for(5)
    assert [dict] * 5 == [type(orjson.loads(body)) for _, body in receiver.deliveries]


async def test_receipts_out_of_order_tell_when_things_happened(carrier, receiver):
    """The enroute is sent after delivered, and says that it happened before."""
    await carrier.submit(to=f"{MAGIC}68")

    first, second = await receiver.wait_for(2)
    assert (first["status"], second["status"]) == ("delivered", "enroute")
    assert first["occurred_at"] > second["occurred_at"]


async def test_a_receipt_for_a_message_nobody_submitted(carrier, receiver):
    """Neither its id nor its reference is one that a submitter has seen."""
    _, answer = await carrier.submit(to=f"{MAGIC}70")

    known, unknown = await receiver.wait_for(2)
    assert (answer["id"], "m-1") == (known["id"], known["reference"])
    assert not {answer["id"], "m-1"} & {unknown["id"], unknown["reference"]}


async def test_nobody_gets_receipts_who_wants_none(carrier, receiver):
    """Without receipt_url a message is delivered silently."""
    await carrier.submit("silent", receipt_url=None)
    await carrier.submit("wanted")

    assert [receipt["reference"] for receipt in await receiver.wait_for(1)] == ["wanted"]
