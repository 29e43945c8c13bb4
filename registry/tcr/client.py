"""Asks TCR: the calls of its CSP API that we need, over HTTPS with Basic authentication.

Two buckets keep its limits, GETs and everything else, for all tasks of the process. Every call has a deadline, which
includes the wait for a turn. What can be repeated is repeated until then; the creation of a brand or campaign only
after a look for its reference id, which TCR keeps unique: whatever was lost, there is one.

Redirects are not followed, proxies of the environment not used, and nothing that is sent appears in an error.

Not here: what the answers mean for our rows (applying.py).
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple, Self, TypeVar

import aiohttp
import orjson

from registry.tcr import values
from registry.tcr.errors import (
    TcrDeniedError,
    TcrError,
    TcrLimitedError,
    TcrNotFoundError,
    TcrRefusedError,
    TcrUnavailableError,
)
from registry.tcr.pacing import Bucket
from registry.tcr.values import AsOf, Operations, Sharing, TcrBrand, TcrCampaign

T = TypeVar("T")

#: TCR's limits: GETs in a second, all else in ten.
READS: Final = (20, 1.0)
WRITES: Final = (20, 10.0)
_ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
_BACKOFF_FIRST_S: Final = 0.25
_BACKOFF_MAX_S: Final = 8.0
#: How long nobody asks after a 429 that names no time, and the longest that one may name.
_HOLD_OFF_S: Final = 2.0
_HOLD_OFF_MAX_S: Final = 60.0
#: How far off our clock may be where TCR does not tell its own.
_CLOCKS: Final = timedelta(seconds=60)
_NOT_FOUND: Final = 502
_REFERENCE: Final = "referenceId"
_CATEGORIES: Final = ("BRAND", "CAMPAIGN", "VETTING", "CSP")


@dataclass(frozen=True, slots=True, kw_only=True)
class TcrAccount:
    """Where TCR is, and who we are there."""

    #: Such as https://csp-api.campaignregistry.com/v2.
    url: str
    key: str = field(repr=False)
    #: The password, which signs webhooks, too.
    secret: str = field(repr=False)
    #: The connectivity partner that our campaigns are shared with.
    upstream: str
    #: The longest that one call takes, and the longest that one try does.
    deadline_s: float = 60.0
    try_s: float = 20.0


class _Answer(NamedTuple):
    data: Any
    as_of: AsOf


class TcrClient:
    """A connection to TCR. One a process: it keeps the limits."""

    def __init__(self, account: TcrAccount, session: aiohttp.ClientSession, count: Callable[[str], None]) -> None:
        self._account = account
        self._session = session
        #: Told how each try ended: ok, refused, limited, denied or failed.
        self._count = count
        self._reads = Bucket(*READS)
        self._writes = Bucket(*WRITES)
        self._carriers: Mapping[str, str] | None = None

    @classmethod
    @asynccontextmanager
    async def connected(cls, account: TcrAccount, count: Callable[[str], None] = lambda _: None) -> AsyncIterator[Self]:
        """Open a client, and close it at the end. Nothing is asked yet."""
        headers = {
            "Authorization": aiohttp.encode_basic_auth(account.key, account.secret, encoding="utf-8"),
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        # A total of aiohttp's own may swallow a cancellation that comes with it (aio-libs/aiohttp#5979).
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout, trust_env=False) as session:
            yield cls(account, session, count)

    # Brands.

    async def create_brand(self, reference: str, form: Mapping[str, Any]) -> TcrBrand:
        """Register a brand under a reference id, or return the one that is registered under it.

        TcrRefusedError: with TCR's reasons. TcrUnavailableError: it is not known whether it was done; call it again.
        """
        return await self._create("/brand/nonBlocking", reference, form, self.find_brand, values.read_brand)

    async def find_brand(self, reference: str) -> TcrBrand | None:
        """Return the brand with a reference id, unless it is deleted."""
        return await self._find("/brand", reference, values.read_brand)

    async def brand(self, brand_id: str) -> TcrBrand:
        """Return a brand; TcrNotFoundError also for one that is deleted."""
        return values.read_brand(*await self._ask("GET", f"/brand/{_part(brand_id)}"))

    async def is_deleted(self, brand_id: str, reference: str) -> bool:
        """Say whether a brand is among the deleted ones, which only the search still shows."""
        answer = await self._ask("GET", "/brand", params={"referenceId": reference, "recordsPerPage": "500"})
        return any(
            one.get("brandId") == brand_id and values.word(one.get("status")) == "deleted" for one in _records(answer)
        )

    async def update_brand(self, brand_id: str, form: Mapping[str, Any]) -> TcrBrand:
        """Correct the fields of a brand."""
        return values.read_brand(*await self._ask("PUT", f"/brand/{_part(brand_id)}", body=form))

    async def revet_brand(self, brand_id: str) -> TcrBrand:
        """Have a brand looked at again, after it was corrected."""
        return values.read_brand(*await self._ask("PUT", f"/brand/{_part(brand_id)}/revet", body={}))

    async def brand_feedback(self, brand_id: str) -> tuple[str, ...]:
        """Return why a brand is not verified; nothing while TCR is still working on it."""
        return values.read_feedback((await self._ask("GET", f"/brand/feedback/{_part(brand_id)}")).data)

    async def brand_score(self, brand_id: str) -> int | None:
        """Return the vetting score of a brand."""
        return values.read_score((await self._ask("GET", f"/brand/{_part(brand_id)}/externalVetting")).data)

    # Campaigns.

    async def create_campaign(self, reference: str, form: Mapping[str, Any]) -> TcrCampaign:
        """Register a campaign under a reference id, or return the one that is registered under it.

        It is shared with nobody yet. Errors as those of create_brand.
        """
        made = await self._create("/campaignBuilder", reference, form, self.find_campaign, values.read_campaign)
        return await self.campaign(made.id)  # The answer to a POST holds little more than the id.

    async def find_campaign(self, reference: str) -> TcrCampaign | None:
        """Return the campaign with a reference id."""
        return await self._find("/campaign", reference, values.read_campaign)

    async def campaign(self, campaign_id: str) -> TcrCampaign:
        """Return a campaign; TcrNotFoundError when there is none."""
        return values.read_campaign(*await self._ask("GET", f"/campaign/{_part(campaign_id)}"))

    async def update_campaign(self, campaign_id: str, form: Mapping[str, Any]) -> TcrCampaign:
        """Change what can be changed of a campaign."""
        return values.read_campaign(*await self._ask("PUT", f"/campaign/{_part(campaign_id)}", body=form))

    async def share_campaign(self, campaign_id: str) -> Sharing:
        """Share a campaign with our upstream; one that is shared with it already stays as it is."""
        path = f"/campaign/{_part(campaign_id)}/sharing/{_part(self._account.upstream)}"
        return values.read_sharing(*await self._ask("PUT", path, body={}))

    async def sharing(self, campaign_id: str) -> Sharing:
        """Return what our upstream said to a campaign."""
        return values.read_sharing(*await self._ask("GET", f"/campaign/{_part(campaign_id)}/sharing"))

    async def operations(self, campaign_id: str) -> Operations:
        """Return what the carriers said to a campaign."""
        carriers = await self.carriers()
        answer = await self._ask("GET", f"/campaign/{_part(campaign_id)}/operationStatus")
        return values.read_operations(answer.data, carriers, answer.as_of)

    async def deactivate_campaign(self, campaign_id: str) -> None:
        """End a campaign for good; one that has ended already stays ended."""
        await self._ask("DELETE", f"/campaign/{_part(campaign_id)}")

    # The rest.

    async def carriers(self) -> Mapping[str, str]:
        """Return the network ids of our four carriers, asked for once."""
        if self._carriers is None:
            answer = await self._ask("GET", "/enum/mno")
            listed = answer.data if type(answer.data) is list else []
            found = {
                str(one.get("networkId")): ours
                for one in listed
                if type(one) is dict and (ours := values.carrier_named(one.get("displayName"))) is not None
            }
            self._carriers = {**values.CARRIER_IDS, **found}
        return self._carriers

    async def subscribe(self, hook_url: str) -> None:
        """Have every category of events brought to an address; doing so again changes nothing."""
        for category in _CATEGORIES:
            body = {"eventCategory": category, "webhookEndpoint": hook_url}
            await self._ask("PUT", "/webhook/subscription", body=body)

    async def _create(
        self,
        path: str,
        reference: str,
        form: Mapping[str, Any],
        find: Callable[[str], Awaitable[T | None]],
        read: Callable[[Any, AsOf], T],
    ) -> T:
        found = await find(reference)
        if found is not None:
            return found
        try:
            return read(*await self._ask("POST", path, body={**form, "referenceId": reference}, is_repeatable=False))
        except TcrLimitedError:
            raise
        except TcrUnavailableError:
            found = await find(reference)
            if found is None:
                raise
        except TcrRefusedError as refusal:
            found = await find(reference) if _REFERENCE in refusal.fields else None
            if found is None:
                raise
        return found

    async def _find(self, path: str, reference: str, read: Callable[[Any, AsOf], T]) -> T | None:
        answer = await self._ask("GET", path, params={"referenceId": reference, "recordsPerPage": "500"})
        for one in _records(answer):
            is_it = str(one.get("referenceId", "")).casefold() == reference.casefold()
            if is_it and values.word(one.get("status")) != "deleted":
                return read(one, answer.as_of)
        return None

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        is_repeatable: bool = True,
    ) -> _Answer:
        """Ask until there is an answer or the time is up. What is not repeatable is repeated only after a 429."""
        bucket = self._reads if method == "GET" else self._writes
        backoff_s = _BACKOFF_FIRST_S
        last: TcrError = TcrLimitedError("no_turn")
        try:
            async with asyncio.timeout(self._account.deadline_s):
                while True:
                    try:
                        async with bucket.turn():
                            last = TcrUnavailableError("late")  # From here on it may have been done.
                            return await self._try(method, path, body, params)
                    except TcrLimitedError as limited:
                        last = limited
                        bucket.hold_off(limited.retry_after_s)
                    except TcrUnavailableError as failure:
                        if not is_repeatable:
                            raise
                        last = failure
                        await asyncio.sleep(backoff_s * random.uniform(0.5, 1))  # noqa: S311 - spreads repeats
                        backoff_s = min(backoff_s * 2, _BACKOFF_MAX_S)
        except TimeoutError:
            raise last from None

    async def _try(
        self, method: str, path: str, body: Mapping[str, Any] | None, params: Mapping[str, str] | None
    ) -> _Answer:
        """Ask once, and count how it ended."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with (
                asyncio.timeout(self._account.try_s),
                self._session.request(
                    method,
                    self._account.url + path,
                    params=params,
                    data=None if body is None else orjson.dumps(body),
                    allow_redirects=False,
                ) as response,
            ):
                raw = await _read(response)
                as_of = _as_of(response.headers.get("Date"), clock() - began)
                data = _judged(response.status, response.headers.get("Retry-After"), raw)
        except TcrError as error:
            self._count(_outcome(error))
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._count("failed")
            raise TcrUnavailableError(type(error).__name__) from None
        self._count("ok")
        return _Answer(data, as_of)


def _judged(status: int, retry_after: str | None, raw: bytes) -> Any:
    """Return what an answer says, or raise what it means."""
    try:
        data = orjson.loads(raw) if raw.strip() else None
        is_json = True
    except orjson.JSONDecodeError:
        data, is_json = None, False
    if status in {200, 201, 202, 204}:
        if not is_json:
            raise TcrUnavailableError("unreadable")
        return data
    if status == 429:  # noqa: PLR2004 - HTTP's own number
        seconds = int(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else _HOLD_OFF_S
        raise TcrLimitedError("limited", retry_after_s=min(seconds, _HOLD_OFF_MAX_S))
    if status in {401, 403}:
        raise TcrDeniedError("denied")
    faults = [one for one in (data if type(data) is list else [data]) if type(one) is dict and "code" in one]
    is_unknown = status == 404 or any(one["code"] == _NOT_FOUND for one in faults)  # noqa: PLR2004 - HTTP's own number
    if not is_unknown and (not faults or status >= 500):  # noqa: PLR2004 - HTTP's own number
        # Not TCR's word: a proxy in between, or a server that is going down. A 4xx without a reason is no answer, too.
        raise TcrUnavailableError(f"http_{status}")
    reasons = [said for one in faults if type(said := one.get("description")) is str and said]
    fields = [name for one in faults if type(name := one.get("field")) is str]
    if is_unknown:
        raise TcrNotFoundError("not_found", reasons, fields)
    raise TcrRefusedError("refused", reasons, fields)


def _outcome(error: TcrError) -> str:
    match error:
        case TcrLimitedError():
            return "limited"
        case TcrDeniedError():
            return "denied"
        case TcrRefusedError():
            return "refused"
        case _:
            return "failed"


def _as_of(date: str | None, took_s: float) -> AsOf:
    """Say when TCR read what it answered: by its clock where it tells it (to the second), else by ours."""
    took = timedelta(seconds=took_s)
    try:
        told = None if date is None else parsedate_to_datetime(date)
    except ValueError:
        told = None
    if told is None or told.tzinfo is None:
        now = datetime.now(UTC)
        return AsOf(earliest=now - took - _CLOCKS, latest=now + _CLOCKS)
    return AsOf(earliest=told - took, latest=told + timedelta(seconds=1))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read an answer, up to a size."""
    raw = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        raw += chunk
        if len(raw) > _ANSWER_BYTES_MAX:
            raise TcrUnavailableError("too_large")
    return bytes(raw)


def _records(answer: _Answer) -> list[dict[str, Any]]:
    records = answer.data.get("records") if type(answer.data) is dict else None
    if type(records) is not list:
        raise TcrUnavailableError("unreadable")
    return [one for one in records if type(one) is dict]


def _part(name: str) -> str:
    """Make an id a part of a path; one with other characters than ids have is nobody's."""
    if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
        raise TcrNotFoundError("not_found")
    return name
