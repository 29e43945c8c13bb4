"""What the content rules need to know of a text, each thing derived once: normalised form, hosts, URLs, words, numbers.

Everything here is linear in the length of the text: patterns are anchored at the start of a run and possessive inside
it. Most texts hold none of the words, so one look at a set of trigger words spares the exact patterns.

Not here: what any of it means for a message; that is rules/.
"""

import re
import unicodedata
from typing import Final, NamedTuple

from compliance.folding import nfkc

#: Hosts that shorten links; the first eleven are named by carriers (domain reference, unwanted content).
BLOCKED_SHORTENERS: Final = frozenset(
    "bit.ly goo.gl tinyurl.com tiny.cc lc.chat is.gd soo.gd s2r.co clicky.me budurl.com bc.vc".split(),
)
OTHER_SHORTENERS: Final = frozenset(
    "t.co ow.ly buff.ly rebrand.ly cutt.ly shorturl.at rb.gy t.ly bl.ink shorte.st adf.ly v.gd x.co lnkd.in".split(),
)
SHORTENERS: Final = BLOCKED_SHORTENERS | OTHER_SHORTENERS

_TOP_LEVEL: Final = frozenset("com net org edu gov info biz io app ca example".split())

_LOOK_ALIKES: Final = str.maketrans("асеорухіјѕһԁкмαορνιıɡ", "aceopyxijshdkmaopviig")
_DISGUISED_DOTS: Final = ("[.]", "(.)", "[dot]", "(dot)")

# A host is a run of labels; what stands before it must not make it the middle of something else.
_HOST = re.compile(r"(?:(https?://)|(?<![\w@./-]))([a-z0-9-]++(?:\.[a-z0-9-]++)+)")
_DOT_BEFORE_LABEL = re.compile(r"\.[a-z0-9-]")
_LAST_LABEL = re.compile(r"[a-z]{2,}", re.ASCII)
_TO_WHITE_SPACE = re.compile(r"\S*")

#: Stands for a URL in the text that words are looked for in: it keeps phrases from running across, and a word that
#: touches the URL from counting as whole.
_URL_PLACE: Final = "x\x00"

_PHONE_NUMBER = re.compile(
    r"(?<![0-9+])(?:\+?1[ .-]?)?"
    r"(?:[2-9][0-9]{2}([-. ]?)[2-9][0-9]{2}\1[0-9]{4}|\([2-9][0-9]{2}\) [2-9][0-9]{2}-[0-9]{4})(?![0-9])",
)
#: Turns digits into 0 and every other byte into a space: a run of digits is then found by looking for zeros.
_DIGITS_AS_ZEROS: Final = bytes(ord("0") if ord("0") <= byte <= ord("9") else ord(" ") for byte in range(256))
#: Every phone number and every code holds such a run; most texts do not.
_FOUR_DIGITS: Final = b"0000"
_CODE_DIGITS = re.compile(r"(?<![^\W_])[0-9]{4,8}(?![^\W_])")
_WORDS = re.compile(r"[^\W_]+")
#: Turns every byte but ASCII letters and digits into a space: all words of the sets are then found by splitting.
_ASCII_WORDS: Final = bytes(byte if chr(byte).isalnum() else ord(" ") for byte in range(128)).ljust(256)

_MEMBERS: Final = {
    "promotion": "sale|discount|discounts|coupon|coupons|promo code|special offer|limited time|buy now|order now|"
    "shop now|act now|clearance|free gift",
    "cannabis": "cannabis|marijuana|cbd|thc|delta 8|delta-8",
    "prohibited": "payday loan|payday loans|debt consolidation|debt relief|credit repair|work from home|get rich quick|"
    "casino|sports betting",
    "alcohol": "beer|wine|whiskey|whisky|vodka|tequila|rum|liquor|cocktail|cocktails|happy hour",
    "refused_goods": "cigarette|cigarettes|cigar|cigars|tobacco|vape|vapes|vaping|firearm|firearms|ammo|ammunition|"
    "handgun|handguns|rifle|rifles|porn|escort|escorts",
    "lending": "loan|loans|lending|refinance|mortgage|mortgages|cash advance",
    "code": "verification code|security code|one-time code|one time code|one-time passcode|one time passcode|passcode|"
    "login code|authentication code|otp",
}
_PATTERNS: Final = {
    "promotion": rf"(?:[0-9]++% off|{_MEMBERS['promotion']})",
    "ask": "(?:verify|confirm|update) your (?:account|card|identity|password|payment|billing|bank|details)",
} | {name: f"(?:{members})" for name, members in _MEMBERS.items() if name != "promotion"}
_WHOLE_WORD: Final = {name: re.compile(rf"(?<![^\W_]){pattern}(?![^\W_])") for name, pattern in _PATTERNS.items()}


def _triggers() -> dict[bytes, tuple[str, ...]]:
    """Map one word of every member to the sets it may stand for: without any of these words no set can match.

    Words are bytes here, since bytes are taken apart faster than text.
    """
    sets_of: dict[str, set[str]] = {word: {"ask"} for word in ("verify", "confirm", "update")}
    sets_of["off"] = {"promotion"}
    for name, members in _MEMBERS.items():
        for member in members.split("|"):
            sets_of.setdefault(max(_WORDS.findall(member), key=len), set()).add(name)
    return {word.encode(): tuple(sorted(names)) for word, names in sets_of.items()}


_TRIGGERS: Final = _triggers()
_TRIGGER_WORDS: Final = frozenset(_TRIGGERS)
_NO_WORDS: Final[frozenset[str]] = frozenset()


class Content(NamedTuple):
    """A text as the content rules see it."""

    normalised: str
    has_url: bool
    #: Shorteners that a host of the text equals or is a subdomain of.
    shorteners: frozenset[str]
    #: Names of the word sets with at least one member in the text outside URLs.
    words: frozenset[str]
    #: A code phrase and a run of 4 to 8 digits that stands alone.
    is_code_text: bool
    has_phone_number: bool

    @property
    def is_promotional(self) -> bool:
        """Say whether a promotion member is in the text."""
        return "promotion" in self.words


_EMPTY: Final = Content(
    "", has_url=False, shorteners=_NO_WORDS, words=_NO_WORDS, is_code_text=False, has_phone_number=False
)


def read_content(text: str) -> Content:
    """Derive what the content rules look at."""
    if not text:
        return _EMPTY
    normalised = normalise(text)
    may_have_host = _DOT_BEFORE_LABEL.search(normalised)
    outside, has_url, shorteners = _split_urls(normalised) if may_have_host else (normalised, False, _NO_WORDS)
    raw = outside.encode("utf-8", "surrogatepass")
    words = _find_words(outside, raw)
    may_have_number = _FOUR_DIGITS in raw.translate(_DIGITS_AS_ZEROS)
    is_code_text = may_have_number and "code" in words and _CODE_DIGITS.search(outside) is not None
    has_phone_number = may_have_number and _PHONE_NUMBER.search(outside) is not None
    return Content(normalised, has_url, shorteners, words, is_code_text, has_phone_number)


def normalise(text: str) -> str:
    """Undo what people write to get past filters: case, width, invisible characters, look-alikes, disguised dots."""
    if text.isascii():
        folded = text.lower()
    else:
        folded = nfkc(text).casefold()
        for mark in set(folded):
            if unicodedata.category(mark) == "Cf":
                folded = folded.replace(mark, "")
        folded = folded.translate(_LOOK_ALIKES)
    if "[" in folded or "(" in folded:
        for disguise in _DISGUISED_DOTS:
            folded = folded.replace(disguise, ".")
    return _collapse(folded)


def plain(text: str) -> str:
    """Fold case and width and collapse white space, and undo nothing else."""
    return " ".join(nfkc(text).casefold().split())


def shorteners_in(text: str) -> frozenset[str]:
    """Find the shorteners among the hosts of a folded text."""
    return frozenset(found for match in _HOST.finditer(text) if (found := _shortener(_host(match[2]))))


def _collapse(folded: str) -> str:
    """Turn runs of white space into one space, and a dot with white space on both sides into a dot."""
    if not folded.isprintable() or "  " in folded:  # Then there is white space other than single spaces.
        before = " " if folded[:1].isspace() else ""
        after = " " if folded[-1:].isspace() else ""
        folded = before + " ".join(folded.split()) + after
    return folded.replace(" . ", ".").strip()


def _host(run: str) -> str:
    """Take as many labels of a run as make a host; "" when none do."""
    labels = run.split(".")
    for count in range(len(labels), 1, -1):
        if _LAST_LABEL.fullmatch(labels[count - 1]):
            return ".".join(labels[:count])
    return ""


def _shortener(host: str) -> str:
    """Return the shortener that a host is or belongs to; every shortener has two labels."""
    tail = ".".join(host.split(".")[-2:])
    return tail if tail in SHORTENERS else ""


def _split_urls(normalised: str) -> tuple[str, bool, frozenset[str]]:
    """Return the text outside URLs, whether there is a URL, and the shorteners."""
    outside: list[str] = []
    shorteners: set[str] = set()
    kept = url_end = 0
    for match in _HOST.finditer(normalised):
        host = _host(match[2])
        if not host:
            continue
        if shortener := _shortener(host):
            shorteners.add(shortener)
        if match.start() < url_end:
            continue
        if match[1] or shortener or host.startswith("www.") or host.rpartition(".")[2] in _TOP_LEVEL:
            outside += (normalised[kept : match.start()], _URL_PLACE)
            white_space = _TO_WHITE_SPACE.match(normalised, match.end())
            kept = url_end = white_space.end() if white_space else match.end()
    if not outside:
        return normalised, False, _NO_WORDS
    outside.append(normalised[kept:])
    return "".join(outside), True, frozenset(shorteners)


def _find_words(outside: str, raw: bytes) -> frozenset[str]:
    tokens = raw.translate(_ASCII_WORDS).split()
    if _TRIGGER_WORDS.isdisjoint(tokens):
        return _NO_WORDS
    names = {name for word in _TRIGGER_WORDS.intersection(tokens) for name in _TRIGGERS[word]}
    return frozenset(name for name in names if _WHOLE_WORD[name].search(outside))
