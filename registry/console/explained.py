"""A decision in words: what was found and how much it weighs, what helps, which rules were asked, and on which facts.

A stored record has the codes of what was found, and the verdict; how much a finding weighed follows from the catalogue:
nothing weighs more than the verdict did, unless the policy only watched.

Not here: how it looks (templates/log_message.html), the sentences themselves (compliance/reasons).
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from compliance.catalogue import admin_text
from compliance.catalogue import reason as entry_of
from compliance.codes import Code
from compliance.decision import Severity
from compliance.facts import Facts
from compliance.reason import Page, Remedy
from compliance.record import Record, parse_record
from compliance.rules import CONTENT, PARTIES, REGISTRATION, TIMING
from compliance.shapes import ShapeError

#: What each rule finds, by the name of its module; a test holds it against the rules.
FINDS: Final[Mapping[str, tuple[Code, ...]]] = {
    "emergency": (Code.DESTINATION_EMERGENCY,),
    "sender_number": (Code.INVALID_SENDER, Code.DID_NOT_OWNED_BY_SENDER),
    "recipients": (Code.TOO_MANY_RECIPIENTS,),
    "destination": (
        Code.INVALID_DESTINATION,
        Code.DESTINATION_SHORT_CODE,
        Code.DESTINATION_PREMIUM,
        Code.DESTINATION_COUNTRY_NOT_ALLOWED,
    ),
    "landline": (Code.DESTINATION_LANDLINE,),
    "opt_out": (Code.RECIPIENT_OPTED_OUT, Code.FLAG_FREE_TEXT_REVOCATION),
    "toll_free": (Code.TOLLFREE_SMS_NOT_SUPPORTED, Code.TOLLFREE_NOT_VERIFIED),
    "enablement": (Code.DID_NOT_SMS_ENABLED, Code.DID_SUPERSEDED),
    "registry_state": (Code.REGISTRY_UNAVAILABLE, Code.FLAG_REGISTRATION_STALE),
    "assignment": (Code.DID_UNASSIGNED, Code.DID_ASSIGNMENT_PENDING, Code.DID_ASSIGNMENT_FAILED),
    "campaign": (
        Code.MOCK_CAMPAIGN,
        Code.CAMPAIGN_PENDING,
        Code.CAMPAIGN_REJECTED,
        Code.CAMPAIGN_SUSPENDED,
        Code.CAMPAIGN_EXPIRED,
        Code.CAMPAIGN_DEACTIVATED,
        Code.CAMPAIGN_DECLINED,
    ),
    "brand": (Code.BRAND_UNVERIFIED, Code.BRAND_SUSPENDED, Code.BRAND_DELETED),
    "carrier_approval": (Code.CAMPAIGN_MNO_NOT_APPROVED, Code.CAMPAIGN_SUSPENDED),
    "automation": (Code.UCAAS_CAMPAIGN_AUTOMATION,),
    "message_size": (Code.MESSAGE_TOO_LONG, Code.MEDIA_TYPE, Code.MEDIA_TOO_LARGE),
    "url_shortener": (Code.CONTENT_PUBLIC_URL_SHORTENER,),
    "prohibited": (Code.CONTENT_PROHIBITED,),
    "phishing": (Code.CONTENT_PHISHING,),
    "shaft": (Code.CONTENT_SHAFT,),
    "declarations": (Code.FLAG_CONTENT_DECLARATION_MISMATCH,),
    "snowshoe": (Code.SNOWSHOE_SUSPECTED,),
    "evasion": (Code.EVASION_SUSPECTED,),
    "quiet_hours": (Code.FLAG_QUIET_HOURS,),
    "throughput_did": (Code.THROUGHPUT_DID,),
    "throughput_att": (Code.THROUGHPUT_ATT_CAMPAIGN,),
    "daily_cap_tmobile": (Code.DAILY_CAP_TMO_BRAND,),
}
#: After these nothing else was asked.
_END: Final = frozenset(code for name in ("emergency", "sender_number", "destination") for code in FINDS[name])
#: What the pages are called that a step may send people to.
PAGE_NAMES: Final[Mapping[str, str]] = {
    Page.USERS: "Users",
    Page.SMS: "SMS page",
    Page.NUMBERS: "Numbers",
    Page.BRANDS: "Brands",
    Page.CAMPAIGNS: "Campaigns",
    Page.TOLL_FREE: "Toll-free",
    Page.MESSAGES: "Message log",
    Page.REVIEWS: "Reviews",
    Page.OPT_OUTS: "Opt-outs",
}
_GROUPS: Final = (
    ("Who sends, and to whom", PARTIES),
    ("Registration", REGISTRATION),
    ("What the message says", CONTENT),
    ("When, and how much", TIMING),
)
_WEIGHTS: Final = {"allow": Severity.INFO, "flag": Severity.FLAG, "defer": Severity.DEFER, "block": Severity.BLOCK}
_TONES: Final = {Severity.INFO: "plain", Severity.FLAG: "waiting", Severity.DEFER: "waiting", Severity.BLOCK: "bad"}
_WORDS: Final = {
    Severity.INFO: "For information",
    Severity.FLAG: "Flag",
    Severity.DEFER: "Wait",
    Severity.BLOCK: "Block",
}


class Found(NamedTuple):
    """One finding."""

    code: str
    title: str
    #: For an administrator, filled from the facts.
    text: str
    severity: str
    tone: str
    steps: tuple[Remedy, ...]
    #: It is what decided.
    decided: bool


class Rule(NamedTuple):
    """One rule, and what it said."""

    name: str
    #: What it asks for, in a sentence.
    text: str
    #: passed, found, or not_asked.
    outcome: str
    found: tuple[str, ...]


class Explained(NamedTuple):
    """A decision in words."""

    verdict: str
    reason: Found
    #: The strictest first.
    findings: tuple[Found, ...]
    #: By what they are about; () of an instant message, which no rule is asked about.
    rules: tuple[tuple[str, tuple[Rule, ...]], ...]
    #: None: the record is of another version, or gone.
    facts: Facts | None
    policy: str
    monitor: bool


def explain(message: Mapping[str, Any]) -> Explained:
    """Explain the decision of a message, as the ledger shows it."""
    record = _record(message["decision"])
    facts = None if record is None else record.facts
    verdict, monitor = message["verdict"], record is not None and record.options.monitor
    top = _WEIGHTS.get(verdict, Severity.BLOCK)
    codes = [message["reason"], *(sorted(record.expected.findings) if record is not None else ())]
    first, *rest = [_found(code, facts, top, decided=not place, monitor=monitor) for place, code in enumerate(codes)]
    order = list(_WORDS.values())
    return Explained(
        verdict=verdict,
        reason=first,
        findings=tuple(sorted(rest, key=lambda one: (-order.index(one.severity), one.title))),
        rules=() if record is None or message["reason"] == Code.OK_INTERNAL_IM else _rules(codes),
        facts=facts,
        policy="" if record is None else (f"{record.policy}, version {record.policy_version or 'not known'}"),
        monitor=monitor,
    )


def title_of(code: str) -> str:
    """Return the few words of a reason; the code itself where the catalogue has none."""
    return entry_of(Code(code)).title if code in set(Code) else code


def _record(data: Any) -> Record | None:
    try:
        return None if data is None else parse_record(data)
    except ShapeError:
        return None


def _found(code: str, facts: Facts | None, top: Severity, *, decided: bool, monitor: bool) -> Found:
    if code not in set(Code):
        return Found(code, code, "This version has no words for it.", _WORDS[top], _TONES[top], (), decided)
    entry = entry_of(Code(code))
    own = max(entry.severities, default=Severity.INFO)
    if decided:
        severity = own if monitor else top
    elif own > top and not monitor:  # What else weighs more than the verdict was relieved, or found lighter.
        lighter = [one for one in entry.severities if one <= top]
        severity = max(lighter, default=Severity.INFO)
    else:
        severity = own
    text = admin_text(entry.code, facts)
    return Found(code, entry.title, text, _WORDS[severity], _TONES[severity], entry.remediation, decided)


def _rules(codes: list[str]) -> tuple[tuple[str, tuple[Rule, ...]], ...]:
    ended = False
    groups = []
    for label, modules in _GROUPS:
        rules = []
        for module in modules:
            name = module.__name__.rpartition(".")[2]
            found = tuple(code for code in FINDS[name] if code in codes)
            outcome = "found" if found else "not_asked" if ended else "passed"
            text = (module.__doc__ or name).partition("\n")[0]
            rules.append(Rule(name, text, outcome, tuple(title_of(code) for code in found)))
            ended = ended or bool(_END & set(found))
        groups.append((label, tuple(rules)))
    return tuple(groups)
