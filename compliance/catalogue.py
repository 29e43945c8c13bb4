"""The closed catalogue: what each reason code means to an employee, an administrator, an operator and other systems.

The entries are in reasons/, one tuple a group; how an entry looks is in reason.py. Sentences for administrators hold
placeholders, filled from the facts of a decision or, without facts, with plain nouns. Phone numbers are masked: an
error answer never carries anybody's number in full.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from compliance.codes import Code
from compliance.destinations import read_destination
from compliance.facts import Facts
from compliance.masking import mask
from compliance.reason import Actor, Page, Reason, Remedy
from compliance.reasons.content import CONTENT
from compliance.reasons.parties import PARTIES
from compliance.reasons.registration import REGISTRATION
from compliance.reasons.timing import TIMING
from compliance.senders import canonical_sender

__all__ = ["CATALOGUE", "PLACEHOLDERS", "Actor", "Page", "Reason", "Remedy", "admin_text", "reason", "reasons_json"]

CATALOGUE: Final[Mapping[Code, Reason]] = MappingProxyType(
    {entry.code: entry for entry in (*PARTIES, *REGISTRATION, *CONTENT, *TIMING)},
)

#: What a sentence for administrators may hold, with the words that stand there when nothing is known.
PLACEHOLDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "number": "the number",
        "recipient": "the recipient",
        "campaign": "the campaign",
        "brand": "the brand",
        "carrier": "the recipient's carrier",
        "opted_out_on": "",
    },
)

_CARRIERS: Final = {"att": "AT&T", "tmobile": "T-Mobile", "verizon": "Verizon", "us_cellular": "UScellular"}


def reason(code: Code) -> Reason:
    """Return the entry of a code; every code has one."""
    return CATALOGUE[code]


def admin_text(code: Code, facts: Facts | None = None) -> str:
    """Return the sentence for the administrator, filled from the facts of a decision."""
    words = PLACEHOLDERS if facts is None else {**PLACEHOLDERS, **_words(facts)}
    sentence = CATALOGUE[code].admin.format_map(words)
    return sentence[0].upper() + sentence[1:]


def _words(facts: Facts) -> dict[str, str]:
    """Name what the facts know; what they do not know is left out."""
    sender, recipient = facts.sender, facts.recipient
    did = canonical_sender(facts.message.sender or "")
    to = read_destination(facts.message.to)[1]
    link = None if sender.number is None else sender.number.assignment
    campaign = sender.campaign.id if sender.campaign else link and link.campaign_id
    brand = sender.brand.id if sender.brand else link and link.brand_id
    carrier = _CARRIERS.get(recipient.carrier or "")
    known = {
        "number": did and f"number {mask(did)}",
        "recipient": to and mask(to),
        "campaign": campaign and f"campaign {campaign}",
        "brand": brand and f"brand {brand}",
        "carrier": carrier,
        "opted_out_on": recipient.opted_out and f" on {recipient.opted_out.at.date()}",
    }
    return {name: words for name, words in known.items() if words}


def reasons_json() -> list[dict[str, Any]]:
    """Return the whole catalogue as plain data, in the order of the codes."""
    return [_plain(CATALOGUE[code]) for code in Code]


def _plain(entry: Reason) -> dict[str, Any]:
    return {
        "code": entry.code.value,
        "title": entry.title,
        "user": entry.user,
        "admin": admin_text(entry.code),
        "page": entry.page,
        "severities": [severity.name.lower() for severity in entry.severities],
        "hard": entry.hard,
        "http": entry.http,
        "twilio": entry.twilio,
        "smpp": entry.smpp,
        "runbook": entry.runbook,
        "remediation": [remedy.plain() for remedy in entry.remediation],
    }
