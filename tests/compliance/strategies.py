"""Facts as Hypothesis draws them: mostly good, so that verdicts of every kind come up, and each field bad at times.

Parts are drawn from pools that are made once from a fixed seed; a pool's first member is the good one, so that a
failing example shrinks to facts that are good but for what fails.
"""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, NamedTuple

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from compliance import facts
from tests.builders import (
    ALL_APPROVED,
    ALL_DECLARED,
    AT,
    CANADA,
    DID,
    PUERTO_RICO,
    TENANT,
    TOLL_FREE,
    USER,
    a_brand,
    a_campaign,
    a_message,
    a_number,
    a_recipient,
    an_assignment,
    an_owner,
    some_usage,
)

#: What no source of states has ever said.
UNHEARD_OF = ("bogus", "", "ACTIVE", "count")
STATES = {
    "campaign.status": ("active", "draft", "pending", "rejected", "suspended", "expired", "deactivated"),
    "campaign.sharing": ("accepted", "pending", "declined"),
    "carrier": ("approved", "review", "rejected", "suspended"),
    "brand.status": (
        *("vetted_verified", "verified", "self_declared", "unverified", "pending", "suspended", "deleted"),
    ),
    "assignment.state": ("assigned", "pending", "failed", "removing"),
    "number.kind": ("local", "toll_free", "personal", "service"),
    "number.sms": ("enabled", "disabled", "superseded"),
    "toll_free_verification": (None, "none", "pending", "verified"),
    "recipient.carrier": (None, *facts.CarrierStates._fields),
    "recipient.line": (None, "mobile", "landline"),
    "use_case": ("ucaas_low", "low_volume", "mixed", "marketing", "2fa", "sole_proprietor", "proxy"),
    "att_class": (None, *"ABCDEFGKNPSTWX"),
}
TEXTS = (
    "Hi, see you at 3",
    "",
    "Big sale today, 20% off! See www.shop.example",
    "cbd sale at bit[.]ly/x and t.co",
    "Your verification code is 483920",
    "Please confirm your account at https://a.test or call 202-555-0187",
    "Happy hour: loans, cigars, casino",
    "Grüße 😀",
    "ш" * 700,
)
#: Around these instants and dates rules change.
INSTANTS = (AT, datetime(2023, 2, 15, 8, tzinfo=UTC), datetime(2023, 4, 1, 7, tzinfo=UTC), AT - timedelta(hours=9))
DATES = (date(2024, 3, 1), date(2023, 2, 14), date(2023, 2, 15), AT.date(), AT.date() - timedelta(days=1))
_POOL_SIZE = 300


def _instant(draw: random.Random) -> datetime:
    zone = timezone(timedelta(minutes=draw.randrange(-14 * 60, 14 * 60)))
    shift = draw.choice((0, 0, draw.randrange(-7_200, 7_200), draw.randrange(-(10**8), 10**8)))
    return draw.choice(INSTANTS).astimezone(zone) + timedelta(seconds=shift)


def _pool(
    good: NamedTuple,
    others: Callable[[random.Random], dict[str, Any]],
    name: str,
    *,
    bad_one_in: int = 7,
) -> st.SearchStrategy[Any]:
    """Make a pool of variations of a good value: one field in so many replaced by what `others` draws."""
    draw = random.Random(name)
    members = [good]
    while len(members) < _POOL_SIZE:
        drawn = others(draw)
        members.append(good._replace(**{key: drawn[key] for key in drawn if not draw.randrange(bad_one_in)}))
    return st.sampled_from(members)


def _state(draw: random.Random, name: str) -> str:
    return draw.choice((*STATES[name], draw.choice(UNHEARD_OF)))


def _number_fields(draw: random.Random) -> dict[str, Any]:
    link = an_assignment(
        state=_state(draw, "assignment.state"),
        campaign_id=draw.choice(("C1", "C2", None)),
        brand_id=draw.choice(("B1", "B2", None)),
    )
    return {
        "owner": draw.choice((None, an_owner(user="u2"), an_owner(tenant="t2"))),
        "kind": _state(draw, "number.kind"),
        "sms": _state(draw, "number.sms"),
        "sms_enabled_at": draw.choice((None, _instant(draw))),
        "number_changed_at": _instant(draw),
        "licence_changed_at": _instant(draw),
        "toll_free_verification": _state(draw, "toll_free_verification"),
        "assignment": draw.choice((None, link, link)),
    }


def _campaign_fields(draw: random.Random) -> dict[str, Any]:
    return {
        "id": "C2",
        "brand_id": "B2",
        "use_case": _state(draw, "use_case"),
        "status": _state(draw, "campaign.status"),
        "sub_use_cases": tuple(draw.sample(("marketing", "2fa", "m2m"), draw.randrange(3))),
        "sharing": _state(draw, "campaign.sharing"),
        "dca_complete": False,
        "mock": True,
        "carriers": draw.choice((ALL_APPROVED, facts.CarrierStates(*(_state(draw, "carrier") for _ in range(4))))),
        "osr_status": draw.randrange(16),
        "declares": draw.choice((ALL_DECLARED, facts.Declarations(*(draw.random() < 0.5 for _ in range(4))))),
        "att_class": _state(draw, "att_class"),
    }


def _brand_fields(draw: random.Random) -> dict[str, Any]:
    return {
        "id": "B2",
        "status": _state(draw, "brand.status"),
        "vetting_score": draw.choice((None, draw.randrange(101))),
        "government": True,
    }


def _message_fields(draw: random.Random) -> dict[str, Any]:
    sizes = (0, 1_000_000, 1_000_001, 20_000_000, 20_000_001)
    media = [
        facts.Media(type=draw.choice(("image/png", "video/mp4", "text/html")), bytes=draw.choice(sizes))
        for _ in range(draw.choice((1, 2, 10, 11)))
    ]
    return {
        "to": draw.choice((PUERTO_RICO, CANADA, CANADA, TOLL_FREE, "911", "72345", "+442079460958", "ext:1")),
        "sender": draw.choice((None, "ACME", "(202) 555-0111")),
        "text": draw.choice(TEXTS),
        "media": tuple(media),
        "origin": "api",
        "participants": draw.choice((2, 10, 11)),
        "in_reply_to_inbound_at": _instant(draw),
    }


def _recipient_fields(draw: random.Random) -> dict[str, Any]:
    opted_out = facts.OptOut(
        at=_instant(draw),
        keyword="stop",
        tenant=draw.choice((None, TENANT, "t2")),
        number=draw.choice((None, DID)),
    )
    return {
        "directory": draw.choice((an_owner(tenant="t2"), an_owner(user="u2"))),
        "carrier": _state(draw, "recipient.carrier"),
        "line": _state(draw, "recipient.line"),
        "opted_out": opted_out,
        "free_text_revocation": True,
    }


def _usage_fields(draw: random.Random) -> dict[str, Any]:
    return {
        "att_campaign_minute": draw.choice((14, 15, 75, 9_000)),
        "att_number_minute": draw.choice((49, 59, 60)),
        "tmobile_brand_day": draw.choice((999, 1_000, 2_000, 200_000)),
        "tmobile_brand_day_of": draw.choice(DATES),
        "number_second": draw.choice((3, 4, 19, 20)),
        "toll_free_day": draw.choice((499, 500, 2_000)),
        "same_text_numbers_5min": draw.choice((9, 10, 29, 30)),
    }


def _registry_fields(draw: random.Random) -> dict[str, Any]:
    return {"state": draw.choice(("stale", "stale", "unavailable")), "age_s": draw.choice((5, 6, 900, 901))}


def _instants() -> st.SearchStrategy[datetime]:
    draw = random.Random("instants")
    return st.sampled_from([*INSTANTS, *(_instant(draw) for _ in range(_POOL_SIZE))])


all_facts = st.builds(
    facts.Facts,
    at=_instants(),
    message=_pool(a_message(), _message_fields, "messages"),
    sender=st.builds(
        facts.Sender,
        tenant=st.just(TENANT),
        customer_since=st.sampled_from(DATES),
        user=st.just(USER),
        number=_pool(a_number(), _number_fields, "numbers"),
        campaign=_pool(a_campaign(), _campaign_fields, "campaigns"),
        brand=_pool(a_brand(), _brand_fields, "brands"),
    ),
    recipient=_pool(a_recipient(), _recipient_fields, "recipients"),
    usage=_pool(some_usage(), _usage_fields, "usage", bad_one_in=2),
    registry=_pool(facts.LIVE, _registry_fields, "registry"),
)


def sample_facts(count: int) -> list[facts.Facts]:
    """Draw the same facts every time, for what needs them without Hypothesis."""
    drawn: list[facts.Facts] = []

    @settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate])
    @given(all_facts)
    def collect(each: facts.Facts) -> None:
        drawn.append(each)

    collect()
    return drawn
