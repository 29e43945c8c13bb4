from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from compliance.facts import LIVE, NO_USAGE, Media, Message, Owner
from compliance.shapes import ShapeError
from gateway.offline.company import Company, read_company
from gateway.offline.day import facts_of, read_day_line
from tests.gateway.offline.test_company import DID, MOBILE, a_file, a_number


def a_line(**fields: Any) -> bytes:
    """Build a line from a user to an outsider."""
    line = {
        "n": 1,
        "at": "2026-11-20T13:00:01.800000Z",
        "user": "u1",
        "from": DID,
        "to": MOBILE,
        "text": "Hi",
        "media": [],
        "origin": "app",
    }
    return orjson.dumps(line | fields)


@pytest.fixture
def company() -> Company:
    """One user with one number."""
    return read_company(a_file())


class TestLine:
    def test_a_line_is_read(self):
        """Every field."""
        line = read_day_line(a_line(media=[{"type": "Image/PNG", "bytes": 12}], origin="api"))

        assert (line.n, line.user) == (1, "u1")
        assert line.at == datetime(2026, 11, 20, 13, 0, 1, 800_000, tzinfo=UTC)
        assert line.message == Message(
            to=MOBILE, sender=DID, text="Hi", media=(Media(type="image/png", bytes=12),), origin="api"
        )

    def test_what_has_a_default_may_be_left_out(self):
        """An instant message has no sender number."""
        raw = b'{"n": 2, "at": "2026-11-20T13:00:00Z", "user": "u1", "to": "user:u2"}'

        assert read_day_line(raw).message == Message(to="user:u2")

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (b"{", "message: not JSON"),
            (b"[]", "message: must be an object"),
            (a_line(tenant="t1"), "message.tenant: unknown field"),
            (a_line(n=None), "message.n: must be a whole number"),
            (a_line(at="2026-11-20T13:00:00"), "message.at: has no offset"),
            (a_line(user=1), "message.user: must be a string"),
            (a_line(to=None), "message.to: must be a string"),
            (a_line(origin="sms"), "message.origin: must be one of api, app"),
            (a_line(media={}), "message.media: must be an array"),
            (a_line(media=[{"type": "image/png"}]), "media.bytes: missing"),
        ],
    )
    def test_what_is_wrong_is_named(self, raw, message):
        """By field."""
        with pytest.raises(ShapeError, match=message):
            read_day_line(raw)


class TestFacts:
    def test_everything_is_looked_up(self, company):
        """Number, campaign, brand, the recipient's line and opt-out."""
        facts = facts_of(read_day_line(a_line()), company)

        assert (facts.sender.tenant, facts.sender.user) == ("t1", "u1")
        assert facts.sender.number is company.numbers[DID]
        assert facts.sender.campaign is company.campaigns["C1"]
        assert facts.sender.brand is company.brands["B1"]
        assert (facts.recipient.carrier, facts.recipient.line) == ("att", "mobile")
        assert facts.recipient.opted_out is company.opt_outs["t1", MOBILE]
        assert facts.recipient.directory is None
        assert (facts.usage, facts.registry, facts.message.participants) == (NO_USAGE, LIVE, 1)

    def test_numbers_are_found_as_people_write_them(self, company):
        """The sender's canonical form, the recipient's E.164; the message keeps what was submitted."""
        facts = facts_of(read_day_line(a_line(**{"from": "202 555 0101", "to": "(415) 555-0143"})), company)

        assert facts.sender.number is company.numbers[DID]
        assert facts.recipient.carrier == "att"
        assert (facts.message.sender, facts.message.to) == ("202 555 0101", "(415) 555-0143")

    def test_a_colleague_is_found_in_the_directory(self, company):
        """Which makes the message internal."""
        facts = facts_of(read_day_line(a_line(to="ext:101")), company)

        assert facts.recipient.directory == Owner(tenant="t1", user="u1")

    @pytest.mark.parametrize("sender", [None, "+12025550199", "nobody"])
    def test_an_unknown_sender_number_has_no_facts(self, company, sender):
        """The judge refuses it."""
        facts = facts_of(read_day_line(a_line(**{"from": sender})), company)

        assert (facts.sender.number, facts.sender.campaign, facts.sender.brand) == (None, None, None)

    def test_an_assignment_to_nothing_brings_nothing(self):
        """It counts as failed, later."""
        link = {"state": "assigned", "campaign_id": "C9", "brand_id": "B1"}
        company = read_company(a_file(numbers=[a_number(assignment=link)]))

        facts = facts_of(read_day_line(a_line()), company)

        assert (facts.sender.campaign, facts.sender.brand) == (None, None)

    def test_the_brand_is_that_of_the_campaign(self):
        """Not the one that the assignment claims."""
        brands = [{"id": "B1", "status": "verified"}, {"id": "B2", "status": "verified"}]
        link = {"state": "assigned", "campaign_id": "C1", "brand_id": "B2"}
        company = read_company(a_file(brands=brands, numbers=[a_number(assignment=link)]))

        facts = facts_of(read_day_line(a_line()), company)

        assert facts.sender.brand is company.brands["B1"]

    def test_an_unknown_user_is_an_error(self, company):
        """A line that nobody sent cannot be judged."""
        with pytest.raises(ShapeError, match=r"message\.user: is not in the company file"):
            facts_of(read_day_line(a_line(user="u2")), company)
