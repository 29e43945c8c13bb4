"""What rows about numbers come to: the same as an admin's own clicks."""

import random
from dataclasses import replace

import pytest
import sqlalchemy as sa

from registry.bulk.numbers import shown_campaign
from registry.flows import numbers
from registry.flows.desk import Limits
from registry.problems import Problem
from registry.records import Assignment, Number
from registry.work_tables import provisioning_jobs
from tests.registry.builders import a_number, an_assignment, trail
from tests.registry.bulk.builders import (
    COMPANY,
    FAILED,
    FIRST,
    FOREIGN,
    FRESH,
    LEGACY,
    POOL,
    a_desk,
    an_office,
    fill,
    records,
    run,
)


@pytest.fixture
def path(tmp_path):
    """Where the file is written."""
    return tmp_path / "numbers.ndjson"


async def state(database, did):
    """How a number stands: SMS, owner, state of assignment, campaign, on the SMS page."""
    found = await records(database, Number, Assignment)
    number = next(one for one in found if isinstance(one, Number) and one.did == did)
    link = next((one for one in found if isinstance(one, Assignment) and one.did == did), None)
    return number.sms, number.user, link and link.state, link and link.campaign_id, number.sms_page


async def jobs(database):
    """What the aggregator is to do."""
    async with database.reading() as connection:
        table = provisioning_jobs
        rows = await connection.execute(sa.select(table.c.did, table.c.action, table.c.campaign_id, table.c.state))
        return {tuple(row) for row in rows}


WISHES = [
    # row                                                       how it stands then
    ({"did": FIRST, "enabled": "yes"}, ("enabled", "ben", "assigned", "CACME", True)),
    ({"did": FIRST, "enabled": "no"}, ("disabled", "ben", "assigned", "CACME", True)),
    ({"did": FIRST, "enabled": None}, ("enabled", "ben", "assigned", "CACME", True)),
    ({"did": FIRST, "user": "ann"}, ("disabled", "ann", "assigned", "CACME", True)),
    ({"did": FIRST, "user": "ann", "enabled": "yes"}, ("enabled", "ann", "assigned", "CACME", True)),
    ({"did": FIRST, "user": None}, ("disabled", None, "assigned", "CACME", True)),
    ({"did": FIRST, "campaign_id": "CTWO"}, ("enabled", "ben", "pending", "CTWO", True)),
    ({"did": FIRST, "campaign_id": None}, ("disabled", "ben", "removing", "CACME", False)),
    ({"did": FIRST, "campaign_id": None, "enabled": "yes"}, ("enabled", "ben", "assigned", "CACME", True)),
    ({"did": FRESH, "enabled": "yes"}, ("enabled", "ann", "pending", "CACME", True)),
    ({"did": FRESH, "enabled": "yes", "campaign_id": "CTWO"}, ("enabled", "ann", "pending", "CTWO", True)),
    ({"did": FRESH, "campaign_id": "CTWO"}, ("disabled", "ann", "pending", "CTWO", True)),
    ({"did": LEGACY, "enabled": "yes", "campaign_id": "CACME"}, ("enabled", "ann", "pending", "CACME", True)),
    ({"did": POOL, "user": "ben", "enabled": "yes"}, ("enabled", "ben", "pending", "CACME", True)),
    ({"did": FAILED, "campaign_id": "CACME"}, ("disabled", "low", "failed", "CACME", True)),
    (
        {"did": FAILED, "user": "ben", "enabled": "yes", "campaign_id": "CACME"},
        ("enabled", "ben", "pending", "CACME", True),
    ),
    ({"did": "(202) 555-0102", "user": "ben"}, None),
]
REFUSED = [
    # row                                                       field, code
    ({"did": None}, "did", "missing"),
    ({"did": "1.20256E+10"}, "did", "bad_number"),
    ({"did": FOREIGN, "enabled": "no"}, "did", "not_found"),
    ({"did": FOREIGN, "user": None}, "did", "number_taken"),
    ({"did": "+12025550199", "enabled": "no"}, "did", "not_found"),
    ({"did": FIRST, "kind": "toll_free"}, "kind", "kind_differs"),
    ({"did": FIRST, "kind": "mobile"}, "kind", "bad_word"),
    ({"did": FIRST, "enabled": "maybe"}, "enabled", "bad_word"),
    ({"did": FIRST, "user": "sol"}, "user", "unknown_user"),
    ({"did": FIRST, "campaign_id": "CSOLO"}, "campaign_id", "unknown_campaign"),
    ({"did": FIRST, "campaign_id": "COFF"}, "campaign_id", "campaign_suspended"),
    ({"did": LEGACY, "enabled": "yes"}, "enabled", "assign_on_sms_page"),
    ({"did": POOL, "enabled": "yes"}, "enabled", "number_without_user"),
    ({"did": FAILED, "enabled": "yes", "campaign_id": "CACME"}, "enabled", "licence_cannot_text"),
]


class TestWishes:
    @pytest.mark.parametrize(("row", "stands"), WISHES)
    async def test_a_number_comes_to_stand_as_the_row_has_it(self, database, path, row, stands):
        """By the steps of the life cycles; a second time nothing is left to do."""
        await fill(database)
        summary, _ = await run(database, path, [row])
        assert summary.bad == 0
        did = LEGACY if stands is None else row["did"]
        assert await state(database, did) == (stands or ("disabled", "ben", None, None, True))
        before = await trail(database)
        assert (await run(database, path, [row]))[0].changed == 0
        assert await trail(database) == before

    @pytest.mark.parametrize(("row", "field", "code"), REFUSED)
    async def test_a_row_that_cannot_be_taken_changes_nothing(self, database, path, row, field, code):
        """And the report says which field, and what to do."""
        await fill(database)
        before = await records(database)
        summary, (line,) = await run(database, path, [row])
        assert (summary.bad, line["row"], line["is"]) == (1, 1, "bad")
        assert [(fault["field"], fault["code"]) for fault in line["faults"]] == [(field, code)]
        assert line["faults"][0]["fault"]
        assert line["faults"][0]["fix"]
        assert await records(database) == before

    async def test_an_admin_learns_nothing_of_numbers_that_are_not_theirs(self, database, path):
        """Another company's, and nobody's: the same words; neither is taken in."""
        await fill(database)
        rows = [{"did": FOREIGN, "user": None}, {"did": "+12025550199", "user": None}]
        summary, report = await run(database, path, rows, office=an_office(operator=False))
        assert summary.bad == 2
        assert report[0]["faults"] == report[1]["faults"]

    async def test_an_operator_takes_new_numbers_in(self, database, path):
        """SMS as the row wishes it."""
        await fill(database)
        await run(database, path, [{"did": "+12025550199", "user": "ben", "enabled": "yes"}])
        assert await state(database, "+12025550199") == ("enabled", "ben", "pending", "CACME", True)
        assert (await state(database, FIRST))[0] == "superseded"

    async def test_of_a_persons_numbers_the_last_row_counts(self, database, path):
        """One is enabled at a time, within a file as without."""
        await fill(database)
        rows = [{"did": FRESH, "enabled": "yes"}, {"did": POOL, "user": "ann", "enabled": "yes"}]
        await run(database, path, rows)
        assert [(await state(database, did))[0] for did in (FRESH, POOL)] == ["superseded", "enabled"]

    async def test_a_campaign_fills_up_row_by_row(self, database, path):
        """The next one is taken then; when none has room the row says so."""
        await fill(database)
        dids = [f"+1202555020{place}" for place in range(5)]
        await fill(database, [a_number(did, user="ann", sms="disabled", sms_enabled_at=None) for did in dids])
        office = an_office(limits=Limits(numbers_per_campaign=2))
        rows = [{"did": did, "enabled": "yes"} for did in dids]
        summary, report = await run(database, path, rows, office=office)
        assert summary.bad == 2
        assert report[-1]["faults"][0]["code"] == "number_limit_exceeded"
        assert [(await state(database, did))[3] for did in dids] == ["CACME", "CTWO", "CTWO", None, None]

    async def test_the_aggregator_gets_the_last_wish(self, database, path):
        """One job a number."""
        await fill(database)
        rows = [
            {"did": FRESH, "enabled": "yes"},
            {"did": FRESH, "campaign_id": "CTWO"},
            {"did": FIRST, "campaign_id": None},
        ]
        await run(database, path, rows)
        assert await jobs(database) == {(FRESH, "add", "CTWO", "due"), (FIRST, "remove", "CACME", "due")}

    async def test_a_dry_run_says_the_same_and_writes_nothing(self, database, path):
        """For files that are to be looked at first."""
        await fill(database)
        before = await records(database), await trail(database)
        rows = [{"did": FIRST, "enabled": "no"}, {"did": "x"}]
        dry = await run(database, path, rows, dry_run=True)
        assert (await records(database), await trail(database)) == before
        assert await run(database, path, rows) == dry


class TestAsTheFlowsHaveIt:
    """The same steps, one at a time through registry.flows.numbers, leave the same."""

    @pytest.mark.parametrize("seed", range(12))
    async def test_any_file_leaves_what_the_flows_leave(self, databases, tmp_path, seed):
        """Numbers, assignments, and what the aggregator is to do."""
        from registry.database import Database  # noqa: PLC0415 - two of them

        chance = random.Random(seed)
        company = [one for one in COMPANY if not isinstance(one, Number | Assignment)]
        for place in range(8):
            did = f"+1202555030{place}"
            owner = chance.choice(["ben", "ann", "low", None])
            company.append(
                a_number(
                    did,
                    user=owner,
                    kind=chance.choice(["local", "local", "local", "toll_free"]),
                    sms=chance.choice(["enabled", "disabled", "superseded"]),
                    sms_page=chance.random() < 0.5,
                )
            )
            if chance.random() < 0.6:
                link = chance.choice(["pending", "assigned", "failed", "removing"])
                company.append(an_assignment(did, state=link, campaign_id=chance.choice(["CACME", "CTWO"])))
        verbs = ["enable", "disable", "remove", "assign", "give"]
        steps = [(chance.choice(verbs), f"+1202555030{chance.randrange(8)}") for _ in range(30)]
        left = []
        for name, way in (("bulk", self.by_file), ("flow", self.by_flow)):
            with databases.new(tmp_path / name) as settings:
                async with Database.opened(settings) as database:
                    await fill(database, company)
                    for verb, did in steps:
                        target = random.Random(did + verb).choice(["ben", "ann", None])
                        await way(database, tmp_path / "one.ndjson", verb, did, target)
                    found = [self.timeless(one) for one in await records(database, Number, Assignment)]
                    left.append((found, await jobs(database)))
        assert left[0] == left[1]

    def timeless(self, record):
        """Leave out when it was."""
        if isinstance(record, Number):
            return replace(record, number_changed_at=None, sms_enabled_at=None)
        return replace(record, since=None)

    async def by_file(self, database, path, verb, did, target):
        """A file with one row that wishes for what the verb does."""
        row = {
            "enable": {"enabled": True},
            "disable": {"enabled": False},
            "remove": {"campaign_id": None, "enabled": False},
            "assign": {"campaign_id": "CTWO"},
            "give": {"user": target},
        }[verb]
        await run(database, path, [{"did": did, **row}], office=an_office(limits=Limits(numbers_per_campaign=3)))

    async def by_flow(self, database, _, verb, did, target):
        """The flow, where a row would wish for anything."""
        try:
            async with database.writing() as connection:
                desk = a_desk(connection, limits=Limits(numbers_per_campaign=3))
                number, link = await desk.one(Number, did), await desk.one(Assignment, did)
                match verb:
                    case "enable" if number.sms != "enabled":
                        await numbers.enable(desk, did)
                    case "disable" if number.sms == "enabled":
                        await numbers.disable(desk, did)
                    case "remove" if shown_campaign(link) is not None:
                        await numbers.remove(desk, did)
                    case "remove" if number.sms == "enabled":
                        await numbers.disable(desk, did)
                    case "assign" if shown_campaign(link) != "CTWO":
                        await numbers.assign(desk, did, "CTWO")
                    case "give":
                        await numbers.give(desk, did, target)
        except Problem:
            pass
