"""The answers to submissions as they leave: plain ones, and those that are broken on purpose.

Each kind of broken answer is one function from the plain answer to what goes out instead. Not here: answers that never
leave (submit.py).
"""

import functools
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from aiohttp import web

from loadtests.carrier.behaviours import ON_DEMAND, PER_MESSAGE, Behaviour, Kind
from loadtests.carrier.desk import Outcome, Result

_LONG_ID_CHARACTERS = 10_240
#: A refusal for now.
_LATER = frozenset({401, 429, 500, 502, 503, 504})
_BOMB_BYTES = 16 * 1_048_576
_HTML = b"<!doctype html><title>It works!</title><h1>It works!</h1><p>This is the default page of this server.</p>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer that can still be changed."""

    status_code: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        """Return it for aiohttp."""
        headers = {"Content-Type": "application/json", **self.headers}
        return web.Response(status=self.status_code, body=self.body, headers=headers)


def refused(status_code: int, code: str, detail: str, *, retry_after_s: int | None = None) -> Answer:
    """Return the answer to a request of which nothing was taken."""
    return Answer(
        status_code=status_code,
        body=orjson.dumps({"code": code, "detail": detail}),
        headers={} if retry_after_s is None else {"Retry-After": str(retry_after_s)},
    )


def answer_to(outcome: Outcome, *, batch: bool) -> Answer:
    """Return what is to be answered, broken if the request's behaviour says so."""
    whole = outcome.whole
    if whole is not None and not whole.taken and (whole.kind in PER_MESSAGE or whole.kind is Kind.UNAUTHENTICATED):
        return refused(whole.status_code, whole.code, ON_DEMAND, retry_after_s=whole.retry_after_s)
    results = _broken_results(outcome.results, whole)
    plain = _batch_answer(results) if batch else _single_answer(results[0] if results else {"status_code": 202})
    breaker = _BREAKERS.get(whole.kind) if whole is not None else None
    return breaker(plain) if breaker is not None else plain


def generic_answer(answer: Answer) -> Answer:
    """Return an answer as the generic route words it: its first word, such as accepted, and the id or the code.

    A refusal is 200 too: those who ask there look at the words.
    """
    headers = {**answer.headers, "Content-Type": "text/plain; charset=utf-8"}
    try:
        said = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return replace(answer, headers=headers)
    if "id" in said:
        return Answer(status_code=200, body=f"accepted {said['id']}".encode(), headers=headers)
    word = "later" if answer.status_code in _LATER else "refused"
    return Answer(status_code=200, body=f"{word} {said.get('code', '')}".encode(), headers=headers)


def _single_answer(result: Result) -> Answer:
    status_code = result["status_code"]
    if status_code != 202:  # noqa: PLR2004  accepted, as the wire has it
        return refused(status_code, result["code"], result["detail"], retry_after_s=result.get("retry_after"))
    body = {key: value for key, value in result.items() if key != "status_code"}
    return Answer(status_code=status_code, body=orjson.dumps({**body, "status": "accepted"}))


def _batch_answer(results: list[Result]) -> Answer:
    return Answer(status_code=200, body=orjson.dumps({"results": results}))


def _broken_results(results: Any, whole: Behaviour | None) -> list[Result]:
    """Break the list of results, or the ids of those that were taken, if that is the request's fate."""
    if whole is not None and (list_breaker := _LIST_BREAKERS.get(whole.kind)) is not None:
        return list_breaker(list(results))
    breaker = _ID_BREAKERS.get(whole.kind) if whole is not None else None
    if breaker is None:
        return list(results)
    return [breaker(result) if "id" in result else result for result in results]


def _without_id(result: Result) -> Result:
    return {key: value for key, value in result.items() if key != "id"}


def _with_list_for_id(result: Result) -> Result:
    return {**result, "id": [result["id"]]}


def _with_long_id(result: Result) -> Result:
    return {**result, "id": result["id"].ljust(_LONG_ID_CHARACTERS, "x")}


def _first_half(results: list[Result]) -> list[Result]:
    return results[: len(results) // 2]


def _without_first(results: list[Result]) -> list[Result]:
    return results[1:]


def _twice(results: list[Result]) -> list[Result]:
    return [result for result in results for _ in range(2)]


def _contradicted(results: list[Result]) -> list[Result]:
    no = {"status_code": 503, "code": "temporary", "detail": ON_DEMAND}
    return results + [no | {"reference": result["reference"]} for result in results]


def _shuffled(results: list[Result]) -> list[Result]:
    return results[::-1]


def _html(plain: Answer) -> Answer:
    return replace(plain, status_code=200, body=_HTML, headers={"Content-Type": "text/html; charset=utf-8"})


def _cut(plain: Answer) -> Answer:
    return replace(plain, body=plain.body[: len(plain.body) // 2])


def _bomb(plain: Answer) -> Answer:
    return replace(plain, body=_zeros_gzipped(), headers={"Content-Encoding": "gzip"})


@functools.cache
def _zeros_gzipped() -> bytes:
    return gzip.compress(bytes(_BOMB_BYTES), mtime=0)


_ID_BREAKERS: Mapping[Kind, Callable[[Result], Result]] = {
    Kind.GARBLED_NO_ID: _without_id,
    Kind.GARBLED_ID_TYPE: _with_list_for_id,
    Kind.GARBLED_LONG_ID: _with_long_id,
}
_LIST_BREAKERS: Mapping[Kind, Callable[[list[Result]], list[Result]]] = {
    Kind.GARBLED_HALF: _first_half,
    Kind.GARBLED_MISSING: _without_first,
    Kind.GARBLED_DOUBLED: _twice,
    Kind.GARBLED_CONTRADICTING: _contradicted,
    Kind.GARBLED_SHUFFLED: _shuffled,
}
_BREAKERS: Mapping[Kind, Callable[[Answer], Answer]] = {
    Kind.GARBLED_HTML: _html,
    Kind.GARBLED_CUT: _cut,
    Kind.GARBLED_BOMB: _bomb,
}
