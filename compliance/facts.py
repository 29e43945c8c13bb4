"""Facts: everything that a rule may look at, looked up beforehand and frozen.

The shapes, names and defaults are those of the decision record v1 (README, "Decision records"). States that come from
outside (campaign, brand, carrier, assignment ...) are plain strings on purpose: a state nobody has heard of must
reach the rules, which refuse it, instead of failing on the way.

They are named tuples, always built by keyword: frozen like our other values, and built in half the time, which counts
for a dozen objects a message.

Not here: how facts become bytes (record.py, documents.py) and what is derived from them for a decision (case.py).
"""

from datetime import date, datetime
from typing import NamedTuple


class Owner(NamedTuple):
    """A user of a tenant, as the owner of a number or as the one whom the directory names for a destination."""

    tenant: str
    user: str


class Assignment(NamedTuple):
    """The link from a number to the campaign it sends for."""

    #: pending, assigned, failed or removing; anything else is an unknown state and counts as failed.
    state: str
    campaign_id: str | None = None
    brand_id: str | None = None


class SenderNumber(NamedTuple):
    """What the inventory knows about one of our numbers (a DID)."""

    owner: Owner | None = None
    #: local, toll_free, personal (5XX) or service (queue, attendant, ring group, lobby).
    kind: str = "local"
    #: enabled, disabled or superseded (off because the same user enabled another number).
    sms: str = "disabled"
    sms_enabled_at: datetime | None = None
    number_changed_at: datetime | None = None
    licence_changed_at: datetime | None = None
    #: none, pending or verified, for toll-free numbers; None counts as none.
    toll_free_verification: str | None = None
    assignment: Assignment | None = None


class CarrierStates(NamedTuple):
    """A campaign's state at each of the four carriers; all but approved, rejected and suspended counts as review."""

    att: str = "review"
    tmobile: str = "review"
    verizon: str = "review"
    us_cellular: str = "review"


class Declarations(NamedTuple):
    """What the campaign said its texts would contain."""

    embedded_link: bool = False
    embedded_phone: bool = False
    age_gated: bool = False
    direct_lending: bool = False


class Campaign(NamedTuple):
    """A 10DLC campaign as The Campaign Registry and the carriers know it."""

    id: str
    brand_id: str
    #: TCR use case in lower case, such as low_volume, ucaas_low, marketing, 2fa.
    use_case: str
    status: str
    sub_use_cases: tuple[str, ...] = ()
    sharing: str = "pending"
    dca_complete: bool = False
    mock: bool = False
    carriers: CarrierStates = CarrierStates()
    #: OSR bit mask; index 2 (value 4) is T-Mobile's. None: not reported.
    osr_status: int | None = None
    declares: Declarations = Declarations()
    #: AT&T message class, one upper-case letter.
    att_class: str | None = None


class Brand(NamedTuple):
    """The registered business behind a campaign."""

    id: str
    status: str
    #: 0 to 100, or None when never vetted.
    vetting_score: int | None = None
    government: bool = False


class Media(NamedTuple):
    """One attachment: its MIME type in lower case and its size in bytes before base64."""

    type: str
    bytes: int


class Message(NamedTuple):
    """One leg of a message as it was submitted: one sender, one destination."""

    #: user:<id>, ext:<digits>, or a phone number in any spelling.
    to: str
    #: The sender's number as submitted; None only where there is none (internal chat).
    sender: str | None = None
    text: str = ""
    media: tuple[Media, ...] = ()
    #: app (typed by a person) or api (a program); anything else is treated like api.
    origin: str = "app"
    #: External recipients of the whole message, this one included.
    participants: int = 1
    in_reply_to_inbound_at: datetime | None = None


class Sender(NamedTuple):
    """Who sends, from which number, for which campaign and brand."""

    tenant: str
    customer_since: date
    user: str
    number: SenderNumber | None = None
    campaign: Campaign | None = None
    brand: Brand | None = None


class OptOut(NamedTuple):
    """A recipient's opt-out: when, by which word, from which tenant and at which of its numbers."""

    at: datetime
    keyword: str
    #: None means the sending tenant.
    tenant: str | None = None
    number: str | None = None


class Recipient(NamedTuple):
    """What we know about the destination."""

    #: Who it is in our own directory, of whatever tenant; None for everybody else.
    directory: Owner | None = None
    #: att, tmobile, verizon or us_cellular; None is unknown.
    carrier: str | None = None
    #: mobile or landline; None is unknown.
    line: str | None = None
    opted_out: OptOut | None = None
    free_text_revocation: bool = False


class Usage(NamedTuple):
    """Counters as they stand before this message."""

    att_campaign_minute: int = 0
    att_number_minute: int = 0
    tmobile_brand_day: int = 0
    #: The Pacific date that tmobile_brand_day belongs to; None is the date of the decision.
    tmobile_brand_day_of: date | None = None
    number_second: int = 0
    toll_free_day: int = 0
    same_text_numbers_5min: int = 0


class RegistryState(NamedTuple):
    """How much the assignment, campaign and brand facts may be trusted."""

    #: live, stale (last known good, age_s old) or unavailable; anything else is treated as unavailable.
    state: str = "live"
    age_s: int = 0


NO_RECIPIENT_FACTS = Recipient()
NO_USAGE = Usage()
LIVE = RegistryState()


class Facts(NamedTuple):
    """All that is known about one leg at one instant."""

    #: The instant of the decision, with an offset. The only clock there is.
    at: datetime
    message: Message
    sender: Sender
    recipient: Recipient = NO_RECIPIENT_FACTS
    usage: Usage = NO_USAGE
    registry: RegistryState = LIVE
