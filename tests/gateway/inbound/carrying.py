"""A carrier's hand for tests: signs texts and brings them to a running gateway.

Not here: the tests (test_*.py), the gateway and its company (running_edge.py).
"""

import base64
import itertools
import time
from typing import Any

import orjson

from gateway import envelope
from gateway.edge.openapi import openapi
from gateway.edge.webhooks import parse_secret
from gateway.envelope import Envelope, Kind
from loadtests.carrier.signing import signed_headers
from tests.contracts.documented import Contract
from tests.gateway.running_edge import Answer, Edge

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four!").decode()
CARRIER = "emulator"
PATH = f"/carriers/{CARRIER}/inbound"

#: What answers are held against.
_CONTRACT = Contract(openapi())

_ids = itertools.count(1)
_people = itertools.count(1)


def somebody() -> str:
    """Name a person nobody has heard of yet, E.164."""
    return f"+1415556{next(_people):04}"


def a_text(**fields: Any) -> dict[str, Any]:
    """Build a text as the carrier writes it; sender stands for `from`, None leaves a field out."""
    usual = {"id": f"mo-{next(_ids)}", "text": "Hi there"}
    body = usual | {{"sender": "from"}.get(name, name): value for name, value in fields.items()}
    return {name: value for name, value in body.items() if value is not None}


async def bring(
    edge: Edge, body: Any = None, *, secret: str = SECRET, at_s: int | None = None, **fields: Any
) -> Answer:
    """Bring one text, signed; path names another carrier."""
    path = fields.pop("path", PATH)
    raw = body if isinstance(body, bytes) else orjson.dumps(a_text(**fields) if body is None else body)
    at_s = int(time.time()) if at_s is None else at_s
    headers = signed_headers(parse_secret(secret), webhook_id=f"msg_{next(_ids)}", timestamp_s=at_s, body=raw)
    async with edge.http.post(path, data=raw, headers=headers) as response:
        answer = Answer(response.status, response.headers.copy(), await response.text())
    _CONTRACT.check("POST", path, *answer)
    return answer


async def inbox_of(edge: Edge, user: str, tenant: str = "acme") -> list[dict[str, Any]]:
    """Read a user's whole inbox."""
    items, after = [], ""
    while True:
        page = (await edge.get(f"/v1/inbox?user={user}&after={after}", key=tenant)).json
        items += page["items"]
        if not page["items"]:
            return items
        after = page["next"]


async def from_person(edge: Edge, user: str, person: str, tenant: str = "acme") -> list[dict[str, Any]]:
    """Read what one person wrote to a user."""
    return [item for item in await inbox_of(edge, user, tenant) if item["from"] == person]


async def queued_for(edge: Edge, person: str) -> list[Envelope]:
    """Read what lies in the log for a person, in order."""
    found = []
    for partition in range(edge.queue.partitions):
        for stamp, fields in await edge.queue._wire.one(("XRANGE", f"{{q:{partition}}}:log", "-", "+")):
            order = [int(part) for part in stamp.split(b"-")]
            found += [(order, place, envelope.load(raw)) for place, raw in enumerate(fields[3].split(b"\n"))]
    return [one for _, _, one in sorted(found, key=lambda each: each[:2]) if one.recipient == person]


async def replies_to(edge: Edge, person: str) -> list[Envelope]:
    """Read which answers of ours wait for a person."""
    return [one for one in await queued_for(edge, person) if one.kind is not Kind.MESSAGE]
