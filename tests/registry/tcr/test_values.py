"""What TCR says is read as far as it can be, and what cannot is nothing."""

from datetime import UTC, date, datetime

import pytest

from registry.tcr.values import AsOf, read_campaign

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("renews", "day", "ends_on"),
    [
        (False, "2027-03-31", date(2027, 3, 31)),
        (False, "2027-03-31T08:00:00.000Z", date(2027, 3, 31)),
        (True, "2027-03-31", None),
        (None, "2027-03-31", None),
        ("false", "2027-03-31", None),
        (False, "soon", None),
        (False, "2027-02-30", None),
        (False, "", None),
        (False, None, None),
        (False, 20270331, None),
    ],
)
def test_when_a_campaign_ends(renews, day, ends_on):
    """Where it is not renewed, by the day that is named; a date or an instant."""
    fields = {"campaignId": "C1", "autoRenewal": renews, "nextRenewalOrExpirationDate": day}
    assert read_campaign(fields, AsOf(NOW, NOW)).ends_on == ends_on
