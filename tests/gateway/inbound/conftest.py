"""One running gateway, whose carrier has a secret and whose brands have names, for all tests of texts from outside."""

from collections.abc import AsyncIterator

import pytest_asyncio

from compliance import documents
from tests.builders import a_brand, a_campaign
from tests.gateway.inbound.carrying import SECRET
from tests.gateway.running_edge import Edge, running_edge

#: Nobody's at present, but acme's: its last owner has left.
POOLED = "+12025550151"


async def name_brands(edge: Edge) -> None:
    """Tell the brands' names, what rival is registered to answer to HELP, and whose pool a number lies in."""
    campaign = a_campaign(id="C-rival", brand_id="B-rival", use_case="low_volume")
    await edge.registry.write(
        {
            documents.brand_key("B-acme"): documents.dump_brand(a_brand(id="B-acme"), name="Acme Home Services"),
            documents.campaign_key("C-rival"): documents.dump_campaign(campaign, help_message="Rival: call 555"),
            documents.number_key(POOLED): documents.dump_number(documents.SenderNumber(), pool_of="acme"),
        }
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def edge() -> AsyncIterator[Edge]:
    """A gateway that many tests share; each of them has people of its own."""
    async with running_edge(carrier_receipt_secrets=[SECRET]) as shared:
        await name_brands(shared)
        yield shared


@pytest_asyncio.fixture(loop_scope="session")
async def own_edge() -> AsyncIterator[Edge]:
    """A gateway that a test may ruin."""
    async with running_edge(carrier_receipt_secrets=[SECRET]) as alone:
        await name_brands(alone)
        yield alone
