"""What webhooks say."""

from datetime import UTC, datetime

import pytest

from loadtests.tcr.words import EVENT_TYPES
from registry.tcr.events import MalformedError, has_to_be_asked, is_known, observations, read_event, read_object

TIME = "2026-11-20T13:00:00Z"


def said(event_type, **fields):
    """Read an event of C1 and B1, and give what it says as aspect and word."""
    body = {"eventType": event_type, "brandId": "BAAAAA1", "time": TIME} | fields
    return [(one.aspect, one.value, one.is_adverse) for one in observations(read_event(body))]


def said_of_campaign(event_type, **fields):
    """The same for an event of a campaign."""
    return said(event_type, **{"campaignId": "CAAAAA1"} | fields)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"\xff{}", "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b"[]", "invalid_type"),
        (b'"x"', "invalid_type"),
        (b"null", "invalid_type"),
        (b'{"a": {}}', "invalid_type"),
        (b'{"a": [1]}', "invalid_type"),
        (b'{"eventType": "X", "eventType": "X"}', "duplicate_key"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate_key"),
        (b'{"a": {"b": 1, "b": 1}}', "duplicate_key"),
    ],
)
def test_what_is_no_flat_object_is_malformed(raw, code):
    """Two readers could read two things."""
    with pytest.raises(MalformedError) as malformed:
        read_object(raw)
    assert malformed.value.code == code


@pytest.mark.parametrize("given", [None, "", 7, True, "x" * 200, "a\nb"])
def test_an_event_has_a_type(given):
    """Without one it is none."""
    with pytest.raises(MalformedError):
        read_event({"eventType": given})


@pytest.mark.parametrize(
    ("time", "read"),
    [
        (TIME, datetime(2026, 11, 20, 13, tzinfo=UTC)),
        ("2026-11-20T08:00:00-05:00", datetime(2026, 11, 20, 13, tzinfo=UTC)),
        ("2026-11-20T13:00:00", datetime(2026, 11, 20, 13, tzinfo=UTC)),
        (1_795_179_600, datetime(2026, 11, 20, 13, tzinfo=UTC)),
        (1_795_179_600_000, datetime(2026, 11, 20, 13, tzinfo=UTC)),
        ("soon", None),
        (1e300, None),
        (None, None),
        (True, None),
    ],
)
def test_when_it_happened(time, read):
    """RFC 3339, or seconds or milliseconds; what is no time is none, for an adverse event counts all the same."""
    assert read_event({"eventType": "X", "time": time}).occurred_at == read


@pytest.mark.parametrize("spelling", ["APPROVE", "APPROVED", "approved"])
def test_spellings_differ_between_sources(spelling):
    """A family is told by how its name begins, in any case."""
    found = said_of_campaign(f"MNO_CAMPAIGN_OPERATION_{spelling}", mnoId=10017)
    assert found == [("att", "approved", False)]


@pytest.mark.parametrize(
    ("event_type", "found"),
    [
        ("MNO_CAMPAIGN_OPERATION_REJECTED", [("tmobile", "rejected", True)]),
        ("MNO_CAMPAIGN_OPERATION_REVIEW", [("tmobile", "review", True)]),
        ("MNO_CAMPAIGN_OPERATION_SUSPEND", [("tmobile", "suspended", True)]),
        ("MNO_CAMPAIGN_OPERATION_UNSUSPENDED", [("tmobile", "approved", False)]),
        ("MNO_CAMPAIGN_OPERATION_PAUSED", [("tmobile", "paused", True)]),
        ("CAMPAIGN_EXPIRED", [("status", "expired", True)]),
        ("CAMPAIGN_SHARE_ADD", [("sharing", "pending", True)]),
        ("CAMPAIGN_SHARE_ACCEPT", [("sharing", "accepted", False)]),
        ("CAMPAIGN_SHARE_DELETE", [("sharing", "declined", True)]),
        ("CAMPAIGN_DCA_COMPLETE", [("dca", "complete", False)]),
        ("CAMPAIGN_RESUBMISSION", [("sharing", "pending", True), ("dca", "incomplete", True)]),
        ("CAMPAIGN_BILLED", []),
        ("MNO_COMPLAINT", []),
    ],
)
def test_what_is_said_about_a_campaign(event_type, found):
    """Each family, and that only good words are not adverse."""
    assert said_of_campaign(event_type, mnoId=10035) == found


@pytest.mark.parametrize(
    ("fields", "aspect"),
    [
        ({"mnoId": 10017}, "att"),
        ({"mnoId": "10035"}, "tmobile"),
        ({"mnoName": "Verizon Wireless"}, "verizon"),
        ({"mnoId": 10037, "mnoName": "U.S. Cellular"}, "us_cellular"),
    ],
)
def test_which_carrier_it_is_about(fields, aspect):
    """By number where it is confirmed, else by name in any spelling."""
    assert said_of_campaign("MNO_CAMPAIGN_OPERATION_SUSPENDED", **fields) == [(aspect, "suspended", True)]


def test_a_carrier_that_nobody_knows_has_tcr_asked():
    """It may be one of ours under a new number; a brand's or campaign's other states stay."""
    event = read_event({"eventType": "MNO_CAMPAIGN_OPERATION_SUSPENDED", "campaignId": "CAAAAA1", "mnoId": 77})
    assert observations(event) == ()
    assert has_to_be_asked(event)


@pytest.mark.parametrize(
    ("event_type", "fields", "found"),
    [
        ("BRAND_IDENTITY_STATUS_UPDATE", {"brandIdentityStatus": "VERIFIED"}, [("identity", "verified", False)]),
        ("BRAND_IDENTITY_STATUS_UPDATE", {"brandIdentityStatus": "UNVERIFIED"}, [("identity", "unverified", True)]),
        ("BRAND_IDENTITY_STATUS_UPDATE", {"brandIdentityStatus": "LIMBO"}, [("identity", "limbo", True)]),
        ("BRAND_IDENTITY_STATUS_UPDATE", {}, []),
        ("BRAND_DELETE", {}, [("identity", "deleted", True)]),
        ("BRAND_SCORE_UPDATE", {}, []),
        ("BRAND_UPDATE", {}, []),
    ],
)
def test_what_is_said_about_a_brand(event_type, fields, found):
    """Only one type tells the identity; a status that nobody knows is kept and is not good."""
    assert said(event_type, **fields) == found


def test_a_campaign_status_that_nobody_knows_is_kept():
    """It is not good: the judge takes it for pending."""
    assert said_of_campaign("CAMPAIGN_STATUS_UPDATE", campaignStatus="LIMBO") == [("status", "limbo", True)]


def test_an_event_is_the_same_when_it_says_the_same():
    """However it is written; a later one, or one with another word, is another."""
    body = {"eventType": "CAMPAIGN_EXPIRED", "campaignId": "CAAAAA1", "time": TIME}
    same = read_event(dict(reversed(body.items())) | {"cspName": "x"})
    assert read_event(body).id == same.id
    others = [
        {"time": "2026-11-20T13:00:01Z"},
        {"campaignId": "CAAAAA2"},
        {"mnoId": 10017},
        {"brandIdentityStatus": "V"},
    ]
    assert len({read_event(body | other).id for other in [{}, *others]}) == 5


def test_every_type_of_the_emulator_is_known():
    """And one that is not has TCR asked."""
    events = [read_event({"eventType": name, "brandId": "BAAAAA1"}) for name in EVENT_TYPES]
    assert [event.type for event in events if not is_known(event)] == []
    assert has_to_be_asked(read_event({"eventType": "CAMPAIGN_TELEPORTED", "campaignId": "CAAAAA1"}))
