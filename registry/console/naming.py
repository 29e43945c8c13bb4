"""Names for the ids that the audit and the ledger hold: who did it, as people call them.

Not here: whose names somebody may see (registry/people/names.py).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from registry.console.visit import Visit

#: Parts of the platform that change things by themselves.
_PARTS: Final = {
    "import": "An import",
    "tcr": "The Campaign Registry (TCR)",
    "aggregator": "The aggregator",
    "drift": "The drift check",
    "provisioning": "Setting up numbers",
    "notices": "Notices",
    "retirement": "The end of a key",
    "bulk": "A bulk change",
    "requests": "Requests",
    "restorations": "Taking opt-outs back",
    "command": "A command on the server",
    "terminal": "A command on the server",
    "token-keys": "Keys of sign-ins",
}


async def names_of(visit: Visit, actors: Iterable[str | None]) -> Mapping[str, str]:
    """Return how actors are called, such as user:acme-ana, key:Zk3v0tQm9xWd and tcr; all that were asked for."""
    asked = list(dict.fromkeys(actor for actor in actors if actor))
    ids = " ".join(one for one in asked if one.startswith(("user:", "key:")) and not one.split()[1:])
    named = (await visit.see("listNames", of=ids))["names"] if ids else {}
    return {actor: _named(actor, named[actor]) if actor in named else _called(actor) for actor in asked}


async def people_of(visit: Visit, users: Iterable[str]) -> Mapping[str, str]:
    """Return the names of people by their ids; whose is not known is left out."""
    wanted = " ".join(dict.fromkeys(f"user:{user}" for user in users if user))
    if not wanted:
        return {}
    named = (await visit.see("listNames", of=wanted))["names"]
    return {actor.removeprefix("user:"): name for actor, name in named.items()}


def _named(actor: str, name: str) -> str:
    return f"API key “{name}”" if actor.startswith("key:") else name


def _called(actor: str) -> str:
    kind, _, name = actor.partition(":")
    if kind == "user":
        return f"Somebody of the provider's ({name})"
    if kind == "key":
        return f"API key {name}"
    return _PARTS.get(actor) or _PARTS.get(kind) or actor
