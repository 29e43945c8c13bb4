"""The form of a campaign: what a brand's texts are for, what they look like, and how people agree and leave.

Source: TCR CSP API (campaign fields, sub-use-case counts, what cannot be changed), the lengths that reviewers ask for,
and the CTIA messaging principles for opt-in, opt-out and help.

Not here: what the samples say (samples.py), and whether the brand may have a campaign (flows.py).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from compliance.inbound import Meaning, meaning_of
from registry.problems import Fault
from registry.registration import fields, words
from registry.registration.fields import Form

_TEXT_MAX: Final = 6_000
_WORDS_MAX: Final = 30
Text = Annotated[str, Field(max_length=_TEXT_MAX)]
Words = Annotated[list[Text], Field(max_length=_WORDS_MAX)]

DESCRIPTION: Final = (40, 4_096)
MESSAGE_FLOW: Final = (40, 2_048)
SAMPLE: Final = (20, 1_024)
#: Of help, opt-in and opt-out messages; the older of TCR's limits, which every carrier takes.
MESSAGE: Final = (20, 255)
SAMPLES: Final = (2, 5)
_CHARITY: Final = "CHARITY"
#: Of all keywords of a kind together, with commas between.
_KEYWORDS_MAX: Final = 255
_KEYWORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,29}", re.ASCII)
#: Words at the end of a company's name that nobody says.
_LEGAL_FORMS: Final = frozenset(
    "llc inc incorporated corp corporation co company ltd limited lp llp plc pc pllc ulc ltee gmbh".split()
)


class CampaignForm(Form):
    """A campaign as a company describes it. Words of TCR in capitals."""

    use_case: Text = ""
    sub_use_cases: Words = Field(default=[])
    vertical: Text = ""
    description: Text = ""
    #: How people come to agree to the texts (call to action).
    message_flow: Text = ""
    samples: Annotated[list[Text], Field(max_length=SAMPLES[1])] = Field(default=[])
    opt_in_keywords: Words = Field(default=[])
    opt_in_message: Text = ""
    opt_out_keywords: Words = Field(default=[])
    opt_out_message: Text = ""
    help_keywords: Words = Field(default=[])
    help_message: Text = ""
    privacy_policy_link: Text = ""
    terms_link: Text = ""
    #: The company has read, and takes, TCR's terms.
    terms_accepted: bool = False
    #: What the texts contain; None: not said yet.
    embedded_link: bool | None = None
    embedded_phone: bool | None = None
    age_gated: bool | None = None
    direct_lending: bool | None = None
    affiliate_marketing: bool | None = None
    #: 50 numbers or more are planned.
    number_pool: bool = False
    auto_renewal: bool = True


#: What stays as it is once TCR has the campaign.
FIXED: Final = frozenset(
    """use_case sub_use_cases vertical embedded_link embedded_phone age_gated direct_lending affiliate_marketing
    number_pool terms_accepted""".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What there is to know about the brand."""

    #: Names that it goes by.
    names: tuple[str, ...]
    #: TCR believes it and does not verify it.
    is_sole_proprietor: bool = False
    is_501c3: bool = False
    #: The provider noted the carriers' leave for the use case of this form.
    has_leave: bool = False


def faults(form: CampaignForm, owner: Owner) -> list[Fault]:
    """Return everything that is wrong with a form but what its samples say."""
    return [*(one for check in _CHECKS for one in check(form)), *_use_case(form, owner), *_named(form, owner)]


def _use_case(form: CampaignForm, owner: Owner) -> Iterator[Fault]:
    wrong = list(fields.one_of(form, "use_case", tuple(words.USE_CASES)))
    if wrong:
        yield from wrong
        return
    asked = words.USE_CASES[form.use_case]
    if owner.is_sole_proprietor != (form.use_case == words.SOLE_PROPRIETOR):
        fix = "Choose another one: SOLE_PROPRIETOR is for, and the only one for, brands of that entity type."
        yield fields.fault("use_case", "invalid_enum", fix)
    elif form.use_case == _CHARITY and not owner.is_501c3:
        fix = "Choose another one, or have the brand registered as NON_PROFIT and 501(c)(3) first."
        yield fields.fault("use_case", "leave_required", fix)
    elif asked.needs_leave and not owner.has_leave:
        fix = "Ask the provider to obtain the carriers' leave for it, or choose LOW_VOLUME or MIXED."
        yield fields.fault("use_case", "leave_required", fix)
    yield from _sub_use_cases(form, asked)


def _sub_use_cases(form: CampaignForm, asked: words.UseCase) -> Iterator[Fault]:
    given = form.sub_use_cases
    for index, one in enumerate(given):
        if one not in words.SUB_USE_CASES:
            fix = f"Choose among {', '.join(words.SUB_USE_CASES)}."
            yield fields.fault(f"sub_use_cases/{index}", "invalid_enum", fix)
    if len(set(given)) != len(given):
        yield fields.fault("sub_use_cases", "invalid_value", "Name each of them once.")
    if not asked.least <= len(given) <= asked.most:
        count = "none" if not asked.most else f"{asked.least} to {asked.most}"
        yield fields.fault("sub_use_cases", "invalid_value", f"This use case takes {count} of them.")


def _texts(form: CampaignForm) -> Iterator[Fault]:
    if form.vertical:
        yield from fields.one_of(form, "vertical", words.VERTICALS)
    yield from fields.text(form, "description", DESCRIPTION[1], shortest=DESCRIPTION[0])
    yield from fields.text(form, "message_flow", MESSAGE_FLOW[1], shortest=MESSAGE_FLOW[0])
    for name in _MESSAGES:
        yield from fields.text(form, name, MESSAGE[1], shortest=MESSAGE[0])


_MESSAGES: Final = ("opt_in_message", "opt_out_message", "help_message")


def _samples(form: CampaignForm) -> Iterator[Fault]:
    least, most = SAMPLES
    if len(form.samples) < least:
        yield fields.fault("samples", "invalid_value", f"Give {least} to {most} samples of what will be sent.")
    for index, sample in enumerate(form.samples):
        yield from fields.sized(f"samples/{index}", sample, SAMPLE[1], shortest=SAMPLE[0])
    if len({" ".join(sample.split()).casefold() for sample in form.samples}) != len(form.samples):
        yield fields.fault("samples", "invalid_value", "Let each sample be another text.")


def _keywords(form: CampaignForm) -> Iterator[Fault]:
    """Look at the words; those that stop and help must be ones that the gateway acts on, STOP and HELP among them."""
    yield from _words(form.opt_out_keywords, "opt_out_keywords", "STOP", Meaning.STOP)
    yield from _words(form.help_keywords, "help_keywords", "HELP", Meaning.HELP)
    yield from _words(form.opt_in_keywords, "opt_in_keywords", "", None)


def _words(given: list[str], name: str, wanted: str, meaning: Meaning | None) -> Iterator[Fault]:
    for index, word in enumerate(given):
        place = f"{name}/{index}"
        if not _KEYWORD.fullmatch(word):
            yield fields.fault(place, "invalid_value", "Give a word of 1 to 30 letters and digits.")
        elif meaning is not None and meaning_of(word) is not meaning:
            fix = "Leave it out: the gateway does not act on this word, so nobody who sends it would be heard."
            yield fields.fault(place, "invalid_value", fix)
        elif meaning is None and meaning_of(word) not in {Meaning.NONE, Meaning.START}:
            yield fields.fault(place, "invalid_value", "Leave it out: this word stops texts, or asks for help.")
    if wanted and wanted not in {word.upper() for word in given}:
        yield fields.fault(name, "missing_field" if not given else "invalid_value", f"{wanted} has to be among them.")
    if len({word.casefold() for word in given}) != len(given):
        yield fields.fault(name, "invalid_value", "Name each of them once.")
    if len(",".join(given)) > _KEYWORDS_MAX:
        yield fields.fault(name, "invalid_value", f"Give fewer: {_KEYWORDS_MAX} characters in all, with commas.")


def _links(form: CampaignForm) -> Iterator[Fault]:
    yield from fields.link(form, "privacy_policy_link")
    yield from fields.link(form, "terms_link")
    if not form.terms_accepted:
        yield fields.missing("terms_accepted", "Say true once you have read, and take, the terms.")


def _declared(form: CampaignForm) -> Iterator[Fault]:
    names = ("embedded_link", "embedded_phone", "age_gated", "direct_lending", "affiliate_marketing")
    yield from fields.said(form, *names)
    if form.affiliate_marketing:
        fix = "Carriers carry no affiliate marketing: such a campaign is declined."
        yield fields.fault("affiliate_marketing", "content_refused", fix)


_CHECKS: Final[tuple[Callable[[CampaignForm], Iterator[Fault]], ...]] = (
    _texts,
    _samples,
    _keywords,
    _links,
    _declared,
)


def _named(form: CampaignForm, owner: Owner) -> Iterator[Fault]:
    """Look for the brand's name in every message that is sent by itself; an empty one is named already."""
    names = {found for name in owner.names for found in _spoken(name)}
    for name in _MESSAGES:
        value = _folded(getattr(form, name))
        if value and names and not any(f" {found} " in f" {value} " for found in names):
            yield fields.fault(name, "brand_not_named", "Name the brand in it, so that people know who writes.")


def _spoken(name: str) -> Iterator[str]:
    """Return a name as it may be written: whole, and without its legal form."""
    whole = _folded(name).split()
    if whole:
        yield " ".join(whole)
    while whole and whole[-1] in _LEGAL_FORMS:
        whole.pop()
        if whole:
            yield " ".join(whole)


def _folded(text: str) -> str:
    return " ".join("".join(one if one.isalnum() else " " for one in text.casefold()).split())
