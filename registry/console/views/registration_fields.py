"""The steps of the forms: which fields each asks for, under which label, and how an answer is read.

Which fields there are, what is taken and what is wrong with an answer is the forms' own (registry.registration): a test
holds that every field is asked for once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from registry.console.pages import Fields
from registry.console.views.registration_words import ENTITY_TYPES, use_case
from registry.registration import brand_form, campaign_form, words
from registry.registration.brand_form import BrandForm
from registry.registration.campaign_form import CampaignForm
from registry.registration.words import NON_PROFIT, PUBLIC_PROFIT, SOLE_PROPRIETOR

Options = Sequence[tuple[str, str]]

_COMPANIES: Final = tuple(one for one in words.ENTITY_TYPES if one != SOLE_PROPRIETOR)
_ALONE: Final = (SOLE_PROPRIETOR,)
#: The provider says it, not the company.
UNASKED: Final = frozenset({"brand_relationship", "auto_renewal"})
#: What a form has for a field that is not asked for any more.
_EMPTY: Final = {name: field.get_default() for name, field in BrandForm.model_fields.items()}


class Asked(NamedTuple):
    """One field of a form."""

    name: str
    label: str
    #: text, email, tel, url, area, tick, choice, many (boxes), yesno, keywords or samples.
    kind: str = "text"
    hint: str = ""
    options: Options = ()
    optional: bool = False
    #: Entity types that it is asked of; (): all.
    of: tuple[str, ...] = ()
    rows: int = 4
    #: For browsers that fill in.
    autocomplete: str = ""


class Step(NamedTuple):
    """One page of a form."""

    id: str
    title: str
    about: str
    fields: tuple[Asked, ...]


def _labelled(values: Sequence[str]) -> Options:
    return [(one, one.replace("_", " ").capitalize()) for one in values]


def _length(limits: tuple[int, int]) -> str:
    return f"{limits[0]} to {limits[1]:,} characters."


_COMPANY: Final = (
    Asked("entity_type", "Kind of company", "choice", options=[*ENTITY_TYPES.items()]),
    Asked("legal_name", "Legal name", hint="As in the tax office's letter, to the last dot.", of=_COMPANIES),
    Asked("display_name", "Name that customers know", hint="The brand's name, as texts say it."),
    Asked(
        "ein",
        "Tax number",
        hint="In the US the nine digits of the EIN (IRS letter CP 575), in Canada those of the business number.",
        of=_COMPANIES,
    ),
    Asked("ein_country", "Country that gave the tax number", hint="Two letters, such as US or CA.", of=_COMPANIES),
    Asked("stock_symbol", "Stock symbol", of=(PUBLIC_PROFIT,)),
    Asked("stock_exchange", "Stock exchange", "choice", options=_labelled(words.STOCK_EXCHANGES), of=(PUBLIC_PROFIT,)),
    Asked("is_501c3", "It is tax-exempt by section 501(c)(3)", "tick", optional=True, of=(NON_PROFIT,)),
    Asked("vertical", "Line of business", "choice", options=_labelled(words.VERTICALS)),
    Asked("website", "Website", "url", "It has to show who the company is.", optional=True, autocomplete="url"),
    Asked(
        "alt_business_id_type",
        "Another business id",
        "choice",
        "Helps TCR to find the company.",
        [("NONE", "None"), *((one, one) for one in words.BUSINESS_ID_TYPES if one != "NONE")],
        optional=True,
        of=_COMPANIES,
    ),
    Asked("alt_business_id", "That id", optional=True, of=_COMPANIES),
)
_CONTACT: Final = (
    Asked("street", "Street and number", autocomplete="street-address"),
    Asked("city", "City", autocomplete="address-level2"),
    Asked("state", "State or province", hint="Two letters, such as CA or ON.", autocomplete="address-level1"),
    Asked("postal_code", "Postal code", autocomplete="postal-code"),
    Asked("country", "Country", hint="Two letters, such as US or CA.", autocomplete="country"),
    Asked("email", "Email address", "email", "Reviewers write to it.", autocomplete="email"),
    Asked("phone", "Phone number", "tel", "Where the company can be called, such as +12025550123.", autocomplete="tel"),
    Asked("first_name", "First name", of=_ALONE, autocomplete="given-name"),
    Asked("last_name", "Last name", of=_ALONE, autocomplete="family-name"),
    Asked("first_name", "Contact's first name", optional=True, of=_COMPANIES, autocomplete="given-name"),
    Asked("last_name", "Contact's last name", optional=True, of=_COMPANIES, autocomplete="family-name"),
    Asked("mobile_phone", "Mobile number", "tel", "TCR sends a code to it.", of=_ALONE),
    Asked("legal_name", "Legal name", hint="If it differs from your own.", optional=True, of=_ALONE),
)
_PURPOSE: Final = (
    Asked("use_case", "Use case", "choice"),
    Asked("sub_use_cases", "Purposes", "many", options=[(one, use_case(one)) for one in words.SUB_USE_CASES]),
    Asked("vertical", "Line of business", "choice", options=_labelled(words.VERTICALS), optional=True),
    Asked(
        "description",
        "What the texts are for",
        "area",
        "Who writes to whom, about what, and why. " + _length(campaign_form.DESCRIPTION),
        rows=6,
    ),
)
_AGREE: Final = (
    Asked(
        "message_flow",
        "How people agree to get texts",
        "area",
        "Where people give their number, what they read there, and what they tick or say; with the address of the page,"
        " if there is one. " + _length(campaign_form.MESSAGE_FLOW),
        rows=8,
    ),
)
_SAMPLES: Final = (Asked("samples", "Sample", "samples", _length(campaign_form.SAMPLE)),)
_NAMES: Final = "Names the brand. "
_REPLIES: Final = (
    Asked("opt_in_keywords", "Words to agree with", "keywords", "With commas between.", optional=True),
    Asked(
        "opt_in_message", "Answer to who agrees", "area", "Names the brand. " + _length(campaign_form.MESSAGE), rows=3
    ),
    Asked("opt_out_keywords", "Words to stop with", "keywords", "STOP has to be among them."),
    Asked("opt_out_message", "Answer to who stops", "area", _NAMES + _length(campaign_form.MESSAGE), rows=3),
    Asked("help_keywords", "Words to ask for help with", "keywords", "HELP has to be among them."),
    Asked(
        "help_message",
        "Answer to who asks for help",
        "area",
        "Names the brand, and says where help is. " + _length(campaign_form.MESSAGE),
        rows=3,
    ),
)
_DECLARED: Final = (
    Asked("embedded_link", "Links", "yesno", "Texts of this campaign can have links in them."),
    Asked("embedded_phone", "Phone numbers", "yesno", "Texts can name phone numbers, other than the sender's."),
    Asked("age_gated", "Only for adults", "yesno", "Texts are about alcohol, or other things with an age limit."),
    Asked("direct_lending", "Loans", "yesno", "Texts offer loans, or are about them."),
    Asked("affiliate_marketing", "Affiliate marketing", "yesno", "Carriers decline campaigns that say yes."),
    Asked("number_pool", "50 numbers or more will text in this campaign", "tick", optional=True),
)
_LINKS: Final = (
    Asked("privacy_policy_link", "Privacy policy", "url", "Says that numbers and consent go to nobody else."),
    Asked("terms_link", "Terms of the texts", "url", "Say what is sent, how often, and how to stop."),
    Asked("terms_accepted", "The company has read, and takes, the terms of TCR and of the carriers.", "tick"),
)

#: Of each kind, in order; the review comes behind them.
STEPS: Final[Mapping[str, tuple[Step, ...]]] = {
    "brand": (
        Step("company", "Company", "Who is responsible for the texts. TCR compares it with public records.", _COMPANY),
        Step("contact", "Address and contact", "Where the company is, and how it is reached.", _CONTACT),
    ),
    "campaign": (
        Step("purpose", "Purpose", "What the texts are for. The use case cannot be changed later.", _PURPOSE),
        Step("consent", "Consent", "People have to agree before they are texted. Reviewers read this first.", _AGREE),
        Step(
            "samples",
            "Samples",
            "What texts look like. Each is judged here as the gateway would judge it, beside it stands what was found.",
            _SAMPLES,
        ),
        Step("replies", "Keywords and replies", "How people agree, stop and get help by text.", _REPLIES),
        Step(
            "content",
            "What texts contain",
            "What is declared here cannot be changed later; what is not declared makes carriers block.",
            _DECLARED,
        ),
        Step("links", "Privacy and terms", "Pages that anybody can open; reviewers do.", _LINKS),
    ),
}
REVIEW: Final = "review"
#: What TCR takes no change of once it has the form.
FIXED: Final = {"brand": brand_form.FIXED, "campaign": campaign_form.FIXED}


def asked_in(kind: str, step: Step, saved: Mapping[str, Any], *, sole_brand: bool = False) -> list[Asked]:
    """Return what a step asks for, as far as a form is filled in: others of a sole proprietor than of a company."""
    if kind == "brand":
        entity_type = saved["entity_type"]
        return [one for one in step.fields if not one.of or (entity_type or _COMPANIES[0]) in one.of]
    return [one._replace(options=_use_cases(sole=sole_brand)) if one.name == "use_case" else one for one in step.fields]


def _use_cases(*, sole: bool) -> Options:
    """List the use cases that a brand can have, those that need the carriers' leave last."""
    plain = [one for one, asked in words.USE_CASES.items() if not asked.needs_leave and one != SOLE_PROPRIETOR]
    first = [one for one in ("UCAAS_LOW", "UCAAS_HIGH", "LOW_VOLUME", "MIXED") if one in plain]
    on_leave = [one for one, asked in words.USE_CASES.items() if asked.needs_leave]
    if sole:
        return [(SOLE_PROPRIETOR, use_case(SOLE_PROPRIETOR))]
    return [
        *((one, use_case(one)) for one in (*first, *(one for one in plain if one not in first))),
        *((one, f"{use_case(one)} (with the carriers' leave)") for one in on_leave),
    ]


def purposes_hint() -> str:
    """Say which use cases take purposes, and how many."""
    taken = [f"{use_case(one)}: {asked.least} to {asked.most}" for one, asked in words.USE_CASES.items() if asked.least]
    return "; ".join(taken) + ". Others take none."


def read(asked: Sequence[Asked], given: Fields) -> dict[str, Any]:
    """Read what was typed; a yes or no that was not said is None."""
    return {one.name: _value(one, given) for one in asked}


def _value(asked: Asked, given: Fields) -> Any:
    match asked.kind:
        case "tick":
            return given.ticked(asked.name)
        case "many":
            return list(given.texts(asked.name))
        case "yesno":
            return {"yes": True, "no": False}.get(given.text(asked.name))
        case "keywords":
            typed = given.text(asked.name).replace("\n", ",").split(",")
            return [word.strip() for word in typed if word.strip()]
        case "samples":
            typed = [text.replace("\r\n", "\n").strip() for text in given.texts(asked.name)]
            return [text for text in typed if text]
        case _:
            return given.text(asked.name).replace("\r\n", "\n")


def without_unasked(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a form without answers that its kind of company is not asked for."""
    if kind != "brand":
        return fields
    names = {one.name for step in STEPS[kind] for one in asked_in(kind, step, fields)} | UNASKED
    return {name: value if name in names else _EMPTY[name] for name, value in fields.items()}


def step_of(kind: str, pointer: str) -> str:
    """Return the step that asks for the field that a pointer leads to; the first where none does."""
    name = key_of(pointer).split("/", maxsplit=1)[0]
    found = (step.id for step in STEPS[kind] if any(one.name == name for one in step.fields))
    return next(found, STEPS[kind][0].id)


def key_of(pointer: str) -> str:
    """Return the place in the page that a pointer leads to: a sample has one of its own, words share theirs."""
    name, _, index = pointer.removeprefix("/fields/").partition("/")
    return f"{name}/{index}" if name == "samples" and index else name


def label_of(kind: str, pointer: str) -> str:
    """Return the label of the field that a pointer leads to."""
    key = key_of(pointer)
    name, _, index = key.partition("/")
    one = _asked(kind, name)
    if one is None:
        return name.replace("_", " ").capitalize()
    return f"{one.label} {int(index) + 1}" if index.isdigit() else one.label


def _asked(kind: str, name: str) -> Asked | None:
    return next((one for step in STEPS[kind] for one in step.fields if one.name == name), None)


def told(kind: str, pointer: str, fix: str) -> str:
    """Return what is wrong with a field as a page says it, which shows choices and boxes instead of words to write."""
    asked = _asked(kind, key_of(pointer).split("/", maxsplit=1)[0])
    match asked.kind if asked else "":
        case "choice" | "many" if fix.startswith("Choose "):
            return fix if not fix.startswith(("Choose one of ", "Choose among ")) else "Choose one that is offered."
        case "yesno":
            return fix.replace("Say true or false", "Say yes or no")
        case "tick":
            return fix.replace("Say true once", "Tick it once")
        case "keywords" if pointer.rpartition("/")[2].isdigit():
            return f"Word {int(pointer.rpartition('/')[2]) + 1}: {fix}"
        case _:
            return fix


def in_order(asked: Sequence[Asked], faults: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what is wrong in the order of the fields on the page."""
    names = [one.name for one in asked]

    def place(fault: Mapping[str, Any]) -> tuple[int, str]:
        name, _, index = key_of(fault["pointer"]).partition("/")
        return names.index(name) if name in names else len(names), index

    return sorted(faults, key=place)


def is_empty(fields: Mapping[str, Any], pointer: str) -> bool:
    """Say whether nothing was filled in yet where a pointer leads to."""
    return fields.get(key_of(pointer).split("/", maxsplit=1)[0]) in ("", [], None, False)


#: Every field that somebody fills in, for the test that holds it against the forms.
MODELS: Final = {"brand": BrandForm, "campaign": CampaignForm}
