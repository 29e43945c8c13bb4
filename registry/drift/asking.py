"""Asks a side about one object after the other, so that one of them keeps no other from being looked at.

What a side will not say, or says without sense, concerns the object that it was asked about: nothing is noted about
that one, and the next turn asks again. A side that answers less often than not is away, which is for the sweep to wait
out. A call too many is made again: the client keeps quiet for as long as it was told to.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from registry.provisioning.client import AggregatorError, KeyRefusedError, RefusedError, ThrottledError
from registry.tcr.errors import TcrDeniedError, TcrError, TcrRefusedError

T = TypeVar("T")

#: How often one question is asked that was one call too many.
_TRIES: Final = 5

log = structlog.get_logger()


class UnansweredError(Exception):
    """Nothing was learnt about an object; what is known of it stays as it is."""


class Asking:
    """The questions of one look to one side."""

    def __init__(self) -> None:
        self._answered = 0
        self._left_out = 0
        self._failures: list[AggregatorError | TcrError] = []

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Ask about one object.

        UnansweredError: about this one nothing was learnt. AggregatorError, TcrError: the side is away.
        """
        try:
            answer = await patiently(question)
        except (KeyRefusedError, TcrDeniedError):  # It would be the same with every other.
            raise
        except (RefusedError, TcrRefusedError) as no:
            self._answered += 1
            self._left_out += 1
            raise UnansweredError from no
        except (AggregatorError, TcrError) as failure:
            self._failures.append(failure)
            if len(self._failures) > self._answered + 1:
                raise
            raise UnansweredError from failure
        self._answered += 1
        return answer

    def finish(self) -> None:
        """Tell of what was left out. AggregatorError, TcrError: nothing at all was answered."""
        if self._failures and not self._answered:
            raise self._failures[-1]
        left_out = self._left_out + len(self._failures)
        if left_out:
            log.warning("drift_objects_left_out", entries=left_out)


async def patiently(question: Callable[[], Awaitable[T]]) -> T:
    """Ask, and again where it was one call too many. AggregatorError, TcrError."""
    for _ in range(_TRIES - 1):
        try:
            return await question()
        except ThrottledError:
            continue
    return await question()
