"""Looks after accepted messages until each has come to its end, or the time for it is over."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from gateway.client.api import Answer, Api
from gateway.client.hands import at_once

#: Polite: looking must not be what the gateway is busy with.
_AT_ONCE: Final = 16
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 5.0

#: Stands for the status of a message that was not reached in time, and of one that the gateway does not have.
NOT_SEEN: Final = "not_seen"
NOT_FOUND: Final = "not_found"


class Following:
    """Accepted messages, each with the key that may read it."""

    def __init__(self, api: Api, keys: Mapping[str, str], *, ended: Callable[[], None]) -> None:
        self._api = api
        self._open = dict(keys)
        self._ended = ended
        #: Message id to the status last seen.
        self.statuses = dict.fromkeys(keys, NOT_SEEN)
        #: How many have not been seen to end.
        self.unfinished = len(keys)

    async def run(self, wait_s: float) -> None:
        """Look at the open ones again and again. Raises NoAnswerError."""
        pause_s = _FIRST_PAUSE_S
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while self._open:
                    await self._look()
                    await asyncio.sleep(pause_s if self._open else 0)
                    pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _look(self) -> None:
        waiting = iter(list(self._open.items()))

        async def work() -> None:
            for message_id, key in waiting:
                answer = await self._api.call("GET", f"/v1/messages/{message_id}", key)
                self._saw(message_id, answer)

        await at_once(_AT_ONCE, work)

    def _saw(self, message_id: str, answer: Answer) -> None:
        fields, is_missing = answer.fields, answer.status == HTTPStatus.NOT_FOUND
        has_ended = answer.status == HTTPStatus.OK and fields.get("terminal") is True
        if is_missing:
            self.statuses[message_id] = NOT_FOUND
        elif answer.status == HTTPStatus.OK:
            self.statuses[message_id] = str(fields.get("status"))
        if has_ended:
            self.unfinished -= 1
        if has_ended or is_missing:
            del self._open[message_id]
            self._ended()
