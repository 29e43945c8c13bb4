"""The rules, in the order of section 2 of tests/cases/README.md. These tuples are the only list there is.

A rule is one module with one function check(case) that returns its findings, or NOTHING. It knows neither verdicts
nor other rules. Adding one: a module here, its place below, its code in codes.py and catalogue.py, its test.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Final

from compliance.case import Case
from compliance.decision import Finding
from compliance.rules import (
    assignment,
    automation,
    brand,
    campaign,
    carrier_approval,
    daily_cap_tmobile,
    declarations,
    destination,
    emergency,
    enablement,
    evasion,
    landline,
    message_size,
    opt_out,
    phishing,
    prohibited,
    quiet_hours,
    recipients,
    registry_state,
    sender_number,
    shaft,
    snowshoe,
    throughput_att,
    throughput_did,
    toll_free,
    url_shortener,
)

Check = Callable[[Case], tuple[Finding, ...]]

#: Who sends and to whom (2.4 to 2.8).
PARTIES: Final = (
    emergency,
    sender_number,
    recipients,
    destination,
    landline,
    opt_out,
    toll_free,
    enablement,
)
#: Whether the number is registered (2.9).
REGISTRATION: Final = (registry_state, assignment, campaign, brand, carrier_approval, automation)
#: What the message says (2.10); it cannot change between accept and submission.
CONTENT: Final = (
    message_size,
    url_shortener,
    prohibited,
    phishing,
    shaft,
    declarations,
    snowshoe,
    evasion,
)
#: When, and how much (2.11, 2.12).
TIMING: Final = (quiet_hours, throughput_did, throughput_att, daily_cap_tmobile)

RULES: Final = (*PARTIES, *REGISTRATION, *CONTENT, *TIMING)
#: What may have changed while a message waited (2.4 and 2.7 to 2.9): asked again before each submission.
RECHECK: Final = (emergency, sender_number, opt_out, toll_free, enablement, *REGISTRATION)


def rule_id(rule: ModuleType) -> str:
    """Name a rule, for metrics and benchmarks."""
    return rule.__name__.rpartition(".")[2]


def checks_of(rules: tuple[ModuleType, ...]) -> tuple[Check, ...]:
    """Return the functions of some rules."""
    return tuple(rule.check for rule in rules)


ALL_CHECKS: Final = checks_of(RULES)
RECHECKS: Final = checks_of(RECHECK)
REGISTRATION_CHECKS: Final = checks_of(REGISTRATION)
