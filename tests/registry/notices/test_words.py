"""Sentences are for people: whole, short, in their own time, whatever others wrote into a name."""

from datetime import UTC, datetime

import orjson
import pytest

from registry.notices.kinds import KINDS
from registry.notices.words import sentence, shown_instant, webhook_body

AT = "2026-11-20T13:00:00+00:00"
ITEM = {
    "subject": "campaign:CACME",
    "name": "CACME",
    "brand": "Acme LLC",
    "at": AT,
    "reasons": ["No opt-out line", "The sample has a short link."],
    "numbers": ["+12025550101"],
    "number_count": 1,
    "campaign": "CACME",
    "carrier": "tmobile",
    "what": "brand",
    "ends_at": "2026-12-31T05:00:00+00:00",
    "detail": "TCR says expired.",
}
#: What an admin need not know.
JARGON = ("TCR", "DCA", "10DLC", "TPM", "MNO", "null", "None", "{", "}")


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if not kind.hook_only], ids=lambda kind: kind.name)
@pytest.mark.parametrize("count", [1, 3])
def test_every_sentence_is_whole(kind, count):
    """What happened, what to do, where; no word that only we know."""
    item = ITEM | {"detail": "They say it ended."}
    said = sentence(kind, [item] * count, count, "America/New_York")

    assert said.endswith(f"What to do: {kind.todo} Page: {kind.page}.")
    assert not any(word in said for word in JARGON)
    assert said == " ".join(said.split())
    assert all(part[:1].isupper() or part[:1] in "+0123456789" for part in said.split(". "))


def test_a_suspension_as_it_reads():
    """The one that matters most, to the letter."""
    said = sentence(KINDS["campaign_suspended"], [ITEM], 1, "America/New_York")

    assert said == (
        "Campaign CACME of Acme LLC was suspended on Nov 20, 2026, 8:00 AM EST. No opt-out line. The sample has a short"
        " link. 1 number cannot send texts now: +12025550101. What to do: Contact support. Do not send these texts from"
        " other numbers. Page: Campaigns."
    )


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("America/New_York", "Nov 20, 2026, 8:00 AM EST"),
        ("America/Los_Angeles", "Nov 20, 2026, 5:00 AM PST"),
        ("UTC", "Nov 20, 2026, 1:00 PM UTC"),
        ("Nowhere/At_All", "Nov 20, 2026, 1:00 PM UTC"),
        ("", "Nov 20, 2026, 1:00 PM UTC"),
        ("../../etc/passwd", "Nov 20, 2026, 1:00 PM UTC"),
    ],
)
def test_times_are_the_company_s(zone, shown):
    """A zone that nobody knows is UTC, and said so."""
    assert shown_instant(AT, zone) == shown


@pytest.mark.parametrize("name", ["{at}", "a\nb\x00c", "%s", "\u202eevil", "x" * 5_000])
def test_a_name_is_only_a_name(name):
    """What others wrote is shown, and neither read nor let break the line."""
    said = sentence(KINDS["brand_suspended"], [ITEM | {"name": name}], 1, "UTC")

    assert said.isprintable()
    assert len(said) <= 1_500
    assert name != "{at}" or "brand {at} was" in said


def test_the_webhook_has_what_the_table_says():
    """Type, timestamp, data; nothing that is ours alone."""
    item = ITEM | {"by": "boss", "todo": "x"}
    at = datetime(2026, 11, 20, 13, tzinfo=UTC)
    body = orjson.loads(webhook_body(KINDS["number_failed"], [item], 1, at=at, tenant="acme", text="Said."))

    assert body == {
        "type": "number_failed",
        "timestamp": "2026-11-20T13:00:00Z",
        "data": {
            "tenant": "acme",
            "text": "Said.",
            "count": 1,
            "items": [
                {
                    "subject": "campaign:CACME",
                    "name": "CACME",
                    "at": AT,
                    "campaign": "CACME",
                    "reasons": ["No opt-out line", "The sample has a short link."],
                }
            ],
        },
    }
