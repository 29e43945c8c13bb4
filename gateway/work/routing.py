"""Which carrier a message goes to, and in which lane it waits. Pure.

A lane is a carrier and a class, "<carrier>/<class>": the unit that is paused, counted, and put first or last.

Not here: the lanes' contents (lanes.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.envelope import Channel, Envelope, TrafficClass

#: Urgent first, bulk last.
CLASSES: Final = (TrafficClass.URGENT, TrafficClass.P2P, TrafficClass.BULK)
#: Where instant messages wait that are to be delivered later.
IM_LANE: Final = "im"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Messages of these channels to recipients that begin like this go to this carrier."""

    carrier: str
    #: Beginning of the recipient's E.164 number; "" is everybody.
    recipient: str = ""
    channels: frozenset[Channel] = frozenset({Channel.SMS, Channel.MMS})

    def serves(self, envelope: Envelope) -> bool:
        """Say whether a message may take this route."""
        return envelope.channel in self.channels and envelope.recipient.startswith(self.recipient)


def carrier_for(envelope: Envelope, routes: Sequence[Route]) -> str | None:
    """Return the carrier of the first route that serves a message; None if there is none."""
    for route in routes:
        if route.serves(envelope):
            return route.carrier
    return None


def lane_of(carrier: str, traffic_class: TrafficClass) -> str:
    """Name a lane."""
    return f"{carrier}/{traffic_class}"


def lanes_of(carriers: Iterable[str]) -> tuple[str, ...]:
    """Name all lanes of these carriers."""
    return tuple(lane_of(carrier, traffic_class) for carrier in carriers for traffic_class in CLASSES)
