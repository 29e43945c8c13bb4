"""The control API: how a test or a person makes things happen, go wrong, and sees what came.

Under /_control, with the same Basic authentication; neither limited nor subject to faults.
"""

from dataclasses import asdict, replace
from typing import Any, Final

import orjson
from aiohttp import web

from loadtests.emulator import BadSettingsError
from loadtests.tcr.book import Book
from loadtests.tcr.faults import BadRuleError, Faults
from loadtests.tcr.hooks import Hooks, manner_of
from loadtests.tcr.requests import Requests
from loadtests.tcr.reviews import CARRIERS, Reviews

_STATUSES: Final = ("REVIEW", "APPROVED", "REJECTED", "SUSPENDED", "UNSUSPENDED")
_SHOWN: Final = 1_000


class Control:
    """The handlers."""

    def __init__(self, *, book: Book, reviews: Reviews, hooks: Hooks, faults: Faults, requests: Requests) -> None:
        self._book = book
        self._reviews = reviews
        self._hooks = hooks
        self._faults = faults
        self._requests = requests

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/_control", self._overview),
            web.put("/_control/pace", self._set_pace),
            web.put("/_control/faults", self._set_faults),
            web.put("/_control/hooks", self._set_hooks),
            web.post("/_control/events", self._bring),
            web.get("/_control/requests", self._came),
            web.get("/_control/deliveries", self._delivered),
            web.post("/_control/{object}/{deed}", self._do),
        ]

    async def _overview(self, _: web.Request) -> web.Response:
        return _json(
            {
                "brands": {one.id: one.fields["identityStatus"] for one in self._book.brands.values()},
                "campaigns": {one.id: one.fields["status"] for one in self._book.campaigns.values()},
                "subscriptions": self._book.subscriptions,
                "steps": [asdict(step) for step in self._book.steps],
                "hooks_waiting": self._hooks.waiting,
                "refused_by_limits": self._requests.limits.refused,
                "pace": asdict(self._reviews.pace),
                "hooks": asdict(self._hooks.manner),
                "faults": [asdict(rule) for rule in self._faults.rules],
            }
        )

    async def _set_pace(self, request: web.Request) -> web.Response:
        data = await _object(request)
        try:
            pace = replace(self._reviews.pace, **data)
            pace.check()
        except (TypeError, BadSettingsError) as error:
            return _bad(str(error))
        self._reviews.pace = pace
        return _json(asdict(pace))

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            self._faults.use((await _object(request)).get("rules"))
        except BadRuleError as error:
            return _bad(str(error))
        return _json({"rules": len(self._faults.rules)})

    async def _set_hooks(self, request: web.Request) -> web.Response:
        try:
            manner = manner_of(self._hooks.manner, await _object(request))
        except ValueError as error:
            return _bad(str(error))
        self._hooks.use(manner)
        return _json(asdict(manner))

    async def _bring(self, request: web.Request) -> web.Response:
        """Bring any body to the subscriber, signed rightly, wrongly or not at all; the answer's status."""
        data = await _object(request)
        body, url = data.get("body"), data.get("url") or next(iter(self._book.subscriptions.values()), None)
        if type(body) is not dict or type(url) is not str:
            return _bad("body: must be an object; url: must be given where nobody subscribed")
        signature = {"right": None, "wrong": "d3Jvbmc=", "none": ""}.get(data.get("signature", "right"))
        statuses = [await self._hooks.bring(body, url, signature) for _ in range(int(data.get("copies", 1)))]
        return _json({"statuses": statuses})

    async def _came(self, _: web.Request) -> web.Response:
        return _json([asdict(one) for one in list(self._requests.came)[-_SHOWN:]])

    async def _delivered(self, _: web.Request) -> web.Response:
        return _json([asdict(one) for one in list(self._hooks.deliveries)[-_SHOWN:]])

    async def _do(self, request: web.Request) -> web.Response:
        args, deed = await _object(request), request.match_info["deed"]
        if deed == "operate" and (args.get("carrier") not in CARRIERS or args.get("status") not in _STATUSES):
            return _bad(f"carrier: one of {', '.join(CARRIERS)}; status: one of {', '.join(_STATUSES)}")
        if deed == "identify" and type(args.get("status")) is not str:
            return _bad("status: must be text")
        if not self._reviews.do(request.match_info["object"], deed, args):
            return _json({"detail": "there is no such object, or deed"}, status=404)
        self._book.save()
        return _json({"done": deed})


async def _object(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    try:
        data = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError:
        data = None
    if type(data) is not dict:
        raise web.HTTPBadRequest(text="body: must be a JSON object")
    return data


def _bad(detail: str) -> web.Response:
    return _json({"detail": detail}, status=400)


def _json(value: Any, *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
