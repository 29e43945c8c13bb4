"""What may be changed of a number, a campaign, a brand and a key, and how the body of such a call is read.

A body is a JSON object with the fields that are to change; the rest stays. States are closed sets here, unlike in an
import: what a person types into a call is one of the words that the judge knows, or a slip.

Not here: what follows from a change (admin_objects.py), HTTP (admin_routes.py).
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from registry.problems import Fault, Problem, wrong_field

#: What a field may be called to be named in an answer: a word; never room for a phone number or a key.
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_]{1,32}[0-9]{0,2}", re.ASCII)
_WHOLE_MAX: Final = 2**31 - 1
_SCORE_MAX: Final = 100

CarrierState = Literal["approved", "review", "rejected", "suspended"]


class Patch(BaseModel):
    """Fields to change; a field that was not given is not in model_fields_set."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def given(self, *names: str) -> dict[str, Any]:
        """Return those of the named fields that were given."""
        return {name: getattr(self, name) for name in names if name in self.model_fields_set}


P = TypeVar("P", bound=Patch)
Q = TypeVar("Q", bound=BaseModel)


class AssignmentPatch(Patch):
    """Which campaign a number sends for. Left out, the campaign stays; the state becomes assigned."""

    campaign_id: str = ""
    state: Literal["pending", "assigned", "failed", "removing"] = "assigned"


class NumberPatch(Patch):
    """A number: its assignment (null: none), whether it may text, and who owns it (null: the tenant's pool)."""

    assignment: AssignmentPatch | None = None
    sms: Literal["enabled", "disabled", "superseded"] = "disabled"
    user: str | None = None


class CarriersPatch(Patch):
    """A campaign's state at each carrier; a carrier that is not named keeps its state."""

    att: CarrierState = "review"
    tmobile: CarrierState = "review"
    verizon: CarrierState = "review"
    us_cellular: CarrierState = "review"


class CampaignPatch(Patch):
    """A campaign: its state at TCR, at our upstream, and at the carriers."""

    status: Literal["draft", "pending", "active", "rejected", "suspended", "expired", "deactivated"] = "draft"
    sharing: Literal["pending", "accepted", "declined"] = "pending"
    dca_complete: bool = False
    carriers: CarriersPatch = CarriersPatch()
    osr_status: int | None = Field(default=None, ge=0, le=_WHOLE_MAX)


class BrandPatch(Patch):
    """A brand: its identity status and its vetting score."""

    status: Literal["pending", "unverified", "self_declared", "verified", "vetted_verified", "suspended", "deleted"] = (
        "pending"
    )
    vetting_score: int | None = Field(default=None, ge=0, le=_SCORE_MAX)


class UserPatch(Patch):
    """A person: name, role, licence, extension. Another licence takes SMS away from every number of theirs."""

    name: str = Field(default="", min_length=1, max_length=200)
    role: Literal["employee", "admin", "support", "operator"] = "employee"
    licence: str = Field(default="", max_length=40)
    extension: str | None = Field(default=None, pattern=r"^[0-9]{1,15}$")


class KeyPatch(Patch):
    """An API key: revoked for good, or with other scopes."""

    revoked: Literal[True] = True
    scopes: list[Literal["send", "read", "admin"]] = Field(default=[], min_length=1)


def read_body(kind: type[P], raw: bytes) -> P:
    """Read a body; Problem names every field that is wrong, and what it can be. No body is an empty object."""
    data = _read_object(raw) if raw.strip() else {}
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        faults = [_fault(kind, found) for found in error.errors(include_url=False)]
        raise Problem(faults[0].code, faults) from None


def read_patch(kind: type[P], raw: bytes) -> P:
    """Read the body of a change; Problem as read_body raises it, and empty_change when it names nothing."""
    patch = read_body(kind, raw)
    if not patch.model_fields_set:
        raise _empty(kind, "")
    for name in patch.model_fields_set:
        inner = getattr(patch, name)
        if isinstance(inner, Patch) and not inner.model_fields_set:
            raise _empty(type(inner), f"/{name}")
    return patch


def read_query(kind: type[Q], query: Mapping[str, str]) -> Q:
    """Read a query; Problem names what is wrong, and invalid_cursor what is wrong with a page's place or size."""
    given = [name for name, _ in query.items()]  # (keys() of a multidict names each once)
    if len(set(given)) != len(given):
        raise Problem("duplicate_key")
    try:
        return kind.model_validate(dict(query))
    except ValidationError as error:
        found = error.errors(include_url=False)
        if any(one["loc"] and one["loc"][0] in {"cursor", "limit"} for one in found):
            raise Problem("invalid_cursor") from None
        faults = [_fault(kind, one) for one in found]
        raise Problem(faults[0].code, faults) from None


def _read_object(raw: bytes) -> dict[str, Any]:
    try:
        orjson.loads(raw)  # Strict: UTF-8, no lone surrogates, no endless nesting.
        data = json.loads(raw, object_pairs_hook=_without_twins)
    except (orjson.JSONDecodeError, json.JSONDecodeError, RecursionError):
        raise Problem("invalid_json") from None
    if type(data) is not dict:
        raise wrong_field("", "invalid_type", "Send a JSON object.")
    return data


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem("duplicate_key")
    return found


def _empty(kind: type[Patch], pointer: str) -> Problem:
    return wrong_field(pointer, "empty_change", f"Name at least one of {_fields(kind)}.")


def _fields(kind: type[BaseModel]) -> str:
    return ", ".join(kind.model_fields)


def _fault(kind: type[BaseModel], found: ErrorDetails) -> Fault:
    """Say what is wrong with one field, in our words and without its value."""
    *path, last = found["loc"]
    if found["type"] == "extra_forbidden":
        where = _pointer(path)
        pointer = f"{where}/{last}" if _PLAIN_NAME.fullmatch(str(last)) else where
        fix = f"Leave it out; what can be changed here is {_fields(_inner(kind, path))}."
        return Fault(pointer=pointer, code="unknown_field", fix=fix)
    expected = found.get("ctx", {}).get("expected")
    code, fix = _FIXES.get(found["type"], ("invalid_type", ""))
    if found["type"] == "literal_error":
        code = "invalid_enum" if isinstance(found["input"], str) else "invalid_type"
        fix = f"Use {str(expected).replace(chr(39), '').replace('True', 'true')}."
    return Fault(pointer=_pointer([*path, last]), code=code, fix=fix)


_FIXES: Final = {
    "missing": ("missing_field", "Add it."),
    "string_type": ("invalid_type", "Give it a string."),
    "string_too_short": ("invalid_value", "Give it a longer text."),
    "string_too_long": ("invalid_value", "Give it a shorter text."),
    "string_pattern_mismatch": ("invalid_value", "Give it a text of the right form."),
    "too_long": ("invalid_value", "Give it fewer."),
    "value_error": ("invalid_value", "Give it a value that is allowed."),
    "int_parsing": ("invalid_type", "Give it a whole number."),
    "bool_parsing": ("invalid_type", "Give it true or false."),
    "datetime_parsing": ("invalid_value", "Give it an RFC 3339 instant, such as 2026-11-20T13:00:00Z."),
    "datetime_from_date_parsing": ("invalid_value", "Give it an RFC 3339 instant, such as 2026-11-20T13:00:00Z."),
    "timezone_aware": ("invalid_value", "Give the instant an offset: write Z or +hh:mm at its end."),
    "bool_type": ("invalid_type", "Give it true or false."),
    "int_type": ("invalid_type", "Give it a whole number."),
    "list_type": ("invalid_type", "Give it a list."),
    "model_type": ("invalid_type", "Give it an object."),
    "greater_than_equal": ("invalid_value", "Give it a whole number, zero or more."),
    "less_than_equal": ("invalid_value", "Give it a smaller number."),
    "too_short": ("invalid_value", "Name at least one; to take all away, revoke the key."),
}


def _pointer(path: list[str | int]) -> str:
    """Write a place as a JSON pointer; our own names and indexes need no escapes."""
    return "".join(f"/{part}" for part in path)


def _inner(kind: type[BaseModel], path: list[str | int]) -> type[BaseModel]:
    """Return the kind of the object at a place, by the annotations on the way."""
    for part in path:
        annotation: Any = kind.model_fields[str(part)].annotation
        options = (annotation, *getattr(annotation, "__args__", ()))
        kind = next(one for one in options if isinstance(one, type) and issubclass(one, Patch))
    return kind
