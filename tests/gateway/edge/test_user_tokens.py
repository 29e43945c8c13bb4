"""User tokens: the registry's signature, one algorithm, one issuer, one audience, a sign-in that stands."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance import documents
from compliance.user_tokens import LEEWAY_S, LIFETIME_S
from gateway.edge.keys import Keys, Principal
from gateway.edge.user_tokens import UserTokens
from gateway.errors import Problem
from tests.gateway.edge.test_keys import Loaded, Store
from tests.gateway.running_edge import ANN
from tests.gateway.tokens import KID, OURS, SID, STRANGERS, bad, claims, known, part, public_key, sign_in, token

NOW = 1_795_204_800.0
patient = settings(max_examples=300, deadline=None)
GOOD = token(NOW)


class Clock:
    """A wall clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.now


def keys(kept: dict[str, bytes] | None = None, clock: Any = None, **more: Any) -> Keys:
    """Check tokens by documents that are in memory."""
    known = public_key() | sign_in() if kept is None else kept
    return Keys(Loaded(known, is_fresh=True), tokens=UserTokens(clock or Clock()), **more)


def refusal(checked: Keys, shown: str | None) -> tuple[str, str, int | None]:
    """Say how a bearer is refused."""
    with pytest.raises(Problem) as refused:
        checked.at_hand(None if shown is None else f"Bearer {shown}")
    return refused.value.code, refused.value.pointer, refused.value.retry_after_s


BAD = bad(NOW)


def test_a_good_token_is_its_sign_in():
    """User, tenant and scopes are those of the sign-in's key; what it sends is typed by a person."""
    checked = keys(known() | sign_in(scopes=("send",)))

    principal = checked.at_hand(f"Bearer {GOOD}")

    assert principal == Principal(tenant="acme", user=ANN, scopes=frozenset({"send"}))
    assert principal.origin == "app"


@pytest.mark.parametrize("name", BAD)
def test_row_89_whatever_is_wrong_is_refused_alike(name):
    """Code, place, and nothing else: nobody learns what was wrong."""
    checked = keys(known())

    assert refusal(checked, BAD[name]) == refusal(checked, None) == ("unauthenticated", "", None)


@pytest.mark.parametrize("name", BAD)
async def test_row_89_while_documents_are_read(name):
    """The general path refuses as the fast one does."""
    checked = Keys(Store(known()), tokens=UserTokens(Clock()))

    with pytest.raises(Problem, match="unauthenticated"):
        await checked.check(f"Bearer {BAD[name]}")
    assert (await checked.check(f"Bearer {GOOD}")).user == ANN


def test_a_broken_public_key_opens_nothing():
    """Its tokens are refused; the others go on."""
    checked = keys(known())

    assert refusal(checked, token(NOW, header={"kid": "broken"}))[0] == "unauthenticated"
    assert checked.at_hand(f"Bearer {GOOD}") is not None


def test_the_sign_in_ends_it():
    """Signed out, left, moved to another company or made a tenant's: at once, remembered signature or not."""
    near = Loaded(known(), is_fresh=True)
    checked = Keys(near, tokens=UserTokens(Clock()))
    name = documents.api_key_key(SID)

    for changed in (None, sign_in(tenant="rival")[name], sign_in(user="acme-bob")[name], sign_in(user=None)[name]):
        near.memory().write(name, sign_in()[name])
        assert checked.at_hand(f"Bearer {GOOD}") is not None
        near.memory().write(name, changed)
        assert refusal(checked, GOOD)[0] == "unauthenticated"


def test_a_public_key_that_is_taken_back_ends_its_tokens():
    """Or that becomes another one under the same name."""
    near = Loaded(known(), is_fresh=True)
    checked = Keys(near, tokens=UserTokens(Clock()))
    name = documents.token_key_key(KID)

    assert checked.at_hand(f"Bearer {GOOD}") is not None
    near.memory().write(name, public_key(pair=STRANGERS)[name])
    assert refusal(checked, GOOD)[0] == "unauthenticated"
    near.memory().write(name, None)
    assert refusal(checked, GOOD)[0] == "unauthenticated"


def test_it_ends_by_the_clock():
    """The leeway after exp, remembered signature or not; and it begins the leeway before nbf."""
    clock = Clock()
    checked = keys(clock=clock)

    clock.now = NOW - LEEWAY_S - 1
    assert refusal(checked, GOOD)[0] == "unauthenticated"
    for clock.now in (NOW - LEEWAY_S, NOW, NOW + LIFETIME_S + LEEWAY_S - 1):
        assert checked.at_hand(f"Bearer {GOOD}") is not None
        assert keys(clock=clock).at_hand(f"Bearer {GOOD}") is not None
    clock.now = NOW + LIFETIME_S + LEEWAY_S
    assert refusal(keys(clock=clock), GOOD)[0] == "unauthenticated"
    assert refusal(checked, GOOD)[0] == "unauthenticated"
    assert refusal(checked, GOOD)[0] == "unauthenticated"


def test_the_signature_is_checked_once(monkeypatch):
    """It costs as much as a message; a bad one is remembered by nobody."""
    seen = []
    real = UserTokens._checked
    monkeypatch.setattr(UserTokens, "_checked", lambda self, *args: seen.append(args) or real(self, *args))
    checked = keys()

    for _ in range(3):
        assert checked.at_hand(f"Bearer {GOOD}") is not None
    assert len(seen) == 1
    for _ in range(3):
        refusal(checked, token(NOW, pair=STRANGERS))
    assert len(seen) == 4


def test_what_is_remembered_is_bounded(monkeypatch):
    """The oldest goes."""
    monkeypatch.setattr("gateway.edge.user_tokens._MOST_PROVED", 3)
    tokens = UserTokens(Clock())
    checked = Keys(Loaded(known(), is_fresh=True), tokens=tokens)

    for number in range(6):
        assert checked.at_hand(f"Bearer {token(NOW, jti=str(number))}") is not None

    assert len(tokens._proved) == 3


def test_whoever_is_told_of_good_keys_is_told_of_good_tokens():
    """With the field as it came; of bad ones nobody is told."""
    told = []
    checked = keys(known(), proved=lambda field, tenant: told.append((field, tenant)))

    checked.at_hand(f"bearer {GOOD}")
    refusal(checked, BAD["another tenant"])

    assert told == [(f"bearer {GOOD}", "acme")]


@pytest.mark.parametrize("last", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
def test_a_signature_is_written_in_one_way(last):
    """The last character's spare bits are not there to be changed: they would make another string the same token."""
    changed = GOOD[:-1] + last

    assert changed == GOOD or refusal(keys(), changed)[0] == "unauthenticated"


@patient
@given(st.integers(0, len(GOOD) - 1), st.characters(codec="latin-1"))
def test_a_token_with_another_character_is_none(place, character):
    """Whichever it is, the last of the signature included, which does not count whole."""
    changed = GOOD[:place] + character + GOOD[place + 1 :]

    if changed != GOOD:
        assert refusal(keys(), changed)[0] == "unauthenticated"


@patient
@given(st.data())
def test_mutated_tokens_never_pass(data):
    """Cut, doubled, put together anew, with parts of another good one."""
    other = token(NOW, jti="other")
    pieces = [*GOOD.split("."), *other.split("."), "", "e30", part(OURS), part(claims(NOW, sub="acme-bob"))]
    shown = ".".join(data.draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=5)))
    start, end = sorted((data.draw(st.integers(0, len(shown))), data.draw(st.integers(0, len(shown)))))
    shown = data.draw(st.sampled_from([shown, shown[start:end], shown[:start] + shown[end:], shown + shown[start:end]]))

    if shown not in {GOOD, other}:
        assert refusal(keys(), shown)[0] == "unauthenticated"
