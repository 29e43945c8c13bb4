"""The load: people who send one text after the other, repeat what was not answered, and note every attempt.

Each conversation waits for its answer before it goes on, as an app does; the rate is that of all together. A request is
repeated with its idempotency key until it gets an answer that stands, so every line ends up with one.

Not here: what the answers must have been (checkers.py).
"""

import asyncio
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

import aiohttp
import orjson

from loadtests.company import TENANT, Company, in_letters
from loadtests.faults.ledger import Attempt, Line
from loadtests.parts import Keys

#: Longest wait for one answer, and pauses before a request is repeated, in seconds.
_TIMEOUT: Final = aiohttp.ClientTimeout(total=3.0, sock_connect=1.0)
_PAUSE_MIN_S: Final = 0.05
_PAUSE_MAX_S: Final = 1.0
#: Of a hundred accepted messages so many are asked for once more, and must be the same.
_ASKED_AGAIN_PERCENT: Final = 5
#: Of ten conversations so many are programs' (the tenant's key), stay inside, and are refused; people's are the rest.
_OF_TEN: Final = {"program": 2, "inside": 1, "refused": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Who writes to whom, with which key."""

    user: str
    key: str
    #: E.164; "" for an instant message.
    sender: str
    recipient: str
    #: It may never reach a carrier.
    inside: bool = False

    @property
    def name(self) -> str:
        """For the ledger."""
        return f"{self.user}>{self.recipient}"


def conversations(company: Company, keys: Keys, count: int) -> Iterator[Conversation]:
    """Make conversations of every kind, of different users where there are enough of them."""
    users, unregistered = list(company.senders.items()), list(company.unregistered.items())
    kinds = [kind for kind, times in _OF_TEN.items() for _ in range(times)]
    kinds += ["person"] * (10 - len(kinds))
    for number in range(count):
        user, did = users[number % len(users)]
        kind, contact = kinds[number % len(kinds)], company.contacts[number % len(company.contacts)]
        if kind == "inside":
            colleague = f"user:{users[(number + 1) % len(users)][0]}"
            yield Conversation(user=user, key=keys.users[user], sender="", recipient=colleague, inside=True)
        elif kind == "refused":
            user, did = unregistered[number % len(unregistered)]
            yield Conversation(user=user, key=keys.users[user], sender=did, recipient=contact, inside=True)
        else:
            key = keys.tenants[TENANT] if kind == "program" else keys.users[user]
            yield Conversation(user=user, key=key, sender=did, recipient=contact)


@dataclass(slots=True)
class Load:
    """The load of one run, in a thread of its own."""

    conversations: Sequence[Conversation]
    port: int
    #: Messages a second, of all together.
    rate: float
    seed: int
    folder: Path
    #: False: what failed is left for finish(), so that the share of errors without repeating can be seen.
    repeats: bool = True
    lines: list[Line] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    _thread: threading.Thread | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _failed: BaseException | None = None

    def start(self) -> Self:
        """Begin to send."""
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._thread.start()
        return self

    def finish(self, seconds: float) -> bool:
        """Begin nothing new, and wait until everything has its answer; False when that took too long."""
        if self._thread is None:
            return False
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(seconds)
        if self._failed is not None:
            raise self._failed
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with (
                (self.folder / "lines.ndjson").open("wb") as lines,
                (self.folder / "attempts.ndjson").open("wb") as tries,
            ):
                asyncio.run(self._all(_Notes(self, lines, tries)))
        except BaseException as failure:  # noqa: BLE001 - told to whoever waits for us
            self._failed = failure

    async def _all(self, notes: "_Notes") -> None:
        self._loop = asyncio.get_running_loop()
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=_TIMEOUT) as session,
            asyncio.TaskGroup() as tasks,
        ):
            for number, conversation in enumerate(self.conversations):
                person = _Person(
                    conversation,
                    session=session,
                    url=f"http://127.0.0.1:{self.port}/v1/messages",
                    every_s=len(self.conversations) / self.rate,
                    repeats=self.repeats,
                    draw=random.Random(f"{self.seed} {number}"),
                    first=number * 1_000_000,
                    notes=notes,
                )
                tasks.create_task(person.talk(self._ending))


@dataclass(slots=True)
class _Notes:
    """Where lines and attempts are written, in memory and on disk."""

    load: Load
    lines: BinaryIO
    attempts: BinaryIO

    def line(self, line: Line) -> None:
        self.load.lines.append(line)
        self.lines.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def attempt(self, attempt: Attempt) -> None:
        self.load.attempts.append(attempt)
        self.attempts.write(orjson.dumps(attempt, option=orjson.OPT_APPEND_NEWLINE))


@dataclass(slots=True, kw_only=True)
class _Request:
    """One line as it is asked, again and again."""

    key: str
    body: bytes


class _Person:
    """Sends the lines of one conversation."""

    def __init__(
        self,
        conversation: Conversation,
        *,
        session: aiohttp.ClientSession,
        url: str,
        every_s: float,
        repeats: bool,
        draw: random.Random,
        first: int,
        notes: _Notes,
    ) -> None:
        self._conversation = conversation
        self._session = session
        self._url = url
        self._every_s = every_s
        self._repeats = repeats
        self._draw = draw
        self._first = first
        self._notes = notes

    async def talk(self, ending: asyncio.Event) -> None:
        """Send a line now and then until told to end; what was asked is answered before this returns."""
        place = 0
        left: list[_Request] = []
        while not await _happens(ending, self._every_s * self._draw.uniform(0.5, 1.5)):
            request = self._line(place)
            place += 1
            answer = await self._ask(request)
            if not answer.final and self._repeats:
                answer = await self._ask_until_answered(request)
            if not answer.final:
                left.append(request)
            elif answer.accepted and self._draw.randrange(100) < _ASKED_AGAIN_PERCENT:
                await self._ask(request)
        for request in left:
            await self._ask_until_answered(request)

    def _line(self, place: int) -> _Request:
        conversation = self._conversation
        text = f"Thanks for calling us today, we come back about order {in_letters(self._first + place)} soon."
        message: dict[str, Any] = {"to": conversation.recipient, "text": text, "user": conversation.user}
        digest = ""
        if conversation.sender:
            message["from"] = conversation.sender
            digest = digest_of(conversation.sender, conversation.recipient, text)
        key = f"line-{self._first + place}"
        line = Line(key=key, conversation=conversation.name, digest=digest, inside=conversation.inside)
        self._notes.line(line)
        return _Request(key=key, body=orjson.dumps(message))

    async def _ask_until_answered(self, request: _Request) -> Attempt:
        pause_s = _PAUSE_MIN_S
        while True:
            await asyncio.sleep(pause_s * self._draw.uniform(0.5, 1))
            pause_s = min(_PAUSE_MAX_S, pause_s * 2)
            answer = await self._ask(request)
            if answer.final:
                return answer

    async def _ask(self, request: _Request) -> Attempt:
        headers = {
            "Authorization": f"Bearer {self._conversation.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": request.key,
        }
        sent_ns = time.time_ns()
        status, name, said, replayed = None, "", "", False
        try:
            async with self._session.post(self._url, data=request.body, headers=headers) as response:
                answer = orjson.loads(await response.read())
                status, replayed = response.status, "Idempotent-Replayed" in response.headers
                name, said = answer.get("id", ""), _said(answer)
        except (aiohttp.ClientError, OSError, orjson.JSONDecodeError) as error:  # A time-out is an OSError.
            status, said = None, type(error).__name__
        attempt = Attempt(
            key=request.key,
            sent_ns=sent_ns,
            ended_ns=time.time_ns(),
            status=status,
            id=name,
            said=said,
            replayed=replayed,
        )
        self._notes.attempt(attempt)
        return attempt


def digest_of(sender: str, recipient: str, text: str) -> str:
    """Return what the carrier's ledger has in place of these three."""
    return blake2b(f"{sender}\n{recipient}\n{text}".encode(), digest_size=8).hexdigest()


def _said(answer: Mapping[str, Any]) -> str:
    why = answer.get("code") or answer.get("reason", {}).get("code", "")
    return str(why)


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, but not longer; whether it happened."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
