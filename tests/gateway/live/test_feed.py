"""The short queue before a connection: bounded, in order, nothing twice; and places as clients know them."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.live.events import Event, User
from gateway.live.feed import _MOST_BYTES, _MOST_WAITING, Feed
from gateway.live.places import Place, Position, position_of

ANN = User("acme", "acme-ann")


def an_event(number: int, size: int = 10) -> Event:
    """Build the event at a place."""
    return Event(Place(1, number, 1), "status", b"x" * size)


def a_feed() -> Feed:
    """Build one that is live."""
    feed = Feed(ANN, Place(1, 0), lambda: None)
    feed.is_live = True
    return feed


def test_it_holds_so_many_and_no_more():
    """Then it is not live any more, and its place is that of the last one it took."""
    feed = a_feed()

    taken = [number for number in range(1, 1_000) if feed.put(an_event(number))]

    assert taken == list(range(1, _MOST_WAITING + 1))
    assert feed.place == Place(1, _MOST_WAITING, 1)
    assert (feed.is_live, feed.is_behind) == (False, False)
    assert [feed.take() for _ in taken] == [an_event(number) for number in taken]
    assert feed.is_behind


def test_it_holds_so_many_bytes():
    """One event that is larger than that comes all the same, alone."""
    feed = a_feed()

    assert feed.put(an_event(1, 2 * _MOST_BYTES))
    assert not feed.put(an_event(2))
    assert feed.take() is not None
    assert feed.put(an_event(2, _MOST_BYTES))
    assert not feed.put(an_event(3, 1))


@given(st.lists(st.integers(1, 30), max_size=60))
def test_what_comes_again_is_in_already(numbers):
    """Two readers may give the same event, or one older than its place."""
    feed = a_feed()

    for number in numbers:
        assert feed.put(an_event(number))

    got = []
    while (event := feed.take()) is not None:
        got.append(event.place.seq)
    assert got == sorted(set(got))


instants = st.integers(0, 10**15 - 1)
counts = st.integers(0, 10**19 - 1)
places = st.tuples(instants, counts).map(lambda pair: Place(*pair))


@given(places, st.one_of(st.none(), st.integers(0, 999_999)), places)
def test_a_position_is_written_and_read_back(journal, lines, inbox):
    """Whatever the place; whole entries and parts of them."""
    position = Position(journal if lines is None else journal._replace(lines=lines), inbox)

    assert position_of(position.seq) == position


@given(st.text(max_size=60))
def test_what_is_no_position_is_none(said):
    """And never an error."""
    found = position_of(said)

    assert found is None or found.seq == said or "-0" in said
