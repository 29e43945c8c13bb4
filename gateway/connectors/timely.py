"""A body that goes out in time or not at all: what was judged too long ago must not begin to reach a carrier.

A connection may take long to open, and a process may be frozen on the way; both show only at the very end. So the clock
is read right before the first byte of the request: aiohttp keeps the headers back until the body is written.

Not here: how long a judgement is good for (gateway/in_force.py).
"""

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from gateway.clock import boottime_s


class TooLateError(Exception):
    """Nothing was sent: it would have begun too late."""


class TimelyBody(aiohttp.BytesPayload):
    """Bytes that are not sent after an instant, by boottime_s(). For one request."""

    def __init__(self, raw: bytes, *, until_s: float) -> None:
        super().__init__(raw, content_type="application/json")
        self._until_s = until_s
        #: It was too late: no byte of the request left.
        self.is_late = False

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write the body, if it is not too late."""
        if boottime_s() > self._until_s:
            self.is_late = True
            raise TooLateError
        await super().write_with_length(writer, content_length)
