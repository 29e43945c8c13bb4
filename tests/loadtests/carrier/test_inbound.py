"""Texts from outside: what is brought, signed how, how often, and what the ledger tells."""

import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from loadtests.carrier.inbound import TEXTS_MAX
from loadtests.carrier.settings import DEVELOPMENT_SECRET

TOKEN = {"Authorization": "Bearer carrier-secret"}


async def order(carrier, body, headers=TOKEN):
    """Have texts brought; status and body of the answer."""
    async with carrier.session.post(f"{carrier.url}/inbound", data=orjson.dumps(body), headers=headers) as answer:
        return answer.status, await answer.json()


def a_text(receiver, **fields):
    """Build an order."""
    usual = {"url": receiver.url, "from": "+14155550143", "to": "+12025550111", "text": "STOP"}
    return {name: value for name, value in (usual | fields).items() if value is not None}


async def test_a_text_is_brought_signed(carrier, receiver):
    """As a carrier writes it, with an id of its own; an independent implementation accepts the signature."""
    status, said = await order(carrier, a_text(receiver))
    (line,) = await carrier.ledger_until("inbound", 1)

    ((headers, body),) = receiver.deliveries
    brought = Webhook(DEVELOPMENT_SECRET).verify(body, dict(headers))
    assert list(brought) == ["id", "from", "to", "text", "media", "received_at"]
    assert (status, said) == (202, {"ids": [brought["id"]]})
    assert (line["id"], line["attempt"], line["status_code"]) == (brought["id"], 1, 200)
    assert "+1415" not in orjson.dumps(line).decode()


async def test_it_comes_again_until_it_is_taken(carrier, receiver):
    """The same text, under the same id, signed anew."""
    receiver.answers = [503, 500]
    await order(carrier, a_text(receiver, id="mo-7"))

    tries = await carrier.ledger_until("inbound", 3)
    assert [(one["attempt"], one["status_code"]) for one in tries] == [(1, 503), (2, 500), (3, 200)]
    assert len({body for _, body in receiver.deliveries}) == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.deliveries}) == 3


async def test_tries_are_bounded(start, receiver):
    """And the ledger says that nobody took it."""
    receiver.answers = [503] * 2
    carrier = await start(inbound_attempts_max=2)
    await order(carrier, a_text(receiver, id="mo-8"))

    (given_up,) = await carrier.ledger_until("inbound_given_up", 1)
    assert (given_up["id"], given_up["status_code"], len(receiver.deliveries)) == ("mo-8", 503, 2)


async def test_copies_are_brought_at_the_same_moment(carrier, receiver):
    """As by a carrier that saw no answer: the second does not wait for the first one's."""
    receiver.may_answer.clear()
    await order(carrier, [a_text(receiver, id="mo-9", copies=3), a_text(receiver, id="mo-10")])
    await receiver.wait_for(4)
    receiver.may_answer.set()

    lines = await carrier.ledger_until("inbound", 4)
    assert sorted((one["id"], one["copy"]) for one in lines) == [("mo-10", 1), ("mo-9", 1), ("mo-9", 2), ("mo-9", 3)]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": None}, "url"),
        ({"url": "ftp://x"}, "url"),
        ({"from": 7}, "from"),
        ({"to": None}, "to"),
        ({"text": None}, "text"),
        ({"id": 7}, "id"),
        ({"copies": 0}, "copies"),
        ({"copies": 11}, "copies"),
    ],
)
async def test_a_wrong_order_names_the_field(carrier, receiver, fields, field):
    """Nothing of it is brought, nor of what came with it."""
    status, said = await order(carrier, [a_text(receiver), a_text(receiver, **fields)])

    assert (status, said["code"]) == (400, "malformed")
    assert said["detail"].startswith(f"{field}:")
    assert receiver.deliveries == []


async def test_who_may_order(carrier, receiver):
    """Whoever has the token; not too much at once."""
    assert (await order(carrier, a_text(receiver), headers={"Authorization": "Bearer no"}))[0] == 401
    assert (await order(carrier, [a_text(receiver)] * (TEXTS_MAX + 1)))[0] == 400
    assert (await order(carrier, []))[0] == 400
