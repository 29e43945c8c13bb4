"""Takes plain texts in groups: those that came in one turn of the event loop go through every stage side by side.

Forty texts that take a stage one after another find its code in the processor's caches, and wait once for the store,
where forty requests of their own would each bring in all stages anew and wait forty times. Together each costs half.
Nobody waits for company: a group is who is there. A text that needs a document which is not in memory goes alone, so
that nobody waits for it either; and whatever goes wrong with a text is its own affair.

Not here: the connections (front.py), what is done with a message (sending.py, send/pipeline.py).
"""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

import structlog

from gateway.edge.front import Ask
from gateway.edge.keys import Keys, Principal
from gateway.edge.replies import Reply
from gateway.edge.sending import read_one, send_one, told
from gateway.edge.wire import Draft
from gateway.errors import Problem
from gateway.send.pipeline import Pipeline, Result

#: Texts in a group at the most: the first of them must not wait long for the last.
_MOST_TOGETHER: Final = 64

_log = structlog.get_logger()


class Asker(Protocol):
    """Who brought a text and waits for its answer."""

    def begin(self) -> None:
        """Hear that the text has its turn now."""

    def conclude(self, answer: Reply | Problem) -> None:
        """Hear what became of it; called once."""


class Taken(NamedTuple):
    """A text on its way."""

    ask: Ask
    asker: Asker


class Intake:
    """Groups texts, and answers each."""

    def __init__(self, keys: Keys, pipeline: Pipeline) -> None:
        self._keys = keys
        self._pipeline = pipeline
        self._waiting: list[Taken] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, ask: Ask, asker: Asker) -> None:
        """Take a text; it goes on when its client has gone."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._begin)
        self._waiting.append(Taken(ask, asker))

    def _begin(self) -> None:
        group, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._begin)
        for taken in group:
            taken.asker.begin()
        self._run(self._serve(group))

    def _run(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, group: Sequence[Taken]) -> None:
        """Take a group through, stage by stage; who must wait for a document goes on alone."""
        now = datetime.now(UTC)
        proved = [(taken, self._principal(taken)) for taken in group]
        read = [(taken, principal, _draft(taken, now)) for taken, principal in proved if principal is not None]
        sent = [(taken, (principal, draft)) for taken, principal, draft in read if draft is not None]
        if not sent:
            return
        try:
            results = await self._pipeline.send_at_hand([asked for _, asked in sent])
        except Exception as failure:  # noqa: BLE001 - the last line: an answer, and nothing of ours in it
            results = [_crashed(failure)] * len(sent)
        answers = [_reply(result) if isinstance(result, Result) else result for result in results]
        for (taken, _), answer in zip(sent, answers, strict=True):
            if answer is None:
                self._run(self._serve_alone(taken))
            else:
                _tell(taken, answer)

    def _principal(self, taken: Taken) -> Principal | None:
        """Return who asks; None when that is answered already, or has to be found out elsewhere."""
        try:
            principal = self._keys.at_hand(taken.ask.authorization)
            if principal is None:
                self._run(self._serve_alone(taken))
            else:
                principal.require("send")
        except Problem as problem:
            _tell(taken, problem)
            return None
        except Exception as failure:  # noqa: BLE001 - the others are other people's
            _tell(taken, _crashed(failure))
            return None
        return principal

    async def _serve_alone(self, taken: Taken) -> None:
        answer: Reply | Problem
        try:
            principal = await self._keys.check(taken.ask.authorization)
            principal.require("send")
            answer = await send_one(self._pipeline, principal, taken.ask.keys, taken.ask.body)
        except Problem as problem:
            answer = problem
        except Exception as failure:  # noqa: BLE001 - the last line: an answer, and nothing of ours in it
            answer = _crashed(failure)
        _tell(taken, answer)


def _draft(taken: Taken, now: datetime) -> Draft | None:
    """Read what is asked; None when it was told already why that cannot be done."""
    try:
        return read_one(taken.ask.keys, taken.ask.body, now)
    except Problem as problem:
        _tell(taken, problem)
    except Exception as failure:  # noqa: BLE001 - as above
        _tell(taken, _crashed(failure))
    return None


def _reply(result: Result) -> Reply | Problem:
    try:
        return told(result)
    except Problem as problem:
        return problem


def _crashed(failure: Exception) -> Problem:
    _log.error("request_crashed", error=type(failure).__name__, exc_info=failure)
    return Problem("internal_error")


def _tell(taken: Taken, answer: Reply | Problem) -> None:
    try:
        taken.asker.conclude(answer)
    except Exception as failure:  # noqa: BLE001 - those who come after it wait for their answers
        _crashed(failure)
