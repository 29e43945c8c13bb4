"""Tying numbers to campaigns: what the five calls promise to whoever keeps to the wire."""

import aiohttp
import pytest

TN, OTHER_TN = "+12025550101", "+12025550102"


async def test_a_number_is_pending_then_added_then_known_to_osr(aggregator, listener):
    """The usual way: accepted, done a while later, effective a while after that; an event for both changes."""
    status, number = await aggregator.add()
    assert (status, number["status"], number["campaignId"], number["reference"]) == (202, "PENDING", "C1", "r-1")
    assert await aggregator.osr() is None

    added = await aggregator.until("ADDED")
    assert added["version"] > number["version"]
    await aggregator.until_osr("C1")
    await listener.until(2)
    assert listener.words() == [("STATUS_UPDATE", "PENDING"), ("ASSIGNMENT", "ADDED")]
    assert listener.events[1]["payload"]["version"] == added["version"]


async def test_a_removal_is_pending_then_deleted(aggregator, listener):
    """The campaign is gone from the number only at the end, and then from OSR."""
    await aggregator.add()
    await aggregator.until("ADDED")
    await aggregator.until_osr("C1")
    status, number = await aggregator.remove()
    assert (status, number["status"], number["operation"], number["campaignId"]) == (202, "PENDING", "DELETION", "C1")

    assert (await aggregator.until("DELETED"))["campaignId"] is None
    await aggregator.until_osr(None)
    await listener.until(4)
    assert listener.words()[2:] == [("STATUS_UPDATE", "PENDING"), ("DELETION", "DELETED")]


async def test_asking_again_changes_nothing(aggregator):
    """The same addition, under way or done, and the same removal, are answered as they stand: no new version."""
    _, first = await aggregator.add()
    assert await aggregator.add(reference="r-9") == (202, first)
    added = await aggregator.until("ADDED")
    assert await aggregator.add(reference="r-9") == (200, added)
    _, removing = await aggregator.remove()
    assert await aggregator.remove(reference="r-9") == (202, removing)
    gone = await aggregator.until("DELETED")
    assert await aggregator.remove(reference="r-9") == (200, gone)


async def test_one_operation_at_a_time(aggregator):
    """What contradicts an operation under way waits for its end; another campaign needs a removal first."""
    await aggregator.rules({"outcome": "never"})
    await aggregator.add()
    assert (await aggregator.remove())[0] == 409
    assert (await aggregator.add(campaign="C2"))[1]["errors"][0]["code"] == "OPERATION_PENDING"
    await aggregator.call("POST", f"/control/numbers/{TN}/finish", {})
    assert (await aggregator.add(campaign="C2"))[1]["errors"][0]["code"] == "NUMBER_ON_OTHER_CAMPAIGN"
    await aggregator.remove()
    assert (await aggregator.add())[1]["errors"][0]["code"] == "OPERATION_PENDING"


async def test_a_failure_has_reasons_and_can_be_tried_again(aggregator, listener):
    """A failed addition ties nothing, counts nowhere, and the next one begins anew."""
    await aggregator.rules({"operation": "add", "times": 1, "outcome": "failed", "reason": "INVALID_NNID"})
    await aggregator.add()
    failed = await aggregator.until("FAILED")
    assert failed["reasons"] == [
        {"code": "INVALID_NNID", "detail": "The NetNumber id of the provider is not valid for the campaign."}
    ]
    assert (await aggregator.add(reference="r-3"))[0] == 202
    await aggregator.until("ADDED")
    await listener.until(4)
    assert listener.words()[1] == ("ASSIGNMENT", "FAILED")


async def test_a_failed_removal_leaves_the_number_where_it_is(aggregator):
    """It still counts among the campaign's numbers, and can be removed again."""
    await aggregator.add()
    await aggregator.until("ADDED")
    await aggregator.rules({"operation": "remove", "times": 1, "outcome": "failed", "reason": "INTERNAL"})
    await aggregator.remove()
    failed = await aggregator.until("FAILED")
    assert (failed["operation"], failed["campaignId"]) == ("DELETION", "C1")
    await aggregator.remove(reference="r-3")
    await aggregator.until("DELETED")


async def test_a_campaign_has_49_numbers_unless_a_pool_was_approved(aggregator):
    """Numbers on their way in count; a number that left makes room; a pool has its own size."""
    numbers = [f"+1202555{index:04}" for index in range(100, 150)]
    for tn in numbers[:49]:
        assert (await aggregator.add(tn))[0] == 202
    status, answer = await aggregator.add(numbers[49])
    assert (status, answer["errors"][0]["code"]) == (422, "EXCEEDED_10DLC_LIMIT")
    await aggregator.call("PUT", "/control/campaigns/C1", {"pool": 50})
    assert (await aggregator.add(numbers[49]))[0] == 202
    await aggregator.call("PUT", "/control/campaigns/C1", {})
    for tn in numbers[:2]:
        await aggregator.until("ADDED", tn)
        await aggregator.remove(tn)
        await aggregator.until("DELETED", tn)
    assert (await aggregator.add(numbers[0]))[0] == 202
    assert (await aggregator.add(numbers[1]))[0] == 422


async def test_a_ported_number_is_held_until_it_is_released(aggregator):
    """A number still tied to the losing provider's campaign fails with that reason."""
    await aggregator.call("PUT", f"/control/numbers/{TN}", {"held_by": "another"})
    await aggregator.add()
    assert (await aggregator.until("FAILED"))["reasons"][0]["code"] == "NUMBER_HELD_BY_OTHER_PROVIDER"
    await aggregator.call("PUT", f"/control/numbers/{TN}", {"held_by": None})
    await aggregator.add(reference="r-2")
    await aggregator.until("ADDED")


async def test_an_expired_campaign_takes_no_number(aggregator):
    """Only active campaigns do."""
    await aggregator.call("PUT", "/control/campaigns/C1", {"state": "expired"})
    assert (await aggregator.add())[1]["errors"][0]["code"] == "CAMPAIGN_NOT_ACTIVE"


async def test_the_list_has_every_number_once_by_its_last_change(aggregator):
    """Pages go on after a version; a number that changed meanwhile stands at the end; changedSince cuts off."""
    numbers = [f"+1202555{index:04}" for index in range(100, 130)]
    for tn in numbers:
        await aggregator.call("PUT", f"/control/numbers/{tn}", {"campaignId": "C1"})
    _, page = await aggregator.call("GET", "/v1/numbers?limit=20")
    assert ([number["phoneNumber"] for number in page["numbers"]], page["more"]) == (numbers[:20], True)
    await aggregator.call("PUT", f"/control/numbers/{numbers[0]}", {"campaignId": None})
    _, rest = await aggregator.call("GET", f"/v1/numbers?limit=20&after={page['next']}")
    assert [number["phoneNumber"] for number in rest["numbers"]] == [*numbers[20:], numbers[0]]
    assert rest["more"] is False
    since = {"changedSince": rest["numbers"][-1]["updatedAt"]}
    _, last = await aggregator.call("GET", "/v1/numbers", params=since)
    assert [number["phoneNumber"] for number in last["numbers"]] == [numbers[0]]
    assert (await aggregator.call("GET", "/v1/numbers?limit=0"))[0] == 400
    assert (await aggregator.call("GET", "/v1/numbers?changedSince=yesterday"))[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/v1/numbers/12025550101", {"campaignId": "C1", "reference": "r"}, 400),
        ("PUT", f"/v1/numbers/{TN}", {"campaignId": "C1"}, 400),
        ("PUT", f"/v1/numbers/{TN}", {"campaignId": "", "reference": "r"}, 400),
        ("PUT", f"/v1/numbers/{TN}", [], 400),
        ("DELETE", f"/v1/numbers/{TN}", None, 400),
        ("DELETE", f"/v1/numbers/{TN}?reference=r", None, 404),
        ("GET", f"/v1/numbers/{OTHER_TN}", None, 404),
        ("PUT", "/control/rules", {"rules": [{"answer": "shout"}]}, 400),
        ("PUT", "/control/rules", {"rules": [{"loud": True}]}, 400),
        ("PUT", "/control/rules", {"rules": [{"times": 0}]}, 400),
        ("PUT", "/control/webhook", {"url": "ftp://x"}, 400),
        ("POST", f"/control/numbers/{TN}/finish", {"reason": None}, 409),
    ],
)
async def test_what_cannot_be_read_is_refused(aggregator, method, path, body, status):
    """An error has a code and a sentence, and nothing was done."""
    got, answer = await aggregator.call(method, path, body)
    assert got == status
    assert set(answer["errors"][0]) == {"code", "detail"}
    assert len(aggregator.aggregator.book) == 0


@pytest.mark.parametrize("path", [f"/v1/numbers/{TN}", "/v1/numbers", f"/osr/{TN}", "/control/calls"])
async def test_everything_wants_the_key(aggregator, path):
    """No key, no answer; only the health of the process is for everybody."""
    async with aiohttp.ClientSession() as stranger:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "aggregator-key"}):
            async with stranger.get(aggregator.aggregator.url + path, headers=headers) as answer:
                assert answer.status == 401
        async with stranger.get(aggregator.aggregator.url + "/healthz") as answer:
            assert answer.status == 200


async def test_what_it_remembers_outlives_it(start, tmp_path):
    """With a state file a new process goes on: what was under way ends, what was added stays, versions grow."""
    file = tmp_path / "numbers.ndjson"
    first = await start(state=file, scale=0.05)
    await first.add(OTHER_TN)
    await first.until("ADDED", OTHER_TN)
    _, pending = await first.add()
    first.aggregator.book.close()  # As a kill would: nothing is written at the end.
    with file.open("ab") as torn:
        torn.write(b'{"tn": "+1202')
    second = await start(state=file, scale=0.05)
    assert (await second.read(OTHER_TN))["status"] == "ADDED"
    added = await second.until("ADDED")
    assert added["version"] > pending["version"]


async def test_a_company_is_known_from_the_start(start, tmp_path):
    """The assigned numbers of a company file are ADDED, and effective; others are unknown."""
    file = tmp_path / "company.json"
    file.write_text(
        '{"numbers": [{"did": "+12025550101", "assignment": {"state": "assigned", "campaign_id": "C7"}},'
        ' {"did": "+12025550102", "assignment": {"state": "pending", "campaign_id": "C7"}}, {"did": "+1202555010"}]}'
    )
    aggregator = await start(company=file)
    assert ((await aggregator.read())["status"], await aggregator.osr()) == ("ADDED", "C7")
    assert len(aggregator.aggregator.book) == 1
