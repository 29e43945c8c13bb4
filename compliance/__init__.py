"""Judges messages. Pure: facts and a policy in, a decision with reasons out; no I/O, no clock, no state.

The front door is decide(facts, policy). Beside it stand pure helpers that the other packages share: destinations,
senders, segments, inbound words, the catalogue of reasons, and the bytes of records and documents.
"""

from compliance.codes import HARD_CODES, Code
from compliance.decide import decide
from compliance.decision import Decision, Finding, Severity, Verdict
from compliance.facts import Facts
from compliance.policy import Policy, PolicyError, shipped

__all__ = [
    "HARD_CODES",
    "Code",
    "Decision",
    "Facts",
    "Finding",
    "Policy",
    "PolicyError",
    "Severity",
    "Verdict",
    "decide",
    "shipped",
]
