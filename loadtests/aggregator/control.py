"""What a test or a person does to the aggregator: rules, campaigns, numbers behind everybody's back, the logs.

All of it wants the key. Not here: the API that callers see (calls.py).
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import web

from loadtests.aggregator.book import Book, CampaignRules, RefusedError
from loadtests.aggregator.calls import Calls, json, refused
from loadtests.aggregator.hooks import Hooks
from loadtests.aggregator.rules import REASONS, BadRuleError, Rules, read_rules

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Control:
    """The control API."""

    def __init__(self, *, book: Book, rules: Rules, hooks: Hooks, calls: Calls) -> None:
        self._book = book
        self._rules = rules
        self._hooks = hooks
        self._calls = calls

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/", self._about),
            web.get("/healthz", self._about),
            web.get("/control/rules", self._guarded(self._show_rules)),
            web.put("/control/rules", self._guarded(self._set_rules)),
            web.put("/control/webhook", self._guarded(self._set_webhook)),
            web.put("/control/campaigns/{id}", self._guarded(self._set_campaign)),
            web.put("/control/numbers/{tn}", self._guarded(self._set_number)),
            web.post("/control/numbers/{tn}/finish", self._guarded(self._finish)),
            web.get("/control/calls", self._guarded(self._show_calls)),
            web.get("/control/webhooks", self._guarded(self._show_webhooks)),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            if not self._calls.authorised(request):
                return refused(401, "UNAUTHENTICATED", "Authorization: must be Bearer and the key.")
            try:
                return await handler(request)
            except (orjson.JSONDecodeError, TypeError, KeyError, BadRuleError) as error:
                return refused(400, "MALFORMED", str(error) or "The body must be JSON.")
            except RefusedError as no:
                return refused(no.status, no.code, no.detail)

        return handle

    async def _about(self, _: web.Request) -> web.Response:
        return json({"service": "aggregator-emulator", "numbers": len(self._book), "rules": len(self._rules.rules)})

    async def _show_rules(self, _: web.Request) -> web.Response:
        return json({"rules": [asdict(rule) for rule in self._rules.rules]})

    async def _set_rules(self, request: web.Request) -> web.Response:
        self._rules.use(read_rules(await _body(request)))
        return json({"rules": len(self._rules.rules)})

    async def _set_webhook(self, request: web.Request) -> web.Response:
        url = (await _body(request))["url"]
        if type(url) is not str or (url and not url.startswith(("http://", "https://"))):
            raise BadRuleError("url: must be an http or https URL, or empty")
        self._hooks.url = url
        return json({"url": url})

    async def _set_campaign(self, request: web.Request) -> web.Response:
        body = await _body(request)
        made = CampaignRules(state=body.get("state", "active"), pool=body.get("pool"))
        if made.state not in {"active", "expired"} or type(made.pool) not in {int, type(None)}:
            raise BadRuleError("state: must be active or expired; pool: a whole number or null")
        self._book.campaigns[request.match_info["id"]] = made
        return json(asdict(made))

    async def _set_number(self, request: web.Request) -> web.Response:
        tn, body = request.match_info["tn"], await _body(request)
        self._book.put(tn, body)
        found = self._book.find(tn)
        return json({} if found is None else found.shown())

    async def _finish(self, request: web.Request) -> web.Response:
        reason = (await _body(request)).get("reason")
        if reason is not None and reason not in REASONS:
            raise BadRuleError(f"reason: must be null or one of {', '.join(REASONS)}")
        return json(self._book.finish(request.match_info["tn"], reason=reason).shown())

    async def _show_calls(self, _: web.Request) -> web.Response:
        return json({"calls": [call._asdict() for call in self._calls.log]})

    async def _show_webhooks(self, _: web.Request) -> web.Response:
        return json({"tries": self._hooks.tries})


async def _body(request: web.Request) -> Any:
    body = orjson.loads(await request.read())
    if type(body) is not dict:
        raise BadRuleError("The body must be an object.")
    return body
