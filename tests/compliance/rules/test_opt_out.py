from datetime import timedelta

import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks, flags
from compliance.rules.opt_out import check
from tests.builders import AT, TENANT, a_case, a_message, a_recipient, an_opt_out

OPTED_OUT = blocks(Code.RECIPIENT_OPTED_OUT)
SUSPECTED = flags(Code.FLAG_FREE_TEXT_REVOCATION)
SECOND = timedelta(seconds=1)


class TestOptOut:
    def test_without_an_opt_out_there_is_no_finding(self):
        """The usual case."""
        assert check(a_case(recipient=a_recipient())) == NOTHING

    @pytest.mark.parametrize("tenant", [None, TENANT])
    @pytest.mark.parametrize("at", [AT - timedelta(days=2_000), AT - SECOND, AT])
    def test_an_opt_out_from_this_tenant_holds_from_its_instant_on(self, tenant, at):
        """None is the sending tenant."""
        assert check(a_case(recipient=a_recipient(opted_out=an_opt_out(at=at, tenant=tenant)))) == OPTED_OUT

    @pytest.mark.parametrize("keyword", ["stop", "unsubscribe", "arret", "banana"])
    @pytest.mark.parametrize("number", [None, "+12025550199"])
    def test_neither_the_word_nor_the_number_matters(self, keyword, number):
        """The scope is the whole tenant."""
        out = an_opt_out(keyword=keyword, number=number)

        assert check(a_case(recipient=a_recipient(opted_out=out))) == OPTED_OUT

    def test_an_opt_out_of_the_future_does_not_hold_yet(self):
        """It is later than the decision."""
        assert check(a_case(recipient=a_recipient(opted_out=an_opt_out(at=AT + SECOND)))) == NOTHING

    def test_instants_are_compared_by_whole_seconds(self):
        """Stored records hold no more: a replay must find the same."""
        out = an_opt_out(at=AT + timedelta(milliseconds=999))

        assert check(a_case(recipient=a_recipient(opted_out=out))) == OPTED_OUT

    def test_an_opt_out_from_another_company_does_not_hold(self):
        """It says nothing about this one."""
        assert check(a_case(recipient=a_recipient(opted_out=an_opt_out(tenant="t2")))) == NOTHING

    def test_a_suspected_revocation_is_worth_a_look(self):
        """A person settles it."""
        assert check(a_case(recipient=a_recipient(free_text_revocation=True))) == SUSPECTED

    def test_both_are_said(self):
        """Neither hides the other."""
        recipient = a_recipient(opted_out=an_opt_out(), free_text_revocation=True)

        assert check(a_case(recipient=recipient)) == OPTED_OUT + SUSPECTED
        assert check(a_case(recipient=recipient._replace(opted_out=an_opt_out(tenant="t2")))) == SUSPECTED

    @pytest.mark.parametrize("text", ["STOP", "Please stop", "unsubscribe"])
    def test_the_outbound_text_is_no_opt_out(self, text):
        """Only inbound texts are read so."""
        assert check(a_case(message=a_message(text=text))) == NOTHING
