"""The recheck's port: judge again what waited, with the facts of now, right before a carrier gets it.

Not here: how facts are gathered (gather.py).
"""

from collections.abc import Sequence
from typing import Protocol

from compliance.decision import Decision
from gateway.envelope import Envelope


class Recheck(Protocol):
    """Decide a second time."""

    async def recheck(self, envelopes: Sequence[Envelope]) -> list[Decision]:
        """Judge external messages by what may have changed since they were accepted, one decision each, in order.

        reason registry_unavailable means "cannot say now": the message is held, not ended. Never raises for a store
        that is away; that is registry_unavailable too.
        """
