"""Which carrier and lane a message goes to."""

import pytest

from gateway.envelope import Channel, TrafficClass
from gateway.work.routing import Route, carrier_for, lane_of, lanes_of
from tests.gateway.working import some_envelope

ROUTES = (
    Route(carrier="north", recipient="+1613"),
    Route(carrier="pictures", channels=frozenset({Channel.MMS})),
    Route(carrier="home"),
)


class TestCarrier:
    @pytest.mark.parametrize(
        ("recipient", "channel", "carrier"),
        [
            ("+16135550143", Channel.SMS, "north"),
            ("+16135550143", Channel.MMS, "north"),
            ("+14155550143", Channel.SMS, "home"),
            ("+14155550143", Channel.MMS, "pictures"),
        ],
    )
    def test_the_first_route_that_serves_a_message_is_its_way(self, recipient, channel, carrier):
        """By the beginning of the recipient's number, and by channel."""
        assert carrier_for(some_envelope(recipient=recipient, channel=channel), ROUTES) == carrier

    def test_there_may_be_none(self):
        """Then nobody guesses."""
        assert carrier_for(some_envelope(recipient="+14155550143"), ROUTES[:1]) is None

    def test_an_instant_message_has_no_carrier(self):
        """A colleague's user id begins with nothing that a route could serve."""
        assert carrier_for(some_envelope(channel=Channel.IM, recipient="u2"), ROUTES) is None


class TestLanes:
    def test_a_lane_is_a_carrier_and_a_class(self):
        """As metrics and the store name it."""
        assert lane_of("home", TrafficClass.URGENT) == "home/urgent"

    def test_urgent_stands_first(self):
        """The order is the order in which lanes are served."""
        assert lanes_of(["home"]) == ("home/urgent", "home/p2p", "home/bulk")
