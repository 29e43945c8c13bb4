"""What employees see of the ledger: their own messages, by conversation, and nobody else's."""

import pytest
import sqlalchemy as sa

from registry.ledger.own import _newest, threads
from registry.ledger.queries import Place
from tests.registry.admin import serving, two_companies
from tests.registry.dialects import only_sqlite
from tests.registry.ledger.filling import fill
from tests.registry.ledger.journal import OTHER, RECIPIENT, SENDER, START_MS, TENANT

THREADS, MESSAGES = "/v1/my/threads", "/v1/my/messages"
SECOND = "+16465550152"


@pytest.fixture
async def api(settings, database, ledger_settings, valkey_server, redis):
    """A served registry with an empty ledger; the key `person` is ben's."""
    del redis
    texts = await two_companies(database)
    update = {"ledger_url": ledger_settings.ledger_sql_url(), "registry_url": valkey_server.url, "queue_url": ""}
    async with serving(settings.model_copy(update=update), valkey_server.url, texts) as api:
        yield api


async def ids(api, path):
    """The ids on all pages behind a path."""
    found, cursor = [], ""
    kind = path.partition("?")[0].rpartition("/")[2]
    while cursor is not None:
        query = f"{'&' if '?' in path else '?'}limit=2{cursor and f'&cursor={cursor}'}"
        answer = await api.get(path + query, key="person")
        assert answer.status == 200, answer.body
        found += [one["id"] for one in answer.body[kind]]
        cursor = answer.body["next"]
    return found


class TestThreads:
    async def test_each_counterpart_once_by_its_last_message(self, api, ledger):
        """The newest first; a colleague is a counterpart like a number. On a later page somebody may come again."""
        legs = [
            {"accepted_ms": START_MS + 1},
            {"accepted_ms": START_MS + 2, "recipient": SECOND},
            {"accepted_ms": START_MS + 3},
            {"accepted_ms": START_MS + 4, "recipient": "ann", "sender": None, "channel": "im"},
            {"accepted_ms": START_MS + 5, "recipient": SECOND},
        ]
        names = await fill(ledger, *legs)

        answer = await api.get(THREADS, key="person")
        assert [one["id"] for one in answer.body["threads"]] == [names[4], names[3], names[2]]
        assert answer.body["next"] is None
        assert await ids(api, THREADS) == [names[4], names[3], names[2], names[1]]

    async def test_it_is_ones_own(self, api, ledger):
        """Neither a colleague's, nor what somebody of the same name sent in another company."""
        (mine,) = await fill(ledger, {})
        await fill(ledger, {"user": "ann"}, {"tenant": OTHER})

        assert await ids(api, THREADS) == [mine]
        assert await ids(api, MESSAGES) == [mine]

    async def test_a_page_looks_at_some_messages_and_goes_on(self, ledger):
        """Whoever is behind many messages to somebody else is found on a later page."""
        names = await fill(ledger, {"recipient": SECOND}, *({"accepted_ms": START_MS + n} for n in range(1, 8)))
        found, after = [], None
        async with ledger.reading() as connection:
            while True:
                page = await threads(connection, TENANT, "ben", after=after, limit=50, scan=3)
                found += [row.id for row in page.messages]
                after = page.next
                if after is None:
                    break

        assert found == [names[7], names[4], names[1], names[0]]

    @only_sqlite
    async def test_they_are_read_off_an_index(self, ledger):
        """A user's own messages in their order, from a place on: what others sent costs nothing."""
        wanted = _newest(TENANT, "ben", Place(START_MS, "x")).limit(50)
        sql = str(wanted.compile(dialect=sa.dialects.sqlite.dialect(), compile_kwargs={"literal_binds": True}))
        async with ledger.reading() as connection:
            plan = [row[3] for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]

        assert len(plan) == 1
        assert "USING INDEX ix_messages_tenant_user_id_accepted_ms_id (" in plan[0]
        assert "accepted_ms" in plan[0]


class TestMessages:
    async def test_a_message(self, api, ledger):
        """With its text, and the words of its reason."""
        (name,) = await fill(ledger, {"client_message_id": "c-1", "text": "<b>Hi</b>", "segments": 2})
        (shown,) = (await api.get(MESSAGES, key="person")).body["messages"]

        assert shown == {
            "id": name,
            "client_message_id": "c-1",
            "sent_at": "2026-11-20T20:00:00Z",
            "kind": "message",
            "channel": "sms",
            "from": SENDER,
            "to": RECIPIENT,
            "text": "<b>Hi</b>",
            "media": [],
            "segments": 2,
            "verdict": "allow",
            "reason": {
                "code": "ok_registered",
                "text": "Your number is registered for business texting. You don't have to do anything.",
            },
            "remediation": [],
            "send_after": None,
            "status": "delivered",
            "status_at": "2026-11-20T20:00:00.009000Z",
            "status_code": None,
        }

    async def test_a_refused_one_says_who_can_do_what(self, api, ledger):
        """As the refusal itself did."""
        await fill(ledger, {"verdict": "block", "reason": "did_unassigned"})
        (shown,) = (await api.get(MESSAGES, key="person")).body["messages"]

        assert (shown["status"], shown["reason"]["code"]) == ("refused", "did_unassigned")
        assert shown["reason"]["text"].startswith("Your number isn't registered")
        assert [one["actor"] for one in shown["remediation"]] == ["admin"]

    async def test_with_one_counterpart(self, api, ledger):
        """A number as people write it, or a colleague's id; whatever else it is, it finds nothing."""
        legs = ({"accepted_ms": START_MS + n, "recipient": (RECIPIENT, SECOND, "ann")[n % 3]} for n in range(9))
        names = await fill(ledger, *legs)

        for counterpart, first in (("(646)%20555-0151", 0), ("%2B16465550152", 1), ("ann", 2)):
            assert await ids(api, f"{MESSAGES}?counterpart={counterpart}") == names[first::3][::-1]
        for nobody in ("%25", "an_", "%00", "%ff", "x" * 200):
            assert await ids(api, f"{MESSAGES}?counterpart={nobody}") == []

    async def test_an_erased_text_is_gone_here_too(self, api, ledger):
        """And nothing else of the message."""
        (name,) = await fill(ledger, {"text": "Zqerased"})
        await api.call("POST", "/v1/messages/erase", {"message": name})
        (shown,) = (await api.get(MESSAGES, key="person")).body["messages"]

        assert (shown["id"], shown["text"]) == (name, None)

    async def test_a_cursor_is_for_one_question_of_one_person(self, api, ledger):
        """That of an admin's list, of another counterpart, or a made-up one is none."""
        await fill(ledger, *({"accepted_ms": START_MS + n} for n in range(3)))
        mine = (await api.get(f"{MESSAGES}?limit=1", key="person")).body["next"]
        admins = (await api.get("/v1/messages?limit=1")).body["next"]

        for wrong in (f"cursor={admins}", f"cursor={mine}&counterpart=ann", "cursor=x", "limit=0", "limit=501"):
            answer = await api.get(f"{MESSAGES}?{wrong}", key="person")
            assert (answer.status, answer.body["code"]) == (400, "invalid_cursor"), wrong


@pytest.mark.parametrize("path", [THREADS, MESSAGES])
async def test_who_may(api, ledger, path):
    """Employees with their own key: a company's key is nobody's, and nobody asks for another company."""
    await fill(ledger, {})
    for key, status in (("", 401), ("sender", 403), ("admin", 403), ("solo", 403), ("person", 200)):
        assert (await api.get(path, key=key)).status == status, key
    assert (await api.get(path, key="person", headers={"A2P-Tenant": "solo"})).status == 403
    assert (await api.get(f"{path}?user=ann", key="person")).status in {400, 422}
