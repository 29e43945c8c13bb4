"""The aggregator's number API as typed calls: assign, remove, read, list, and what OSR says.

Every call has a deadline and keeps to a rate of its own; no redirect is followed, no answer beyond a megabyte is read.
All calls can be made again without harm: asking for what is under way or done is answered with how it stands. So a call
that failed is never followed up here; whoever made it looks at the number first, and asks again if need be.

Errors, by what to do about them:

* AggregatorError          every one has a code, and a sentence for people
  x ThrottledError         later, after its own delay; the client itself keeps quiet until then
  x UnavailableError       later; whether it was done is not known
  x ConflictError          look at the number again: something else is under way, or it changed meanwhile
  x MisunderstoodError     later; it answered something that is no answer; a person should look
  x KeyRefusedError        later; every call will fail until a person has put the key right
  x RefusedError           never as it is: the aggregator will not do this

Not here: which call to make (steps.py).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final, Self
from urllib.parse import quote

import aiohttp
import orjson

from registry.provisioning.pace import Pace

STATES: Final = ("PENDING", "ADDED", "FAILED", "DELETED")
OPERATIONS: Final = ("ASSIGNMENT", "DELETION")
#: Longest answer that is read, and longest sentence of theirs that is kept.
_ANSWER_MAX: Final = 1_048_576
_SENTENCE_MAX: Final = 200
#: Longest pause that a Retry-After can ask for, in seconds.
_PAUSE_MAX_S: Final = 300.0
_CODE: Final = re.compile(r"[A-Z0-9_]{1,64}")


class AggregatorError(Exception):
    """A call that did not do what it was made for; see the tree above."""

    retryable: ClassVar[bool] = True

    def __init__(self, code: str, sentence: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.retry_after_s = retry_after_s


class ThrottledError(AggregatorError):
    """Too many calls."""


class UnavailableError(AggregatorError):
    """No answer, or one that says: not now. The call may have been carried out."""


class ConflictError(AggregatorError):
    """The number is not as the call took it to be."""


class MisunderstoodError(AggregatorError):
    """An answer that is none. The call may have been carried out."""


class KeyRefusedError(AggregatorError):
    """Our key is not, or not any more, good there."""


class RefusedError(AggregatorError):
    """Said no for good."""

    retryable = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an operation failed, in the aggregator's words."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A number as the aggregator shows it."""

    did: str
    #: A word of STATES.
    status: str
    #: A word of OPERATIONS: what the status is the status of.
    operation: str
    #: Where the number is, or is going to; of a failed assignment: where it did not get to.
    campaign_id: str | None
    #: What we called the operation.
    reference: str
    reasons: tuple[Reason, ...]
    #: Grows with every change of any number there.
    version: int
    updated_at: datetime

    @property
    def holds(self) -> str | None:
        """The campaign that the number is in, on its way into, or on its way out of."""
        if self.status == "DELETED" or (self.status == "FAILED" and self.operation == "ASSIGNMENT"):
            return None
        return self.campaign_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the numbers, in the order of their last change."""

    numbers: tuple[Shown, ...]
    #: To be given as after for the next page.
    next: int
    more: bool


class AggregatorClient:
    """The calls. Made by opened()."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, *, reads_per_s: float, writes_per_s: float, timeout_s: float
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._reads, self._writes = Pace(reads_per_s), Pace(writes_per_s)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, url: str, key: str, *, reads_per_s: float, writes_per_s: float, timeout_s: float = 10.0
    ) -> AsyncIterator[Self]:
        """Have a client for a while."""
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json", "Accept-Encoding": "identity"}
        async with aiohttp.ClientSession(
            # A total of aiohttp's own may swallow a cancellation that comes with it (aio-libs/aiohttp#5979).
            timeout=aiohttp.ClientTimeout(total=None),
            headers=headers,
            auto_decompress=False,  # What was not asked for is not unpacked.
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            yield cls(session, url, reads_per_s=reads_per_s, writes_per_s=writes_per_s, timeout_s=timeout_s)

    async def assign(self, did: str, campaign_id: str, reference: str) -> Shown:
        """Have a number written into a campaign; returns how it stands then. AggregatorError."""
        body = orjson.dumps({"campaignId": campaign_id, "reference": reference})
        return read_shown(await self._call(self._writes, "PUT", _number(did), body=body))

    async def remove(self, did: str, reference: str) -> Shown | None:
        """Have a number taken out of its campaign; None when it is in none and never was. AggregatorError."""
        return await self._maybe(self._writes, "DELETE", f"{_number(did)}?reference={quote(reference, safe='')}")

    async def read(self, did: str) -> Shown | None:
        """Return a number; None when it was never in a campaign. AggregatorError."""
        return await self._maybe(self._reads, "GET", _number(did))

    async def changed(self, *, after: int = 0, since: datetime | None = None, limit: int = 100) -> Page:
        """Return the numbers that changed after a place in the list and not before an instant. AggregatorError."""
        since_ = "" if since is None else f"&changedSince={quote(since.isoformat(), safe='')}"
        data = await self._call(self._reads, "GET", f"/v1/numbers?after={after}&limit={limit}{since_}")
        numbers, next_, more = data.get("numbers"), data.get("next"), data.get("more")
        if type(numbers) is not list or type(next_) is not int or type(more) is not bool:
            raise _misunderstood()
        return Page(numbers=tuple(map(read_shown, numbers)), next=next_, more=more)

    async def look_up(self, did: str) -> str | None:
        """Return the campaign that carriers see for a number (OSR); None for none. AggregatorError."""
        data = await self._call(self._reads, "GET", f"/osr/{quote(did, safe='+')}")
        campaign = data.get("campaignId", 0)
        if campaign is not None and type(campaign) is not str:
            raise _misunderstood()
        return campaign

    async def _maybe(self, pace: Pace, method: str, path: str) -> Shown | None:
        try:
            return read_shown(await self._call(pace, method, path))
        except RefusedError as refused:
            if refused.code == "NUMBER_NOT_FOUND":
                return None
            raise

    async def _call(self, pace: Pace, method: str, path: str, *, body: bytes | None = None) -> dict[str, Any]:
        """Make one call in its turn; returns the decoded object of a 200 or 202."""
        await pace.turn()
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._session.request(
                    method, self._url + path, data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                status, retry_after_s = answer.status, _retry_after(answer.headers)
                content = await _read(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnavailableError("NO_ANSWER", f"The aggregator does not answer ({type(error).__name__}).") from None
        if status in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
            return _object(content)
        error_ = _error(status, content, retry_after_s)
        if isinstance(error_, ThrottledError):
            pace.pause(retry_after_s or 1.0)
        raise error_


def read_shown(data: Any) -> Shown:
    """Read a number from decoded JSON; of a webhook, too. MisunderstoodError when it is none."""
    try:
        reasons = tuple(Reason(code=_code(one["code"]), detail=_sentence(one["detail"])) for one in data["reasons"])
        shown = Shown(
            did=_text(data["phoneNumber"]),
            status=data["status"],
            operation=data["operation"],
            campaign_id=None if data["campaignId"] is None else _text(data["campaignId"]),
            reference=_text(data["reference"]),
            reasons=reasons,
            version=data["version"],
            updated_at=datetime.fromisoformat(_text(data["updatedAt"])),
        )
    except (KeyError, TypeError, ValueError):
        raise _misunderstood() from None
    known = shown.status in STATES and shown.operation in OPERATIONS
    if not known or type(shown.version) is not int or shown.updated_at.tzinfo is None:
        raise _misunderstood()
    return shown


def _error(status: int, content: bytes, retry_after_s: float | None) -> AggregatorError:
    try:
        first = _object(content)["errors"][0]
        code, sentence = _code(first["code"]), _sentence(first["detail"])
    except (MisunderstoodError, KeyError, IndexError, TypeError, ValueError):
        code, sentence = f"HTTP_{status}", "The aggregator gave no reason."
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ThrottledError(code, sentence, retry_after_s=retry_after_s)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return KeyRefusedError(code, "The aggregator does not accept our key.")
    if status == HTTPStatus.CONFLICT:
        return ConflictError(code, sentence)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return UnavailableError(code, sentence, retry_after_s=retry_after_s)
    if status < HTTPStatus.BAD_REQUEST or code.startswith("HTTP_"):
        return _misunderstood()
    return RefusedError(code, sentence)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > _ANSWER_MAX:
            raise _misunderstood()
    return bytes(content)


def _object(content: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise _misunderstood() from None
    if type(data) is not dict:
        raise _misunderstood()
    return data


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "")
    return min(float(value), _PAUSE_MAX_S) if re.fullmatch(r"[0-9]{1,6}", value) else None


def _number(did: str) -> str:
    return f"/v1/numbers/{quote(did, safe='+')}"


def _misunderstood() -> MisunderstoodError:
    return MisunderstoodError("NO_SENSE", "The aggregator answered something that is no answer.")


def _text(value: Any) -> str:
    if type(value) is not str or not 1 <= len(value) <= _SENTENCE_MAX:
        raise ValueError("not a short text")
    return value


def _sentence(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("not a text")
    return "".join(char if char.isprintable() else " " for char in value[:_SENTENCE_MAX])


def _code(value: Any) -> str:
    if type(value) is not str or _CODE.fullmatch(value) is None:
        raise ValueError("not a code")
    return value
