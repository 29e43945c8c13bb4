"""What the sweep needs of those around the registry, and no more; the clients of each fit, and so do tests' fakes.

A side that is None is not there: nothing about it is looked at.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from registry.flows.desk import Limits
from registry.provisioning.client import Page, Shown
from registry.tcr.values import Operations, Sharing, TcrBrand, TcrCampaign


class AggregatorSide(Protocol):
    """registry.provisioning.client.AggregatorClient: it keeps its own rate. AggregatorError."""

    async def read(self, did: str) -> Shown | None:
        """Return a number; None when it was never in a campaign."""

    async def changed(self, *, after: int = 0, limit: int = 100) -> Page:
        """Return the numbers that changed after a place in the list."""

    async def look_up(self, did: str) -> str | None:
        """Return the campaign that carriers see for a number."""


class TcrSide(Protocol):
    """registry.tcr.client.TcrClient: it keeps its own rate. TcrError; TcrNotFoundError."""

    async def brand(self, brand_id: str) -> TcrBrand:
        """Return a brand."""

    async def brand_feedback(self, brand_id: str) -> Sequence[str]:
        """Return why a brand is not verified; nothing while TCR is still working on it."""

    async def campaign(self, campaign_id: str) -> TcrCampaign:
        """Return a campaign."""

    async def sharing(self, campaign_id: str) -> Sharing:
        """Return what our upstream said to a campaign."""

    async def operations(self, campaign_id: str) -> Operations:
        """Return what the carriers said to a campaign."""


class StoreSide(Protocol):
    """copies.StoreReader. RedisError."""

    async def mark(self) -> tuple[int, int] | None:
        """Return epoch and change up to which the copy goes; None when there is none."""

    async def documents(self, keys: Sequence[str]) -> Mapping[str, bytes | None]:
        """Return documents by key."""

    async def names(self, after: int, count: int) -> tuple[int, Sequence[str]]:
        """Return some keys, and where to go on; 0 begins, and ends."""


class SendersSide(Protocol):
    """Who sent of late: the ledger."""

    async def recent(self, most: int) -> Sequence[str]:
        """Return numbers of ours, each once, the one that sent last first."""


#: Has a brand or campaign, such as campaign:CAAAAA1, follow what TCR says.
CatchUp = Callable[[str], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Those around the registry."""

    aggregator: AggregatorSide | None = None
    tcr: TcrSide | None = None
    #: Given with tcr.
    catch_up: CatchUp | None = None
    store: StoreSide | None = None
    senders: SendersSide | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What counts as drift, from the settings."""

    limits: Limits = field(default_factory=Limits)
    #: How long setting a number up may take.
    patience: timedelta = timedelta(hours=48)
    #: How long carriers may take to see a number that the aggregator has.
    grace: timedelta = timedelta(hours=24)
