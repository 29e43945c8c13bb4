"""What a worker has in hand, and which log entries are through."""

from gateway.work.hand import Hand


class TestHand:
    def test_an_entry_is_through_when_its_last_message_is(self):
        """Once, and not before."""
        hand = Hand(10)
        for name in ("a", "b"):
            hand.take(name, entry="1-0")

        hand.settle("a")
        assert hand.entries_through() == []
        hand.settle("b")
        assert hand.entries_through() == ["1-0"]
        assert hand.entries_through() == []

    def test_an_entry_with_a_forgotten_message_stays(self):
        """Somebody else will need it."""
        hand = Hand(10)
        for name in ("a", "b"):
            hand.take(name, entry="1-0")

        hand.forget("a")
        hand.settle("b")

        assert hand.entries_through() == []
        assert len(hand) == 0

    def test_what_came_from_a_lane_has_no_entry(self):
        """Its entry was through when it was parked."""
        hand = Hand(10)
        hand.take("a", lane="acme/bulk")

        assert (hand.of_lane("acme/bulk"), hand.from_log("a")) == (1, False)
        hand.settle("a")
        assert (hand.of_lane("acme/bulk"), hand.entries_through()) == (0, [])

    def test_there_is_room_for_so_many(self):
        """A large entry may go beyond it."""
        hand = Hand(2)
        rooms = [hand.room]
        for name in ("a", "b", "c"):
            hand.take(name, entry="1-0")
            rooms.append(hand.room)

        assert rooms == [2, 1, 0, -1]
        assert "a" in hand

    def test_settling_twice_is_settling_once(self):
        """A write that was repeated says it twice."""
        hand = Hand(2)
        hand.take("a", entry="1-0")
        hand.take("b", entry="1-0")
        hand.settle("a")
        hand.settle("a")

        assert hand.entries_through() == []
