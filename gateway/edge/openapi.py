"""The public API's own description: GET /v1/openapi.json for programs, GET /v1/docs for people. Neither asks for a key.

Both are made once, when the process starts, out of the tables beside the handlers (openapi_*.py).

Not here: how a table becomes a document or a page (apidocs/).
"""

import re
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final

import orjson
from aiohttp import web

from apidocs.document import document
from apidocs.page import CONTENT_SECURITY_POLICY, page
from apidocs.table import JSON, Description
from gateway.edge import openapi_carriers, openapi_events, openapi_messages, openapi_opt_outs, openapi_people
from gateway.edge.openapi_examples import REFUSALS
from gateway.edge.openapi_schemas import SCHEMAS
from gateway.problems import PROBLEMS

_ABOUT: Final = """Texts from business numbers, judged before they go.

A request is refused with `application/problem+json` (RFC 9457): `code` says why, `detail` what to do, `errors` which
field. A message that the rules refuse has its decision in the same answer, and who can change what (`remediation`). No
answer ever repeats a value that was sent. A path that is none of these is 404 `not_found`, another method 405
`method_not_allowed` with the header Allow.

Examples are of the demonstration company of `make run`: with its keys they can be sent as they stand."""

#: What the examples' ids and keys are for; also the order of the page.
_TAGS: Final = {
    openapi_messages.TAG: "Send, judge, look at and cancel messages.",
    openapi_people.INBOX: "Instant messages from colleagues.",
    openapi_events.TAG: "What happens to a user's messages, as it happens.",
    openapi_people.MEDIA: "Attachments.",
    openapi_people.OPT_OUTS: "Who does not want to be texted.",
    openapi_people.EXPLAINED: "Every code, and this description.",
    openapi_carriers.TAG: "What carriers tell us.",
}
_SECURITY: Final = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "a2p_<id>_<secret>",
        "description": "An API key of a company, or of one of its users, with the scopes `send`, `read`, `admin`; or "
        "the token (JWT) of a user who is signed in to the console, which lives for minutes.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks: `v1,` and the HMAC-SHA256 over id, time and body, in base64.",
    },
}
_LINE_END: Final = re.compile(r"(?<!\n)\n(?!\n)")

DESCRIPTION: Final = Description(
    title="A2P gateway",
    version=version("a2p-gateway"),
    description=_LINE_END.sub(" ", _ABOUT),
    tags=_TAGS,
    operations=(
        *openapi_messages.OPERATIONS,
        *openapi_people.OPERATIONS,
        *openapi_opt_outs.OPERATIONS,
        *openapi_events.OPERATIONS,
        *openapi_carriers.OPERATIONS,
    ),
    problems=PROBLEMS,
    schemas={**SCHEMAS, **openapi_opt_outs.SCHEMAS},
    security=_SECURITY,
    refusals={"sendMessage": REFUSALS},
)


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """Return the document."""
    return document(DESCRIPTION)


class DescriptionRoutes:
    """Handlers of /v1/openapi.json and /v1/docs."""

    def __init__(self) -> None:
        self._json = orjson.dumps(openapi())
        self._page = page(openapi()).encode()

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/v1/openapi.json", self.json, allow_head=False),
            web.get("/v1/docs", self.page, allow_head=False),
        ]

    async def json(self, request: web.Request) -> web.StreamResponse:
        """Give the document; pages of other origins may read it, for it is no secret."""
        del request
        return web.Response(body=self._json, content_type=JSON, headers={"Access-Control-Allow-Origin": "*"})

    async def page(self, request: web.Request) -> web.StreamResponse:
        """Show the page."""
        del request
        headers = {
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        return web.Response(body=self._page, content_type="text/html", charset="utf-8", headers=headers)
