"""The records that the registry keeps, one frozen value a row.

A record has exactly the columns of its table (tables.py), so that a row and a record are made from each other without a
mapping in between. Two records are equal when nothing needs to be written. States that carriers and TCR give are plain
text: a state nobody has heard of is kept, and the judge refuses it.

Not here: what the gateway sees of them (documents.py) and how they change (commands.py).
"""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One customer company."""

    id: str
    name: str
    country: str
    #: IANA name, such as America/New_York.
    time_zone: str
    currency: str
    customer_since: date
    #: The phone company itself; only its keys may act for other tenants.
    provider: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person of a tenant. Ids are unique over all tenants, and a user never moves to another one."""

    id: str
    tenant: str
    name: str
    #: employee, admin, support or operator.
    role: str
    licence: str
    #: When the person left; the row stays for the audit, and nobody sees them any more.
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A short number that colleagues dial; each tenant has its own set.

    A row of its own, not a column of the user: so two users can swap extensions row by row, in any order.
    """

    tenant: str
    digits: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """A business that is registered with The Campaign Registry. It never moves to another tenant."""

    id: str
    tenant: str
    legal_name: str
    status: str
    #: 0 to 100, or None when never vetted.
    vetting_score: int | None
    government: bool
    #: Why TCR did not confirm it, one reason an entry, for people.
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A 10DLC campaign of a brand, flat; compliance.facts.Campaign explains the states."""

    id: str
    brand_id: str
    use_case: str
    sub_use_cases: tuple[str, ...]
    status: str
    sharing: str
    dca_complete: bool
    mock: bool
    #: State at each carrier.
    att: str
    tmobile: str
    verizon: str
    us_cellular: str
    osr_status: int | None
    #: What the campaign declared that its texts contain.
    embedded_link: bool
    embedded_phone: bool
    age_gated: bool
    direct_lending: bool
    att_class: str | None
    #: For people and for the application at TCR; the judge does not look at these.
    description: str
    samples: tuple[str, ...]
    opt_out_keywords: tuple[str, ...]
    help_message: str
    #: Leave to hold more numbers than the limit: none, requested or approved.
    number_pool: str = "none"
    #: Why it was declined, one reason an entry, for people.
    faults: tuple[str, ...] = ()
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One of our numbers (a DID), E.164."""

    did: str
    tenant: str
    #: Its owner; None while it lies in the tenant's pool.
    user: str | None
    #: local, toll_free, personal or service.
    kind: str
    #: enabled, disabled or superseded.
    sms: str
    sms_enabled_at: datetime | None
    number_changed_at: datetime | None
    licence_changed_at: datetime | None
    toll_free_verification: str | None
    #: It stands on the SMS page: it could text at some time, and was not removed from there since.
    sms_page: bool = False
    #: When it was ported out; the row stays for the audit, and the number is not ours any more.
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The link from a number to the campaign it sends for; no row means none."""

    did: str
    state: str
    campaign_id: str | None
    brand_id: str | None
    #: Since when it is in this state; None: not known.
    since: datetime | None = None
    #: Why it failed, for people.
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key to the gateway's API. The secret itself is never kept."""

    id: str
    #: SHA-256 of the whole key as it travels, hexadecimal.
    sha256: str
    tenant: str
    #: None for a tenant's key.
    user: str | None
    scopes: tuple[str, ...]
    #: What it was minted for, for people.
    label: str
    revoked_at: datetime | None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """A public key that users' tokens are checked with; the registry that made it has the private one in memory."""

    id: str
    #: Ed25519, as in a JWK: base64url.
    x: str
    #: Until when a token that it signed may be good; then the row goes.
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """What a number look-up said about an outside number, E.164."""

    number: str
    carrier: str | None
    line: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut:
    """A copy of an opt-out that the gateway has stored; the truth is in the queue store."""

    tenant: str
    recipient: str
    at: datetime
    keyword: str
    #: Which of the tenant's numbers received the word, when known.
    number: str | None
    #: When it was taken back here, with evidence; the row stays, so that no later import revives it.
    lifted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A registration that a company fills in and sends to TCR: of a brand, or of a campaign of one.

    The brand or campaign itself is there from the moment TCR has given it an id.
    """

    #: Ours, and the reference id at TCR: a second submission of the same one is the same.
    id: str
    tenant: str
    #: brand or campaign.
    kind: str
    #: lifecycle.APPLICATION has the states.
    state: str
    #: The form as a JSON object; registry.registration reads it.
    fields: str
    #: A campaign's brand.
    brand_id: str | None
    #: The brand or campaign that came of it.
    object_id: str | None
    #: Why TCR did not take it, one reason an entry, for people.
    faults: tuple[str, ...]
    created_at: datetime
    created_by: str
    submitted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """Something that a tenant owes once, as an adjustment on the next bill."""

    tenant: str
    #: registration.
    kind: str
    at: datetime
    #: Before tax, in cents of the currency.
    cents: int
    currency: str
    #: The application that it was for.
    application: str
    #: When it was put on a bill; None while it waits for one.
    billed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveRequest:
    """A company wants what carriers have to grant: the provider's people ask them, and note what they said."""

    #: Later ones come later in a list by id.
    id: str
    tenant: str
    #: number_pool (more numbers than the limit in a campaign) or use_case (a special one, of a form).
    kind: str
    #: The campaign's id, or the form's.
    subject: str
    use_case: str
    asked_at: datetime
    asked_by: str
    settled_at: datetime | None = None
    #: approved, declined, or dropped (nothing needs it any more); None while it is open.
    outcome: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An employee asks the admins to make a text possible ("Ask my admin")."""

    id: str
    tenant: str
    user: str
    #: The number that the employee wanted to text from; None where there is none.
    did: str | None
    #: Whom they wanted to text, E.164.
    recipient: str
    #: The code of the refusal.
    reason: str
    #: What the employee wrote to the admins.
    note: str
    #: lifecycle.REQUEST has the states.
    state: str
    opened_at: datetime
    closed_at: datetime | None
    #: Who closed it: a person's key, or what made it possible.
    closed_by: str | None
    #: What the admin wrote back who dismissed it.
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """What an admin says about somebody's opt-out, on its way to the gateway or there."""

    id: str
    tenant: str
    #: E.164.
    recipient: str
    #: restore (they want texts again, or never meant not to) or opt_out (they meant it).
    act: str
    #: What the person did, and where that is kept; of an opt_out whatever the admin wrote.
    evidence: str
    #: pending, done or refused.
    state: str
    #: What the gateway made of it: restored, dismissed, was_not_out, overtaken or opted_out.
    outcome: str | None
    #: Why it is still pending, or was refused: a word.
    fault: str | None
    asked_at: datetime
    asked_by: str
    done_at: datetime | None


Record = (
    Tenant
    | User
    | Extension
    | Brand
    | Campaign
    | Number
    | Assignment
    | ApiKey
    | TokenKey
    | Contact
    | OptOut
    | Application
    | Fee
    | Request
    | Restoration
    | LeaveRequest
)
