import re

import pytest

from gateway.problems import PROBLEMS, ProblemCode


def test_every_code_has_a_kind():
    """A refusal that nobody can explain must not exist."""
    assert list(PROBLEMS) == list(ProblemCode)


def test_a_plain_word_finds_its_kind():
    """Problem carries the code as text."""
    assert PROBLEMS["idempotency_mismatch"].status == 422


@pytest.mark.parametrize("code", ProblemCode)
def test_a_kind_says_what_to_do(code):
    """A status of refusals, a title without a period, sentences with one; no template that could echo input."""
    kind = PROBLEMS[code]

    assert 400 <= kind.status <= 503
    assert re.fullmatch(r"[A-Z][^.{}]*", kind.title)
    assert re.fullmatch(r"[A-Z][^{}]*[.]|[A-Z][^{}]* <key>[.]", kind.fix)


@pytest.mark.parametrize(
    "code", ["overloaded", "queue_full", "queue_unavailable", "registry_unavailable", "outcome_unknown"]
)
def test_what_is_our_fault_may_be_tried_again(code):
    """503, and never a pass."""
    assert PROBLEMS[code].status == 503
