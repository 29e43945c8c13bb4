"""Importing a company: everything that is good, once, whoever else is at it."""

import asyncio
import os
import stat
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from compliance import documents, facts
from compliance.facts import Owner
from registry.commands import change, find
from registry.company import CompanyFileError
from registry.credentials import CredentialsFileError, read_credentials
from registry.database import Database
from registry.flows.desk import Desk
from registry.flows.numbers import port_out
from registry.flows.people import leave
from registry.importer import ImportOptions, import_company
from registry.records import ApiKey, Assignment, Brand, Campaign, Extension, Number, Tenant, User
from registry.tables import api_keys, extensions, metadata, numbers
from tests.registry.builders import AT, DID, OTHER_DID, a_company, everything, import_file, trail

ROOT = Path(__file__).parents[2]
TRAFFIC = Path(os.environ.get("A2P_TRAFFIC_DIR", ROOT.parent / "shared" / "traffic"))


@pytest.fixture
def path(tmp_path):
    """Where the company file is written."""
    return tmp_path / "company.json"


class TestDocuments:
    async def test_they_say_what_the_file_says(self, database, path):
        """Read back as the gateway will read them."""
        await import_file(database, path, a_company())
        told = await everything(database)

        number = documents.load_number(told[documents.number_key(DID)])
        assert number.owner == Owner(tenant="acme", user="ben")
        assert number.assignment == facts.Assignment(state="assigned", campaign_id="CACME", brand_id="BACME")
        assert documents.load_number(told[documents.number_key(OTHER_DID)]).assignment is None
        campaign = documents.load_campaign(told[documents.campaign_key("CACME")])
        assert (campaign.carriers.tmobile, campaign.declares.embedded_link) == ("paused", True)
        assert documents.load_brand(told[documents.brand_key("BSOLO")]).status == "of_a_kind_unheard_of"
        users = {name: documents.load_user(told[documents.user_key(name)]) for name in ("ben", "ann", "sol")}
        assert {name: user.number for name, user in users.items()} == {"ben": DID, "ann": None, "sol": None}
        assert documents.load_extension(told[documents.extension_key("solo", "1001")]).user == "sol"
        assert documents.load_line(told[documents.line_key("+13035550111")]).carrier == "att"

    async def test_there_is_one_for_each_row(self, database, path):
        """3 users, 3 extensions, 2 brands, 2 campaigns, 2 numbers, 2 contacts."""
        await import_file(database, path, a_company())

        assert len(await everything(database)) == 14


class TestRepeating:
    async def test_the_same_file_again_changes_nothing(self, database, path, tmp_path):
        """No audit, no outbox, no key: it may be run from a timer."""
        options = {"credentials": tmp_path / "keys.json"}
        await import_file(database, path, a_company(), **options)
        before = (await trail(database), await everything(database), options["credentials"].read_bytes())
        report = await import_file(database, path, a_company(), **options)

        assert (report.changes.total(), report.keys_minted) == (0, 0)
        assert (await trail(database), await everything(database), options["credentials"].read_bytes()) == before

    async def test_only_what_differs_is_changed(self, database, path):
        """One campaign suspended: one audit record, one document."""
        await import_file(database, path, a_company())
        before = await trail(database)
        company = a_company()
        company["campaigns"][0]["status"] = "suspended"
        report = await import_file(database, path, company)

        assert report.changes == {"tenants": 0, "users": 0, "brands": 0, "campaigns": 1, "numbers": 0, "contacts": 0}
        assert await trail(database) == (before[0] + 1, before[1] + 1)

    async def test_what_the_file_does_not_name_stays(self, database, path):
        """An import adds and corrects; it never empties a database."""
        await import_file(database, path, a_company())
        before = await everything(database)
        await import_file(database, path, {"format": "a2p-company/1"})

        assert await everything(database) == before

    async def test_an_assignment_that_became_null_is_removed(self, database, path):
        """A number that was taken off its campaign may not send for it."""
        await import_file(database, path, a_company())
        company = a_company()
        company["numbers"][0]["assignment"] = None
        await import_file(database, path, company)

        number = documents.load_number((await everything(database))[documents.number_key(DID)])
        assert number.assignment is None

    async def test_two_users_swap_extensions(self, database, path):
        """Without a moment in which the file's second state conflicts with the first."""
        await import_file(database, path, a_company())
        company = a_company()
        company["users"][0]["extension"], company["users"][1]["extension"] = "1002", "1001"
        await import_file(database, path, company)

        assert await self.extensions(database) == {("acme", "1001", "ann"), ("acme", "1002", "ben")}

    async def test_an_extension_that_a_user_left_is_gone(self, database, path):
        """Its document too: nobody may reach the wrong person by it."""
        await import_file(database, path, a_company())
        company = a_company()
        company["users"][0]["extension"] = "1009"
        company["users"][1]["extension"] = None
        await import_file(database, path, company)

        assert await self.extensions(database) == {("acme", "1009", "ben")}
        told = {key for key in await everything(database) if key.startswith("{reg}:ext:acme:")}
        assert told == {"{reg}:ext:acme:1009"}

    async def extensions(self, database):
        """Who of acme has which."""
        async with database.reading() as connection:
            rows = await connection.execute(sa.select(extensions).where(extensions.c.tenant == "acme"))
            return {tuple(row) for row in rows}


def a_desk(connection, **fields):
    """Where acme's admin works."""
    return Desk(connection=connection, tenant="acme", actor="test", now=AT, **fields)


class TestKeeping:
    """What a file says nothing about stays as the database has it."""

    async def rows(self, database):
        """Every record that the file is about."""
        async with database.reading() as connection:
            kinds = (Tenant, User, Brand, Campaign, Number, Assignment, Extension)
            return {kind: await a_desk(connection).all(kind) for kind in kinds}

    async def test_a_new_number_is_on_the_sms_page_if_it_can_or_could_text_or_has_a_campaign(self, database, path):
        """Such numbers are legacy: assigned there, and not enabled like new ones."""
        told = [
            {"sms": "enabled"},
            {"sms_enabled_at": "2025-03-01T12:00:00Z"},
            {"assignment": {"state": "failed", "campaign_id": "CACME"}},
            {},
        ]
        listed = [{"did": f"+1202555010{i}", "tenant": "acme", **fields} for i, fields in enumerate(told)]
        await import_file(database, path, a_company(numbers=listed))

        found = (await self.rows(database))[Number]
        assert [number.sms_page for number in found] == [True, True, True, False]

    async def test_a_new_assignment_is_since_now(self, database, path):
        """Pending ones time out by it."""
        began = datetime.now(UTC)
        await import_file(database, path, a_company())

        (link,) = (await self.rows(database))[Assignment]
        assert began <= link.since <= datetime.now(UTC)

    async def test_what_no_file_holds_is_kept(self, database, path):
        """And nothing is written at all when the rest is the same."""
        await import_file(database, path, a_company())
        rows = await self.rows(database)
        put = [
            replace(rows[Tenant][0], provider=True),
            replace(rows[Brand][0], faults=("EIN",)),
            replace(rows[Campaign][0], number_pool="approved", faults=("Samples",), created_at=AT),
            *(replace(number, sms_page=not number.sms_page) for number in rows[Number]),
            replace(rows[Assignment][0], since=AT, fault="Slow"),
        ]
        async with database.writing() as connection:
            await change(connection, actor="test", put=put)
        before = await self.rows(database)
        report = await import_file(database, path, a_company())

        assert report.changes.total() == 0
        assert await self.rows(database) == before

    async def test_an_assignment_that_is_another_begins_anew(self, database, path):
        """Another state: why the old one failed is history."""
        await import_file(database, path, a_company())
        (link,) = (await self.rows(database))[Assignment]
        async with database.writing() as connection:
            await change(connection, actor="test", put=[replace(link, state="failed", since=AT, fault="Slow")])
        await import_file(database, path, a_company())

        (link,) = (await self.rows(database))[Assignment]
        assert (link.state, link.fault, link.since > AT) == ("assigned", None, True)

    async def test_what_left_stays_as_it_left(self, database, path):
        """An old file gives nobody back who is gone, nor a number that was ported out."""
        await import_file(database, path, a_company())
        async with database.writing() as connection:
            await leave(a_desk(connection), "ann")
            await port_out(a_desk(connection), DID)
        before = await self.rows(database)
        report = await import_file(database, path, a_company())

        assert (report.bad, report.changes.total()) == ([], 0)
        assert report.left_alone == {"users": 1, "numbers": 2}
        assert await self.rows(database) == before

    async def test_impossible_states_are_kept(self, database, path):
        """Two enabled numbers of one person, for a campaign that is not VERIFIED: listed as drift, and not changed."""
        company = a_company()
        company["campaigns"][0]["status"] = "suspended"
        company["numbers"][1] |= {"user": "ben", "sms": "enabled"}
        await import_file(database, path, company)

        assert {number.sms for number in (await self.rows(database))[Number]} == {"enabled"}


class TestBadRows:
    async def test_good_rows_are_imported_all_the_same(self, database, path):
        """One number is wrong; its neighbour works."""
        company = a_company()
        company["numbers"][0]["did"] = "555"
        report = await import_file(database, path, company)

        assert [(bad.kind, bad.index, bad.field) for bad in report.bad] == [("numbers", 0, "did")]
        async with database.reading() as connection:
            assert (await connection.scalars(sa.select(numbers.c.did))).all() == [OTHER_DID]

    async def test_rows_may_refer_to_the_database(self, database, path):
        """A file of new numbers only."""
        await import_file(database, path, a_company(numbers=[]))
        report = await import_file(database, path, {"format": "a2p-company/1", "numbers": a_company()["numbers"]})

        assert (report.bad, report.rows) == ([], {"numbers": 2})

    async def test_an_extension_of_somebody_in_the_database_is_not_taken(self, database, path):
        """The file names only the newcomer."""
        await import_file(database, path, a_company())
        newcomer = {"id": "new", "tenant": "acme", "name": "New", "extension": "1001"}
        report = await import_file(database, path, {"format": "a2p-company/1", "users": [newcomer]})

        assert [(bad.kind, bad.field) for bad in report.bad] == [("users", "extension")]
        async with database.reading() as connection:
            assert (await find(connection, Extension, [("acme", "1001")]))["acme", "1001"].user == "ben"

    async def test_a_file_of_another_format_changes_nothing(self, database, path):
        """Refused before the first write."""
        with pytest.raises(CompanyFileError):
            await import_file(database, path, a_company(format="a2p-company/9"))

        assert await trail(database) == (0, 0)


class TestAtOnce:
    @pytest.mark.usefixtures("without_tables")
    async def test_three_imports_make_one(self, settings, tmp_path):
        """Of the same file, each with an engine of its own: what one did, the others find done."""
        path, keys = tmp_path / "company.json", tmp_path / "keys.json"
        path.write_bytes(orjson.dumps(a_company()))

        async def run():
            async with Database.opened(settings) as database:
                options = ImportOptions(file=path, credentials=keys)
                return await import_company(database, options, lambda *_: None)

        reports = await asyncio.gather(run(), run(), run())

        assert [report.bad for report in reports] == [[], [], []]
        assert sum((report.changes for report in reports), start=Counter()) == {
            "tenants": 2,
            "users": 6,  # (three of them are extensions)
            "brands": 2,
            "campaigns": 2,
            "numbers": 3,  # (one is an assignment)
            "contacts": 2,
        }
        assert sum(report.keys_minted for report in reports) == 7
        async with Database.opened(settings) as database:
            assert (await trail(database))[0] == 17 + 7


class TestCredentials:
    async def test_there_is_a_key_for_everybody(self, database, path, tmp_path):
        """Two a tenant, one a user; the texts are in the file and nowhere else."""
        keys = tmp_path / "keys.json"
        report = await import_file(database, path, a_company(), credentials=keys)
        found = read_credentials(keys)

        assert report.keys_minted == 7
        assert found.admin_keys.keys() == {"acme", "solo"}
        assert (found.api_keys.keys(), found.user_keys.keys()) == ({"acme", "solo"}, {"ben", "ann", "sol"})
        assert stat.S_IMODE(keys.stat().st_mode) == 0o600
        assert list(tmp_path.glob("keys.json.*")) == []
        held = await self.all_that_is_kept(database)
        held += b"".join(file.read_bytes() for file in tmp_path.glob("data/*"))  # (of SQLite)
        secrets = [
            text.rpartition("_")[2]
            for text in [*found.api_keys.values(), *found.user_keys.values(), *found.admin_keys.values()]
        ]
        assert not any(secret.encode() in held for secret in secrets)

    async def all_that_is_kept(self, database):
        """Every value of every table."""
        async with database.reading() as connection:
            rows = [row for table in metadata.sorted_tables for row in await connection.execute(sa.select(table))]
        return repr(rows).encode()

    async def test_who_left_gets_no_key(self, database, path, tmp_path):
        """Though an old file names them, and their key was revoked."""
        keys = tmp_path / "keys.json"
        await import_file(database, path, a_company(), credentials=keys)
        old = read_credentials(keys).user_keys["ben"].split("_")[1]
        async with database.writing() as connection:
            await leave(a_desk(connection, operator=True), "ben")  # (acme's only admin)
        report = await import_file(database, path, a_company(), credentials=keys)

        assert (report.keys_minted, report.left_alone) == (0, {"users": 1, "numbers": 1})
        assert documents.api_key_key(old) not in await everything(database)

    async def test_their_documents_say_who_may_do_what(self, database, path, tmp_path):
        """A tenant's key acts for all its users, a user's for one."""
        keys = tmp_path / "keys.json"
        await import_file(database, path, a_company(), credentials=keys)
        found, told = read_credentials(keys), await everything(database)

        def document(text):
            return documents.load_key(told[documents.api_key_key(text.split("_")[1])])

        tenants, users = document(found.api_keys["acme"]), document(found.user_keys["sol"])
        assert (tenants.tenant, tenants.user, tenants.scopes) == ("acme", None, ("send", "read", "admin"))
        assert (users.tenant, users.user, users.scopes) == ("solo", "sol", ("send", "read"))
        admins = document(found.admin_keys["acme"])
        assert (admins.tenant, admins.user, admins.scopes) == ("acme", None, ("admin",))

    async def test_a_file_of_an_earlier_version_gets_what_it_lacks(self, database, path, tmp_path):
        """Its keys stay."""
        keys = tmp_path / "keys.json"
        await import_file(database, path, a_company(), credentials=keys)
        old = orjson.loads(keys.read_bytes())
        keys.write_bytes(orjson.dumps({name: old[name] for name in ("api_keys", "user_keys")}))
        report = await import_file(database, path, a_company(), credentials=keys)

        new = orjson.loads(keys.read_bytes())
        assert (report.keys_minted, new["admin_keys"].keys()) == (2, {"acme", "solo"})
        assert (new["api_keys"], new["user_keys"]) == (old["api_keys"], old["user_keys"])

    async def test_a_key_has_one_place(self, database, path, tmp_path):
        """A tenant's key that was copied to where the admins' is stands there no longer."""
        keys = tmp_path / "keys.json"
        await import_file(database, path, a_company(), credentials=keys)
        spoilt = orjson.loads(keys.read_bytes())
        keys.write_bytes(orjson.dumps(spoilt | {"admin_keys": spoilt["api_keys"]}))
        assert (await import_file(database, path, a_company(), credentials=keys)).keys_minted == 2

        new = read_credentials(keys)
        assert new.api_keys == spoilt["api_keys"]
        assert not set(new.admin_keys.values()) & set(new.api_keys.values())

    async def test_a_key_that_is_no_longer_good_is_replaced(self, database, path, tmp_path):
        """Revoked, unknown to the database, or somebody else's; the others are kept."""
        keys = tmp_path / "keys.json"
        await import_file(database, path, a_company(), credentials=keys)
        old = read_credentials(keys)
        revoked = old.user_keys["ben"].split("_")[1]
        async with database.writing() as connection:
            record = (await find(connection, ApiKey, [(revoked,)]))[revoked,]
            fields = {name: getattr(record, name) for name in ApiKey.__slots__}
            await change(connection, actor="test", put=[ApiKey(**fields | {"revoked_at": AT})])
        spoilt = orjson.loads(keys.read_bytes())
        spoilt["api_keys"] = {"acme": "a2p_AAAAAAAAAAAA_" + "A" * 32, "solo": old.user_keys["sol"], "other": "theirs"}
        keys.write_bytes(orjson.dumps(spoilt))

        report = await import_file(database, path, a_company(), credentials=keys)
        new = read_credentials(keys)

        assert report.keys_minted == 3
        assert documents.api_key_key(revoked) not in await everything(database)
        assert new.user_keys["ben"] != old.user_keys["ben"]
        assert (new.user_keys["ann"], new.user_keys["sol"]) == (old.user_keys["ann"], old.user_keys["sol"])
        assert len({*new.api_keys.values(), *new.user_keys.values()}) == 6
        assert new.api_keys["other"] == "theirs"

    @pytest.mark.parametrize(
        "content",
        [
            b"not json",
            b"[]",
            b'{"api_keys": {}}',
            b'{"api_keys":{"a":1},"user_keys":{}}',
            b'{"api_keys":{},"user_keys":{},"admin_keys":[]}',
        ],
    )
    async def test_a_file_that_is_something_else_is_left_alone(self, database, path, tmp_path, content):
        """And nothing is imported: the name was a mistake."""
        keys = tmp_path / "keys.json"
        keys.write_bytes(content)
        with pytest.raises(CredentialsFileError):
            await import_file(database, path, a_company(), credentials=keys)

        assert keys.read_bytes() == content
        assert await trail(database) == (0, 0)

    async def test_no_key_is_live_that_nobody_has(self, database, path, tmp_path):
        """The file cannot be written: then no key was minted either."""
        with pytest.raises(OSError, match="keys"):
            await import_file(database, path, a_company(), credentials=tmp_path / "nowhere" / "keys.json")

        async with database.reading() as connection:
            assert await connection.scalar(sa.select(sa.func.count()).select_from(api_keys)) == 0


@pytest.mark.skipif(not (TRAFFIC / "company.json").is_file(), reason=f"no company.json in {TRAFFIC} (A2P_TRAFFIC_DIR)")
async def test_a_real_company_is_imported_whole(database, tmp_path):
    """Five tenants with every state there is: no bad row, nothing left out, and nothing to do the second time."""
    options = ImportOptions(file=TRAFFIC / "company.json", credentials=tmp_path / "keys.json")
    report = await import_company(database, options, lambda *_: None)
    before = await trail(database)
    again = await import_company(database, options, lambda *_: None)

    assert (report.bad, report.left_out, report.keys_minted) == ([], {}, 354)
    assert (again.changes.total(), await trail(database)) == (0, before)
    assert len(await everything(database)) == 5 + 8 + 2 * 344 + 374 + 1800 + 354
