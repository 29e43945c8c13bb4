"""What a connector may offer beyond the port: several messages in one request, and an answer about one it was given.

Not here: what follows from such an answer (queue/retry.py).
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from gateway.connectors import CarrierAccepted, InDoubt


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The carrier knows no such message."""


@dataclass(frozen=True, slots=True)
class Silent:
    """The carrier did not answer the question, for this reason; it may when it is asked again."""

    code: str


#: What a carrier says about a message: it has it, it has it not, it cannot say, or nothing at present.
Answer: TypeAlias = CarrierAccepted | NotTaken | InDoubt | Silent


@runtime_checkable
class Batching(Protocol):
    """Takes several messages in one request, which share its fate."""

    batch_max: int


@runtime_checkable
class Queryable(Protocol):
    """Can say whether it took a message."""

    async def query(self, reference: str) -> Answer:
        """Ask about a message by our id. Answers within the connector's own time-out, never raises."""
