from dataclasses import replace

import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks, flags
from compliance.facts import RegistryState
from compliance.rules.registry_state import check
from tests.builders import CURRENT, a_case, a_message, a_number, a_sender

STALE = flags(Code.FLAG_REGISTRATION_STALE)
UNAVAILABLE = blocks(Code.REGISTRY_UNAVAILABLE)
FAIL_OPEN = replace(CURRENT, registry_fail_open=True)


class TestRegistryState:
    @pytest.mark.parametrize("age_s", [0, 10**6])
    def test_live_facts_have_no_finding(self, age_s):
        """Their age does not matter."""
        assert check(a_case(registry=RegistryState(state="live", age_s=age_s))) == NOTHING

    @pytest.mark.parametrize(
        ("origin", "age_s", "found"),
        [
            ("app", 0, STALE),
            ("app", 899, STALE),
            ("app", 900, STALE),
            ("app", 901, UNAVAILABLE),
            ("api", 0, STALE),
            ("api", 4, STALE),
            ("api", 5, STALE),
            ("api", 6, UNAVAILABLE),
            # An origin that nobody has heard of is a program.
            ("bot", 5, STALE),
            ("bot", 6, UNAVAILABLE),
        ],
    )
    def test_stale_facts_serve_for_a_while(self, origin, age_s, found):
        """A person gets a quarter of an hour, a program five seconds."""
        state = RegistryState(state="stale", age_s=age_s)

        assert check(a_case(message=a_message(origin=origin), registry=state)) == found

    @pytest.mark.parametrize("state", ["unavailable", "LIVE", "bogus", ""])
    def test_without_facts_nothing_goes(self, state):
        """Nor in a state that nobody has heard of, however young."""
        assert check(a_case(registry=RegistryState(state=state))) == UNAVAILABLE

    @pytest.mark.parametrize("state", [RegistryState("unavailable"), RegistryState("stale", 901)])
    def test_an_operator_may_choose_to_fail_open(self, state):
        """Then it is flagged."""
        assert check(a_case(FAIL_OPEN, registry=state)) == STALE

    def test_a_toll_free_number_needs_no_registry(self):
        """It is verified, not registered."""
        sender = a_sender(number=a_number(kind="toll_free"))

        assert check(a_case(sender=sender, registry=RegistryState("unavailable"))) == NOTHING
