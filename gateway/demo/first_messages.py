"""The first messages of the demonstration: to a colleague, allowed, flagged and blocked ones, with their reasons."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from gateway.demo.cast import Cast

#: Seconds that a message has for reaching its end.
_PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What became of one message."""

    what: str
    status: int
    verdict: str
    reason: str
    text: str
    #: Where it stands after a moment; "" for one that was refused.
    ended: str


async def send_first_messages(url: str, key: str, tenant_key: str, cast: Cast) -> list[Shown]:
    """Send them as the user of the registered number (the blocked one as its owner) and follow them to their end."""
    numbers, recipients = cast.numbers, cast.recipients
    own = numbers["registered"]
    wanted = [
        ("to a colleague", key, own, numbers.get("colleague"), "Lunch at noon?"),
        ("to a customer's mobile", key, own, recipients.get("mobile"), "Hi, we are on our way. Reply STOP to opt out."),
        ("to a landline", key, own, recipients.get("landline"), "Your quote is ready, call me with questions."),
        ("from an unregistered number", tenant_key, numbers.get("unassigned"), recipients.get("mobile"), "Hello!"),
        ("to somebody who said STOP", key, own, recipients.get("opted_out"), "Are you still interested?"),
    ]
    async with aiohttp.ClientSession(url) as session:
        return [
            await _send(session, what, key_of, {"from": sender, "to": to, "text": text})
            for what, key_of, sender, to, text in wanted
            if sender is not None and to is not None
        ]


async def _send(session: aiohttp.ClientSession, what: str, key: str, body: dict[str, Any]) -> Shown:
    headers = {"Authorization": f"Bearer {key}"}
    async with session.post("/v1/messages", json=body, headers=headers) as response:
        answer = await response.json()
        accepted = response.ok
    return Shown(
        what=what,
        status=response.status,
        verdict=answer["verdict"],
        reason=answer["reason"]["code"],
        text=answer["reason"]["text"],
        ended=await _ended(session, answer["id"], headers) if accepted else "",
    )


async def _ended(session: aiohttp.ClientSession, message_id: str, headers: dict[str, str]) -> str:
    """Follow a message until it is over, or for a while."""
    status = ""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                async with session.get(f"/v1/messages/{message_id}", headers=headers) as response:
                    shown = await response.json()
                status = str(shown["status"])
                if shown["terminal"]:
                    return status
                await asyncio.sleep(0.1)
    except TimeoutError:
        return status
