import pytest

from tests.gateway.running_edge import ANN, BOB, MOBILE, OUTSIDERS, Tally, a_body, assert_plain, assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_every_line_has_its_answer_in_order(edge):
    """200 for the batch; a status and an answer for each line."""
    before = await edge.tally()

    answer = await edge.batch(
        a_body(),
        b"not json",
        a_body(to="ext:102"),
        a_body(sender="+12025550113", user="acme-uma"),
        a_body(to=[MOBILE, "ext:102"]),
        b"[1]",
        key="acme",
    )

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    statuses = [(line["status"], line.get("code")) for line in answer.lines]
    assert statuses == [
        (422, "missing_field"),
        (400, "invalid_json"),
        (422, "missing_field"),
        (403, "did_unassigned"),
        (422, "missing_field"),
        (422, "invalid_type"),
    ]
    assert await edge.tally() == Tally(before.accepted, before.refused + 1)


async def test_what_goes_goes(edge):
    """A bad line does not hold up the others."""
    before = await edge.tally()

    answer = await edge.batch(a_body(), b"{}", a_body(to="911"), a_body(to=["ext:102", MOBILE]), a_body(to="ext:102"))

    assert [line["status"] for line in answer.lines] == [202, 422, 403, 202, 202]
    sms, _, refused, group, instant = answer.lines
    assert (sms["channel"], instant["channel"]) == ("sms", "im")
    assert refused["id"].startswith("r-")
    assert [leg["status"] for leg in group["legs"]] == ["queued", "queued"]
    assert await edge.tally() == Tally(before.accepted + 4, before.refused + 1)
    for line in answer.lines[1:3]:
        assert_plain(line)


async def test_lines_keep_their_order_in_the_queue(edge):
    """What stands earlier is sent earlier: ids of one user ascend."""
    answer = await edge.batch(*(a_body(text=f"line {n}") for n in range(50)))

    places = [tuple(map(int, line["id"].split("-"))) for line in answer.lines]
    assert places == sorted(places)


async def test_a_line_names_its_key(edge):
    """client_message_id; twins in one batch are one message, and the batch may be repeated whole."""
    lines = [a_body(client_message_id="line-1"), a_body(client_message_id="line-1"), a_body(client_message_id="line-2")]

    first, second = [await edge.batch(*lines) for _ in range(2)]

    ids = [line["id"] for line in first.lines]
    assert ids[0] == ids[1] != ids[2]
    assert [line.get("replayed", False) for line in first.lines] == [False, True, False]
    assert [line["id"] for line in second.lines] == ids
    assert all(line["replayed"] for line in second.lines)


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\n\n", b"\n  \n"])
async def test_blank_lines_are_skipped(edge, separator):
    """So a last line feed, or Windows' line ends, make no line more."""
    raw = separator.join(b'{"to": "ext:102", "text": "x"}' for _ in range(3)) + separator

    answer = await edge.batch(raw)

    assert [line["status"] for line in answer.lines] == [202] * 3


async def test_only_a_line_feed_ends_a_line(edge):
    """A carriage return inside is JSON's white space."""
    answer = await edge.batch(b'{"to": "ext:102",\r"text": "x"}')

    assert [line["status"] for line in answer.lines] == [202]


async def test_a_thousand_lines(edge):
    """As many as a batch takes; one more, and none is taken."""
    before = await edge.tally()
    line = a_body(to="ext:102")

    answer = await edge.batch(*[line] * 1_000)
    refused = await edge.batch(*[line] * 1_001)

    assert {one["status"] for one in answer.lines} == {202}
    assert len(answer.lines) == 1_000
    assert (refused.status, refused.json["code"]) == (413, "too_many_items")
    assert (await edge.tally()).accepted == before.accepted + 1_000


async def test_many_users_in_one_batch(edge):
    """Each line says who sends; all partitions in one round trip."""
    lines = [a_body(user=user, to=OUTSIDERS[n]) for n, user in enumerate([ANN, BOB, ANN, BOB])]

    answer = await edge.batch(*lines, key="acme")

    assert [line["status"] for line in answer.lines] == [202] * 4
    for line, user in zip(answer.lines, [ANN, BOB, ANN, BOB], strict=True):
        assert (await edge.get(f"/v1/messages/{line['id']}", key="acme")).json["user"] == user


async def test_a_key_for_the_whole_batch_is_refused(edge):
    """Each line has its own; a header that was quietly ignored would let a retry send everything twice."""
    before = await edge.tally()
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "all-of-it"}

    answer = await edge.call("POST", "/v1/messages/batch", key="ann", data=b"{}", headers=headers)

    assert_problem(answer, 422, "not_supported")
    assert await edge.tally() == before
