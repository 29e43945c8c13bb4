"""The page that shows what arrives, rendered here; a small script fetches the changing part again.

Everything a submitter wrote is escaped, numbers are masked, and the policy in HEADERS lets no inline script run even if
an escape were missing. The page shows the newest messages and the totals, however many there were.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from loadtests.carrier.messages import CARDS_MAX, Card, Messages

_HERE = Path(__file__).parent / "static"

#: For every answer a browser may show.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
#: Served as they are, with their types.
STATIC = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}

#: Label, what it counts (for the tool tip), key of the totals.
_TILES = (
    ("received", "submissions that could be read", "received"),
    ("taken", "accepted for delivery", "taken"),
    ("doubled", "taken although their reference had been taken before", "doubled"),
    ("answers not sent", "requests that got no whole answer", "unsent"),
    ("unreadable", "requests or batch elements refused with 400, 401 or 413", "unreadable"),
    ("receipts acknowledged", "answered with 200", "receipts_acknowledged"),
    ("receipts given up", "after the last try, or because too many were waiting", "receipts_given_up"),
    ("texts brought", "to a gateway that answered 2xx, copies included", "inbound_acknowledged"),
    ("texts given up", "after the last try", "inbound_given_up"),
)

_GOOD = frozenset({"delivered"})
_BAD = frozenset({"undelivered", "expired", "rejected", "not taken"})


def static_file(name: str) -> bytes:
    """Return the bytes of one of STATIC."""
    return (_HERE / name).read_bytes()


def render_page(messages: Messages, *, waiting: int, scenario: str) -> str:
    """Return the whole page."""
    template = Template((_HERE / "page.html").read_text(encoding="utf-8"))
    return template.substitute(live=render_live(messages, waiting=waiting, scenario=scenario))


def render_live(messages: Messages, *, waiting: int, scenario: str) -> str:
    """Return the part of the page that changes: totals and the newest messages.

    Args:
        messages: what the carrier remembers.
        waiting: receipts that are still to be sent or acknowledged.
        scenario: name of the scenario in force.
    """
    tiles = [_tile(label, meaning, messages.totals[key]) for label, meaning, key in _TILES]
    tiles.append(_tile("receipts waiting", "not due yet, or to be tried again", waiting))
    cards = messages.newest_cards()
    listed = "".join(_card(card) for card in cards) or (
        '<li class="empty">Nothing has arrived yet. Send something to <code>POST /messages</code>; the numbers that '
        'make this carrier misbehave are listed under <a href="/magic">/magic</a>.</li>'
    )
    more = messages.totals["received"] - len(cards)
    note = f"The newest {CARDS_MAX} are shown, {more:,} earlier ones are in the ledger." if more > 0 else ""
    return (
        f'<p class="scenario">Scenario: <b>{escape(scenario)}</b></p>'
        f'<dl class="tiles">{"".join(tiles)}</dl><ol class="messages">{listed}</ol><p class="note">{note}</p>'
    )


def mask(number: str) -> str:
    """Return a number with its middle hidden, such as +1 202 ••• 0143; only its last digits if it is short."""
    if number.startswith("+1") and len(number) == 12:  # noqa: PLR2004  +1 and ten digits
        return f"+1 {number[2:5]} ••• {number[-4:]}"
    return f"{number[:3]} ••• {number[-2:]}"


def rfc3339(at_ns: int) -> str:
    """Return an instant (ns since 1970) in UTC, to the millisecond."""
    return datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="milliseconds")


def _tile(label: str, meaning: str, value: int) -> str:
    return f'<div title="{escape(meaning)}"><dt>{escape(label)}</dt><dd>{value:,}</dd></div>'


def _card(card: Card) -> str:
    at = datetime.fromtimestamp(card.received_at_ns / 1e9, UTC)
    marks = "".join(_marks(card))
    media = f'<span class="media" dir="ltr">{card.media_count} attached</span>' if card.media_count else ""
    return (
        f'<li class="message"><p class="who"><span>{escape(mask(card.sender))}</span>'
        f'<span class="arrow" aria-label="to">→</span><span>{escape(mask(card.recipient))}</span>'
        f'<time datetime="{at.isoformat()}">{at:%H:%M:%S}</time></p>'
        f'<p class="bubble" dir="auto">{escape(card.text)}{media}</p>'
        f'<p class="marks">{marks}<span class="reference" title="reference">{escape(card.reference)}</span></p></li>'
    )


def _marks(card: Card) -> Iterable[str]:
    yield _mark(card.status, "good" if card.status in _GOOD else "bad" if card.status in _BAD else "plain")
    yield _mark(f"answer {card.answer}", "plain" if card.answer.startswith("202") else "odd")
    if card.behaviour != "accept":
        yield _mark(card.behaviour.replace("_", " "), "odd")
    if card.count > 1:
        yield _mark(f"taken {card.count} times", "bad")
    for (status, answer), times in card.receipts.items():
        often = f", {times} times" if times > 1 else ""
        yield _mark(f"receipt {status}: {answer}{often}", "plain" if answer == "200" else "odd")


def _mark(text: str, tone: str) -> str:
    return f'<span class="mark {tone}">{escape(text)}</span>'
