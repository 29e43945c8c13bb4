"""A gateway with the demonstration company in it, for which the examples of the API's description are written."""

import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from compliance import documents
from compliance.documents import ExtensionDocument, KeyDocument
from gateway.edge.webhooks import parse_secret
from gateway.offline.company import Company, read_company
from loadtests.carrier.settings import DEVELOPMENT_SECRET
from loadtests.carrier.signing import signed_headers
from tests.gateway.running_edge import Edge, running_edge, secret

EXAMPLES = Path(__file__).parents[2] / "examples"

#: Keys by what the description calls them: whose they are, and what for.
KEYS = {
    "user": ("acme-ana", ("send", "read")),
    "tenant": (None, ("send", "read")),
    "admin": (None, ("send", "read", "admin")),
}


def documents_of(company: Company) -> Iterator[tuple[str, bytes]]:
    """Every document of a company file, as the registry would write it, and the examples' keys."""
    enabled = {
        number.owner.user: did
        for did, number in company.numbers.items()
        if number.owner and number.kind == "local" and number.sms == "enabled"
    }
    for user in company.users.values():
        own = replace(user, number=enabled.get(user.id))
        yield documents.user_key(user.id), documents.dump_user(own)
    for (tenant, digits), user in company.extensions.items():
        yield documents.extension_key(tenant, digits), documents.dump_extension(ExtensionDocument(user=user))
    for did, number in company.numbers.items():
        yield documents.number_key(did), documents.dump_number(number)
    for campaign in company.campaigns.values():
        yield documents.campaign_key(campaign.id), documents.dump_campaign(campaign)
    for brand in company.brands.values():
        yield documents.brand_key(brand.id), documents.dump_brand(brand)
    for number, line in company.lines.items():
        yield documents.line_key(number), documents.dump_line(line)
    for name, (user, scopes) in KEYS.items():
        digest = sha256(secret(name).encode()).hexdigest()
        key = KeyDocument(id=name, sha256=digest, tenant="acme", user=user, scopes=scopes)
        yield documents.api_key_key(name), documents.dump_key(key)


@contextlib.asynccontextmanager
async def demo_edge() -> AsyncIterator[Edge]:
    """Start a gateway with the company of examples/company.json."""
    company = read_company((EXAMPLES / "company.json").read_bytes())
    async with running_edge(carrier_receipt_secrets=[DEVELOPMENT_SECRET]) as edge:
        await edge.registry.write(dict(documents_of(company)))
        yield edge


def signed(raw: bytes, name: str = "msg_1") -> dict[str, str]:
    """Sign a delivery as the emulated carrier does."""
    key = parse_secret(DEVELOPMENT_SECRET)
    return signed_headers(key, webhook_id=name, timestamp_s=int(time.time()), body=raw)
