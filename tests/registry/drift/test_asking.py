"""Who is left out of a look, and when a look is given up."""

import pytest
from structlog.testing import capture_logs

from registry.drift.asking import Asking, UnansweredError
from registry.provisioning.client import (
    KeyRefusedError,
    MisunderstoodError,
    RefusedError,
    ThrottledError,
    UnavailableError,
)
from registry.tcr.errors import TcrDeniedError, TcrRefusedError, TcrUnavailableError

AWAY = UnavailableError("NO_ANSWER", "")
SENSELESS = MisunderstoodError("NO_SENSE", "")
NO = RefusedError("MALFORMED", "")


class Side:
    """Answers, or raises, one after the other."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def __call__(self):
        """The next answer."""
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def asked(*answers):
    """Ask as often as there are answers; gives what became of each question, and whether the look was given up."""
    asking, side, became = Asking(), Side(*answers), []
    try:
        while side.answers:
            try:
                became.append(await asking.ask(side))
            except UnansweredError:
                became.append(None)
        asking.finish()
    except Exception as error:  # noqa: BLE001 - whichever it is
        return became, error
    return became, None


@pytest.mark.parametrize("failure", [AWAY, SENSELESS, TcrUnavailableError("unreadable")])
async def test_one_object_is_left_out(failure):
    """As long as others are answered for, and more of them."""
    assert await asked(failure, 1, 2) == ([None, 1, 2], None)
    assert await asked(1, failure, 2, failure, failure) == ([1, None, 2, None, None], None)


async def test_a_side_that_answers_less_often_than_not_is_away():
    """Not every object is asked about then: each may take as long as the client waits."""
    assert await asked(AWAY, AWAY, 1) == ([None], AWAY)
    assert await asked(1, AWAY, AWAY, AWAY, 2) == ([1, None, None], AWAY)


async def test_a_look_in_which_nothing_was_answered_is_given_up():
    """Or a side that is away would pass for one that has nothing to say."""
    assert await asked(AWAY) == ([None], AWAY)
    assert await asked(NO, AWAY) == ([None, None], None)


@pytest.mark.parametrize("no", [NO, TcrRefusedError("refused")])
async def test_a_refusal_is_an_answer(no):
    """About this object only, however many there are."""
    assert await asked(no, no, no, no, 1) == ([None, None, None, None, 1], None)


@pytest.mark.parametrize("no", [KeyRefusedError("UNAUTHENTICATED", ""), TcrDeniedError("denied")])
async def test_our_key_is_good_for_all_or_for_none(no):
    """Nobody else is asked about."""
    assert await asked(1, 2, no, 3) == ([1, 2], no)


async def test_one_call_too_many_is_made_again():
    """A few times: somebody else may use up all that there is."""
    many = ThrottledError("RATE_LIMITED", "")
    assert await asked(many, many, many, many, 1) == ([1], None)
    assert await asked(*[many] * 5) == ([None], many)


async def test_what_is_left_out_is_told_by_how_many():
    """Once a look, and nothing of an object."""
    with capture_logs() as logs:
        await asked(NO, 1, AWAY)
        await asked(1, 2)
    assert logs == [{"event": "drift_objects_left_out", "entries": 2, "log_level": "warning"}]
