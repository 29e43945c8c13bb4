"""The canary: takes a number's registration away and gives it back, over and over, and times the gateway's verdict.

So somebody notices when revocations are slow or do not work, before an auditor does. It knows what a customer knows:
the admin API of the registry, and the gateway's `POST /v1/decisions`, which sends nothing. What it cannot do it counts,
and it goes on.

Not here: which number plays the part (cast.py).
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import orjson
import structlog
from prometheus_client import CollectorRegistry

from compliance import Code, Verdict
from gateway.lifetime import stop_event
from metrics.admin import admin_app, serve_admin
from metrics.canary import CanaryMetrics

_HOST: Final = "127.0.0.1"
#: How often the gateway is asked while its verdict is to change.
_ASK_S: Final = 0.02
#: A verdict that has not changed by then is late: more than the registry lets a caller wait, and than facts may live.
LATE_S: Final = 15.0
#: Longer than the registry waits before it answers.
_PATCH: Final = aiohttp.ClientTimeout(total=12.0)
_ASK: Final = aiohttp.ClientTimeout(total=3.0)
#: A flip under way may end by itself for so long when the process is to end.
_LAST_FLIP_S: Final = 3.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What the canary plays with."""

    #: The gateway's address, and a key of the company for it.
    gateway_url: str
    api_key: str
    #: The registry's address, and an admin's key of the company for it.
    registry_url: str
    admin_key: str
    #: The number, the campaign that it sends for, and a mobile that it could text. Both numbers in E.164.
    number: str
    campaign_id: str
    recipient: str


class FlipError(Exception):
    """A flip came to nothing; reason is one of metrics.canary.CANARY_FAILURES."""

    def __init__(self, reason: str, what: str = "") -> None:
        super().__init__(f"{reason}: {what}")
        self.reason = reason
        self.what = what


class Canary:
    """Flips one number."""

    def __init__(self, part: Part, session: aiohttp.ClientSession, metrics: CanaryMetrics) -> None:
        self._part = part
        self._session = session
        self._metrics = metrics

    async def run(self, every_s: float, stop: asyncio.Event) -> None:
        """Flip the number there and back, and again after every_s, until stop is set; it is left assigned if it can."""
        while not stop.is_set():
            for assigned in (False, True):
                await self._try(assigned=assigned)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await stop.wait()

    async def _try(self, *, assigned: bool) -> None:
        try:
            seconds = await self.flip(assigned=assigned)
        except FlipError as failure:
            self._metrics.failed(failure.reason)
            _log.warning("canary_failed", assigned=assigned, reason=failure.reason, what=failure.what)
        else:
            self._metrics.turned(seconds)

    async def flip(self, *, assigned: bool) -> float:
        """Assign or unassign the number; returns seconds from then until the gateway's verdict was the new one.

        FlipError when either does not answer as it should, when the verdict is late, and when the registry called the
        change effective although the gateway still judged by what was before.
        """
        started = time.monotonic()
        changing = asyncio.create_task(self._change(assigned=assigned))
        try:
            turned = await self._turned(changing, assigned=assigned)
            await changing
        finally:
            changing.cancel()
            await asyncio.gather(changing, return_exceptions=True)
        return turned - started

    async def _turned(self, changing: "asyncio.Task[bool]", *, assigned: bool) -> float:
        """Ask until the verdict is as it should be; returns when that was."""
        until = time.monotonic() + LATE_S
        while True:
            promised = changing.done() and changing.result()  # (a change that failed ends the asking)
            judged = await self._judged()
            if judged is assigned:
                return time.monotonic()
            if promised and judged is not None:  # Promised before we asked, and judged by what was before.
                raise FlipError("broken_promise")
            if time.monotonic() >= until:
                raise FlipError("late")
            await asyncio.sleep(_ASK_S)

    async def _change(self, *, assigned: bool) -> bool:
        """Change the number in the registry; returns whether that is known to be effective."""
        part = self._part
        url = f"{part.registry_url}/v1/numbers/{part.number}"
        body = {"assignment": {"campaign_id": part.campaign_id} if assigned else None}
        status, answer = await self._call("registry", part.admin_key, body, method="PATCH", url=url, timeout=_PATCH)
        if status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
            raise FlipError("registry", f"HTTP {status}")
        # By leases: then a process may have been cut off, and the gateway that we ask may judge by stale facts.
        return bool(status == HTTPStatus.OK and answer["change"]["by"] == "processes")

    async def _judged(self) -> bool | None:
        """Ask whether a text from the number would go: True, False for no registration, None for anything else."""
        part = self._part
        body = {"from": part.number, "to": part.recipient, "text": "Your appointment is confirmed."}
        url = f"{part.gateway_url}/v1/decisions"
        status, answer = await self._call("gateway", part.api_key, body, method="POST", url=url, timeout=_ASK)
        if status != HTTPStatus.OK:
            raise FlipError("gateway", f"HTTP {status}")
        if answer["verdict"] in (Verdict.ALLOW, Verdict.FLAG, Verdict.DEFER):
            return True
        return False if answer["reason"]["code"] == Code.DID_UNASSIGNED else None

    async def _call(self, who: str, key: str, body: dict[str, Any], **request: Any) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {key}", "If-Match": "*"}
        try:
            async with self._session.request(json=body, headers=headers, **request) as response:
                return response.status, orjson.loads(await response.read())
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as failure:
            raise FlipError(who, type(failure).__name__) from None


async def run_canary(part: Part, *, every_s: float, admin_port: int, supervised: bool) -> None:
    """Flip until the process is to end; a flip under way then has a moment. OSError when the port is taken."""
    stop = stop_event(supervised=supervised)
    instruments = CollectorRegistry()
    app = admin_app(instruments, lambda: None)
    async with serve_admin(app, _HOST, admin_port), aiohttp.ClientSession() as session:
        flipping = asyncio.create_task(Canary(part, session, CanaryMetrics(instruments)).run(every_s, stop))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({flipping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        await asyncio.wait({flipping}, timeout=_LAST_FLIP_S)
        if flipping.done():
            flipping.result()
        flipping.cancel()
        await asyncio.gather(flipping, return_exceptions=True)
