"""Answers STOP, START and HELP: one text from the number that was texted, through the queue like any other.

It is judged like any other, too: a number that is not registered answers nobody. Only the opt-out itself does not stop
the confirmation of a STOP and the answer to a HELP (Envelope.ignores_opt_out). The text's id is the idempotency key, so
however often a carrier brings a STOP there is one confirmation, and an answer that may have been lost on the way to the
carrier is not sent again.

Not here: when an answer is due (inbound_desk.py), what it says (compliance/replies.py).
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

import structlog

from compliance.codes import Code
from compliance.documents import brand_key, campaign_key, load_brand_name, load_help_message
from compliance.facts import SenderNumber
from compliance.inbound import Meaning
from compliance.policy import Policy
from compliance.recording import Frame
from compliance.replies import reply_to
from gateway import envelope
from gateway.edge.inbound import Inbound
from gateway.edge.wire import Draft
from gateway.envelope import Channel, Kind, TrafficClass
from gateway.near import decoded
from gateway.near.cache import NearCache
from gateway.near.memory import Documents
from gateway.queue import Accept, Accepted, Idempotency, Queue, QueueError, Replayed
from gateway.send.gather import Gatherer, Wanted
from gateway.send.judgement import Judged, judge
from gateway.send.packing import envelope_of

#: A confirmation that does not go out within five minutes is none any more (47 CFR 64.1200(a)(12)).
VALIDITY: Final = timedelta(minutes=5)
_KINDS: Final[Mapping[Meaning, Kind]] = {
    Meaning.STOP: Kind.STOP_REPLY,
    Meaning.START: Kind.START_REPLY,
    Meaning.HELP: Kind.HELP_REPLY,
}
_TOLL_FREE: Final = "toll_free"

log = structlog.get_logger(__name__)


class Answered(StrEnum):
    """What became of an answer."""

    QUEUED = "queued"
    #: It was queued when the same text came before.
    REPEATED = "repeated"
    #: Of a toll-free number the network confirms opt-outs and opt-ins itself.
    NETWORK = "network"
    #: The word came so long ago that a confirmation is of no use any more.
    TOO_LATE = "too_late"
    #: The number may not text, or not this person.
    BLOCKED = "blocked"
    #: Nobody can say at present: the text has to come again.
    UNKNOWN = "unknown"


class InboundReplies:
    """Answers words."""

    def __init__(
        self,
        *,
        near: NearCache,
        gatherer: Gatherer,
        queue: Queue,
        policy: Policy,
        process: str,
        now: Callable[[], datetime],
    ) -> None:
        self._near = near
        self._gatherer = gatherer
        self._queue = queue
        self._policy = policy
        self._frame = Frame.of(policy, process)
        self._now = now

    async def answer(self, inbound: Inbound, *, number: SenderNumber, tenant: str, user: str, age_ms: int) -> Answered:
        """Put the answer to a word into the queue, once by the text's id. Raises QueueError.

        number is what is known of the one that was texted, user owns it; age_ms: for so long the word has been known.
        """
        meaning = inbound.received.meaning
        if number.kind == _TOLL_FREE and meaning is not Meaning.HELP:
            return Answered.NETWORK
        if age_ms > VALIDITY / timedelta(milliseconds=1):
            return Answered.TOO_LATE
        if (memory := self._near.memory()) is None:
            return Answered.UNKNOWN
        (gathered,) = await self._gatherer.gather([_wanted(inbound, tenant, user, _text(inbound, number, memory))])
        if not gathered.is_known:
            return Answered.UNKNOWN
        expires_at = self._now() + VALIDITY
        judged = judge(gathered, self._policy, send_at=None, expires_at=expires_at, crashed=_report_crash)
        (leg,) = judged.legs
        if not leg.accepted or leg.channel is Channel.IM:
            if leg.decision.reason is Code.REGISTRY_UNAVAILABLE:
                return Answered.UNKNOWN
            log.warning("inbound_reply_blocked", inbound=inbound.received.id, reason=leg.decision.reason)
            return Answered.BLOCKED
        return await self._keep(inbound, judged, tenant, user)

    async def _keep(self, inbound: Inbound, judged: Judged, tenant: str, user: str) -> Answered:
        (leg,) = judged.legs
        text = leg.leg.facts.message.text
        draft = Draft(sender=inbound.number, user=user, to=(inbound.person,), is_group=False, text=text)
        raw = envelope_of(leg, draft, judged, self._frame)
        # In doubt it is not sent again, and it does not wait behind anybody's campaign: that is what urgent means.
        ours = envelope.load(raw)._replace(kind=_KINDS[inbound.received.meaning], traffic_class=TrafficClass.URGENT)
        name = sha256(f"reply\0{inbound.received.id}".encode()).digest()
        (outcome,) = await self._queue.accept(
            [
                Accept(
                    partition=self._queue.partition_of(tenant, user),
                    messages=(envelope.dump(ours),),
                    idempotency=Idempotency(digest=name[:16], fingerprint=name, answer=b"{}"),
                )
            ]
        )
        if isinstance(outcome, QueueError):
            raise outcome
        if isinstance(outcome, Accepted):
            return Answered.QUEUED
        if not isinstance(outcome, Replayed):
            raise TypeError("one text has one answer")
        return Answered.REPEATED


def _wanted(inbound: Inbound, tenant: str, user: str, text: str) -> Wanted:
    return Wanted(
        tenant=tenant,
        user=user,
        sender=inbound.number,
        to=(inbound.person,),
        text=text,
        media=(),
        origin="api",
        ignores_opt_out=inbound.received.meaning is not Meaning.START,
    )


def _text(inbound: Inbound, number: SenderNumber, documents: Documents) -> str:
    """Write the answer in the name of the number's brand."""
    link = number.assignment
    of_campaign = None if link is None or not link.campaign_id else documents.get(campaign_key(link.campaign_id))
    campaign = decoded.campaign(of_campaign)
    of_brand = None if campaign is None else documents.get(brand_key(campaign.brand_id))
    return reply_to(
        inbound.received.meaning,
        brand="" if of_brand is None else load_brand_name(of_brand),
        number=inbound.number,
        help_message="" if of_campaign is None else load_help_message(of_campaign),
    )


def _report_crash(failure: Exception) -> None:
    log.error("decide_crashed", error=type(failure).__name__, exc_info=failure)
