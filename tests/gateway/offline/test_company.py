from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from compliance.documents import LineDocument, UserDocument
from compliance.facts import Assignment, OptOut, Owner, SenderNumber
from compliance.shapes import ShapeError
from gateway.offline.company import read_company

DID = "+12025550101"
MOBILE = "+14155550143"


def a_file(**lists: Any) -> bytes:
    """Build a company file with one user who has one number; each list may be replaced."""
    return orjson.dumps(
        {
            "format": "a2p-company/1",
            "tenants": [{"id": "t1", "name": "One", "customer_since": "2024-03-01"}],
            "users": [{"id": "u1", "tenant": "t1", "name": "Ann", "extension": "101"}],
            "brands": [{"id": "B1", "tenant": "t1", "status": "verified"}],
            "campaigns": [{"id": "C1", "brand_id": "B1", "use_case": "mixed", "status": "active", "samples": []}],
            "numbers": [a_number()],
            "contacts": [{"number": MOBILE, "carrier": "att", "line": "mobile"}],
            "opt_outs": [{"tenant": "t1", "recipient": MOBILE, "at": "2026-10-01T15:00:00Z", "keyword": "quit"}],
        }
        | lists,
    )


def a_number(**fields: Any) -> dict[str, Any]:
    """Build a row of the numbers."""
    link = {"state": "assigned", "campaign_id": "C1", "brand_id": "B1"}
    return {"did": DID, "tenant": "t1", "user": "u1", "kind": "local", "sms": "enabled", "assignment": link} | fields


class TestReading:
    def test_everything_is_found_by_its_key(self):
        """As the send path looks it up."""
        company = read_company(a_file())

        assert company.users == {"u1": UserDocument(id="u1", tenant="t1", customer_since=date(2024, 3, 1))}
        assert company.extensions == {("t1", "101"): "u1"}
        assert company.numbers == {
            DID: SenderNumber(
                owner=Owner(tenant="t1", user="u1"),
                sms="enabled",
                assignment=Assignment(state="assigned", campaign_id="C1", brand_id="B1"),
            )
        }
        assert company.campaigns["C1"].use_case == "mixed"
        assert company.brands["B1"].status == "verified"
        assert company.lines == {MOBILE: LineDocument(carrier="att", line="mobile")}
        assert company.opt_outs == {
            ("t1", MOBILE): OptOut(at=datetime(2026, 10, 1, 15, tzinfo=UTC), keyword="quit", tenant="t1")
        }

    def test_the_first_row_with_an_id_counts(self):
        """As the import has it."""
        twice = [a_number(), a_number(sms="disabled")]

        assert read_company(a_file(numbers=twice)).numbers[DID].sms == "enabled"

    def test_lists_may_be_left_out(self):
        """A company without campaigns is the usual start."""
        company = read_company(b'{"format": "a2p-company/1"}')

        assert (company.users, company.numbers) == ({}, {})

    def test_a_state_that_nobody_knows_is_kept(self):
        """It is the judge's to refuse."""
        assert read_company(a_file(numbers=[a_number(sms="paused")])).numbers[DID].sms == "paused"

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (b"{", "company file: not JSON"),
            (b"[]", "company file: its format must be a2p-company/1"),
            (b'{"format": "a2p-company/2"}', "company file: its format must be a2p-company/1"),
            (a_file(users={}), "users: must be a list"),
            (a_file(users=[7]), r"users\[0\]: must be an object"),
            (a_file(tenants=[{"id": "t1"}]), r"tenants\[0\].customer_since: missing"),
            (a_file(users=[{"id": "u1", "tenant": "t2"}]), r"users\[0\].tenant: is not in the file"),
            (a_file(users=[{"id": "u1", "tenant": "t1", "extension": 1}]), r"users\[0\].extension: must be a string"),
            (a_file(numbers=[a_number(did="911")]), r"numbers\[0\].did: must be a North American number"),
            (
                a_file(numbers=[a_number(), a_number(user="u2")]),
                r"numbers\[1\].user: is not a user of the number's tenant",
            ),
            (a_file(numbers=[a_number(sms=1)]), r"numbers\[0\]: number.sms: must be a string"),
            (a_file(campaigns=[{"id": "C1"}]), r"campaigns\[0\]: campaign.brand_id: missing"),
            (a_file(brands=[{"id": "B1"}]), r"brands\[0\]: brand.status: missing"),
            (a_file(contacts=[{"number": "12"}]), r"contacts\[0\].number: must be a phone number"),
            (a_file(opt_outs=[{"tenant": "t1", "recipient": MOBILE}]), r"opt_outs\[0\].at: missing"),
        ],
    )
    def test_what_is_wrong_is_named(self, raw, message):
        """By row and field."""
        with pytest.raises(ShapeError, match=message):
            read_company(raw)


class TestDirectory:
    @pytest.mark.parametrize("to", ["user:u1", "ext:101", DID, "(202) 555-0101", "1 202 555 0101 x5"])
    def test_a_colleague_is_found_however_written(self, to):
        """By id, by extension, by number as typed."""
        assert read_company(a_file()).directory("t1", to) == Owner(tenant="t1", user="u1")

    @pytest.mark.parametrize("to", ["user:u2", "ext:102", "ext:1", MOBILE, "911", "", "101"])
    def test_everybody_else_is_not(self, to):
        """Digits are no extension unless they say so."""
        assert read_company(a_file()).directory("t1", to) is None

    def test_extensions_are_per_tenant(self):
        """Every company has a 101."""
        assert read_company(a_file()).directory("t2", "ext:101") is None

    def test_another_tenants_number_names_its_owner(self):
        """Whether that is internal is the judge's to say."""
        assert read_company(a_file()).directory("t2", DID) == Owner(tenant="t1", user="u1")

    @pytest.mark.parametrize("fields", [{"kind": "service"}, {"user": None}])
    def test_a_number_without_a_person_is_not_in_it(self, fields):
        """Queues and attendants read no messages."""
        assert read_company(a_file(numbers=[a_number(**fields)])).directory("t1", DID) is None
