"""The client against the emulator, and against servers that answer nonsense."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from registry.provisioning.client import (
    AggregatorClient,
    AggregatorError,
    ConflictError,
    KeyRefusedError,
    MisunderstoodError,
    Reason,
    RefusedError,
    ThrottledError,
    UnavailableError,
    read_shown,
)
from tests.registry.builders import DID, OTHER_DID, cancel_late
from tests.registry.provisioning.conftest import KEY

SHOWN = {
    "phoneNumber": DID,
    "campaignId": "C1",
    "status": "FAILED",
    "operation": "ASSIGNMENT",
    "reference": "r-1",
    "reasons": [{"code": "CARRIER_REJECTED", "detail": "Because\nof\x1b[1m blue."}],
    "version": 7,
    "updatedAt": "2026-11-22T12:00:00.000001Z",
}


@contextlib.asynccontextmanager
async def answering(answer, **options):
    """A client of a server that gives one answer to everything; yields it and the requests that came."""
    requests = []

    async def handle(request):
        requests.append(request)
        return answer() if callable(answer) else answer

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    rates = {"reads_per_s": 1e6, "writes_per_s": 1e6}
    try:
        async with AggregatorClient.opened(url, KEY, **rates | options) as client:
            yield client, requests
    finally:
        await runner.cleanup()


def a_response(body, status=200, **headers):
    """An answer that can be given any number of times."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return lambda: web.Response(body=content, status=status, headers=headers)


async def test_the_five_calls(client, aggregator):
    """Assign, read, list, look up, remove; each gives a typed value."""
    assigned = await client.assign(DID, "C1", "r-1")
    assert (assigned.status, assigned.holds, assigned.reference) == ("PENDING", "C1", "r-1")
    while (shown := await client.read(DID)).status == "PENDING":  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert (shown.status, shown.operation, shown.updated_at.tzinfo) == ("ADDED", "ASSIGNMENT", UTC)
    assert shown.version > assigned.version
    while await client.look_up(DID) is None:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert await client.look_up(DID) == "C1"
    assert await client.read(OTHER_DID) is None
    assert await client.look_up(OTHER_DID) is None
    assert await client.remove(OTHER_DID, "r-2") is None
    assert (await client.remove(DID, "r-2")).operation == "DELETION"


async def test_asking_twice_is_harmless(client, aggregator):
    """The second of two equal calls is answered as the number stands; nothing begins anew."""
    first = await client.assign(DID, "C1", "r-1")
    second = await client.assign(DID, "C1", "r-2")
    assert second.reference == first.reference
    assert len([one for one in aggregator.book.changes(0, 0.0) if one.tn == DID]) == 1


async def test_the_list_is_read_page_by_page(client, aggregator):
    """From a place, and from an instant."""
    dids = [f"+1303555{index:04}" for index in range(5)]
    for did in dids:
        aggregator.book.put(did, {"campaignId": "C1"})
    first = await client.changed(limit=3)
    rest = await client.changed(after=first.next, limit=3)
    assert [shown.did for shown in (*first.numbers, *rest.numbers)] == dids
    assert (first.more, rest.more) == (True, False)
    since = rest.numbers[-1].updated_at
    assert dids[-1] in [shown.did for shown in (await client.changed(since=since)).numbers]
    assert (await client.changed(since=datetime.now(UTC) + timedelta(hours=1))).numbers == ()


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"answer": "throttle", "retry_after": 0}, ThrottledError),
        ({"answer": "unavailable"}, UnavailableError),
        ({"answer": "cut_before"}, UnavailableError),
        ({"answer": "cut_after"}, UnavailableError),
        ({"answer": "garbled"}, MisunderstoodError),
    ],
)
async def test_what_may_pass_is_retryable(world, rule, error):
    """Each fault has its own type, all of them retryable, each with a sentence."""
    world.rules(rule)
    with pytest.raises(error) as raised:
        await world.client.assign(DID, "C1", "r-1")
    assert raised.value.retryable
    assert raised.value.sentence.endswith(".")


async def test_a_cut_connection_does_not_say_whether_it_was_done(world):
    """It was; asked again, the answer is how it stands."""
    world.rules({"answer": "cut_after", "times": 2})
    with pytest.raises(UnavailableError):
        await world.client.assign(DID, "C1", "r-1")
    assert (await world.client.assign(DID, "C1", "r-2")).reference == "r-1"


async def test_what_is_refused_for_good_is_not_retryable(world):
    """Its code is theirs."""
    for index in range(49):
        world.aggregator.book.put(f"+1303555{index:04}", {"campaignId": "C1"})
    with pytest.raises(RefusedError) as raised:
        await world.client.assign(DID, "C1", "r-1")
    assert (raised.value.retryable, raised.value.code) == (False, "EXCEEDED_10DLC_LIMIT")


async def test_an_operation_under_way_is_a_conflict(world):
    """To be looked at again."""
    world.rules({"outcome": "never"})
    await world.client.assign(DID, "C1", "r-1")
    with pytest.raises(ConflictError):
        await world.client.remove(DID, "r-2")


async def test_a_wrong_key_has_its_own_error(aggregator):
    """Every call will fail until somebody looks; the key is in no message and no log."""
    with capture_logs() as logs:
        async with AggregatorClient.opened(
            aggregator.url, "secret-of-ours", reads_per_s=1e6, writes_per_s=1e6
        ) as client:
            with pytest.raises(KeyRefusedError) as raised:
                await client.read(DID)
    assert "secret-of-ours" not in f"{raised.value!r} {raised.value} {logs}"


async def test_a_call_has_a_deadline(world):
    """Silence is no answer."""
    world.rules({"answer": "hang"})
    async with AggregatorClient.opened(
        world.aggregator.url, KEY, reads_per_s=1e6, writes_per_s=1e6, timeout_s=0.1
    ) as client:
        started = time.monotonic()
        with pytest.raises(UnavailableError):
            await client.read(DID)
        assert time.monotonic() - started < 5


async def test_who_is_cancelled_at_the_deadline_is_cancelled(world):
    """Both may come in one turn of the loop, after the machine stood still."""
    world.rules({"answer": "hang"})
    async with AggregatorClient.opened(
        world.aggregator.url, KEY, reads_per_s=1e6, writes_per_s=1e6, timeout_s=0.2
    ) as client:
        asking = asyncio.create_task(client.read(DID))
        await cancel_late(asking)
        assert asking.cancelled()


async def test_nobody_there_is_unavailable(unused_tcp_port):
    """Connection refused."""
    url = f"http://127.0.0.1:{unused_tcp_port}"
    async with AggregatorClient.opened(url, KEY, reads_per_s=1e6, writes_per_s=1e6) as client:
        with pytest.raises(UnavailableError):
            await client.read(DID)


async def test_redirects_are_not_followed():
    """The key goes to the one place that was set."""
    async with answering(a_response(b"", 307, Location="/elsewhere")) as (client, requests):
        with pytest.raises(MisunderstoodError):
            await client.read(DID)
    assert [request.path for request in requests] == [f"/v1/numbers/{DID}"]


@pytest.mark.parametrize(
    "answer",
    [
        a_response([]),
        a_response({}),
        a_response(b"x" * 1_100_000),
        a_response(b"\x1f\x8b" + b"0" * 100, **{"Content-Encoding": "gzip"}),
        a_response({**SHOWN, "status": "SHINY"}),
        a_response({**SHOWN, "version": "7"}),
        a_response({**SHOWN, "updatedAt": "yesterday"}),
        a_response({**SHOWN, "updatedAt": "2026-11-22T12:00:00"}),
        a_response({**SHOWN, "campaignId": 7}),
        a_response({**SHOWN, "reasons": [{}]}),
        a_response({**SHOWN, "reasons": None}),
        a_response({"errors": []}, 404),
        a_response(b"<html>", 400),
        a_response(b"", 204),
    ],
)
async def test_what_is_no_answer_is_said_to_be_none(answer):
    """Nothing of it is taken for a fact."""
    async with answering(answer) as (client, _):
        with pytest.raises(MisunderstoodError):
            await client.read(DID)


@pytest.mark.parametrize("answer", [a_response({}), a_response({"campaignId": 7}), a_response({"numbers": [{}]})])
async def test_look_ups_and_lists_are_read_as_strictly(answer):
    """A missing campaign is not the same as none."""
    async with answering(answer) as (client, _):
        with pytest.raises(MisunderstoodError):
            await client.look_up(DID)
        with pytest.raises(MisunderstoodError):
            await client.changed()


def test_a_number_is_read_whole():
    """What comes for people is made printable."""
    shown = read_shown(SHOWN)
    assert shown.reasons == (Reason(code="CARRIER_REJECTED", detail="Because of [1m blue."),)
    assert (shown.holds, shown.version) == (None, 7)
    assert read_shown({**SHOWN, "operation": "DELETION"}).holds == "C1"


async def test_calls_keep_to_their_rate():
    """Reads and writes apart, evenly: ten reads at fifty a second take nine fiftieths."""
    async with answering(a_response(SHOWN), reads_per_s=50, writes_per_s=1e6) as (client, requests):
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(client.read(DID))
        assert time.monotonic() - started >= 0.17
        assert len(requests) == 10


async def test_a_throttled_client_keeps_quiet():
    """After 429 nobody asks until its time is over."""
    answers = [a_response({}, 429, **{"Retry-After": "1"})(), a_response(SHOWN)()]
    async with answering(lambda: answers.pop(0)) as (client, _):
        with pytest.raises(ThrottledError) as raised:
            await client.read(DID)
        assert raised.value.retry_after_s == 1
        started = time.monotonic()
        await client.read(OTHER_DID)
        assert time.monotonic() - started >= 0.9


def test_every_error_says_whether_it_may_pass():
    """A small tree: one final, the rest retryable."""
    final = [kind for kind in AggregatorError.__subclasses__() if not kind.retryable]
    assert final == [RefusedError]
