import pytest

from tests.gateway.running_edge import ANNS, BOB, CAT, assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def deliver(edge, user: str, *texts: str) -> list[str]:
    """Send instant messages to a user of acme and do the worker's part for them; their ids."""
    ids = []
    for text in texts:
        sent = await edge.send(to=f"user:{user}", text=text, client_message_id=text)
        ids.append(sent.json["id"])
        (stored,) = await edge.queue.look([ids[-1]])
        await edge.queue.deliver_im("acme", user, ids[-1], stored.payload)
    return ids


async def test_messages_come_in_order(edge):
    """With who wrote, what, when, and a cursor each."""
    await deliver(edge, BOB, "inbox one", "inbox two")

    answer = await edge.get("/v1/inbox", key="bob")

    items = answer.json["items"]
    assert [item["text"] for item in items] == ["inbox one", "inbox two"]
    assert (items[0]["channel"], items[0]["to"], items[0]["meaning"]) == ("im", None, None)
    assert (items[0]["from_user"], items[0]["from"], items[0]["client_message_id"]) == ("acme-ann", ANNS, "inbox one")
    assert answer.json["next"] == items[-1]["cursor"]


async def test_only_what_is_new(edge):
    """After the cursor of the last answer; with nothing new the cursor stays."""
    await deliver(edge, CAT, "first", "second", "third")

    page = (await edge.get("/v1/inbox?limit=2", key="cat")).json
    rest = (await edge.get(f"/v1/inbox?after={page['next']}", key="cat")).json
    nothing = (await edge.get(f"/v1/inbox?after={rest['next']}", key="cat")).json

    assert [item["text"] for item in page["items"] + rest["items"]] == ["first", "second", "third"]
    assert nothing == {"items": [], "next": rest["next"]}


async def test_an_empty_inbox(edge):
    """Nothing, and no cursor yet."""
    assert (await edge.get("/v1/inbox", key="uma")).json == {"items": [], "next": ""}


async def test_a_tenants_key_names_the_user(edge):
    """One of its own; another tenant's of the same name has another inbox."""
    (message_id,) = await deliver(edge, "acme-pen", "for pen")

    assert message_id
    assert_problem(await edge.get("/v1/inbox", key="acme"), 422, "missing_field")
    mine = await edge.get("/v1/inbox?user=acme-pen", key="acme")
    theirs = await edge.get("/v1/inbox?user=acme-pen", key="rival")
    assert [item["text"] for item in mine.json["items"]] == ["for pen"]
    assert theirs.json["items"] == []


async def test_a_users_key_reads_no_other_inbox(edge):
    """Asked for by name it is refused, not quietly answered with one's own."""
    assert_problem(await edge.get("/v1/inbox?user=acme-bob"), 403, "forbidden")
    assert (await edge.get("/v1/inbox?user=acme-ann")).status == 200


@pytest.mark.parametrize(
    "query",
    [
        *("after=x", "after=1", "after=-1-1", "after=1-1-1", "after=(1-1", "after=%2B", "after=$", "after=1-1%0a"),
        *("after=" + "9" * 16 + "-1", "limit=", "limit=-1", "limit=x", "limit=1e3", "limit=1000000000", "limit=%D9%A1"),
    ],
)
async def test_forged_positions(edge, query):
    """Only what an answer gave is taken back."""
    assert_problem(await edge.get(f"/v1/inbox?{query}"), 400, "invalid_cursor")


@pytest.mark.parametrize(("limit", "shown"), [(0, 1), (1, 1), (3, 3), (9_999, 4)])
async def test_pages_have_a_size(edge, limit, shown):
    """At least one, at most a hundred."""
    if not (await edge.get("/v1/inbox", key="dis")).json["items"]:
        await deliver(edge, "acme-dis", *(f"page {n}" for n in range(4)))

    answer = await edge.get(f"/v1/inbox?limit={limit}", key="dis")

    assert len(answer.json["items"]) == shown
