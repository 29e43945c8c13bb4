"""Journals as gateways and workers write them, for the ledger's tests and its benchmark."""

import random
from collections.abc import Iterator
from typing import NamedTuple

import orjson
import redis

from compliance.decide import decide
from compliance.journal import PARTITIONS_KEY, journal_key
from compliance.recording import Frame, dump_record, sender_to
from gateway.envelope import Channel, Envelope, TrafficClass, dump
from tests.builders import CURRENT, a_message, some_facts

#: An instant of the past that leaves all retention alone: 2026-11-20 20:00 UTC.
START_MS = 1_795_204_800_000
FRAME = Frame.of(CURRENT, "test")
TENANT, OTHER = "acme", "solo"
SENDER, RECIPIENT = "+12125550101", "+16465550151"


def record(text="On our way", **fields):
    """A decision record as the send path writes it."""
    facts = some_facts(message=a_message(text=text, sender=SENDER, to=RECIPIENT), **fields)
    sender = orjson.dumps(sender_to(facts.sender))
    return dump_record(facts, decide(facts, CURRENT), sender_json=sender, frame=FRAME)


def an_envelope(**fields):
    """Bytes of a leg; whatever is not named is in order."""
    text = fields.get("text", "On our way")
    known = {
        "tenant": TENANT,
        "user": "ben",
        "channel": Channel.SMS,
        "origin": "app",
        "sender": SENDER,
        "recipient": RECIPIENT,
        "text": text,
        "traffic_class": TrafficClass.P2P,
        "accepted_ms": START_MS,
        "expires_ms": START_MS + 4 * 3_600_000,
        "verdict": "allow",
        "reason": "ok_registered",
        "record": fields.get("record") or record(text),
    }
    return dump(Envelope(**known | fields))


def a_line(message_id, seq, status, at_ms=START_MS, *, kind="status", attempt="", payload=b"", **more):
    """One line, as functions/message.lua writes it."""
    words = [more.get(name, "") for name in ("carrier", "reference", "code", "detail", "instant")]
    columns = [kind, message_id, seq, status, at_ms, attempt, *words]
    return "\t".join(str(column) for column in columns).encode() + b"\t" + payload


class Story(NamedTuple):
    """What one message leaves in a journal: lines, in their order."""

    message_id: str
    lines: list[bytes]


class Scribe:
    """Writes journals of many messages of some companies, drawn with a seed."""

    def __init__(self, client: redis.Redis, *, partitions: int = 4, seed: int = 7) -> None:
        self._client, self._partitions, self._random = client, partitions, random.Random(seed)
        self._record = record()
        self._at = START_MS
        #: Lines and refusals that were written, by id of the message.
        self.lines: dict[str, int] = {}
        self.refusals: list[str] = []
        client.set(PARTITIONS_KEY, partitions)

    def write(self, messages: int, *, refused: float = 0.1) -> None:
        """Let so many messages live and end; a part of them is refused."""
        for first in range(0, messages, 64):
            self._some(min(64, messages - first), refused)

    def _some(self, messages: int, refused: float) -> None:
        partition = self._random.randrange(self._partitions)
        self._at += 50
        taken = []
        pipe = self._client.pipeline(transaction=False)
        for place in range(messages):
            envelope = self._envelope()
            if self._random.random() < refused:
                pipe.xadd(journal_key(partition), {"refusal": envelope})
            else:
                taken.append((f"{partition}-{self._at}-0-{place}", envelope))
        for batch in self._lives(taken):
            for first in range(0, len(batch), 16):
                pipe.xadd(journal_key(partition), {"lines": b"\n".join(batch[first : first + 16])})
        names = pipe.execute()
        self.refusals += [f"r-{partition}-{name.decode()}" for name in names[: messages - len(taken)]]
        for name, _ in taken:
            self.lines[name] = self.lines.get(name, 0) + 4

    def _lives(self, taken: list[tuple[str, bytes]]) -> Iterator[list[bytes]]:
        """As a worker begins, hears the carrier's yes, and then receipts."""
        yield [
            line
            for name, envelope in taken
            for line in (
                a_line(name, 1, "queued", self._at, payload=envelope),
                a_line(name, 2, "submitting", self._at + 5, attempt=1),
            )
        ]
        reference = {"carrier": "emulator", "reference": "em-0123456789abcdef"}
        yield [a_line(name, 3, "submitted", self._at + 40, attempt=1, **reference) for name, _ in taken]
        ends = self._random.choices(("delivered", "undelivered", "failed"), (0.94, 0.04, 0.02), k=len(taken))
        instant = {"instant": self._at + 900}
        yield [
            a_line(name, 4, end, self._at + 1_000, code="" if end == "delivered" else "30003", **reference, **instant)
            for (name, _), end in zip(taken, ends, strict=True)
        ]

    def _envelope(self) -> bytes:
        pick = self._random
        tenant, user = pick.choice((TENANT, TENANT, TENANT, OTHER)), pick.randrange(200)
        return dump(
            Envelope(
                tenant=tenant,
                user=f"{tenant}-{user}",
                channel=pick.choice((Channel.SMS, Channel.SMS, Channel.MMS)),
                origin="app",
                sender=f"+1212555{user:04}",
                recipient=f"+1646555{pick.randrange(10_000):04}",
                text="On our way",
                traffic_class=TrafficClass.P2P,
                accepted_ms=self._at,
                expires_ms=self._at + 4 * 3_600_000,
                verdict="allow",
                reason="ok_registered",
                record=self._record,
            )
        )
