import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, flags
from compliance.rules.automation import check
from tests.builders import a_campaign, a_case, a_message, a_sender

FOUND = flags(Code.UCAAS_CAMPAIGN_AUTOMATION)


class TestAutomation:
    @pytest.mark.parametrize("use_case", ["ucaas_low", "ucaas_high"])
    @pytest.mark.parametrize(("origin", "found"), [("app", NOTHING), ("api", FOUND), ("bot", FOUND)])
    def test_a_ucaas_campaign_is_for_people(self, use_case, origin, found):
        """A program that sends through it is worth a look; an origin nobody has heard of is a program."""
        sender = a_sender(campaign=a_campaign(use_case=use_case))

        assert check(a_case(message=a_message(origin=origin), sender=sender)) == found

    @pytest.mark.parametrize("use_case", ["low_volume", "mixed", "2fa", "ucaas", "UCAAS_LOW"])
    def test_other_campaigns_are_for_programs_too(self, use_case):
        """Whatever sends."""
        sender = a_sender(campaign=a_campaign(use_case=use_case))

        assert check(a_case(message=a_message(origin="api"), sender=sender)) == NOTHING

    def test_without_a_campaign_there_is_no_finding(self):
        """Nothing says what the number is for."""
        assert check(a_case(message=a_message(origin="api"), sender=a_sender(campaign=None))) == NOTHING
