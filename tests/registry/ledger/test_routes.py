"""The ledger's calls, as admins make them: own messages only, pages that cannot be forged, texts that can be erased."""

import base64
from typing import get_args
from urllib.parse import quote

import pytest

from compliance import journal
from gateway.queue import Accept
from registry.ledger import asked
from registry.ledger.openapi import operations
from registry.settings import Settings
from tests.registry.admin import serving, two_companies
from tests.registry.builders import eventually
from tests.registry.ledger.filling import fill
from tests.registry.ledger.journal import OTHER, RECIPIENT, SENDER, START_MS, an_envelope

LIST = "/v1/messages"


@pytest.fixture
async def served(settings, database, ledger_settings, valkey_server, redis):
    """Settings of a registry with two companies, an empty ledger, and the texts of keys."""
    del redis
    texts = await two_companies(database)
    update = {"ledger_url": ledger_settings.ledger_sql_url(), "registry_url": valkey_server.url}
    return settings.model_copy(update=update | {"queue_url": ""}), texts


@pytest.fixture
async def api(served, valkey_server):
    """A served registry; the ledger is filled by the tests."""
    settings, texts = served
    async with serving(settings, valkey_server.url, texts) as api:
        yield api


def refused(answer):
    """Status, code and place of a refusal."""
    return answer.status, answer.body["code"], [one["pointer"] for one in answer.body.get("errors", ())]


class TestList:
    async def test_pages_through_all(self, api, ledger):
        """Whatever a page shows is described; the last one says so."""
        names = await fill(ledger, *({"accepted_ms": START_MS + n} for n in range(5)))
        seen, path = [], f"{LIST}?limit=2"
        while path:
            answer = await api.get(path)
            seen += [one["id"] for one in answer.body["messages"]]
            following = answer.body["next"]
            path = f"{LIST}?limit=2&cursor={following}" if following else ""

        assert seen == names[::-1]
        assert "On our way" not in str(answer.body)

    async def test_a_message_in_a_list(self, api, ledger):
        """Everything but the text."""
        (name,) = await fill(ledger, {"client_message_id": "order-4711", "campaign_id": "CACME"})
        (shown,) = (await api.get(LIST)).body["messages"]

        assert shown == {
            "id": name,
            "accepted_at": "2026-11-20T20:00:00Z",
            "user": "ben",
            "from": SENDER,
            "to": RECIPIENT,
            "channel": "sms",
            "origin": "app",
            "class": "p2p",
            "kind": "message",
            "verdict": "allow",
            "reason": "ok_registered",
            "campaign_id": "CACME",
            "segments": 1,
            "encoding": "gsm7",
            "participants": 1,
            "media": [],
            "client_message_id": "order-4711",
            "send_at": None,
            "expires_at": "2026-11-21T00:00:00Z",
            "status": "delivered",
            "status_at": "2026-11-20T20:00:00.009000Z",
            "attempts": 1,
            "doubts": 0,
        }

    @pytest.mark.parametrize(
        "query",
        [
            "number=%2B12125550101",
            "number=+12125550101",
            "number=(212)%20555-0101",
            "counterpart=6465550151",
            "counterpart=%2B16465550151&user=ben&status=delivered&verdict=allow&channel=sms&reason=ok_registered",
            "since=2026-11-20T20:00:00Z&until=2026-11-20T20:00:00.001Z",
            "since=2026-11-20T15:00:00-05:00",
            "since=2026-11-20T21:00:00+01:00",
        ],
    )
    async def test_finds(self, api, ledger, query):
        """Numbers as people write them; instants with any offset, a plus sign as it comes."""
        (name,) = await fill(ledger, {})
        assert [one["id"] for one in (await api.get(f"{LIST}?{query}")).body["messages"]] == [name]

    async def test_row_125_odd_words_find_nothing(self, api, ledger):
        """Literal, whatever they are: no error, no more than what is called so."""
        await fill(ledger, {})
        words = [*map(quote, ("%", "_", "'", "a\\", "\U0001f600", "x" * 200)), "%00", "%ff", "%ed%a0%80"]
        for field in ("number", "counterpart", "user", "reason"):
            for word in words:
                answer = await api.get(f"{LIST}?{field}={word}")
                assert (answer.status, answer.body) == (200, {"messages": [], "next": None}), (field, word)

    async def test_what_cannot_be_asked(self, api):
        """The field is named, and never its value."""
        wrong = (
            ("status=Delivered", (422, "invalid_enum", ["/status"])),
            ("channel=fax", (422, "invalid_enum", ["/channel"])),
            ("verdict=", (422, "invalid_enum", ["/verdict"])),
            ("since=yesterday", (422, "invalid_value", ["/since"])),
            ("since=1795204800", (422, "invalid_value", ["/since"])),
            ("since=2026-11-20T20:00:00", (422, "invalid_value", ["/since"])),
            ("until=2026-13-20T20:00:00Z", (422, "invalid_value", ["/until"])),
            ("user=" + "x" * 201, (422, "invalid_value", ["/user"])),
            ("text=hello", (422, "unknown_field", ["/text"])),
            ("user=a&user=b", (400, "duplicate_key", [])),
        )
        for query, expected in wrong:
            answer = await api.get(f"{LIST}?{query}")
            assert refused(answer) == expected, query
            assert "yesterday" not in str(answer.body)


class TestCursors:
    async def test_row_124_limits(self, api):
        """A page has 1 to 500 messages."""
        for limit in ("-1", "0", "501", "1000000000", "1e3", "", "%00", "9" * 400):
            assert refused(await api.get(f"{LIST}?limit={limit}"))[:2] == (400, "invalid_cursor"), limit

    async def test_row_124_cursors_of_others_making(self, api, ledger):
        """Forged, cut, longer, of another search or another company: all the same, and none crashes."""
        await fill(ledger, *({"accepted_ms": START_MS + n} for n in range(5)))
        await fill(ledger, *({"accepted_ms": START_MS + n, "tenant": OTHER} for n in range(5)))
        mine = (await api.get(f"{LIST}?limit=1")).body["next"]
        theirs = (await api.get(f"{LIST}?limit=1", key="solo")).body["next"]
        raw = base64.urlsafe_b64decode(mine + "==")
        wrong = [
            *("x", "=", "%00", "é", "0", "-1", mine[:-1], mine[1:], mine + "AAAA", mine.swapcase(), theirs, "A" * 600),
            base64.urlsafe_b64encode(raw[:16] + b"[1,2]").decode(),
            base64.urlsafe_b64encode(raw[:16] + raw[16:].replace(b"17952", b"17953")).decode(),
        ]
        for cursor in wrong:
            answer = await api.get(f"{LIST}?limit=1&cursor={cursor if cursor == '%00' else quote(cursor)}")
            assert refused(answer)[:2] == (400, "invalid_cursor"), cursor
        assert refused(await api.get(f"{LIST}?cursor={mine}&user=ben"))[:2] == (400, "invalid_cursor")
        assert (await api.get(f"{LIST}?limit=7&cursor={mine}")).status == 200

    async def test_a_cursor_holds_in_every_process(self, served, api, ledger, valkey_server):
        """The key is the ledger's, not the process's."""
        await fill(ledger, *({"accepted_ms": START_MS + n} for n in range(3)))
        cursor = (await api.get(f"{LIST}?limit=2")).body["next"]
        settings, texts = served
        async with serving(settings, valkey_server.url, texts) as other:
            assert len((await other.get(f"{LIST}?cursor={cursor}")).body["messages"]) == 1


class TestOne:
    async def test_a_message_whole(self, api, ledger):
        """Text, decision record under its own id, every change."""
        (name,) = await fill(ledger, {"text": 'On "our" way'})
        shown = (await api.get(f"{LIST}/{name}")).body

        assert (shown["text"], shown["text_erased_at"]) == ('On "our" way', None)
        assert shown["decision"]["id"] == name
        assert shown["decision"]["facts"]["message"]["text"] == 'On "our" way'
        assert [(one["seq"], one["status"], one["attempt"]) for one in shown["events"]] == [
            (1, "queued", 0),
            (2, "delivered", 1),
        ]

    async def test_a_refused_one(self, api, ledger):
        """Under the id that its sender was told."""
        (name,) = await fill(ledger, {"verdict": "block", "reason": "did_unassigned"})
        shown = (await api.get(f"{LIST}/{name}")).body

        assert (shown["id"], shown["status"], shown["reason"], shown["events"]) == (
            name,
            "refused",
            "did_unassigned",
            [],
        )

    async def test_anothers_is_as_unknown_as_none(self, api, ledger):
        """And so is what is no id at all."""
        (other,) = await fill(ledger, {"tenant": OTHER})
        answers = [await api.get(f"{LIST}/{name}") for name in (other, "0-1-1-0", "r-0-1-1", "%00", "x" * 300, "%ff")]

        assert {(one.status, one.body["code"]) for one in answers} == {(404, "not_found")}
        assert (await api.get(f"{LIST}/{other}", key="solo")).status == 200


class TestCounts:
    async def test_by_day_and_hour(self, api, ledger):
        """Only what there was is listed."""
        await fill(ledger, {}, {}, {"channel": "im", "verdict": "block", "reason": "did_unassigned"}, {"tenant": OTHER})
        span = "since=2026-11-20T12:30:00Z&until=2026-11-21T00:00:00Z"
        days = (await api.get(f"{LIST}/counts?{span}")).body
        hours = (await api.get(f"{LIST}/counts?by=hour&channel=sms&{span}")).body

        assert days == {
            "by": "day",
            "counts": [
                {"at": "2026-11-20T00:00:00Z", "verdict": "allow", "reason": "ok_registered", "messages": 2},
                {"at": "2026-11-20T00:00:00Z", "verdict": "block", "reason": "did_unassigned", "messages": 1},
            ],
        }
        allowed = {"at": "2026-11-20T20:00:00Z", "verdict": "allow", "reason": "ok_registered", "messages": 2}
        assert hours == {"by": "hour", "counts": [allowed]}
        assert (await api.get(f"{LIST}/counts")).status == 200

    @pytest.mark.parametrize(
        "query",
        [
            "since=2025-01-01T00:00:00Z&until=2026-11-21T00:00:00Z",
            "since=9999-01-01T00:00:00Z",
            "by=hour&since=0001-01-01T00:00:00Z",
        ],
    )
    async def test_too_much_or_backwards(self, api, query):
        """An answer is bounded."""
        assert refused(await api.get(f"{LIST}/counts?{query}")) == (422, "invalid_value", ["/since"])


class TestErase:
    async def test_of_a_message(self, api, ledger):
        """The text is gone, the decision stays, and the message says when."""
        (name,) = await fill(ledger, {"text": "Zqerased"})
        done = await api.call("POST", f"{LIST}/erase", {"message": name})
        shown = (await api.get(f"{LIST}/{name}")).body

        assert (done.status, done.body["texts"], done.body["done"]) == (200, 1, True)
        assert (shown["text"], shown["text_erased_at"]) == (None, done.body["at"])
        assert shown["decision"]["facts"]["message"]["text"] is None
        assert "Zqerased" not in str(shown)

    async def test_of_a_person_and_of_all(self, api, ledger):
        """Numbers as people write them; another company's texts stay."""
        await fill(ledger, {}, {"recipient": "+16465550177"}, {"sender": "+12125550102"})
        (other,) = await fill(ledger, {"tenant": OTHER})
        person = await api.call("POST", f"{LIST}/erase", {"number": "(646) 555-0177"})
        rest = await api.call("POST", f"{LIST}/erase", {"everything": True})

        assert (person.body["texts"], rest.body["texts"]) == (1, 2)
        assert (await api.get(f"{LIST}/{other}", key="solo")).body["text"] == "On our way"

    async def test_what_cannot_be_erased(self, api, ledger):
        """And nothing goes."""
        (name,) = await fill(ledger, {})
        wrong = (
            ({}, (422, "missing_field", [""])),
            ({"message": "0-1-1-0", "everything": True}, (422, "invalid_value", [""])),
            ({"everything": False}, (422, "invalid_type", ["/everything"])),
            ({"everything": None}, (422, "invalid_type", ["/everything"])),
            ({"number": "ben"}, (422, "invalid_value", ["/number"])),
            ({"number": 1}, (422, "invalid_type", ["/number"])),
            ({"message": "0-1-1-0"}, (404, "not_found", [])),
            ({"message": "\x00"}, (404, "not_found", [])),
            ({"tenant": "solo"}, (422, "unknown_field", ["/tenant"])),
        )
        for body, expected in wrong:
            assert refused(await api.call("POST", f"{LIST}/erase", body)) == expected, body
        assert (await api.get(f"{LIST}/{name}")).body["text"] == "On our way"

    async def test_anothers_message_is_as_unknown_as_none(self, api, ledger):
        """And keeps its text."""
        (other,) = await fill(ledger, {"tenant": OTHER})
        answers = [await api.call("POST", f"{LIST}/erase", {"message": name}) for name in (other, "0-1-1-0")]

        assert [refused(answer) for answer in answers] == [(404, "not_found", [])] * 2
        assert (await api.get(f"{LIST}/{other}", key="solo")).body["text"] == "On our way"


async def test_who_may_not(api, ledger):
    """Keys that send see no ledger but for what is the sender's own, which test_own.py is about."""
    (name,) = await fill(ledger, {})
    for one in (one for one in operations() if one.scope != "read"):
        for key, status in (("", 401), ("sender", 403), ("person", 403), ("Bearer a2p_x_y", 401)):
            body = {"everything": True} if one.method == "POST" else None
            answer = await api.call(one.method, one.path.replace("{id}", name), body, key=key)
            assert answer.status == status, (one.id, key)
    assert (await api.get(f"{LIST}/{name}")).body["text"] == "On our way"


class TestRunning:
    async def test_a_message_is_in_the_ledger_soon(self, served, queue, valkey_server):
        """From the queue store to the answer, in one running registry."""
        settings, texts = served
        update = {"queue_url": valkey_server.url}
        async with serving(settings.model_copy(update=update), valkey_server.url, texts) as api:
            (taken,) = await queue.accept([Accept(partition=2, refusals=(an_envelope(verdict="block"),))])
            name = taken.refusal_ids[0]

            async def there():
                return (await api.get(f"{LIST}/{name}")).status == 200

            await eventually(there)
            assert "registry_ledger_rows_total 3.0" in await api.metrics()

    @pytest.mark.parametrize(
        "away",
        [
            {"queue_url": "unix:///nowhere/s"},
            {"ledger_url": "sqlite+aiosqlite:////nowhere/ledger.db"},
            {"ledger_url": "postgresql+asyncpg://nobody@/none?host=/nowhere"},
        ],
    )
    async def test_the_registry_runs_without(self, served, valkey_server, away):
        """Revocations wait for no ledger: the copy is kept, and calls of the ledger say that it is away."""
        settings, texts = served
        async with serving(settings.model_copy(update=away), valkey_server.url, texts) as api:
            answer = await api.get(LIST)
            assert answer.status == (200 if "queue_url" in away else 503)
            assert (await api.patch("/v1/campaigns/CACME", {"status": "suspended"})).status in {200, 202, 409}


def test_the_settings_name_what_is_wrong():
    """A queue store that is none stops the start."""
    with pytest.raises(ValueError, match="queue_url"):
        Settings(queue_url="http://127.0.0.1")


def test_the_words_of_a_search_are_the_journal_s():
    """One list, written twice for the type checker."""
    assert get_args(asked.Status) == (*journal.OPEN_STATUSES, *journal.END_STATUSES, journal.REFUSED)
    assert get_args(asked.Channel) == journal.CHANNELS
