"""How a gateway comes and goes without anybody noticing: ready once it listens; not ready, then deaf, and then the end.

Load balancers look at readiness now and then; until they have, requests still come and are answered. Each answer
closes its connection, so that the client's next request goes to another gateway and none is under way at the end.

Not here: when it is time to go (lifetime.py), how the server stops (app.py).
"""

import asyncio
from collections.abc import Callable

from aiohttp import web


class Leaving:
    """Whether a gateway is there yet, and whether it is on its way out."""

    def __init__(self, not_ready: Callable[[], str | None], pre_stop_s: float) -> None:
        self._not_ready = not_ready
        self._pre_stop_s = pre_stop_s
        #: Connections are taken: before, whoever heard that it is ready would be refused.
        self.listens = False
        #: Answers are the last of their connections from now on.
        self.has_begun = False

    async def leave(self) -> None:
        """Say so from now on; returns when whoever sends traffic here has had the time to notice."""
        self.has_begun = True
        await asyncio.sleep(self._pre_stop_s)

    def not_ready(self) -> str | None:
        """Return why no traffic should come here, or None."""
        if self.has_begun:
            return "stopping"
        return self._not_ready() if self.listens else "starting"

    async def close_connection(self, _: web.BaseRequest, response: web.StreamResponse) -> None:
        """Have the client connect anew for its next request."""
        if self.has_begun:
            response.headers["Connection"] = "close"
            response.force_close()
