"""What the emulator does wrong when it is told to."""

import asyncio
import time

import aiohttp
import pytest

TN = "+12025550101"


@pytest.mark.parametrize(("answer", "status"), [("throttle", 429), ("unavailable", 503)])
async def test_refused_calls_do_nothing(aggregator, answer, status):
    """The rule answers instead, as often as it says, with Retry-After where it says one."""
    await aggregator.rules({"operation": "add", "answer": answer, "retry_after": 7, "times": 1})
    url = f"{aggregator.aggregator.url}/v1/numbers/{TN}"
    async with aggregator._session.put(url, json={"campaignId": "C1", "reference": "r"}) as response:
        assert (response.status, response.headers["Retry-After"]) == (status, "7")
    assert len(aggregator.aggregator.book) == 0
    assert (await aggregator.add())[0] == 202


@pytest.mark.parametrize(("answer", "done"), [("cut_before", 0), ("cut_after", 1)])
async def test_a_connection_is_cut_before_or_after_the_write(aggregator, answer, done):
    """The caller cannot tell; the book can. Two are cut, because aiohttp asks a second time by itself."""
    await aggregator.rules({"operation": "add", "answer": answer, "times": 2})
    with pytest.raises(aiohttp.ClientConnectionError):
        await aggregator.add()
    assert len(aggregator.aggregator.book) == done


async def test_a_garbled_answer_is_given_after_the_write(aggregator):
    """HTML with 200: done all the same."""
    await aggregator.rules({"operation": "add", "answer": "garbled"})
    url = f"{aggregator.aggregator.url}/v1/numbers/{TN}"
    async with aggregator._session.put(url, json={"campaignId": "C1", "reference": "r"}) as response:
        assert (response.status, response.content_type) == (200, "text/html")
    assert len(aggregator.aggregator.book) == 1


async def test_hanging_calls_end_with_the_emulator(aggregator):
    """No answer at all; a stop does not wait for it."""
    await aggregator.rules({"operation": "read", "answer": "hang"})
    reading = asyncio.create_task(aggregator.read())
    await asyncio.sleep(0.05)
    assert not reading.done()
    aggregator.aggregator.stopping.set()
    with pytest.raises(aiohttp.ClientConnectionError):
        await reading


async def test_rates_are_limited(start):
    """More calls than a second's worth get 429 and a Retry-After; reads and writes are counted apart."""
    aggregator = await start(reads_per_s=5, writes_per_s=2)
    statuses = [(await aggregator.add(f"+1202555010{index}"))[0] for index in range(4)]
    assert statuses[:2] == [202, 202]
    assert 429 in statuses[2:]
    assert (await aggregator.call("GET", f"/osr/{TN}"))[0] == 200


async def test_pending_for_ever_ends_by_control_only(aggregator):
    """never: nothing happens until somebody ends it, well or badly."""
    await aggregator.rules({"outcome": "never"})
    await aggregator.add()
    await asyncio.sleep(0.1)  # Twice the usual time.
    assert (await aggregator.read())["status"] == "PENDING"
    status, number = await aggregator.call("POST", f"/control/numbers/{TN}/finish", {"reason": "INTERNAL"})
    assert (status, number["status"]) == (200, "FAILED")


async def test_shown_but_not_effective_is_cured_by_removal_and_addition(aggregator):
    """OSR does not know a number that is ADDED; after off and on it does, though the rule stands."""
    await aggregator.rules({"operation": "add", "effective": False})
    await aggregator.add()
    await aggregator.until("ADDED")
    await asyncio.sleep(0.05)  # Ten times what OSR takes.
    assert await aggregator.osr() is None
    await aggregator.remove()
    await aggregator.until("DELETED")
    await aggregator.add(reference="r-3")
    await aggregator.until("ADDED")
    await aggregator.until_osr("C1")


async def test_what_cannot_be_cured_stays_ill(aggregator):
    """With curable false, off and on helps nothing, even when the rule is gone."""
    await aggregator.rules({"operation": "add", "effective": False, "curable": False, "times": 1})
    for reference in ("r-1", "r-3"):
        await aggregator.add(reference=reference)
        await aggregator.until("ADDED")
        await asyncio.sleep(0.05)
        assert await aggregator.osr() is None
        await aggregator.remove()
        await aggregator.until("DELETED")


@pytest.mark.parametrize(
    ("webhook", "told"),
    [
        ("lost", []),
        ("twice", ["PENDING", "PENDING", "ADDED", "ADDED"]),
        ("reordered", ["ADDED", "PENDING"]),
    ],
)
async def test_events_are_lost_repeated_or_reordered(aggregator, listener, webhook, told):
    """A repetition has the same id; an old event that comes late has its old version."""
    await aggregator.rules({"operation": "add", "webhook": webhook})
    await aggregator.add()
    await aggregator.until("ADDED")
    await listener.until(len(told))
    await asyncio.sleep(0.05)
    assert [event["payload"]["status"] for event in listener.events] == told
    ids = {event["id"] for event in listener.events}
    assert len(ids) == (2 if told else 0)
    if webhook == "reordered":
        first, second = (event["payload"]["version"] for event in listener.events)
        assert first > second


async def test_an_event_is_sent_until_it_is_taken(start, listener):
    """Not 2xx: again with the same id, at the set interval, so many times and no more."""
    aggregator = await start(attempts_max=3, retry_s=2, add_s=1000)
    listener.answers = [500, 302, 500]
    started = time.monotonic()
    await aggregator.add()
    await listener.until(3)
    assert time.monotonic() - started >= 0.04
    await asyncio.sleep(0.1)
    assert len(listener.events) == 3
    assert len({event["id"] for event in listener.events}) == 1
    _, shown = await aggregator.call("GET", "/control/webhooks")
    assert [(one["attempt"], one["status"]) for one in shown["tries"]] == [(1, 500), (2, 302), (3, 500)]


async def test_nobody_to_tell_is_no_fault(start):
    """Without a URL nothing is sent; the control API names one later."""
    aggregator = await start(webhook_url="")
    await aggregator.add()
    await aggregator.until("ADDED")
    _, shown = await aggregator.call("GET", "/control/webhooks")
    assert shown["tries"] == []


async def test_calls_are_written_down(aggregator):
    """What was asked, about which number, and how it was answered."""
    await aggregator.add()
    await aggregator.osr()
    await aggregator.call("GET", "/v1/numbers/+13", None)
    _, shown = await aggregator.call("GET", "/control/calls")
    assert [(one["operation"], one["tn"], one["status"]) for one in shown["calls"]] == [
        ("add", TN, 202),
        ("osr", TN, 200),
        ("read", "+13", 400),
    ]


async def test_a_rule_fits_by_prefix_and_probability(aggregator):
    """Other numbers are not concerned; a probability is drawn, and half is about half."""
    await aggregator.rules({"operation": "osr", "prefix": "+1303", "answer": "unavailable", "probability": 0.5})
    assert (await aggregator.call("GET", f"/osr/{TN}"))[0] == 200
    statuses = [(await aggregator.call("GET", "/osr/+13035550100"))[0] for _ in range(100)]
    assert 30 < statuses.count(503) < 70
