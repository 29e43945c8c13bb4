"""The connectors' port: what the worker asks of a carrier, and the closed set of answers it can get.

A connector never raises for what a carrier does: every answer, also none, is one of the outcomes below, because a
time-out is not a failure but an unknown, and each kind needs another next step (queue/retry.py).

Not here: one carrier's protocol (http_carrier.py) and which carrier a message goes to (gateway/work/routing.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One message as a carrier sees it."""

    #: Our message id; carriers give it back in receipts.
    reference: str
    #: E.164 both.
    sender: str
    recipient: str
    text: str
    #: (MIME type, size in bytes) of each attachment.
    media: tuple[tuple[str, int], ...] = ()
    campaign_id: str | None = None
    #: By boottime_s(): it begins before, or it is not sent (CarrierTemporary), for it was judged too long ago.
    good_until_s: float = math.inf


@dataclass(frozen=True, slots=True)
class CarrierAccepted:
    """The carrier took it and named it."""

    reference: str


@dataclass(frozen=True, slots=True)
class CarrierRejected:
    """The carrier will never take it: final."""

    code: str


@dataclass(frozen=True, slots=True)
class CarrierThrottled:
    """Too fast: try again after the carrier's own delay, which burns no attempt."""

    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class CarrierTemporary:
    """The carrier said no for now, or could not be reached before a byte was sent."""

    code: str


@dataclass(frozen=True, slots=True)
class CarrierMisconfigured:
    """The carrier does not know us (401, 403): the lane stops, no message is burnt."""

    code: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Something was sent and no usable answer came: the carrier may have it."""

    code: str


Outcome = CarrierAccepted | CarrierRejected | CarrierThrottled | CarrierTemporary | CarrierMisconfigured | InDoubt


class Connector(Protocol):
    """One carrier."""

    #: Name of the carrier, as in routes, labels and receipt addresses.
    name: str
    #: Most submissions in flight at once.
    window: int

    async def submit(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Submit messages, one outcome each, in order. Answers within the connector's own time-out."""
