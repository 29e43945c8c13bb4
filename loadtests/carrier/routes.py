"""Every route but submissions: look-ups, the ledger, magic numbers, the scenario, the page.

Look-ups and scenarios want the token. What only shows something does not, so that a browser can be pointed at it.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from aiohttp import web

from loadtests.carrier import page
from loadtests.carrier.answers import refused
from loadtests.carrier.director import Director
from loadtests.carrier.inbound import Inbound
from loadtests.carrier.ledger import Ledger
from loadtests.carrier.magic import Magic
from loadtests.carrier.messages import Messages
from loadtests.carrier.receipts import ReceiptSender
from loadtests.carrier.scenario import BadScenarioError, Scenario
from loadtests.carrier.submit import Submissions
from loadtests.carrier.wire import BODY_BYTES_MAX


class Routes:
    """The emulator as an HTTP application."""

    def __init__(
        self,
        *,
        director: Director,
        ledger: Ledger,
        messages: Messages,
        sender: ReceiptSender,
        submissions: Submissions,
        inbound: Inbound,
        magic: Mapping[str, Magic],
        read_scenario: Callable[[Any], Scenario],
    ) -> None:
        self._director = director
        self._ledger = ledger
        self._messages = messages
        self._sender = sender
        self._submissions = submissions
        self._inbound = inbound
        self._magic = magic
        self._read_scenario = read_scenario

    def application(self) -> web.Application:
        """Return the application to serve."""
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        application.add_routes(
            [
                web.post("/messages", self._submissions.post),
                web.get("/generic", self._submissions.get),
                web.get("/messages/{ref}", self._message),
                web.post("/inbound", self._inbound.post),
                web.get("/ledger", self._read_ledger),
                web.get("/magic", self._magic_numbers),
                web.get("/scenario", self._scenario),
                web.put("/scenario", self._set_scenario),
                web.get("/healthz", self._health),
                web.get("/", self._page),
                web.get("/live", self._live),
                web.get("/static/{name}", self._static),
            ],
        )
        return application

    def use(self, scenario: Scenario) -> None:
        """Follow a scenario from now on, and say so in the ledger."""
        event = {"event": "scenario", "at_ns": time.time_ns(), "name": scenario.name, "rules": len(scenario.rules)}
        self._ledger.append([event])
        self._director.use(scenario)
        self._messages.revision += 1

    async def _message(self, request: web.Request) -> web.Response:
        if not self._submissions.authorised(request):
            return refused(401, "unauthenticated", "Authorization: must be Bearer and the token").response()
        found = self._messages.find(request.match_info["ref"])
        if found is None:
            return refused(404, "not_found", "no message with this id or reference was taken").response()
        return _json(
            {
                "id": found.id,
                "reference": found.reference,
                "status": found.status,
                "received_at": page.rfc3339(found.received_at_ns),
                "count": self._messages.times_taken(found.reference),
            },
        )

    async def _read_ledger(self, request: web.Request) -> web.StreamResponse:
        offset = request.query.get("offset", "0")
        if not (offset.isascii() and offset.isdigit() and int(offset) <= self._ledger.size()):
            return refused(400, "malformed", "offset: must be a byte offset within the ledger").response()
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"})
        await response.prepare(request)
        for piece in self._ledger.read(int(offset)):
            await response.write(piece)
        await response.write_eof()
        return response

    async def _magic_numbers(self, _: web.Request) -> web.Response:
        rows = [
            {
                "to": row.number,
                "answer": row.meaning,
                "behaviour": row.behaviour.kind,
                "times": row.behaviour.times,
                "receipts": row.receipts,
            }
            for row in self._magic.values()
        ]
        return _json({"numbers": rows, "every_other_number": "202, then a receipt: delivered"})

    async def _scenario(self, _: web.Request) -> web.Response:
        return _json(self._director.scenario.source)

    async def _set_scenario(self, request: web.Request) -> web.Response:
        if not self._submissions.authorised(request):
            return refused(401, "unauthenticated", "Authorization: must be Bearer and the token").response()
        try:
            scenario = self._read_scenario(orjson.loads(await request.read()))
        except orjson.JSONDecodeError:
            return refused(400, "malformed", "body: not JSON in UTF-8").response()
        except BadScenarioError as error:
            return refused(400, "malformed", str(error)).response()
        self.use(scenario)
        return _json({"name": scenario.name, "rules": len(scenario.rules)})

    async def _health(self, _: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def _page(self, _: web.Request) -> web.Response:
        text = page.render_page(self._messages, waiting=self._sender.waiting, scenario=self._director.scenario.name)
        return web.Response(text=text, content_type="text/html", headers=page.HEADERS)

    async def _live(self, request: web.Request) -> web.Response:
        etag = f'"{self._messages.revision}-{self._sender.waiting}"'
        headers = {**page.HEADERS, "ETag": etag}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        text = page.render_live(self._messages, waiting=self._sender.waiting, scenario=self._director.scenario.name)
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def _static(self, request: web.Request) -> web.Response:
        content_type = page.STATIC.get(request.match_info["name"])
        if content_type is None:
            raise web.HTTPNotFound
        body = page.static_file(request.match_info["name"])
        return web.Response(body=body, content_type=content_type, headers=page.HEADERS)


def _json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")
