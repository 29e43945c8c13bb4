"""Valid facts by default: a message from a registered number to a mobile in the United States, at noon on a Friday.

A test names only what it is about: some_facts(message=a_message(text="...")). What a builder returns passes every
rule; each takes the fields of its type by keyword and refuses others.
"""

from datetime import UTC, date, datetime
from typing import Any

from compliance.case import Case
from compliance.facts import (
    Assignment,
    Brand,
    Campaign,
    CarrierStates,
    Declarations,
    Facts,
    Message,
    OptOut,
    Owner,
    Recipient,
    Sender,
    SenderNumber,
    Usage,
)
from compliance.policy import Policy, shipped

#: Friday 2026-11-20, noon Pacific, three in the afternoon on the east coast.
AT = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)

TENANT = "t1"
USER = "u1"
DID = "+12025550111"
#: One destination of each class that is not refused.
US = "+14155550143"
PUERTO_RICO = "+17875550143"
CANADA = "+16135550143"
TOLL_FREE = "+18335550143"

CURRENT = shipped("current")
SEED = shipped("seed")
CARRIER_ACTUAL = shipped("carrier_actual")

ALL_APPROVED = CarrierStates(att="approved", tmobile="approved", verizon="approved", us_cellular="approved")
ALL_DECLARED = Declarations(embedded_link=True, embedded_phone=True, age_gated=True, direct_lending=True)


def a_message(**fields: Any) -> Message:
    """Build a short text, typed by a person."""
    return Message(to=US, sender=DID, text="Hi, see you at 3")._replace(**fields)


def an_owner(**fields: Any) -> Owner:
    """Build the user who sends."""
    return Owner(tenant=TENANT, user=USER)._replace(**fields)


def an_assignment(**fields: Any) -> Assignment:
    """Build a good link from the number to the campaign."""
    return Assignment(state="assigned", campaign_id="C1", brand_id="B1")._replace(**fields)


def a_number(**fields: Any) -> SenderNumber:
    """Build a local number with SMS switched on."""
    return SenderNumber(
        owner=an_owner(),
        sms="enabled",
        sms_enabled_at=datetime(2024, 3, 1, 17, 0, tzinfo=UTC),
        assignment=an_assignment(),
    )._replace(**fields)


def a_campaign(**fields: Any) -> Campaign:
    """Build an active campaign, approved everywhere, that declared nothing."""
    return Campaign(
        id="C1",
        brand_id="B1",
        use_case="ucaas_low",
        status="active",
        sharing="accepted",
        dca_complete=True,
        carriers=ALL_APPROVED,
        att_class="A",
    )._replace(**fields)


def a_brand(**fields: Any) -> Brand:
    """Build a well vetted brand."""
    return Brand(id="B1", status="vetted_verified", vetting_score=80)._replace(**fields)


def a_sender(**fields: Any) -> Sender:
    """Build a user with a registered number."""
    return Sender(
        tenant=TENANT,
        customer_since=date(2024, 3, 1),
        user=USER,
        number=a_number(),
        campaign=a_campaign(),
        brand=a_brand(),
    )._replace(**fields)


def a_recipient(**fields: Any) -> Recipient:
    """Build an outsider with a mobile of a known carrier."""
    return Recipient(carrier="verizon", line="mobile")._replace(**fields)


def an_opt_out(**fields: Any) -> OptOut:
    """Build an opt-out from the sending tenant, a day old."""
    return OptOut(at=datetime(2026, 11, 19, 20, 0, tzinfo=UTC), keyword="stop")._replace(**fields)


def some_usage(**fields: Any) -> Usage:
    """Build counters that are all zero."""
    return Usage()._replace(**fields)


def some_facts(**fields: Any) -> Facts:
    """Build all facts about one leg."""
    return Facts(at=AT, message=a_message(), sender=a_sender(), recipient=a_recipient())._replace(**fields)


def a_case(policy: Policy = CURRENT, **fields: Any) -> Case:
    """Build a leg under judgement, from the fields of some_facts."""
    return Case(some_facts(**fields), policy)


def a_campaign_case(**fields: Any) -> Case:
    """Build a leg under judgement whose campaign has these fields."""
    return a_case(sender=a_sender(campaign=a_campaign(**fields)))


def a_text_case(text: str, **campaign: Any) -> Case:
    """Build a leg under judgement with this text, and a campaign with these fields."""
    return a_case(message=a_message(text=text), sender=a_sender(campaign=a_campaign(**campaign)))
