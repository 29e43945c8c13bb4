"""POST /messages: shapes, refusals, batches, doubles; and looking messages up."""

import aiohttp
import orjson
import pytest

MAGIC = "+131255501"

#: what is wrong, how the message differs from a valid one, the field that must be named
MALFORMED = [
    ("no reference", {"reference": None}, "reference"),
    ("empty reference", {"reference": ""}, "reference"),
    ("reference of 201 characters", {"reference": "x" * 201}, "reference"),
    ("number for a reference", {"reference": 7}, "reference"),
    ("no sender", {"from": None}, "from"),
    ("national sender", {"from": "4155550199"}, "from"),
    ("recipient with letters", {"to": "+1212555ABCD"}, "to"),
    ("recipient of 16 digits", {"to": "+1234567890123456"}, "to"),
    ("recipient with a line feed", {"to": "+12125550143\n"}, "to"),
    ("text is a number", {"text": 1}, "text"),
    ("nothing to say", {"text": ""}, "text"),
    ("media is an object", {"media": {}}, "media"),
    ("media without a type", {"media": [{"bytes": 1}]}, "media[0]"),
    ("campaign is a list", {"campaign_id": []}, "campaign_id"),
    ("receipts to a file", {"receipt_url": "file:///tmp/x"}, "receipt_url"),
]


async def test_an_accepted_message_is_answered_with_the_carriers_id(carrier):
    """202 with id, reference and status, and nothing else."""
    status, answer = await carrier.submit("m-7")

    assert status == 202
    assert {"id": answer["id"], "reference": "m-7", "status": "accepted"} == answer


@pytest.mark.parametrize(("label", "fields", "named"), MALFORMED, ids=[row[0] for row in MALFORMED])
async def test_a_malformed_message_is_refused_with_its_field(carrier, label, fields, named):
    """400 names the field, and nothing is taken."""
    status, answer = await carrier.submit(**{"reference": "m-1", **fields})

    assert (status, answer["code"]) == (400, "malformed")
    assert answer["detail"].startswith(f"{named}:")
    assert [each for each in await carrier.ledger("received") if each["taken"]] == []


@pytest.mark.parametrize("body", [b"", b"{", b"7", b"null", b"[]", b'{"reference": "\xff"}'])
async def test_a_body_that_is_no_submission_is_refused(carrier, body):
    """Anything but an object or a list of them is 400."""
    status, _, answer = await carrier.post(body)

    assert (status, orjson.loads(answer)["code"]) == (400, "malformed")


async def test_media_alone_is_a_message(carrier):
    """An MMS needs no text."""
    status, _ = await carrier.submit(text="", media=[{"type": "image/png", "bytes": 70_000}])

    assert status == 202


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "carrier-secret", "bearer carrier-secret"])
async def test_a_wrong_token_is_refused(carrier, authorization):
    """401 for submissions, look-ups and scenarios; the ledger has the attempt, without its content."""
    headers = {} if authorization is None else {"Authorization": authorization}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(f"{carrier.url}/messages", json=carrier.message()) as answer:
            assert (answer.status, (await answer.json())["code"]) == (401, "unauthenticated")
        async with session.get(f"{carrier.url}/messages/m-1") as answer:
            assert answer.status == 401
        async with session.put(f"{carrier.url}/scenario", json={"rules": []}) as answer:
            assert answer.status == 401

    (refused,) = await carrier.ledger("answered")
    assert (refused["status_code"], refused["messages"]) == (401, 0)
    assert await carrier.ledger("received") == []


async def test_a_body_may_have_a_mebibyte_and_no_more(carrier):
    """The border from both sides: 1,048,576 bytes are read, one more is 413."""
    most = 1_048_576
    fixed = len(orjson.dumps(carrier.message(text="")))

    taken, _, _ = await carrier.post(carrier.message(text="x" * (most - fixed)))
    refused, _, body = await carrier.post(carrier.message(text="x" * (most - fixed + 1)))

    assert (taken, refused) == (202, 413)
    assert orjson.loads(body)["code"] == "too_large"


@pytest.mark.parametrize(("count", "expected"), [(1, 200), (100, 200), (101, 400)])
async def test_a_batch_holds_one_to_a_hundred_messages(carrier, count, expected):
    """The border of a batch from both sides; none at all is among the malformed bodies."""
    status, _, _ = await carrier.post([carrier.message(f"m-{number}") for number in range(count)])

    assert expected == status


async def test_a_batch_is_answered_in_its_order_each_message_for_itself(carrier):
    """Accepted, rejected, throttled and malformed messages share a batch without disturbing each other."""
    ends = {"ok": "00", "no": "10", "later": "20", "down": "30"}
    batch = [carrier.message(reference, to=f"{MAGIC}{end}") for reference, end in ends.items()]
    batch.insert(2, carrier.message("broken", to=5))
    status, _, body = await carrier.post([*batch, 7])

    results = orjson.loads(body)["results"]
    assert status == 200
    assert [result["status_code"] for result in results] == [202, 422, 400, 429, 503, 400]
    assert [result["reference"] for result in results] == ["ok", "no", "broken", "later", "down", None]
    assert "id" in results[0]
    assert results[2]["detail"].startswith("[2].to:")
    assert results[3]["retry_after"] == 1
    assert "retry_after" not in results[4]
    assert len(await carrier.ledger("received")) == 6


async def test_what_concerns_a_request_happens_to_its_whole_batch(carrier):
    """A lost answer is lost for every message of it, and all of them were taken."""
    batch = [carrier.message("a"), carrier.message("b", to=f"{MAGIC}42"), carrier.message("c")]
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await carrier.post(batch)

    received = await carrier.ledger("received")
    assert [(each["reference"], each["taken"]) for each in received] == [("a", True), ("b", True), ("c", True)]
    assert [each["sent"] for each in await carrier.ledger("answered")] == [False]


async def test_a_reference_sent_twice_is_two_messages(carrier, receiver):
    """Carriers do not deduplicate by themselves: that is what doubles are measured with."""
    _, first = await carrier.submit("m-1")
    _, second = await carrier.submit("m-1")

    assert first["id"] != second["id"]
    assert [each["count"] for each in await carrier.ledger("received")] == [1, 2]
    found = orjson.loads((await carrier.get("/messages/m-1"))[1])
    assert (second["id"], 2) == (found["id"], found["count"])
    assert len(await receiver.wait_for(2)) == 2


async def test_a_carrier_that_deduplicates_takes_a_reference_once(start):
    """The second answer repeats the first id; the ledger shows one message taken and one duplicate."""
    carrier = await start(deduplicate=True)
    _, first = await carrier.submit("m-1")
    _, second = await carrier.submit("m-1")

    assert first == second
    received = await carrier.ledger("received")
    assert [(each["taken"], each.get("duplicate")) for each in received] == [(True, None), (False, True)]
    assert orjson.loads((await carrier.get("/messages/m-1"))[1])["count"] == 1


async def test_a_message_is_found_by_either_id(carrier, receiver):
    """Look-ups by the carrier's id and by the reference tell the same, and follow the receipts."""
    _, answer = await carrier.submit("m-1")
    await receiver.wait_for(1)

    by_reference = orjson.loads((await carrier.get("/messages/m-1"))[1])
    by_id = orjson.loads((await carrier.get(f"/messages/{answer['id']}"))[1])
    assert by_reference == by_id
    assert list(by_id) == ["id", "reference", "status", "received_at", "count"]
    assert (by_id["status"], by_id["count"]) == ("delivered", 1)


async def test_what_was_not_taken_is_not_found(carrier):
    """A rejected message is unknown to the carrier, like one it never saw."""
    await carrier.submit("no", to=f"{MAGIC}10")

    assert [(await carrier.get(path))[0] for path in ("/messages/no", "/messages/never")] == [404, 404]


async def test_only_the_newest_messages_are_remembered(start):
    """Memory is bounded: the oldest is forgotten by id and by reference, the ledger keeps it."""
    carrier = await start(remembered_max=2)
    _, oldest = await carrier.submit("m-0")
    for number in (1, 2):
        await carrier.submit(f"m-{number}")

    paths = ["/messages/m-0", f"/messages/{oldest['id']}", "/messages/m-1", "/messages/m-2"]
    assert [(await carrier.get(path))[0] for path in paths] == [404, 404, 200, 200]
    assert len(await carrier.ledger("received")) == 3


QUERY = {"token": "carrier-secret", "reference": "m-1", "from": "+14155550199", "to": "+12125550143", "text": "Hi"}


class TestGeneric:
    """A query and a line of text, for gateways that know no dialect."""

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({}, "accepted "),
            ({"to": f"{MAGIC}10"}, "refused invalid_number"),
            ({"to": f"{MAGIC}20"}, "later throttled"),
            ({"to": f"{MAGIC}30"}, "later temporary"),
            ({"to": "5550143"}, "refused malformed"),
            ({"token": "wrong"}, "later unauthenticated"),
        ],
    )
    async def test_the_first_word_says_it(self, carrier, change, said):
        """Taken with the carrier's id, or not and why; the ledger has it as any other."""
        query = QUERY | change
        async with carrier.session.get(f"{carrier.url}/generic", params=query) as answer:
            assert (answer.status, (await answer.text()).startswith(said)) == (200, True)
        taken = [each["id"] for each in await carrier.ledger("received") if each["taken"]]
        assert len(taken) == (said == "accepted ")

    async def test_silences_are_the_same(self, carrier):
        """Magic recipients concern whoever asks."""
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await carrier.session.get(f"{carrier.url}/generic", params=QUERY | {"to": f"{MAGIC}44"})
