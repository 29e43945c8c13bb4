"""Each magic recipient: what the submitter sees, what the ledger says, what GET says, which receipts come."""

import asyncio
from pathlib import Path

import aiohttp
import orjson
import pytest

from loadtests.carrier.behaviours import NOT_TAKEN, Kind

README = Path(__file__).parents[3] / "loadtests" / "carrier" / "README.md"
DISCONNECTED, CUT = "disconnected", "cut"

#: ending, what the submitter sees: status or the lack of one, code; is it taken; statuses of the receipts
CASES = [
    ("00", 202, None, True, ["delivered"]),
    ("10", 422, "invalid_number", False, []),
    ("11", 422, "blocked_content", False, []),
    ("12", 422, "unregistered_sender", False, []),
    ("13", 422, "recipient_opted_out", False, []),
    ("20", 429, "throttled", False, []),
    ("21", 429, "throttled", False, []),
    ("22", 429, "throttled", False, []),
    ("30", 503, "temporary", False, []),
    ("31", 503, "temporary", False, []),
    ("32", 500, "temporary", False, []),
    ("33", 502, "temporary", False, []),
    ("34", 504, "temporary", False, []),
    ("35", 401, "unauthenticated", False, []),
    ("40", DISCONNECTED, None, False, []),
    ("41", 202, None, True, ["delivered"]),
    ("42", DISCONNECTED, None, True, ["delivered"]),
    ("43", DISCONNECTED, None, True, ["delivered"]),
    ("44", DISCONNECTED, None, False, []),
    ("50", 200, None, True, ["delivered"]),
    ("51", 202, None, True, ["delivered"]),
    ("52", 202, None, True, ["delivered"]),
    ("53", 202, None, True, ["delivered"]),
    ("54", 202, None, True, ["delivered"]),
    ("55", CUT, None, True, ["delivered"]),
    ("56", 202, None, True, ["delivered"]),
    ("57", 202, None, True, ["delivered"]),
    ("58", 202, None, True, ["delivered"]),
    ("59", 202, None, True, ["delivered"]),
    ("60", 202, None, True, ["enroute", "delivered"]),
    ("61", 202, None, True, ["undelivered"]),
    ("62", 202, None, True, ["expired"]),
    ("63", 202, None, True, ["rejected"]),
    ("64", 202, None, True, []),
    ("65", 202, None, True, ["delivered"]),
    ("66", 202, None, True, ["delivered"]),
    ("67", 202, None, True, ["delivered", "delivered"]),
    ("68", 202, None, True, ["delivered", "enroute"]),
    ("69", 202, None, True, ["delivered", "undelivered"]),
    ("70", 202, None, True, ["delivered", "delivered"]),
]


def magic(ending):
    """Return the magic recipient that ends so."""
    return f"+131255501{ending}"


async def seen_by_submitter(carrier, message):
    """Return status and body, or what kind of nothing came."""
    try:
        status, _, body = await carrier.post(message)
    except aiohttp.ServerDisconnectedError:
        return DISCONNECTED, b""
    except aiohttp.ClientPayloadError:
        return CUT, b""
    return status, body


@pytest.mark.parametrize(("ending", "seen", "code", "taken", "statuses"), CASES)
async def test_a_magic_recipient_does_what_the_table_says(carrier, receiver, ending, seen, code, taken, statuses):
    """Answer, ledger, look-up and receipts of a magic number agree with each other and with its documentation."""
    status, body = await seen_by_submitter(carrier, carrier.message(to=magic(ending)))

    assert seen == status
    if code is not None:
        assert code == orjson.loads(body)["code"]
    (received,) = await carrier.ledger("received")
    assert ("m-1", taken) == (received["reference"], received["taken"])
    assert taken == (received["id"] is not None)
    assert taken == ((await carrier.get("/messages/m-1"))[0] == 200)
    assert (None if seen is DISCONNECTED else seen) == received["status_code"] or received["behaviour"].startswith(
        "garbled",
    )
    (answered,) = await carrier.ledger("answered")
    assert (seen not in {DISCONNECTED, CUT}) == answered["sent"]
    assert received["request"] == answered["request"]
    receipts = await receiver.wait_for(len(statuses))
    assert statuses == [receipt["status"] for receipt in receipts]


async def test_the_table_of_magic_recipients_is_tested_and_documented_whole(carrier):
    """A number that /magic tells of and no case or README line does would be a surprise to somebody."""
    rows = orjson.loads((await carrier.get("/magic"))[1])["numbers"]

    assert [magic(case[0]) for case in CASES] == [row["to"] for row in rows]
    lines = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| `+1312")]
    assert [f"| `{row['to']}` | {row['answer']} | {row['receipts']} |" for row in rows] == lines


def test_every_behaviour_is_documented():
    """README.md has a line for each behaviour, with the truth about whether the message is taken."""
    lines = README.read_text(encoding="utf-8").splitlines()
    for kind in Kind:
        (line,) = [line for line in lines if line.startswith(f"| `{kind}` |")]
        assert ("no" if kind in NOT_TAKEN else "yes") == line.split("|")[3].strip()


@pytest.mark.parametrize(("ending", "retry_after"), [("20", "1"), ("21", None)])
async def test_a_throttled_submitter_may_be_told_when_to_come_back(carrier, ending, retry_after):
    """429 comes with Retry-After and without."""
    _, headers, _ = await carrier.post(carrier.message(to=magic(ending)))

    assert retry_after == headers.get("Retry-After")


@pytest.mark.parametrize("ending", ["22", "31", "43"])
async def test_once_means_the_first_submission_of_a_reference(carrier, ending):
    """The second submission of a reference is accepted, the first of another is not."""
    first, _ = await seen_by_submitter(carrier, carrier.message("a", to=magic(ending)))
    second, _ = await seen_by_submitter(carrier, carrier.message("a", to=magic(ending)))
    other, _ = await seen_by_submitter(carrier, carrier.message("b", to=magic(ending)))

    assert (first, 202) == (other, second)
    assert first != second


@pytest.mark.parametrize(
    ("ending", "check"),
    [
        ("50", lambda body: body.startswith(b"<!doctype html>")),
        ("51", lambda body: "id" not in orjson.loads(body)),
        ("52", lambda body: body.startswith(b'{"id":"') and not body.endswith(b"}")),
        ("53", lambda body: len(orjson.loads(body)["id"]) == 10_240),
        ("54", lambda body: type(orjson.loads(body)["id"]) is list),
        ("56", lambda body: body == bytes(16 * 1_048_576)),
    ],
)
async def test_a_garbled_answer_is_garbled_as_documented(carrier, ending, check):
    """Each kind of garbage is what its name says."""
    _, body = await seen_by_submitter(carrier, carrier.message(to=magic(ending)))

    assert check(body)


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("garbled_half", ["m-0 202", "m-1 202"]),
        ("garbled_missing", ["m-1 202", "m-2 202", "m-3 202"]),
        ("garbled_doubled", [f"m-{place} 202" for place in (0, 0, 1, 1, 2, 2, 3, 3)]),
        ("garbled_contradicting", [f"m-{place} {status}" for status in (202, 503) for place in range(4)]),
        ("garbled_shuffled", ["m-3 202", "m-2 202", "m-1 202", "m-0 202"]),
    ],
)
async def test_a_batch_answer_is_garbled_as_documented(carrier, behaviour, said):
    """Results that are missing, doubled, contradicted or out of order; all of the batch is taken."""
    await carrier.set_scenario({"behaviour": behaviour})

    status, _, body = await carrier.post([carrier.message(f"m-{place}") for place in range(4)])
    assert status == 200
    results = orjson.loads(body)["results"]
    assert said == [f"{result['reference']} {result['status_code']}" for result in results]
    assert [each["taken"] for each in await carrier.ledger("received")] == [True] * 4


async def test_an_early_receipt_is_acknowledged_before_the_submission_is_answered(carrier, receiver):
    """The submitter learns the carrier's id from the receipt first."""
    receiver.may_answer.clear()
    submitting = asyncio.create_task(carrier.submit(to=magic("65")))
    (receipt,) = await receiver.wait_for(1)
    assert await carrier.ledger("answered") == []

    receiver.may_answer.set()
    status, answer = await submitting
    assert (202, answer["id"]) == (status, receipt["id"])


async def test_a_hanging_answer_ends_with_the_emulator(start):
    """Stopping does not wait for silences that are meant to last."""
    carrier = await start(hang_s=3600)
    submitting = asyncio.create_task(seen_by_submitter(carrier, carrier.message(to=magic("40"))))
    await carrier.ledger_until("received", 1)

    carrier.stopping.set()
    status, _ = await submitting
    assert status == DISCONNECTED


async def test_a_client_that_leaves_before_a_slow_answer_was_not_answered(start):
    """The ledger knows that nobody was there to hear."""
    carrier = await start(slow_ms=60_000)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await carrier.submit(to=magic("41"))

    (answered,) = await carrier.ledger_until("answered", 1)
    assert not answered["sent"]


async def test_the_first_final_status_stands(carrier, receiver):
    """What the carrier tells may contradict itself; what it knows does not."""
    await carrier.submit(to=magic("69"))
    await receiver.wait_for(2)

    assert orjson.loads((await carrier.get("/messages/m-1"))[1])["status"] == "delivered"
