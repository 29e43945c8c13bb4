"""Packs a judged leg into the envelope that lies in the queue, decision record included."""

from datetime import datetime

from compliance.facts import Media
from compliance.recording import Frame, dump_record
from gateway import envelope
from gateway.edge.wire import Draft
from gateway.envelope import Attachment, Channel, Envelope
from gateway.send.judgement import Judged, JudgedLeg


def envelope_of(leg: JudgedLeg, draft: Draft, judged: Judged, frame: Frame) -> bytes:
    """Write one leg, accepted or refused, as the queue and the journal keep it."""
    facts = leg.leg.facts
    campaign = facts.sender.campaign
    return envelope.dump(
        Envelope(
            tenant=facts.sender.tenant,
            user=facts.sender.user,
            channel=leg.channel,
            origin=facts.message.origin,
            sender=facts.message.sender,
            recipient=_recipient(leg),
            text=draft.text,
            media=_media(draft, facts.message.media),
            participants=facts.message.participants,
            traffic_class=leg.traffic_class,
            campaign_id=None if campaign is None else campaign.id,
            segments=judged.segments.segments,
            encoding=judged.segments.encoding,
            accepted_ms=_ms(facts.at),
            not_before_ms=0 if leg.send_after is None else _ms(leg.send_after),
            expires_ms=_ms(leg.expires_at),
            client_message_id=draft.client_message_id,
            verdict=leg.decision.verdict,
            reason=leg.decision.reason,
            record=dump_record(facts, leg.own, sender_json=judged.gathered.sender_json, frame=frame),
        ),
    )


def _recipient(leg: JudgedLeg) -> str:
    directory = leg.leg.facts.recipient.directory
    if leg.channel is Channel.IM and directory is not None:
        return directory.user
    return leg.leg.number or leg.leg.to


def _media(draft: Draft, sizes: tuple[Media, ...]) -> tuple[Attachment, ...]:
    return tuple(
        [
            Attachment(id=media_id, type=size.type, bytes=size.bytes)
            for media_id, size in zip(draft.media_ids, sizes, strict=True)
        ]
    )


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000)
