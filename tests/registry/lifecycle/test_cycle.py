"""The tables of moves: complete, closed, and the only way from one state to another."""

import pytest

from registry.lifecycle import numbers, registration
from registry.lifecycle.cycle import ABSENT, LifeCycle, NotAllowedError

CYCLES = [
    value for module in (registration, numbers) for value in vars(module).values() if isinstance(value, LifeCycle)
]


@pytest.mark.parametrize("cycle", CYCLES, ids=lambda cycle: cycle.name)
class TestEveryCycle:
    def test_one_event_leads_to_one_state(self, cycle):
        """From each state."""
        for state in cycle.states | {"of a kind unheard of"}:
            events = [move.event for move in cycle.moves_from(state)]
            assert len(events) == len(set(events)), state

    def test_every_move_is_allowed_and_nothing_else(self, cycle):
        """The table is the law: what it has leads where it says, the rest is refused."""
        table = {(state, move.event): move.target for state in cycle.states for move in cycle.moves_from(state)}
        for state in cycle.states:
            for event in {move.event for move in cycle.moves}:
                if (state, event) in table:
                    assert cycle.after(state, event) == table[state, event]
                else:
                    with pytest.raises(NotAllowedError):
                        cycle.after(state, event)

    def test_a_state_that_nothing_leads_on_from_is_a_stated_dead_end(self, cycle):
        """And tells people what to do instead; every other state leads on."""
        ends = {state for state in cycle.states if not cycle.moves_from(state)}

        assert ends == set(cycle.dead_ends)
        assert all(len(text) > 20 for text in cycle.dead_ends.values())

    def test_every_state_can_come_to_be(self, cycle):
        """From what is not there, or from where such a thing begins."""
        begins = ABSENT if ABSENT in cycle.states else cycle.moves[0].target if cycle.name == "carrier" else "none"
        begins = {"sms": "disabled", "dca": "incomplete", "licence": "other"}.get(cycle.name, begins)

        assert {state for state in cycle.states if not cycle.reaches(begins, state)} == set()


class TestUnknownStates:
    def test_a_word_that_nobody_knows_leads_on_where_the_table_says_so(self):
        """A state that TCR invents is kept; what TCR says next counts."""
        assert registration.CAMPAIGN.after("dormant", "accepted") == "active"
        with pytest.raises(NotAllowedError):
            registration.CAMPAIGN.after("dormant", "submitted")

    def test_nothing_leads_there(self):
        """A word must be one of the table's to be reached."""
        with pytest.raises(NotAllowedError):
            registration.CAMPAIGN.observed("active", "dormant")


@pytest.mark.parametrize(
    ("licence", "texts"),
    [
        ("X2", True),
        ("X8", True),
        ("X10", True),
        ("X1", False),
        ("X0", False),
        ("", False),
        ("x2", False),
        ("X2 ", False),
    ],
)
def test_licences(licence, texts):
    """X2 or higher; what nobody knows cannot text. From any licence to any other, and what it is worth follows."""
    assert numbers.may_text(licence) is texts
    for before in ("texting", "other"):
        now = numbers.licence_state(licence)
        assert numbers.LICENCE.observed(before, now) == ("texting" if texts else "other")
