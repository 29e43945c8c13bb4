"""Policy: how strictly findings count, from when, and what operators chose. Data, never code.

Shipped policies are TOML files in policies/: current (always in force), seed (the seed pages' dates) and
carrier_actual (what carriers did). A policy may raise or lower a code's severity, or set it on trial (found, counted,
not acted on), for everyone or for one tenant until a date; it never softens a hard code.
"""

import tomllib
from dataclasses import dataclass, replace
from datetime import date, datetime
from importlib import resources
from typing import Any, Final, Literal

from compliance.codes import HARD_CODES, Code
from compliance.decision import Finding, Severity
from compliance.facts import CarrierStates
from compliance.pacific import start_of

Mode = Literal["enforce", "monitor", "strict"]
_MODES: Final = ("enforce", "monitor", "strict")
SHIPPED: Final = ("current", "seed", "carrier_actual")

_SEVERITIES: Final = {
    "trial": Severity.INFO,
    "flag": Severity.FLAG,
    "defer": Severity.DEFER,
    "block": Severity.BLOCK,
}


#: Reasons of a message without findings.
_NEVER_FOUND: Final = frozenset({Code.OK_REGISTERED, Code.OK_INTERNAL_IM})


class PolicyError(ValueError):
    """A policy file that says something impossible; the message names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """The dates of a policy that came into force step by step."""

    #: Before this instant unregistered traffic is only flagged.
    enforced_from: datetime
    #: Until this instant senders from before the programme are only flagged.
    grandfathered_until: datetime
    #: The same for MMS to some carriers, which closed earlier.
    grandfathered_mms_until: datetime
    grandfathered_mms_carriers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """One code whose severity is not what the rule says."""

    code: Code
    severity: Severity
    #: None: every tenant. Otherwise who asked for it, why, and until when.
    tenant: str | None = None
    owner: str = ""
    reason: str = ""
    expires: datetime | None = None

    def applies(self, tenant: str, at: datetime) -> bool:
        """Say whether it holds for a tenant at an instant."""
        return (self.tenant is None or self.tenant == tenant) and (self.expires is None or at < self.expires)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A named, versioned way of taking findings seriously."""

    name: str
    version: str
    mode: Mode = "enforce"
    toll_free_allowed: bool = False
    registry_fail_open: bool = False
    #: None: in force since ever, nobody is grandfathered.
    phases: Phases | None = None
    #: A tenant's own adjustments stand after the general ones and win.
    adjustments: tuple[Adjustment, ...] = ()

    def with_options(self, *, toll_free_allowed: bool, registry_fail_open: bool, monitor: bool) -> "Policy":
        """Return this policy with the three switches that a decision record carries."""
        return replace(
            self,
            toll_free_allowed=toll_free_allowed,
            registry_fail_open=registry_fail_open,
            mode="monitor" if monitor else ("enforce" if self.mode == "monitor" else self.mode),
        )

    def adjust(self, finding: Finding, tenant: str, at: datetime) -> Finding:
        """Return the finding with the severity that this policy gives it."""
        severity = finding.severity
        for adjustment in self.adjustments:
            if adjustment.code == finding.code and adjustment.applies(tenant, at):
                severity = adjustment.severity
        if finding.code in HARD_CODES:
            severity = max(severity, finding.severity)
        return finding if severity is finding.severity else replace(finding, severity=severity)


def shipped(name: str) -> Policy:
    """Load one of the shipped policies; PolicyError when there is none of that name."""
    if name not in SHIPPED:
        raise PolicyError(f"policy: {name!r} is not one of {', '.join(SHIPPED)}")
    return parse(resources.files("compliance").joinpath("policies", f"{name}.toml").read_text(encoding="utf-8"))


def parse(text: str) -> Policy:
    """Read a policy from TOML; PolicyError names the field that is wrong."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise PolicyError(f"policy: not TOML: {broken}") from None
    _only(data, {"name", "version", "mode", "options", "phases", "severity", "override"}, "policy")
    options = _table(data, "options")
    _only(options, {"toll_free_allowed", "registry_fail_open"}, "options")
    mode = data.get("mode", "enforce")
    if mode not in _MODES:
        raise PolicyError(f"mode: must be one of {', '.join(_MODES)}")
    general = [_adjustment(code, word, "severity") for code, word in _table(data, "severity").items()]
    if "@" in (name := _word(data, "name")):
        raise PolicyError("name: must not hold @, which parts name and version in records")
    return Policy(
        name=name,
        version=_word(data, "version"),
        mode=mode,
        toll_free_allowed=_switch(options, "toll_free_allowed"),
        registry_fail_open=_switch(options, "registry_fail_open"),
        phases=_phases(_table(data, "phases")) if "phases" in data else None,
        adjustments=(*general, *(_override(row) for row in _rows(data, "override"))),
    )


def _only(data: dict[str, Any], fields: set[str], where: str) -> None:
    if unknown := sorted(data.keys() - fields):
        raise PolicyError(f"{where}.{unknown[0]}: unknown field")


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise PolicyError(f"{key}: must be a table")
    return value


def _rows(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise PolicyError(f"{key}: must be an array of tables, [[{key}]]")
    return value


def _word(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise PolicyError(f"{key}: must be a non-empty string")
    return value


def _switch(options: dict[str, Any], key: str) -> bool:
    value = options.get(key, False)
    if not isinstance(value, bool):
        raise PolicyError(f"options.{key}: must be true or false")
    return value


def _phases(data: dict[str, Any]) -> Phases:
    _only(
        data,
        {"enforced_from", "grandfathered_until", "grandfathered_mms_until", "grandfathered_mms_carriers"},
        "phases",
    )
    until = _midnight(data, "grandfathered_until")
    return Phases(
        enforced_from=_midnight(data, "enforced_from"),
        grandfathered_until=until,
        grandfathered_mms_until=_midnight(data, "grandfathered_mms_until")
        if "grandfathered_mms_until" in data
        else until,
        grandfathered_mms_carriers=_carriers(data, "grandfathered_mms_carriers"),
    )


def _carriers(data: dict[str, Any], key: str) -> frozenset[str]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(name in CarrierStates._fields for name in value):
        raise PolicyError(f"phases.{key}: must be an array of {', '.join(CarrierStates._fields)}")
    return frozenset(value)


def _midnight(data: dict[str, Any], key: str) -> datetime:
    value = data.get(key)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise PolicyError(f"phases.{key}: must be a date such as 2023-02-15; it stands for 00:00 Pacific")
    return start_of(value)


def _adjustment(code: str, word: Any, where: str) -> Adjustment:
    if code not in list(Code):
        raise PolicyError(f"{where}.{code}: no such reason code")
    if code in _NEVER_FOUND:
        raise PolicyError(f"{where}.{code}: says that nothing was found, so it has no severity")
    if not isinstance(word, str) or word not in _SEVERITIES:
        raise PolicyError(f"{where}.{code}: must be one of {', '.join(_SEVERITIES)}")
    if code in HARD_CODES and word != "block":
        raise PolicyError(f"{where}.{code}: a hard code is never softened")
    return Adjustment(code=Code(code), severity=_SEVERITIES[word])


def _override(row: dict[str, Any]) -> Adjustment:
    _only(row, {"tenant", "code", "severity", "owner", "reason", "expires"}, "override")
    for key in ("tenant", "owner", "reason"):
        _word(row, key)
    expires = row.get("expires")
    if not isinstance(expires, datetime) or expires.tzinfo is None:
        raise PolicyError("override.expires: must be an instant with an offset; an override without end is a rule")
    adjusted = _adjustment(_word(row, "code"), row.get("severity"), "override")
    return replace(adjusted, tenant=row["tenant"], owner=row["owner"], reason=row["reason"], expires=expires)
