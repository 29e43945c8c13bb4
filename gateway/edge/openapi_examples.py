"""Bodies that the examples of the API's description have in common, made from the catalogue and the shipped policy.

People, numbers and registrations are those of examples/company.json, so that whoever ran `make run` can send what they
read.

Not here: which request is answered so (openapi_messages.py, openapi_people.py).
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Final

from apidocs.document import REQUEST_ID
from compliance import shipped
from compliance.catalogue import CATALOGUE, reason
from compliance.codes import Code
from compliance.decide import REGISTERED
from compliance.facts import (
    Assignment,
    Brand,
    Campaign,
    CarrierStates,
    Declarations,
    Facts,
    Message,
    Owner,
    Recipient,
    Sender,
    SenderNumber,
)
from compliance.recording import record_to
from gateway.edge.answers import FIELDS
from gateway.edge.http_people import name_of_upload
from gateway.edge.replies import problem_body
from gateway.errors import Problem

#: Ana is registered; Cal's number is assigned to no campaign.
ANAS: Final = "+12125550101"
CALS: Final = "+12125550103"
CUSTOMER: Final = "+16465550151"
OTHER_CUSTOMER: Final = "+13125550152"
OPTED_OUT: Final = "+17185550158"
#: Opts out in one example, and is texted again after another.
WANTS_TEXTS_AGAIN: Final = "+17185550159"

MESSAGE_ID: Final = "2-1795204800250-0-0"
REFUSAL_ID: Final = "r-2-1795204800250-0"
GROUP_ID: Final = f"g-{MESSAGE_ID}-2"

#: A card as phones exchange them, and the id that this upload has: one file has one id in a company.
CARD: Final = "BEGIN:VCARD\nVERSION:3.0\nFN:Acme Home Services\nTEL:+12125550101\nEND:VCARD\n"
CARD_TYPE: Final = "text/vcard"
CARD_ID: Final = name_of_upload("acme", CARD_TYPE, CARD.encode())

_FIRST_REFUSAL: Final = 400
_POLICY: Final = shipped("current")


def decided(code: Code, *, verdict: str = "allow", channel: str = "sms") -> dict[str, Any]:
    """Return what an answer says about a decision."""
    return {
        "channel": channel,
        "verdict": verdict,
        "reason": {"code": code.value, "text": reason(code).user},
        "findings": [],
        "segments": 1,
        "encoding": "gsm7",
        "policy": {"name": _POLICY.name, "version": _POLICY.version, "mode": _POLICY.mode},
        "facts": {"registry_seq": 4711, "age_ms": 120},
    }


def accepted(code: Code, **more: Any) -> dict[str, Any]:
    """Return the answer to a message that was taken."""
    return {"id": MESSAGE_ID, **decided(code, **more)}


def leg(to: str, code: Code, *, channel: str, status: str = "queued", place: int = 0) -> dict[str, Any]:
    """Return one leg of the answer to a group."""
    return {
        "id": f"{MESSAGE_ID[:-1]}{place}",
        "to": to,
        "channel": channel,
        "verdict": "allow",
        "reason": {"code": code.value, "text": reason(code).user},
        "status": status,
    }


def refusal(code: Code) -> dict[str, Any]:
    """Return the answer to a message that the rules refuse for a reason."""
    why = reason(code)
    field = FIELDS.get(code)
    return {
        "id": REFUSAL_ID,
        "type": f"/v1/reasons#{code}",
        "title": why.title,
        "status": why.http,
        "code": code.value,
        "detail": why.user,
        **({"errors": [{"pointer": field, "code": code.value}]} if field else {}),
        **decided(code, verdict="block"),
        "remediation": [remedy.plain() for remedy in why.remediation],
        "request_id": REQUEST_ID,
    }


def problem(code: str, pointer: str = "") -> dict[str, Any]:
    """Return the answer to a request that cannot be taken."""
    return problem_body(Problem(code, pointer)) | {"request_id": REQUEST_ID}


def without_name(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer as it stands in the line of a batch."""
    return {name: value for name, value in answer.items() if name != "request_id"}


def shown(text: str) -> dict[str, Any]:
    """Return a text of Ana's to a customer as it is shown while it waits."""
    return {
        "id": MESSAGE_ID,
        "status": "queued",
        "terminal": False,
        "channel": "sms",
        "from": ANAS,
        "to": CUSTOMER,
        "user": "acme-ana",
        "text": text,
        "media": [],
        "segments": 1,
        "encoding": "gsm7",
        "verdict": "allow",
        "reason": {"code": Code.OK_REGISTERED.value, "text": reason(Code.OK_REGISTERED).user},
        "status_code": None,
        "attempts": 0,
        "carrier_reference": None,
        "client_message_id": None,
        "accepted_at": "2026-11-20T20:00:00Z",
        "send_after": None,
        "expires_at": "2026-11-21T00:00:00Z",
        "changed_at": "2026-11-20T20:00:00Z",
    }


def record(text: str) -> dict[str, Any]:
    """Return the decision record of a text of Ana's to a customer."""
    number = SenderNumber(
        owner=Owner(tenant="acme", user="acme-ana"),
        sms="enabled",
        sms_enabled_at=datetime(2026, 3, 2, 17, tzinfo=UTC),
        assignment=Assignment(state="assigned", campaign_id="CACME01", brand_id="BACME01"),
    )
    campaign = Campaign(
        id="CACME01",
        brand_id="BACME01",
        use_case="ucaas_low",
        status="active",
        sharing="accepted",
        dca_complete=True,
        carriers=CarrierStates(*["approved"] * 4),
        declares=Declarations(embedded_link=True, embedded_phone=True),
        att_class="A",
    )
    facts = Facts(
        at=datetime(2026, 11, 20, 20, tzinfo=UTC),
        message=Message(to="(646) 555-0151", sender=ANAS, text=text),
        sender=Sender(
            tenant="acme",
            customer_since=date(2019, 4, 1),
            user="acme-ana",
            number=number,
            campaign=campaign,
            brand=Brand(id="BACME01", status="vetted_verified", vetting_score=78),
        ),
        recipient=Recipient(carrier="att", line="mobile"),
    )
    return record_to(MESSAGE_ID, facts, _POLICY, REGISTERED, meta={"process": "gateway-host-1"})


#: Every answer that refuses a message for a reason of the catalogue.
REFUSALS: Final[Mapping[str, Any]] = MappingProxyType(
    {code.value: refusal(code) for code, why in CATALOGUE.items() if why.http >= _FIRST_REFUSAL},
)
