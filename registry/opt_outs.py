"""Hands the opt-outs of a company file to the gateway, whose store is where they are true.

An opt-out has to stop the very next message, so its truth is in the queue store and nowhere else; the gateway's API is
the only way there. SQL keeps a copy of what the gateway said it has stored, and of nothing else: what the copy has is
not sent again, so that a second import does not revive an opt-out which its owner has taken back since.

Not here: how an opt-out is read from the file (company.py).
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp

from compliance.shapes import render_instant
from registry.commands import change, find, row_key
from registry.credentials import Minted, mint
from registry.database import Database
from registry.records import OptOut
from registry.rows import BadRow

#: The most that the gateway takes in one request.
_BATCH: Final = 1_000
_REQUEST_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
_RETRY_S: Final = 0.2
#: A key becomes live only when the projector has applied it (401), and the gateway may be starting (503).
_PASSING: Final = frozenset({401, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Where opt-outs go."""

    url: str
    #: How long to go on trying, in all, in seconds.
    wait_s: float
    #: Keys with the scope admin that are there already, by tenant; for other tenants one is minted for the while.
    keys: Mapping[str, str]


class _RefusedError(Exception):
    """The gateway did not store the opt-outs; the message says why."""


async def send_opt_outs(
    database: Database,
    opt_outs: Mapping[int, OptOut],
    gateway: Gateway,
    *,
    actor: str,
    progress: Callable[[int], None],
) -> list[BadRow]:
    """Store opt-outs, given by their place in the file; returns those that could not be stored.

    progress is called with how many more are done.
    """
    async with database.reading() as connection:
        copies = await find(connection, OptOut, [row_key(opt_out) for opt_out in opt_outs.values()])
    known = {key: replace(copy, lifted_at=None) for key, copy in copies.items()}
    new = {index: opt_out for index, opt_out in opt_outs.items() if known.get(row_key(opt_out)) != opt_out}
    progress(len(opt_outs) - len(new))
    if not new:
        return []
    tenants = {opt_out.tenant for opt_out in new.values()}
    temporary = [
        mint(tenant=tenant, user=None, scopes=("admin",), label="opt-outs of one import")
        for tenant in sorted(tenants - gateway.keys.keys())
    ]
    async with database.writing() as connection:
        await change(connection, actor=actor, put=[minted.record for minted in temporary])
    try:
        keys = {**gateway.keys, **{minted.record.tenant: minted.text for minted in temporary}}
        return await _send_all(database, new, replace(gateway, keys=keys), actor, progress)
    finally:
        await _revoke(database, temporary, actor)


async def _revoke(database: Database, keys: list[Minted], actor: str) -> None:
    now = datetime.now(UTC)
    async with database.writing() as connection:
        await change(connection, actor=actor, put=[replace(minted.record, revoked_at=now) for minted in keys])


async def _send_all(
    database: Database,
    opt_outs: Mapping[int, OptOut],
    gateway: Gateway,
    actor: str,
    progress: Callable[[int], None],
) -> list[BadRow]:
    """Send what is new, tenant by tenant, and keep a copy of what was stored."""
    bad: list[BadRow] = []
    until = asyncio.get_running_loop().time() + gateway.wait_s
    async with aiohttp.ClientSession(timeout=_REQUEST_TIMEOUT) as session:
        for some in _batches(opt_outs):
            try:
                await _send(session, gateway, list(some.values()), until)
            except _RefusedError as refused:
                bad += [BadRow(kind="opt_outs", index=index, field="", problem=str(refused)) for index in some]
            else:
                async with database.writing() as connection:
                    await change(connection, actor=actor, put=list(some.values()))
            progress(len(some))
    return bad


def _batches(opt_outs: Mapping[int, OptOut]) -> list[dict[int, OptOut]]:
    """Cut into batches of one tenant each: the tenant of a request is its key's."""
    batches: list[dict[int, OptOut]] = []
    of_tenant: dict[str, dict[int, OptOut]] = {}
    for index, opt_out in opt_outs.items():
        batch = of_tenant.get(opt_out.tenant)
        if batch is None or len(batch) == _BATCH:
            batch = of_tenant[opt_out.tenant] = {}
            batches.append(batch)
        batch[index] = opt_out
    return batches


async def _send(session: aiohttp.ClientSession, gateway: Gateway, opt_outs: list[OptOut], until: float) -> None:
    """Send opt-outs of one tenant; goes on until the loop's time until while the reason may pass."""
    body = {"opt_outs": [_to_json(opt_out) for opt_out in opt_outs]}
    headers = {"Authorization": f"Bearer {gateway.keys[opt_outs[0].tenant]}"}
    url = gateway.url.rstrip("/") + "/v1/opt-outs"
    while True:
        try:
            async with session.put(url, json=body, headers=headers, allow_redirects=False) as answer:
                if answer.status == 200 and await _says_stored(answer):  # noqa: PLR2004 - HTTP's OK
                    return
                status: int | None = answer.status
        except (aiohttp.ClientError, TimeoutError):
            status = None
        if status is not None and status not in _PASSING:
            raise _RefusedError(f"not stored: the gateway answered {status}; look at its log, then import again")
        if asyncio.get_running_loop().time() >= until:
            raise _RefusedError(_why(status))
        await asyncio.sleep(_RETRY_S)


def _why(status: int | None) -> str:
    match status:
        case None:
            return "not stored: the gateway does not answer; start it (or correct --gateway-url), then import again"
        case 401:
            return "not stored: the gateway does not know our key; is `a2p-registry serve` running? Then import again"
        case _:
            return f"not stored: the gateway is not ready ({status}); import again when it is"


async def _says_stored(answer: aiohttp.ClientResponse) -> bool:
    """Tell whether an answer is the gateway's word that it has stored, and not some other server's 200."""
    try:
        body = await answer.json(content_type=None)
    except ValueError:
        return False
    return type(body) is dict and type(body.get("stored")) is int


def _to_json(opt_out: OptOut) -> dict[str, Any]:
    return {
        "recipient": opt_out.recipient,
        "at": render_instant(opt_out.at),
        "keyword": opt_out.keyword,
        "number": opt_out.number,
    }
