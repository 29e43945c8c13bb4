"""The ledger: complete, whole lines, only growing, and silent about numbers and texts."""

import asyncio
from collections import Counter
from hashlib import blake2b

import orjson
from aiohttp import ServerDisconnectedError


async def test_two_thousand_submissions_are_all_in_the_ledger(start, receiver, tmp_path):
    """Singles and batches at once, a tenth of the answers lost: file and stream agree with what submitters know."""
    path = tmp_path / "ledger.ndjson"
    carrier = await start(ledger=path)
    await carrier.set_scenario({"match": {"every": 10}, "behaviour": "drop_answer"})
    batches = [[carrier.message(f"b{batch}-{number}") for number in range(50)] for batch in range(30)]
    requests = iter([*batches, *(carrier.message(f"s-{number}") for number in range(500))])
    unanswered = 0

    async def submit_until_none_is_left():
        nonlocal unanswered
        for request in requests:
            try:
                await carrier.post(request)
            except ServerDisconnectedError:
                unanswered += 1

    await asyncio.gather(*(submit_until_none_is_left() for _ in range(16)))
    expected = {f"b{batch}-{number}" for batch in range(30) for number in range(50)}
    expected |= {f"s-{number}" for number in range(500)}
    await receiver.wait_for(2000)

    received = await carrier.ledger("received")
    assert Counter(expected) == Counter(each["reference"] for each in received if each["taken"])
    answered = await carrier.ledger("answered")
    assert len(answered) == 530
    assert 53 == unanswered == sum(not each["sent"] for each in answered)
    receipts = await carrier.ledger_until("receipt", 2000)
    assert {(each["id"], "delivered", 200) for each in received} == {
        (each["id"], each["status"], each["status_code"]) for each in receipts
    }
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert await carrier.ledger() == lines


async def test_a_reader_goes_on_where_it_stopped(carrier):
    """The stream from an offset is the rest of it; beyond the end is an error."""
    _, before = await carrier.get("/ledger")
    await carrier.submit(receipt_url=None)

    _, after = await carrier.get("/ledger")
    assert after.removeprefix(before) == (await carrier.get(f"/ledger?offset={len(before)}"))[1]
    assert [(await carrier.get(f"/ledger?offset={bad}"))[0] for bad in ("999999999", "-1")] == [400, 400]


async def test_a_second_run_appends(start, tmp_path):
    """Nothing that was written is ever lost to a restart."""
    path = tmp_path / "ledger.ndjson"
    for reference in ("first", "second"):
        carrier = await start(ledger=path)
        await carrier.submit(reference, receipt_url=None)

    received = [each for each in map(orjson.loads, path.read_bytes().splitlines()) if each["event"] == "received"]
    assert [each["reference"] for each in received] == ["first", "second"]


async def test_the_ledger_has_a_digest_instead_of_numbers_and_texts(carrier):
    """A checker can prove what arrived; a reader learns nobody's number or words."""
    await carrier.submit(text="Meet me at nine", receipt_url=None)

    _, text = await carrier.get("/ledger")
    for secret in ("Meet me", "4155550199", "2125550143", "carrier-secret"):
        assert secret not in text
    meant = blake2b(b"+14155550199\n+12125550143\nMeet me at nine", digest_size=8).hexdigest()
    assert [meant] == [each["digest"] for each in await carrier.ledger("received")]
