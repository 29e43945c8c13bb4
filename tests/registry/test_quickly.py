"""Records that are made quickly are those that their classes make."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from registry.lifecycle.standing import Standing
from registry.quickly import maker, replaced
from registry.tables import TABLES
from tests.registry.builders import BASICS, a_user

EVERY = (*BASICS, Standing(sms="enabled", others=2))


def names(kind):
    """The fields of a class."""
    return [field.name for field in fields(kind)]


@pytest.mark.parametrize("record", EVERY, ids=lambda record: type(record).__name__)
def test_a_record_is_made_of_its_values(record):
    """In whichever order they come; equal, of the same hash, and as frozen."""
    order = list(reversed(names(record)))
    made = maker(type(record), order)([getattr(record, name) for name in order])
    assert (made, hash(made), type(made)) == (record, hash(record), type(record))
    with pytest.raises(FrozenInstanceError):
        setattr(made, order[0], None)


@pytest.mark.parametrize("record", EVERY, ids=lambda record: type(record).__name__)
def test_some_fields_are_others(record):
    """As dataclasses.replace has it; the record itself stays as it is."""
    before = replace(record)
    for name in names(record):
        assert replaced(record, **{name: "other"}) == replace(record, **{name: "other"})
    assert replaced(record) == record == before


def test_what_is_no_field_is_refused():
    """A slip is found where it is made."""
    with pytest.raises(ValueError, match="User"):
        maker(type(a_user()), ["id", "colour"])
    with pytest.raises(KeyError):
        replaced(a_user(), colour="red")
    with pytest.raises(ValueError, match="argument"):
        maker(type(a_user()), names(a_user()))(["too", "few"])


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_no_record_does_anything_after_it_was_made(kind):
    """That would be left out."""
    assert not hasattr(kind, "__post_init__")
    assert not hasattr(Standing, "__post_init__")
