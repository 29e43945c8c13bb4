import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks
from compliance.facts import RegistryState
from compliance.rules.brand import check
from tests.builders import a_brand, a_campaign, a_case, a_number, a_sender

UNVERIFIED = blocks(Code.BRAND_UNVERIFIED)


class TestBrand:
    @pytest.mark.parametrize(
        ("status", "found"),
        [
            ("verified", NOTHING),
            ("vetted_verified", NOTHING),
            ("pending", UNVERIFIED),
            ("unverified", UNVERIFIED),
            ("self_declared", UNVERIFIED),
            ("suspended", blocks(Code.BRAND_SUSPENDED)),
            ("deleted", blocks(Code.BRAND_DELETED)),
            # What nobody has heard of is not verified.
            ("VERIFIED", UNVERIFIED),
            ("", UNVERIFIED),
        ],
    )
    def test_status(self, status, found):
        """Only a verified brand may send."""
        assert check(a_case(sender=a_sender(brand=a_brand(status=status)))) == found

    @pytest.mark.parametrize(
        ("status", "found"),
        [
            ("self_declared", NOTHING),
            ("verified", NOTHING),
            ("unverified", UNVERIFIED),
            ("deleted", blocks(Code.BRAND_DELETED)),
        ],
    )
    def test_a_sole_proprietor_declares_itself(self, status, found):
        """And that only."""
        sender = a_sender(campaign=a_campaign(use_case="sole_proprietor"), brand=a_brand(status=status))

        assert check(a_case(sender=sender)) == found

    def test_a_brand_is_looked_at_without_a_campaign_too(self):
        """Whatever facts are there."""
        sender = a_sender(campaign=None, brand=a_brand(status="self_declared"))

        assert check(a_case(sender=sender)) == UNVERIFIED

    @pytest.mark.parametrize(
        "fields",
        [
            {"sender": a_sender(brand=None)},
            {"sender": a_sender(brand=a_brand(status="deleted"), number=a_number(assignment=None))},
            {"sender": a_sender(brand=a_brand(status="deleted")), "registry": RegistryState("unavailable")},
        ],
    )
    def test_without_a_brand_there_is_no_finding(self, fields):
        """None, none assigned, or none that may be believed."""
        assert check(a_case(**fields)) == NOTHING
