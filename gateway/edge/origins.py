"""Which web pages may use the public API: cross-origin requests (CORS) and sockets, by the exact origin of the page.

A page is told that it may read an answer by its own origin repeated, never by *, and never with credentials: a page
shows a token in Authorization, which no browser sends by itself. A page of another origin is told nothing, so its
browser keeps the answer from it. Who is no browser sends no Origin, and nothing here is about them.

Source: Fetch standard, "CORS protocol"; RFC 6455 10.2 (Origin of sockets).
"""

from collections.abc import Iterable
from typing import Final

from aiohttp import web

#: What the routes need.
_METHODS: Final = "GET, POST, PUT, DELETE"
_FIELDS: Final = "Authorization, Content-Type, Idempotency-Key"
_SHOWN_FIELDS: Final = "Retry-After, Idempotent-Replayed"
#: A browser need not ask again within so many seconds.
_ASK_AGAIN_S: Final = 600


class Origins:
    """The origins of our own pages, such as https://console.example.com."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins)

    def may_read(self, request: web.BaseRequest) -> str | None:
        """Return the origin of a request that comes from one of our pages; None for any other request."""
        said = request.headers.getall("Origin", ())
        return said[0] if len(said) == 1 and said[0] in self._origins else None

    def may_connect(self, request: web.BaseRequest) -> bool:
        """Say whether a socket may be opened: by one of our pages, or by what is no browser."""
        return "Origin" not in request.headers or self.may_read(request) is not None

    def preflight(self, request: web.BaseRequest) -> web.Response | None:
        """Answer a browser that asks what one of our pages may send; None when that is not what is asked."""
        asked = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if not asked or self.may_read(request) is None:
            return None
        response = web.Response(status=204)
        response.headers["Access-Control-Allow-Methods"] = _METHODS
        response.headers["Access-Control-Allow-Headers"] = _FIELDS
        response.headers["Access-Control-Max-Age"] = str(_ASK_AGAIN_S)
        return response

    def mark(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Tell the browser that the page may read an answer, if it may."""
        origin = self.may_read(request)
        if origin is None or response.prepared:
            return
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _SHOWN_FIELDS
        response.headers.add("Vary", "Origin")
