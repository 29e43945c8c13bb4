"""Pages of messages: complete, of one tenant, literal, and as quick at the end as at the beginning."""

import pytest
import sqlalchemy as sa

from registry.ledger.queries import Count, Place, Search, counts, page, whole
from registry.ledger.tables import messages
from tests.registry.dialects import only_sqlite
from tests.registry.ledger.filling import fill
from tests.registry.ledger.journal import OTHER, RECIPIENT, SENDER, START_MS, TENANT

DAY_MS = 86_400_000
#: 2026-11-20 00:00 UTC.
DAY = START_MS - 20 * 3_600_000


async def found(ledger, *, tenant=TENANT, limit=50, after=None, scan=5_000, **search):
    """A page: ids, and where the next one begins."""
    async with ledger.reading() as connection:
        got = await page(connection, tenant, Search(**search), after=after, limit=limit, scan=scan)
    return [row.id for row in got.messages], got.next


async def everything(ledger, **asked):
    """All pages, one by one; ids in order, and how many pages there were."""
    names, pages, after = [], 0, None
    while True:
        some, after = await found(ledger, after=after, **asked)
        names += some
        pages += 1
        if after is None:
            return names, pages


class TestPages:
    @pytest.mark.parametrize("limit", [1, 3, 7, 50])
    async def test_every_message_is_on_one_page(self, ledger, limit):
        """The newest first; also of many that came in one millisecond."""
        names = await fill(ledger, *({"accepted_ms": START_MS + n // 5} for n in range(23)))
        got, _ = await everything(ledger, limit=limit)

        assert sorted(got) == sorted(names)
        assert got == sorted(names, key=lambda name: (int(name.split("-")[1]), name), reverse=True)

    @pytest.mark.parametrize("limit", [2, 50])
    async def test_a_search_for_what_is_rare_goes_on_from_page_to_page(self, ledger, limit):
        """A page looks at a bounded number of messages: it may be short, and says where to go on."""
        legs = ({"accepted_ms": START_MS + n, "channel": "mms" if n % 17 == 0 else "sms"} for n in range(100))
        names = await fill(ledger, *legs)
        got, pages = await everything(ledger, limit=limit, scan=10, channel="mms")

        assert got == [name for n, name in reversed(list(enumerate(names))) if n % 17 == 0]
        assert pages >= 10

    async def test_what_comes_meanwhile_moves_nothing(self, ledger):
        """A page begins behind a message, not behind a number of them."""
        names = await fill(ledger, *({"accepted_ms": START_MS + n} for n in range(6)))
        first, after = await found(ledger, limit=3)
        await fill(ledger, {"accepted_ms": START_MS + 100})
        second, _ = await found(ledger, limit=3, after=after)

        assert first + second == names[::-1]

    async def test_a_place_behind_the_end_is_an_empty_page(self, ledger):
        """Also where the message at the place has gone since."""
        await fill(ledger, {})
        assert await found(ledger, after=Place(1, "0-1-1-0")) == ([], None)

    @only_sqlite
    @pytest.mark.parametrize(
        ("search", "index"),
        [
            ({}, "ix_messages_tenant_accepted_ms_id"),
            ({"number": SENDER}, "ix_messages_tenant_sender_accepted_ms_id"),
            ({"counterpart": RECIPIENT, "status": "failed"}, "ix_messages_tenant_recipient_accepted_ms_id"),
            ({"user": "ben"}, "ix_messages_tenant_user_id_accepted_ms_id"),
            ({"reason": "ok_registered"}, "ix_messages_tenant_reason_accepted_ms_id"),
            ({"status": "failed"}, "ix_messages_tenant_status_accepted_ms_id"),
        ],
    )
    async def test_a_page_is_read_off_an_index(self, ledger, search, index):
        """In its order, from its place on: nothing is sorted, nothing before it is read."""
        from registry.ledger.queries import _in_index  # noqa: PLC0415 - how, not what

        lead = next(iter(search), None)
        wanted = _in_index(TENANT, Search(**search), lead, Place(START_MS, "x")).limit(50)
        sql = str(wanted.compile(dialect=sa.dialects.sqlite.dialect(), compile_kwargs={"literal_binds": True}))
        async with ledger.reading() as connection:
            plan = [row[3] for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]

        assert len(plan) == 1
        assert f"USING INDEX {index} (" in plan[0]
        assert "accepted_ms" in plan[0]


class TestSearch:
    @pytest.mark.parametrize(
        ("search", "leg"),
        [
            ({"number": "+12125550177"}, {"sender": "+12125550177"}),
            ({"counterpart": "+16465550177"}, {"recipient": "+16465550177"}),
            ({"counterpart": "ann"}, {"recipient": "ann", "channel": "im"}),
            ({"user": "ann"}, {"user": "ann"}),
            ({"reason": "destination_landline"}, {"reason": "destination_landline"}),
            ({"verdict": "flag"}, {"verdict": "flag"}),
            ({"channel": "mms"}, {"channel": "mms"}),
            ({"status": "refused"}, {"verdict": "block"}),
            ({"since_ms": START_MS + 5}, {"accepted_ms": START_MS + 5}),
            ({"until_ms": START_MS}, {"accepted_ms": START_MS - 1}),
            (
                {"user": "ann", "channel": "mms", "verdict": "flag"},
                {"user": "ann", "channel": "mms", "verdict": "flag"},
            ),
        ],
    )
    async def test_by(self, ledger, search, leg):
        """Each field alone, and some together."""
        _, name, *_ = await fill(ledger, {}, leg, {"user": "ann"} if len(search) > 1 else {})
        assert await found(ledger, **search) == ([name], None)

    @pytest.mark.parametrize("word", ["%", "_", "b_n", "'", "' OR 1=1 --", "ben%", ".*", "\\", "\ufffd", "", "BEN"])
    @pytest.mark.parametrize("field", ["user", "counterpart", "number", "reason"])
    async def test_row_125_values_are_literal(self, ledger, field, word):
        """No pattern, no SQL: what looks like one finds what is called so, and nothing else."""
        column = {"counterpart": "recipient", "number": "sender"}.get(field, field)
        await fill(ledger, {})
        assert await found(ledger, **{field: word}) == ([], None)

        (name,) = await fill(ledger, {column: word})
        assert await found(ledger, **{field: word}) == ([name], None)

    async def test_others_messages_are_not_there(self, ledger):
        """Whatever is asked."""
        (other,) = await fill(ledger, {"tenant": OTHER})

        assert await found(ledger) == ([], None)
        assert await found(ledger, number=SENDER) == ([], None)
        async with ledger.reading() as connection:
            assert await whole(connection, TENANT, other) is None
            assert (await whole(connection, OTHER, other)).message.id == other
            assert await counts(connection, TENANT, by_day=True, since_ms=0, until_ms=10**15) == []

    async def test_a_message_that_is_nobodys_is_shown_to_nobody(self, ledger):
        """Its envelope was lost; an empty name is no company's."""
        (name,) = await fill(ledger, {})
        async with ledger.writing() as connection:
            await connection.execute(sa.update(messages).values(tenant=""))
        async with ledger.reading() as connection:
            assert await whole(connection, TENANT, name) is None
        assert await found(ledger) == ([], None)


class TestCounts:
    async def test_by_hour_and_by_day(self, ledger):
        """In UTC; what was taken in the last millisecond of an hour is that hour's."""
        legs = [
            *({"accepted_ms": DAY + at} for at in (0, 3_599_999, 3_600_000, DAY_MS - 1)),
            {"accepted_ms": DAY + DAY_MS, "verdict": "block", "reason": "did_unassigned"},
            {"accepted_ms": DAY, "channel": "mms", "verdict": "flag", "reason": "destination_landline"},
            {"accepted_ms": DAY - 1},
        ]
        await fill(ledger, *legs)
        async with ledger.reading() as connection:
            span = {"since_ms": DAY, "until_ms": DAY + 2 * DAY_MS}
            hours = await counts(connection, TENANT, by_day=False, **span)
            days = await counts(connection, TENANT, by_day=True, **span)
            media = await counts(connection, TENANT, by_day=True, channel="mms", **span)

        assert days == [
            Count(DAY, "allow", "ok_registered", 4),
            Count(DAY, "flag", "destination_landline", 1),
            Count(DAY + DAY_MS, "block", "did_unassigned", 1),
        ]
        assert media == [days[1]]
        assert [(one.at_ms, one.messages) for one in hours if one.verdict == "allow"] == [
            (DAY, 2),
            (DAY + 3_600_000, 1),
            (DAY + DAY_MS - 3_600_000, 1),
        ]
