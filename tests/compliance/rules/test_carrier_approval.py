from itertools import product

import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks, flags
from compliance.facts import CarrierStates
from compliance.rules.carrier_approval import check
from tests.builders import (
    ALL_APPROVED,
    CANADA,
    PUERTO_RICO,
    TOLL_FREE,
    US,
    a_campaign,
    a_case,
    a_message,
    a_recipient,
    a_sender,
)

SUSPENDED = blocks(Code.CAMPAIGN_SUSPENDED)
NOT_APPROVED = blocks(Code.CAMPAIGN_MNO_NOT_APPROVED)
NOT_EVERYWHERE = flags(Code.CAMPAIGN_MNO_NOT_APPROVED)

CARRIERS = CarrierStates._fields
STATES = ["approved", "review", "rejected", "suspended", "bogus", ""]


def found(carrier, to=US, **campaign):
    """Ask the rule about a recipient of this carrier and a campaign with these fields."""
    return check(
        a_case(
            message=a_message(to=to),
            sender=a_sender(campaign=a_campaign(**campaign)),
            recipient=a_recipient(carrier=carrier),
        ),
    )


def everywhere(state):
    """Give all four carriers one state."""
    return CarrierStates(state, state, state, state)


class TestKnownCarrier:
    @pytest.mark.parametrize(("carrier", "state"), list(product(CARRIERS, STATES)))
    def test_its_own_state_counts(self, carrier, state):
        """Approved may; suspended is said by name; everything else is not approved. The other three do not matter."""
        expected = {"approved": NOTHING, "suspended": SUSPENDED}.get(state, NOT_APPROVED)

        assert found(carrier, carriers=ALL_APPROVED._replace(**{carrier: state})) == expected
        assert found(carrier, carriers=everywhere("rejected")._replace(**{carrier: state})) == expected


class TestUnknownCarrier:
    @pytest.mark.parametrize("carrier", [None, "", "sprint", "count", "index", "_fields"])
    def test_one_approval_is_enough_to_try(self, carrier):
        """All approved: nothing; some: worth a look; none: refused."""
        assert found(carrier, carriers=ALL_APPROVED) == NOTHING
        assert found(carrier, carriers=ALL_APPROVED._replace(verizon="review")) == NOT_EVERYWHERE
        assert found(carrier, carriers=everywhere("review")) == NOT_APPROVED

    @pytest.mark.parametrize("carrier", CARRIERS)
    def test_whichever_it_is(self, carrier):
        """One approval among suspensions; one exception among approvals."""
        assert found(None, carriers=everywhere("suspended")._replace(**{carrier: "approved"})) == NOT_EVERYWHERE
        assert found(None, carriers=ALL_APPROVED._replace(**{carrier: "suspended"})) == NOT_EVERYWHERE

    def test_suspended_everywhere_is_suspended(self):
        """Three of four is not everywhere."""
        assert found(None, carriers=everywhere("suspended")) == SUSPENDED
        assert found(None, carriers=everywhere("suspended")._replace(att="review")) == NOT_APPROVED


class TestOsrStatus:
    @pytest.mark.parametrize(
        ("osr_status", "expected"),
        [(0, NOT_APPROVED), (3, NOT_APPROVED), (4, NOTHING), (7, NOTHING), (8, NOT_APPROVED), (12, NOTHING)],
    )
    def test_bit_two_decides_for_t_mobile(self, osr_status, expected):
        """Whatever carriers.tmobile says."""
        for state in ("approved", "suspended"):
            assert found("tmobile", osr_status=osr_status, carriers=everywhere(state)) == expected

    def test_it_says_nothing_about_the_others(self):
        """AT&T, Verizon and U.S. Cellular are asked by their own state."""
        for carrier in ("att", "verizon", "us_cellular"):
            assert found(carrier, osr_status=0) == NOTHING
            assert found(carrier, osr_status=4, carriers=everywhere("review")) == NOT_APPROVED

    def test_it_counts_among_the_four(self):
        """With the carrier unknown."""
        assert found(None, osr_status=0) == NOT_EVERYWHERE
        assert found(None, osr_status=4, carriers=everywhere("suspended")) == NOT_EVERYWHERE
        assert found(None, osr_status=0, carriers=everywhere("suspended")) == NOT_APPROVED


class TestWhere:
    @pytest.mark.parametrize("carrier", ["att", None])
    @pytest.mark.parametrize(
        ("to", "expected"),
        [(US, NOT_APPROVED), (PUERTO_RICO, NOT_APPROVED), (CANADA, NOTHING), (TOLL_FREE, NOTHING)],
    )
    def test_only_subscribers_of_carriers_in_the_united_states(self, carrier, to, expected):
        """Territories included; elsewhere these four have no say."""
        assert found(carrier, to, carriers=everywhere("rejected")) == expected

    def test_without_a_campaign_there_is_no_finding(self):
        """Nothing could be approved."""
        assert check(a_case(sender=a_sender(campaign=None))) == NOTHING
