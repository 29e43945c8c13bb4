"""Waits until all is quiet, then asks everybody what they saw.

The product tells its status events and counters, the carrier its ledger.

Not here: the client's own ledger (client.py).
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import aiohttp
import orjson

from loadtests.children import ChildError, fetch
from loadtests.faults.client import Load
from loadtests.faults.ledger import Arrival, Change, Counted, Ledgers
from loadtests.faults.stand import Stand

#: The worker's gauges, by what they count.
_GAUGES: Final = {
    "accepted": "worker_queue_accepted_messages",
    "terminal": "worker_queue_terminal_messages",
    "open": "worker_queue_open_messages",
    "difference": "worker_queue_difference_messages",
}
_LOOK_S: Final = 0.25
_ASKED_AT_ONCE: Final = 16
_ASK_AGAIN: Final = 5
#: Workers count every two seconds: after this long a figure is of now.
_FRESH_S: Final = 4.5


def wait_until_ended(stand: Stand, seconds: float) -> None:
    """Wait until no message is open, by the store's counters, but not longer than this."""
    deadline = time.monotonic() + seconds
    quiet_since: float | None = None
    while time.monotonic() < deadline:
        stand.tend()
        counted = read_counters(stand)
        if counted is None or counted.open != 0:
            quiet_since = None
        else:
            quiet_since = quiet_since or time.monotonic()
            if time.monotonic() - quiet_since > _FRESH_S:
                return
        time.sleep(_LOOK_S)


def read_counters(stand: Stand) -> Counted | None:
    """Read the store's counters as a worker tells them; None when none does."""
    for name in stand.of("worker"):
        page = fetch(stand.admin_port(name), "/metrics")
        lines = dict(line.rsplit(" ", 1) for line in (page or b"").decode().splitlines() if not line.startswith("#"))
        if all(gauge in lines for gauge in _GAUGES.values()):
            return Counted(**{field: int(float(lines[gauge])) for field, gauge in _GAUGES.items()})
    return None


def read_arrivals(stand: Stand) -> tuple[Arrival, ...]:
    """Read the carrier's ledger; ChildError when it does not answer."""
    page = fetch(stand.carrier_port, "/ledger")
    if page is None:
        raise ChildError("the carrier does not show its ledger")
    events = map(orjson.loads, page.splitlines())
    return tuple(
        Arrival(
            at_ns=event["at_ns"], reference=event["reference"], digest=event.get("digest", ""), taken=event["taken"]
        )
        for event in events
        if event["event"] == "received"
    )


def collect(stand: Stand, load: Load) -> Ledgers:
    """Bring all ledgers together; everything must be up."""
    key_of = {line.key: line for line in load.lines}
    owner_of = {conversation.name: conversation.key for conversation in load.conversations}
    ids = {
        attempt.id: owner_of[key_of[attempt.key].conversation] for attempt in list(load.attempts) if attempt.accepted
    }
    return Ledgers(
        lines=tuple(load.lines),
        attempts=tuple(load.attempts),
        arrivals=read_arrivals(stand),
        changes=asyncio.run(_read_changes(load.port, ids)),
        counted=read_counters(stand),
    )


async def _read_changes(port: int, ids: Mapping[str, str]) -> dict[str, tuple[Change, ...]]:
    """Read every message's status events; ids with the API key of whose they are."""
    found: dict[str, tuple[Change, ...]] = {}
    waiting = iter(ids.items())
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        for _ in range(_ASKED_AT_ONCE):
            tasks.create_task(_ask_all(session, f"http://127.0.0.1:{port}/v1/messages", waiting, found))
    return {name: found[name] for name in ids}


async def _ask_all(
    session: aiohttp.ClientSession,
    url: str,
    waiting: Iterable[tuple[str, str]],
    found: dict[str, tuple[Change, ...]],
) -> None:
    for name, key in waiting:
        events = await _ask(session, f"{url}/{name}/events", key)
        found[name] = tuple(
            Change(
                id=name,
                seq=event["seq"],
                status=event["status"],
                terminal=event["terminal"],
                code=event["code"] or "",
            )
            for event in events
        )


async def _ask(session: aiohttp.ClientSession, url: str, key: str) -> list[dict[str, Any]]:
    """Return a message's events, [] where there is none such; ChildError when nobody answers properly."""
    said = ""
    for number in range(_ASK_AGAIN):
        await asyncio.sleep(0.5 * number)
        try:
            async with session.get(url, headers={"Authorization": f"Bearer {key}"}) as response:
                answer = orjson.loads(await response.read())
                if response.status == 404:  # noqa: PLR2004 - HTTP
                    return []
                if response.ok:
                    return list(answer["events"])
                said = f"{response.status} {answer.get('code')}"
        except (aiohttp.ClientError, OSError, orjson.JSONDecodeError) as error:
            said = type(error).__name__
    raise ChildError(f"status events were not told: {said}")
