"""What a process knows by heart."""

import pytest

from compliance.documents import campaign_key, line_key, number_key, user_key
from compliance.facts import Owner
from gateway.near.memory import JustRead, Memory
from tests.gateway.near.copies import ANN, DID, OTHER_DID, a_company, a_number, a_user


@pytest.fixture
def memory():
    """A company, with room for two documents of numbers."""
    kept = Memory(2)
    for key, document in a_company().items():
        kept.write(key, document)
    return kept


def test_what_is_not_there_does_not_exist(memory):
    """Nobody asks the store about an unknown number, user or key."""
    for key in (number_key(OTHER_DID), line_key(OTHER_DID), user_key("bob"), campaign_key("C2"), "{reg}:key:k1"):
        assert key in memory
        assert memory.get(key) is None


def test_every_kind_is_kept(memory):
    """As it was written."""
    for key, document in a_company().items():
        assert memory.get(key) == document


def test_numbers_make_room_and_are_still_known_to_be_there(memory):
    """The least recently used goes; it must be read, which is not the same as that there is none."""
    memory.get(number_key(DID))
    memory.write(line_key(OTHER_DID), b"{}")

    assert number_key(DID) in memory
    assert line_key("+14155550143") not in memory
    assert memory.get(line_key("+14155550143")) is None

    memory.fill(line_key("+14155550143"), b"x")
    assert memory.get(line_key("+14155550143")) == b"x"
    assert number_key(DID) not in memory


def test_owners_stay_when_their_documents_go(memory):
    """Who is a colleague is known whatever was made room for."""
    for n in range(5):
        memory.write(line_key(f"+1415555020{n}"), b"{}")

    assert number_key(DID) not in memory
    assert memory.colleague(DID) == ANN
    assert memory.colleague_keys(DID) == ()


@pytest.mark.parametrize(
    ("document", "owner"),
    [
        (a_number(owner=Owner(tenant="acme", user="bob")), Owner(tenant="acme", user="bob")),
        (a_number(owner=None), None),
        (a_number(kind="service"), None),
        (b"{", None),
        (None, None),
    ],
)
def test_who_a_number_reaches_changes_with_its_document(memory, document, owner):
    """A service is nobody; a document that is broken, neither."""
    memory.write(number_key(DID), document)
    read = JustRead()
    read.take({number_key(DID): document})

    assert memory.colleague(DID) == read.colleague(DID) == owner
    assert (memory.get(number_key(DID)), number_key(DID) in memory) == (document, True)


def test_what_is_removed_is_gone(memory):
    """Of every kind."""
    for key in a_company():
        memory.write(key, None)
        assert (memory.get(key), key in memory) == (None, True)
    assert memory.colleague(DID) is None


def test_its_version_rises_with_every_change_and_with_nothing_else(memory):
    """Who remembers what follows from documents looks at it."""
    before = memory.version
    memory.get(user_key("ann"))
    memory.fill(number_key(DID), a_number())
    assert memory.version == before

    memory.write(user_key("ann"), a_user(number=None))
    assert memory.version > before


def test_what_was_just_read_knows_that_and_nothing_else():
    """A key not asked for is unknown, one that was missing is known to be missing."""
    read = JustRead()
    read.take({user_key("ann"): a_user(), user_key("bob"): None})

    assert user_key("ann") in read
    assert user_key("bob") in read
    assert user_key("cat") not in read
    assert read.colleague_keys(DID) == (number_key(DID),)
