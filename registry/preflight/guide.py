"""What people are told about each step: who does it, on which page of the console, and how long it usually takes.

One line for each move of the life cycles that leads towards "can send", from each state that it is told from. Moves
that are in no line are in UNTOLD, with the reason; a test holds both against the tables, so that no move is forgotten.

Not here: which steps there are from where things stand (situation.py) and which of them are worth taking (search.py).

Source of the times: the provider's console and carriers' pages. A brand takes minutes, review of a campaign 1 to 2
weeks, carriers up to 3 days, a number up to 48 hours, a number pool up to 4 weeks.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from compliance.reason import Actor, Page
from registry.lifecycle.cycle import ABSENT, UNKNOWN
from registry.lifecycle.registration import BRAND, CAMPAIGN

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR

#: A brand that is there no more, for a step that begins anew.
DELETED: Final = "deleted"
#: A campaign that is there and can never serve, for a step that begins anew.
SPENT: Final = "spent"
#: Stands for nothing that a life cycle knows: people, their numbers and licences.
PERSON: Final = "person"


class Usual(NamedTuple):
    """How long something usually takes."""

    text: str
    min_s: int
    max_s: int


class Deed(NamedTuple):
    """One thing that somebody does, or that happens by itself (actor nobody)."""

    actor: Actor
    #: One sentence; that of the catalogue's first remedy where a refusal leads here.
    action: str
    #: Where in the console; of what administrators do only.
    page: Page | None
    usual: Usual

    @property
    def by_person(self) -> bool:
        """Say whether a person has to do it."""
        return self.actor in {Actor.ADMIN, Actor.OPERATOR}


class Key(NamedTuple):
    """A move of a life cycle, told from one state."""

    cycle: str
    event: str
    source: str


class Advice(NamedTuple):
    """One line of the guide."""

    deeds: tuple[Deed, ...]
    #: What stands in the way; may hold {campaign} and {fault}.
    why: str
    #: Its place in the guide: of two ways that are equally short, the one told first is told.
    rank: int

    @property
    def persons(self) -> int:
        """How many things people have to do."""
        return sum(deed.by_person for deed in self.deeds)

    @property
    def usual_s(self) -> int:
        """How long it takes, in seconds, when it takes long."""
        return sum(deed.usual.max_s for deed in self.deeds)


_AT_ONCE: Final = Usual("a few minutes", _MINUTE, 10 * _MINUTE)
_A_FORM: Final = Usual("half an hour to two hours", _HOUR // 2, 2 * _HOUR)
_DAYS: Final = Usual("1 to 3 days", _DAY, 3 * _DAY)
_UP_TO_DAYS: Final = Usual("up to 3 days", 0, 3 * _DAY)
_COMPLAINT: Final = Usual("days to weeks", _DAY, 21 * _DAY)
_TWO_DAYS: Final = Usual("up to 48 hours", _HOUR, 48 * _HOUR)


def _admin(action: str, page: Page, usual: Usual = _AT_ONCE) -> Deed:
    return Deed(Actor.ADMIN, action, page, usual)


def _operator(action: str, usual: Usual) -> Deed:
    return Deed(Actor.OPERATOR, action, None, usual)


def _nobody(action: str, usual: Usual) -> Deed:
    return Deed(Actor.NOBODY, action, None, usual)


_ASK_SUPPORT: Final = "Read why it was suspended and contact support."
_CARRIER_COMPLAINT: Final = (
    _admin(_ASK_SUPPORT, Page.CAMPAIGNS),
    _operator("Settle the complaint with the carrier.", _COMPLAINT),
)
_BRAND_COMPLAINT: Final = (
    _admin(_ASK_SUPPORT, Page.BRANDS),
    _operator("Settle the complaint with the registration authority.", _COMPLAINT),
)
_BRAND_CHECK: Final = (
    _nobody("The registration authority checks the company within minutes.", Usual("minutes", _MINUTE, _HOUR)),
)
_UNHEARD_OF: Final = (_operator("Find out what this state means, and have it put right.", _DAYS),)
_ASSIGN: Final = (_admin("Assign the number to an approved campaign.", Page.SMS),)
_SWITCH_ON: Final = (_admin("Switch texting on for the number.", Page.USERS),)

_PENDING_BRAND: Final = "The company is being checked."
_SUSPENDED_BRAND: Final = "The company is suspended, and with it every campaign."
_STATE_UNHEARD_OF: Final = "A state that nobody has heard of counts as not approved."
#: Stands for {fault} where nobody said why.
FAILED: Final = "The number did not get into its campaign, or is not in it as it seems."
_NO_CAMPAIGN: Final = "The number is in no campaign that it can send for; {campaign} can take it."

#: The lines, in the order in which equally short ways are preferred: people first, waiting last.
_LINES: Final[tuple[tuple[str, str, str, tuple[Deed, ...], str], ...]] = (
    (PERSON, "give", ABSENT, (_admin("Give the number to a user.", Page.NUMBERS),), "Nobody has the number."),
    (PERSON, "number", ABSENT, (_admin("Give the user a local number.", Page.NUMBERS),), "The user has no number."),
    (
        PERSON,
        "licence",
        ABSENT,
        (_admin("Give the user a licence of X2 or higher.", Page.USERS),),
        "The user's licence does not include texting; a change of licence switches texting off.",
    ),
    (
        PERSON,
        "support",
        ABSENT,
        (
            _admin("Contact support with the number.", Page.SMS),
            _operator("Have what keeps the number out of its campaign put right.", _DAYS),
        ),
        "{fault}",
    ),
    (
        "brand",
        "registered",
        ABSENT,
        (_admin("Register the company.", Page.BRANDS, _A_FORM),),
        "Carriers take texts of registered companies only.",
    ),
    (
        "brand",
        "registered",
        DELETED,
        (_admin("Register the company again.", Page.BRANDS, _A_FORM),),
        BRAND.dead_ends["deleted"],
    ),
    (
        "brand",
        "resubmitted",
        "unverified",
        (_admin("Correct the company's details and have them verified.", Page.BRANDS, _A_FORM),),
        "The company's name, tax number or address could not be confirmed.",
    ),
    ("brand", "declared", "pending", _BRAND_CHECK, _PENDING_BRAND),
    ("brand", "confirmed", "pending", _BRAND_CHECK, _PENDING_BRAND),
    ("brand", "cleared", "suspended", _BRAND_COMPLAINT, _SUSPENDED_BRAND),
    ("brand", "confirmed", "suspended", _BRAND_COMPLAINT, _SUSPENDED_BRAND),
    ("brand", "declared", UNKNOWN, _UNHEARD_OF, _STATE_UNHEARD_OF),
    ("brand", "confirmed", UNKNOWN, _UNHEARD_OF, _STATE_UNHEARD_OF),
    (
        "campaign",
        "submitted",
        ABSENT,
        (_admin("Register a campaign.", Page.CAMPAIGNS, _A_FORM),),
        "The company has no campaign; registering costs a fee once, on the next bill.",
    ),
    (
        "campaign",
        "submitted",
        SPENT,
        (_admin("Register a new campaign.", Page.CAMPAIGNS, _A_FORM),),
        "The present campaign has ended, is a mock, or does not fit the company, and will never carry texts.",
    ),
    (
        "campaign",
        "submitted",
        "draft",
        (_admin("Complete the campaign and submit it.", Page.CAMPAIGNS, _A_FORM),),
        "The campaign was never submitted.",
    ),
    (
        "campaign",
        "submitted",
        "rejected",
        (_admin("Correct the campaign and submit it again.", Page.CAMPAIGNS, _A_FORM),),
        "The campaign was rejected.",
    ),
    (
        "campaign",
        "accepted",
        "pending",
        (_nobody("Approval takes 1 to 2 weeks.", Usual("1 to 2 weeks", 3 * _DAY, 14 * _DAY)),),
        "The campaign is being reviewed.",
    ),
    ("campaign", "accepted", "suspended", _CARRIER_COMPLAINT, "The campaign is suspended: move no texts elsewhere."),
    ("campaign", "accepted", UNKNOWN, _UNHEARD_OF, _STATE_UNHEARD_OF),
    (
        "sharing",
        "shared_again",
        "declined",
        (_admin("Correct the campaign and share it again.", Page.CAMPAIGNS, _A_FORM),),
        "The upstream provider declined the campaign.",
    ),
    (
        "sharing",
        "shared",
        ABSENT,
        (_nobody("The campaign is passed on by itself.", Usual("minutes", 0, _HOUR)),),
        "The campaign has to reach the upstream provider.",
    ),
    (
        "sharing",
        "accepted",
        "pending",
        (_nobody("The upstream provider takes the campaign within 3 days.", _UP_TO_DAYS),),
        "The upstream provider has not taken the campaign yet.",
    ),
    ("sharing", "accepted", UNKNOWN, _UNHEARD_OF, _STATE_UNHEARD_OF),
    (
        "dca",
        "completed",
        "incomplete",
        (_nobody("The last reviews end within 3 days.", _UP_TO_DAYS),),
        "Not all reviews of the campaign are done.",
    ),
    (
        "number_pool",
        "requested",
        "none",
        (_admin("Ask for a number pool.", Page.CAMPAIGNS),),
        "The campaign holds as many numbers as it may.",
    ),
    (
        "number_pool",
        "approved",
        "requested",
        (_nobody("The carriers answer within 4 weeks.", Usual("up to 4 weeks", 7 * _DAY, 28 * _DAY)),),
        "The number pool has to be approved.",
    ),
    ("number_pool", "approved", UNKNOWN, _UNHEARD_OF, _STATE_UNHEARD_OF),
    ("assignment", "assign", ABSENT, _ASSIGN, _NO_CAMPAIGN),
    ("assignment", "assign", "assigned", _ASSIGN, _NO_CAMPAIGN),
    ("assignment", "assign", "pending", _ASSIGN, _NO_CAMPAIGN),
    ("assignment", "assign", "removing", _ASSIGN, _NO_CAMPAIGN),
    ("assignment", "assign", UNKNOWN, _ASSIGN, _STATE_UNHEARD_OF),
    (
        "assignment",
        "assign",
        "failed",
        (_admin("Assign the number to its campaign again.", Page.SMS),),
        "{fault}",
    ),
    (
        "sms",
        "enable",
        "disabled",
        _SWITCH_ON,
        "Texting is switched off for the number; a new number gets its campaign by itself.",
    ),
    (
        "sms",
        "enable",
        "superseded",
        (_admin("Switch texting on for the number again; the user's other one goes off.", Page.USERS),),
        "Texting moved to the user's other number: one number a user.",
    ),
    ("sms", "enable", "enabled", _SWITCH_ON, "Switching it on once more gets the number its campaign."),
    ("sms", "enable", UNKNOWN, _SWITCH_ON, _STATE_UNHEARD_OF),
    (
        "assignment",
        "removed",
        "removing",
        (_nobody("The number leaves its campaign within 48 hours.", _TWO_DAYS),),
        "The number is still leaving a campaign.",
    ),
    (
        "assignment",
        "provisioned",
        "pending",
        (_nobody("The assignment takes up to 48 hours.", _TWO_DAYS),),
        "The number is being put into its campaign: do not switch it off and on.",
    ),
    (
        "carrier",
        "reviewed",
        "rejected",
        (
            _admin("Read why the carrier rejected the campaign and contact support.", Page.CAMPAIGNS),
            _operator("Have the carrier review the campaign again.", _DAYS),
        ),
        "The recipient's carrier rejected the campaign.",
    ),
    (
        "carrier",
        "approved",
        "review",
        (_nobody("Carriers review a campaign within 1 to 3 days.", _UP_TO_DAYS),),
        "The recipient's carrier has not approved the campaign yet.",
    ),
    (
        "carrier",
        "approved",
        "suspended",
        _CARRIER_COMPLAINT,
        "The recipient's carrier suspended the campaign: move no texts elsewhere.",
    ),
    ("carrier", "approved", UNKNOWN, _UNHEARD_OF, _STATE_UNHEARD_OF),
)

GUIDE: Final[Mapping[Key, Advice]] = MappingProxyType(
    {
        Key(cycle, event, source): Advice(deeds, why, rank)
        for rank, (cycle, event, source, deeds, why) in enumerate(_LINES)
    },
)

_TAKES_AWAY: Final = "It takes away what is needed."
_AFTER_A_CORRECTION: Final = "It comes after a correction only, which is told instead."
#: Moves that nobody is told to make or to wait for; with the source "", from whichever state.
UNTOLD: Final[Mapping[tuple[str, str, str | None], str]] = MappingProxyType(
    {
        ("brand", "not_confirmed", None): _TAKES_AWAY,
        ("brand", "suspended", None): _TAKES_AWAY,
        ("brand", "deleted", None): _TAKES_AWAY,
        ("brand", "vetted", None): "VERIFIED is enough.",
        ("brand", "declared", "unverified"): _AFTER_A_CORRECTION,
        ("brand", "confirmed", "unverified"): _AFTER_A_CORRECTION,
        ("brand", "confirmed", "vetted_verified"): "It is good as it is.",
        ("campaign", "drafted", None): "Submitting is the step that counts.",
        ("campaign", "reviewed_again", None): _TAKES_AWAY,
        ("campaign", "rejected", None): _TAKES_AWAY,
        ("campaign", "suspended", None): _TAKES_AWAY,
        ("campaign", "expired", None): _TAKES_AWAY,
        ("campaign", "deactivated", None): _TAKES_AWAY,
        ("campaign", "accepted", "rejected"): _AFTER_A_CORRECTION,
        ("sharing", "declined", None): _TAKES_AWAY,
        ("sharing", "accepted", "declined"): _AFTER_A_CORRECTION,
        ("sharing", "shared_again", "accepted"): _TAKES_AWAY,
        ("sharing", "shared_again", UNKNOWN): "Somebody has to find out first what the state means.",
        ("dca", "reopened", None): _TAKES_AWAY,
        ("carrier", "rejected", None): _TAKES_AWAY,
        ("carrier", "suspended", None): _TAKES_AWAY,
        ("carrier", "reviewed", "approved"): _TAKES_AWAY,
        ("carrier", "reviewed", "suspended"): "A complaint is settled, not reviewed.",
        ("carrier", "reviewed", UNKNOWN): "Somebody has to find out first what the state means.",
        ("carrier", "approved", "rejected"): _AFTER_A_CORRECTION,
        ("number_pool", "approved", "none"): "Nobody approves what was not asked for.",
        ("number_pool", "revoked", None): _TAKES_AWAY,
        ("assignment", "not_provisioned", None): _TAKES_AWAY,
        ("assignment", "lost", None): _TAKES_AWAY,
        ("assignment", "remove", None): _TAKES_AWAY,
        ("assignment", "asked_again", None): "The registry does it by itself, once, where it helps.",
        ("assignment", "provisioned", "failed"): "It may come late, and nobody can count on it.",
        ("assignment", "provisioned", UNKNOWN): "It may come late, and nobody can count on it.",
        ("assignment", "removed", "pending"): _TAKES_AWAY,
        ("assignment", "removed", "assigned"): _TAKES_AWAY,
        ("assignment", "removed", "failed"): "Assigning it again is quicker.",
        ("assignment", "removed", UNKNOWN): "Assigning it again is quicker.",
        ("sms", "supersede", None): _TAKES_AWAY,
        ("sms", "disable", None): _TAKES_AWAY,
        ("sms", "lose", None): _TAKES_AWAY,
    },
)
#: What can never text, and what to do instead.
DEAD_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "toll_free": "Toll-free numbers cannot text here: switch texting on for a local number of the user.",
        "personal": "Personal (5XX) numbers cannot text: switch texting on for a local number of the user.",
        "service": "Numbers of queues, attendants and groups cannot text: send from a person's local number.",
    },
)
#: The same of kinds that nobody has heard of.
DEAD_KIND: Final = "Numbers of this kind cannot text: switch texting on for a local number of the user."
#: Campaign states that nothing leads on from.
SPENT_CAMPAIGNS: Final = frozenset(CAMPAIGN.dead_ends)
