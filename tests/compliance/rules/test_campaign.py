import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks
from compliance.facts import RegistryState
from compliance.rules.campaign import check
from tests.builders import a_campaign, a_campaign_case, a_case, a_number, a_sender, an_assignment

MOCK = blocks(Code.MOCK_CAMPAIGN)
PENDING = blocks(Code.CAMPAIGN_PENDING)
DECLINED = blocks(Code.CAMPAIGN_DECLINED)
EXPIRED = a_campaign(status="expired")


class TestCampaign:
    def test_an_active_shared_approved_campaign_has_no_finding(self):
        """The only one that may send."""
        assert check(a_campaign_case()) == NOTHING

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            ("draft", Code.CAMPAIGN_PENDING),
            ("pending", Code.CAMPAIGN_PENDING),
            ("rejected", Code.CAMPAIGN_REJECTED),
            ("suspended", Code.CAMPAIGN_SUSPENDED),
            ("expired", Code.CAMPAIGN_EXPIRED),
            ("deactivated", Code.CAMPAIGN_DEACTIVATED),
            # What nobody has heard of is not active yet.
            ("Active", Code.CAMPAIGN_PENDING),
            ("paused", Code.CAMPAIGN_PENDING),
            ("", Code.CAMPAIGN_PENDING),
        ],
    )
    def test_every_other_status(self, status, code):
        """Only active may send."""
        assert check(a_campaign_case(status=status)) == blocks(code)

    @pytest.mark.parametrize(
        ("sharing", "found"),
        [("accepted", NOTHING), ("pending", PENDING), ("declined", DECLINED), ("bogus", PENDING), ("", PENDING)],
    )
    def test_sharing(self, sharing, found):
        """The upstream must have accepted it."""
        assert check(a_campaign_case(sharing=sharing)) == found

    def test_all_parties_must_have_approved(self):
        """CAMPAIGN_DCA_COMPLETE comes last."""
        assert check(a_campaign_case(dca_complete=False)) == PENDING

    def test_a_mock_campaign_is_for_tests_only(self):
        """However good it looks."""
        assert check(a_campaign_case(mock=True)) == MOCK

    def test_everything_is_said_in_order(self):
        """Mock, status, sharing, approval."""
        case = a_campaign_case(mock=True, status="expired", sharing="declined", dca_complete=False)

        assert check(case) == MOCK + blocks(Code.CAMPAIGN_EXPIRED) + DECLINED + PENDING

    @pytest.mark.parametrize(
        "fields",
        [
            {"sender": a_sender(campaign=None)},
            {"sender": a_sender(campaign=EXPIRED, number=a_number(assignment=None))},
            {"sender": a_sender(campaign=EXPIRED, number=a_number(assignment=an_assignment(state="removing")))},
            {"sender": a_sender(campaign=EXPIRED), "registry": RegistryState("unavailable")},
        ],
    )
    def test_without_a_campaign_there_is_no_finding(self, fields):
        """None, none assigned, or none that may be believed."""
        assert check(a_case(**fields)) == NOTHING

    @pytest.mark.parametrize("state", ["pending", "failed", "bogus"])
    def test_a_campaign_is_looked_at_also_after_a_bad_assignment(self, state):
        """So that all that is wrong is said at once."""
        sender = a_sender(campaign=EXPIRED, number=a_number(assignment=an_assignment(state=state)))

        assert check(a_case(sender=sender)) == blocks(Code.CAMPAIGN_EXPIRED)
