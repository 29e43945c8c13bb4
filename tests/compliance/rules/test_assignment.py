import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks
from compliance.facts import RegistryState
from compliance.rules.assignment import check
from tests.builders import a_brand, a_campaign, a_case, a_number, a_sender, an_assignment

UNASSIGNED = blocks(Code.DID_UNASSIGNED)
PENDING = blocks(Code.DID_ASSIGNMENT_PENDING)
FAILED = blocks(Code.DID_ASSIGNMENT_FAILED)


class TestAssignment:
    def test_a_consistent_assignment_has_no_finding(self):
        """Number, campaign and brand agree."""
        assert check(a_case()) == NOTHING

    @pytest.mark.parametrize(
        ("assignment", "found"),
        [
            (None, UNASSIGNED),
            (an_assignment(state="removing"), UNASSIGNED),
            (an_assignment(state="pending"), PENDING),
            (an_assignment(state="failed"), FAILED),
            (an_assignment(state="ASSIGNED"), FAILED),
            (an_assignment(state=""), FAILED),
            # Assigned, but to what?
            (an_assignment(campaign_id=None), FAILED),
            (an_assignment(campaign_id="C2"), FAILED),
            (an_assignment(brand_id=None), FAILED),
            (an_assignment(brand_id="B2"), FAILED),
        ],
    )
    def test_any_other(self, assignment, found):
        """A state nobody has heard of, or an inconsistent link, counts as failed."""
        assert check(a_case(sender=a_sender(number=a_number(assignment=assignment)))) == found

    @pytest.mark.parametrize(
        "sender",
        [
            a_sender(campaign=None),
            a_sender(brand=None),
            a_sender(campaign=None, brand=None),
            a_sender(campaign=a_campaign(id="C2")),
            a_sender(campaign=a_campaign(brand_id="B2")),
            a_sender(brand=a_brand(id="B2")),
        ],
    )
    def test_campaign_and_brand_must_be_the_ones_it_names(self, sender):
        """A missing or foreign fact is never repaired silently."""
        assert check(a_case(sender=sender)) == FAILED

    @pytest.mark.parametrize("both", [None, "B2"])
    def test_brands_that_agree_on_the_wrong_one_still_fail(self, both):
        """All three must be equal."""
        sender = a_sender(
            number=a_number(assignment=an_assignment(brand_id=both)),
            campaign=a_campaign(brand_id=both),
        )

        assert check(a_case(sender=sender)) == FAILED

    @pytest.mark.parametrize("number", [None, a_number(kind="toll_free", assignment=None)])
    def test_where_registration_is_no_matter(self, number):
        """A toll-free number needs no campaign; one that is not ours has ended the matter."""
        assert check(a_case(sender=a_sender(number=number))) == NOTHING

    def test_facts_that_may_not_be_believed_are_not_used(self):
        """The registry's state is all that is said then."""
        sender = a_sender(number=a_number(assignment=None))

        assert check(a_case(sender=sender, registry=RegistryState("unavailable"))) == NOTHING
        assert check(a_case(sender=sender, registry=RegistryState("stale", 1))) == UNASSIGNED
