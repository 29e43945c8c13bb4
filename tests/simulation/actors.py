"""Who uses the product in a run: people and programs that send, repeat what was not answered, cancel, and opt out.

Each notes what it did and what it was told; the product writes nothing of that.

Not here: what the notes must say (checkers.py).
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from gateway.edge.keys import Principal
from gateway.edge.wire import Draft
from gateway.errors import Problem
from gateway.problems import PROBLEMS
from gateway.queue import OptOutRecord, QueueError, Status
from gateway.queue.consent import Restoration, Settled
from gateway.send.pipeline import Result
from loadtests.faults.ledger import Attempt, Line
from tests.simulation.carrier_model import digest_of
from tests.simulation.company import TENANT
from tests.simulation.network import LostError, Network, UnreachableError
from tests.simulation.processes import Gateway
from tests.simulation.queue_port import QueuePort

_TIMEOUT_S: Final = 3.0
_SCOPES: Final = frozenset({"send", "read", "admin"})


@dataclass(slots=True)
class Notes:
    """All that the actors noted, in the order in which it happened."""

    lines: list[Line] = field(default_factory=list)
    #: Lines that were sent without an idempotency key: once, whatever was answered.
    keyless: set[str] = field(default_factory=set)
    attempts: list[Attempt] = field(default_factory=list)
    #: Ids of messages that somebody was told are cancelled.
    cancelled: set[str] = field(default_factory=set)
    #: (tenant, recipient) to the instant at which an opt-out was acknowledged.
    opted_out: dict[tuple[str, str], float] = field(default_factory=dict)
    #: By recipient: when an opt-out was first asked to be taken back, and when that was acknowledged.
    restored: dict[str, tuple[float, float]] = field(default_factory=dict)
    #: What nobody may ever be told: an exception instead of an answer.
    crashes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an actor has around it."""

    network: Network
    gateways: list[Gateway]
    notes: Notes
    #: Straight to the queue store, as the routes that only pass a call on.
    queue: QueuePort
    wall_ms: Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Who writes to whom."""

    name: str
    user: str
    #: E.164.
    sender: str
    #: E.164 or user:<id>.
    to: str
    #: app: typed by the user; api: by a program.
    origin: str
    #: It may never reach a carrier.
    inside: bool = False
    keyless: bool = False

    @property
    def principal(self) -> Principal:
        """Whose key is used."""
        return Principal(tenant=TENANT, user=self.user if self.origin == "app" else None, scopes=_SCOPES)


async def talk(conversation: Conversation, around: Surroundings, chance: random.Random, times: int) -> None:
    """Send so many texts, one after the other, each until it has an answer that stands."""
    for place in range(times):
        await asyncio.sleep(chance.expovariate(0.7))
        text = f"{conversation.name} says {place}"
        key = f"{conversation.name}-{place}"
        digest = "" if conversation.to.startswith("user:") else digest_of(conversation.sender, conversation.to, text)
        around.notes.lines.append(
            Line(key=key, conversation=conversation.name, digest=digest, inside=conversation.inside)
        )
        draft = Draft(
            sender=conversation.sender,
            user=None,
            to=(conversation.to,),
            is_group=False,
            text=text,
            key=None if conversation.keyless else key,
            fingerprint=sha256(text.encode()).digest(),
        )
        if conversation.keyless:
            around.notes.keyless.add(key)
            await _try(conversation, key, draft, around, chance)
            continue
        attempt = await _try(conversation, key, draft, around, chance)
        while not attempt.final:
            await asyncio.sleep(chance.uniform(0.1, 0.8))
            attempt = await _try(conversation, key, draft, around, chance)
        if attempt.accepted and chance.random() < 0.06:
            await _cancel(attempt.id, around)


async def _try(
    conversation: Conversation, key: str, draft: Draft, around: Surroundings, chance: random.Random
) -> Attempt:
    """Ask a gateway once, and note the answer."""
    gateway = chance.choice(around.gateways)
    began_ns = int(around.network.loop.time() * 10**9)
    status, body, said, replayed = None, {}, "", False
    try:
        result = await around.network.ask(
            conversation.name,
            gateway,
            f"send {key}",
            lambda: gateway.send(conversation.principal, draft),
            timeout_s=_TIMEOUT_S,
        )
    except (LostError, UnreachableError) as error:
        said = type(error).__name__
    except Exception as crash:  # noqa: BLE001 - a client sees a 500
        status, said = 500, repr(crash)
        around.notes.crashes.append(f"{gateway.name} answered {key} with {crash!r}")
    else:
        if isinstance(result, Problem):
            status, said = PROBLEMS[result.code].status, result.code
        elif isinstance(result, Result):
            status, body, replayed = result.status, result.body, result.replayed
            said = str(body.get("code", ""))
    attempt = Attempt(
        key=key,
        sent_ns=began_ns,
        ended_ns=int(around.network.loop.time() * 10**9),
        status=status,
        id=body.get("id", ""),
        said=said,
        replayed=replayed,
    )
    around.notes.attempts.append(attempt)
    return attempt


async def _cancel(message_id: str, around: Surroundings) -> None:
    """Take a message back, if that is still possible."""
    try:
        (stored,) = await around.queue.look([message_id])
        if stored is not None and await around.queue.cancel(message_id, stored.payload) is Status.CANCELLED:
            around.notes.cancelled.add(message_id)
    except QueueError:
        return  # Nobody knows; nobody was told.


async def opt_out(recipient: str, after_s: float, back_after_s: float | None, around: Surroundings) -> None:
    """Say STOP, until somebody acknowledges it; and come back so long after that, if ever."""
    await asyncio.sleep(after_s)
    record = OptOutRecord(tenant=TENANT, recipient=recipient, at_ms=around.wall_ms(), keyword="stop")
    while True:
        try:
            await around.queue.put_opt_outs([record])
        except QueueError:
            await asyncio.sleep(0.3)
        else:
            around.notes.opted_out[TENANT, recipient] = around.network.loop.time()
            break
    if back_after_s is not None:
        await asyncio.sleep(back_after_s)
        await _come_back(recipient, around)


async def _come_back(recipient: str, around: Surroundings) -> None:
    """Have an admin take the opt-out back, until somebody acknowledges that."""
    asked_s = around.network.loop.time()
    restoration = Restoration(tenant=TENANT, recipient=recipient, evidence="form of today", vouched_ms=around.wall_ms())
    while True:
        try:
            restored = await around.queue.restore(restoration)
        except QueueError:
            await asyncio.sleep(0.3)
        else:
            break
    if restored.outcome is Settled.RESTORED:
        around.notes.restored[recipient] = asked_s, around.network.loop.time()
