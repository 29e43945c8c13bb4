"""How single fields of a form are looked at. Every function yields what is wrong, in words that never repeat a value.

Not here: which fields a form has (brand_form.py, campaign_form.py).
"""

import re
from collections.abc import Container, Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from compliance.content import read_content
from compliance.destinations import DestinationClass, read_destination
from registry.admin_patches import Patch
from registry.problems import Fault

Faults = Iterator[Fault]

_EMAIL: Final = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24}", re.ASCII)
_HOST: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}", re.ASCII)
_LINK_MAX: Final = 255
_EMAIL_MAX: Final = 100
#: Where people can be called.
_CALLABLE: Final = frozenset(
    {
        DestinationClass.US,
        DestinationClass.US_TERRITORY,
        DestinationClass.CANADA,
        DestinationClass.TOLL_FREE,
        DestinationClass.INTERNATIONAL,
    }
)
_MOBILE: Final = frozenset({DestinationClass.US, DestinationClass.US_TERRITORY, DestinationClass.CANADA})


class Form(Patch):
    """A form: every field may be left out while it is a draft."""


def fault(name: str, code: str, fix: str) -> Fault:
    """Say what is wrong with a field."""
    return Fault(pointer=f"/fields/{name}", code=code, fix=fix)


def missing(name: str, fix: str = "Fill it in.") -> Fault:
    """Say that a field is empty."""
    return fault(name, "missing_field", fix)


def text(form: Form, name: str, longest: int, *, shortest: int = 1, optional: bool = False) -> Faults:
    """Look at the length of a text, and at what cannot be printed."""
    yield from sized(name, getattr(form, name), longest, shortest=shortest, optional=optional)


def sized(name: str, value: str, longest: int, *, shortest: int = 1, optional: bool = False) -> Faults:
    """Look at the length of a text that stands at a place, and at what cannot be printed."""
    length = len(value.strip())
    if not length:
        if not optional:
            yield missing(name)
    elif length < shortest:
        yield fault(name, "invalid_value", f"Say more: it takes at least {shortest} characters.")
    elif length > longest:
        yield fault(name, "invalid_value", f"Say it in at most {longest} characters.")
    elif not all(character.isprintable() or character in "\n\t" for character in value):
        yield fault(name, "invalid_value", "Leave out control characters.")


def one_of(form: Form, name: str, words: Sequence[str]) -> Faults:
    """Look for one of the words."""
    value = getattr(form, name)
    if not value:
        yield missing(name, f"Choose one of {', '.join(words)}.")
    elif value not in words:
        yield fault(name, "invalid_enum", f"Choose one of {', '.join(words)}.")


def said(form: Form, *names: str) -> Faults:
    """Look for a plain yes or no."""
    for name in names:
        if getattr(form, name) is None:
            yield missing(name, "Say true or false: it cannot be changed later.")


def matching(form: Form, name: str, pattern: re.Pattern[str], fix: str) -> Faults:
    """Look whether a text is wholly of a pattern."""
    value = getattr(form, name)
    if not value:
        yield missing(name, fix)
    elif not pattern.fullmatch(value):
        yield fault(name, "invalid_value", fix)


def email(form: Form, name: str) -> Faults:
    """Look at an address."""
    value = getattr(form, name)
    if not value:
        yield missing(name)
    elif len(value) > _EMAIL_MAX or not _EMAIL.fullmatch(value):
        yield fault(name, "invalid_value", "Give an e-mail address, such as name@example.com.")


def phone(form: Form, name: str, *, mobile: bool = False) -> Faults:
    """Look at a number where people can be called, or at one that gets texts."""
    value = getattr(form, name)
    if not value:
        yield missing(name)
        return
    kind, number = read_destination(value)
    if not number or kind not in (_MOBILE if mobile else _CALLABLE):
        which = "a US or Canadian mobile number" if mobile else "a phone number"
        yield fault(name, "invalid_value", f"Give {which}, such as +12025550123.")


def e164(number: str) -> str:
    """Return a number that was looked at before in E.164."""
    return read_destination(number)[1]


def link(form: Form, name: str, *, longest: int = _LINK_MAX, optional: bool = False) -> Faults:
    """Look at the address of a web page that anybody can open."""
    value = getattr(form, name)
    if not value:
        if not optional:
            yield missing(name, "Give the address of the page.")
        return
    if len(value) > longest or not _is_link(value):
        yield fault(name, "invalid_value", "Give the full address of a public page, such as https://example.com/sms.")
    elif read_content(value).shorteners:
        yield fault(name, "content_refused", "Give the page's own address: reviewers refuse shortened links.")


def _is_link(value: str) -> bool:
    if not (value.isascii() and value.isprintable()) or " " in value:
        return False
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    plain = parts.scheme in {"http", "https"} and "@" not in parts.netloc and port is None
    return plain and _HOST.fullmatch(parts.hostname or "") is not None


def region(form: Form, name: str, country: str, regions: Container[str]) -> Faults:
    """Look for a state or province by its two letters, where the country has some that we know."""
    value = getattr(form, name)
    if not value:
        yield missing(name)
    elif country in {"US", "CA"} and value not in regions:
        which = "state" if country == "US" else "province"
        yield fault(name, "invalid_value", f"Give the two letters of the {which}, in capitals.")
    elif len(value) > 20:  # noqa: PLR2004 - TCR's own limit
        yield fault(name, "invalid_value", "Say it in at most 20 characters.")
