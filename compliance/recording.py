"""Writes decision records v1: whole, as judge and the API show them, and short, as the send path keeps them.

Not here: the format, and how records are read (record.py).
"""

from dataclasses import dataclass
from typing import Any

import orjson

from compliance import shapes
from compliance.decision import Decision
from compliance.facts import LIVE, NO_RECIPIENT_FACTS, NO_USAGE, Facts, Message, Recipient, Sender, Usage
from compliance.policy import Policy
from compliance.record import VERSION


def sender_to(sender: Sender) -> dict[str, Any]:
    """Write who sends, as the record has it, every field."""
    return {
        "tenant": {"id": sender.tenant, "customer_since": sender.customer_since.isoformat()},
        "user": {"id": sender.user},
        "number": None if sender.number is None else shapes.number_to(sender.number),
        "campaign": None if sender.campaign is None else shapes.campaign_to(sender.campaign),
        "brand": None if sender.brand is None else shapes.brand_to(sender.brand),
    }


def _usage_to(usage: Usage) -> dict[str, Any]:
    return {
        "att_campaign_minute": usage.att_campaign_minute,
        "att_number_minute": usage.att_number_minute,
        "tmobile_brand_day": usage.tmobile_brand_day,
        "tmobile_brand_day_of": None if usage.tmobile_brand_day_of is None else usage.tmobile_brand_day_of.isoformat(),
        "number_second": usage.number_second,
        "toll_free_day": usage.toll_free_day,
        "same_text_numbers_5min": usage.same_text_numbers_5min,
    }


def _message_to(message: Message) -> dict[str, Any]:
    return {
        "from": message.sender,
        "to": message.to,
        "text": message.text,
        "media": [{"type": item.type, "bytes": item.bytes} for item in message.media],
        "origin": message.origin,
        "participants": message.participants,
        "in_reply_to_inbound_at": shapes.render_instant(message.in_reply_to_inbound_at),
    }


def _recipient_to(recipient: Recipient) -> dict[str, Any]:
    opted_out = recipient.opted_out
    return {
        "directory": shapes.owner_to(recipient.directory),
        "carrier": recipient.carrier,
        "line": recipient.line,
        "opted_out": None
        if opted_out is None
        else {
            "at": shapes.render_instant(opted_out.at),
            "keyword": opted_out.keyword,
            "tenant": opted_out.tenant,
            "number": opted_out.number,
        },
        "free_text_revocation": recipient.free_text_revocation,
    }


def facts_to(facts: Facts) -> dict[str, Any]:
    """Write facts as the record has them, every field."""
    return {
        "at": shapes.render_instant(facts.at),
        "message": _message_to(facts.message),
        "sender": sender_to(facts.sender),
        "recipient": _recipient_to(facts.recipient),
        "usage": _usage_to(facts.usage),
        "registry": {"state": facts.registry.state, "age_s": facts.registry.age_s},
    }


def record_to(
    record_id: str,
    facts: Facts,
    policy: Policy,
    decision: Decision,
    *,
    note: str = "",
    meta: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write a stored record; meta names versions and process."""
    return {
        **_head(record_id, policy, note),
        "facts": facts_to(facts),
        "decision": _decision_to(decision),
        "meta": meta or {},
    }


def _head(record_id: str, policy: Policy, note: str) -> dict[str, Any]:
    return {
        "v": VERSION,
        "id": record_id,
        "note": note,
        "policy": f"{policy.name}@{policy.version}",
        "options": {
            "toll_free_allowed": policy.toll_free_allowed,
            "registry_fail_open": policy.registry_fail_open,
            "monitor": policy.mode == "monitor",
        },
    }


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands before and after facts and decision in every record of one process under one policy."""

    before: bytes
    after: bytes

    @classmethod
    def of(cls, policy: Policy, process: str) -> "Frame":
        """Write it once."""
        head = orjson.dumps(_head("", policy, ""))
        return cls(before=head[:-1] + b",", after=b',"meta":' + orjson.dumps({"process": process}) + b"}")


def dump_record(facts: Facts, decision: Decision, *, sender_json: bytes, frame: Frame) -> bytes:
    """Write a stored record as bytes, for the send path: what seldom changes is not made again, defaults are left out.

    sender_json: sender_to(facts.sender) as bytes. The record's id is "": the message's own stands for it.
    """
    changing: dict[str, Any] = {
        "at": shapes.render_instant(facts.at),
        "message": _message_to(facts.message),
        "sender": orjson.Fragment(sender_json),
    }
    if facts.recipient != NO_RECIPIENT_FACTS:
        changing["recipient"] = _recipient_to(facts.recipient)
    if facts.usage != NO_USAGE:
        changing["usage"] = _usage_to(facts.usage)
    if facts.registry != LIVE:
        changing["registry"] = {"state": facts.registry.state, "age_s": facts.registry.age_s}
    middle = orjson.dumps({"facts": changing, "decision": _decision_to(decision)})
    return frame.before + middle[1:-1] + frame.after


def _decision_to(decision: Decision) -> dict[str, Any]:
    return {
        "verdict": decision.verdict.value,
        "reason": decision.reason.value,
        "findings": decision.other_codes,
        "findings_exact": True,
    }
