"""Puts a preflight together: the verdict now and, if it is no, the shortest way to yes, or why there is none."""

from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.catalogue import admin_text, reason
from compliance.codes import Code
from compliance.decision import Decision
from compliance.facts import Facts
from compliance.policy import Policy, shipped
from compliance.reason import Remedy
from registry.flows.desk import Limits
from registry.preflight.facts import Asked, Read, read
from registry.preflight.guide import DEAD_KIND, DEAD_KINDS, FAILED, Deed
from registry.preflight.judge import SENDABLE, Judge
from registry.preflight.search import Plan, shortest
from registry.preflight.situation import Situation, Step


class DeadEnd(NamedTuple):
    """Why there is no way, and what to do instead."""

    code: Code
    text: str


class Preflight(NamedTuple):
    """The answer."""

    facts: Facts
    did: str | None
    user: str | None
    now: Decision
    #: The shortest way to yes; empty when it is yes already or there is none.
    steps: tuple[Step, ...] = ()
    dead_end: DeadEnd | None = None

    @property
    def can_send(self) -> bool:
        """Say whether the text would go out now."""
        return self.now.verdict in SENDABLE

    def shown(self, *, to_employee: bool = False) -> dict[str, Any]:
        """Return it as JSON; the reason's sentence is that for administrators, or that for the employee."""
        code = self.now.reason
        text = reason(code).user if to_employee else admin_text(code, self.facts)
        return {
            "from": self.did,
            "user": self.user,
            "to": self.facts.message.to,
            "verdict": str(self.now.verdict),
            "reason": {"code": str(code), "text": text},
            "findings": [{"code": str(one.code), "severity": one.severity.name.lower()} for one in self.now.findings],
            "can_send": self.can_send,
            "steps": [_shown(step, deed) for step in self.steps for deed in step.advice.deeds],
        } | ({"dead_end": {"code": str(self.dead_end.code), "text": self.dead_end.text}} if self.dead_end else {})


@lru_cache(maxsize=1)
def policy_in_force() -> Policy:
    """Return the policy that gateways have unless they are told otherwise."""
    return shipped("current")


async def look(
    connection: AsyncConnection, asked: Asked, limits: Limits | None = None, policy: Policy | None = None
) -> Preflight:
    """Answer a question, on one instant of the database. Problem as facts.read raises it."""
    found = await read(connection, asked, limits or Limits())
    return answer(found, policy or policy_in_force())


def answer(found: Read, policy: Policy) -> Preflight:
    """Judge what was read, and search the way to yes."""
    judge = Judge(found.facts, policy)
    given = Preflight(found.facts, found.did, found.user, judge.now())
    if given.can_send:
        return given
    kind = found.situations[0].standing.kind
    if (dead_end := _dead_end(judge.at_best(kind), kind)) is not None:
        return given._replace(dead_end=dead_end)
    plan = way(judge, found.situations)
    if plan is None:
        return given._replace(dead_end=DeadEnd(given.now.reason, _NO_WAY))
    return given._replace(steps=plan.steps)


def way(judge: Judge, situations: tuple[Situation, ...]) -> Plan | None:
    """Return the shortest way from any of the situations."""
    starts = [replace(one, lenient=lenient) for one in situations for lenient in (False, True)]
    return shortest(starts, judge.can_send)


def _dead_end(best: Decision, kind: str) -> DeadEnd | None:
    """Say what would be refused even with everything in order."""
    if best.verdict in SENDABLE:
        return None
    if kind != "local" and best.reason is not Code.TOLLFREE_NOT_VERIFIED:
        return DeadEnd(best.reason, DEAD_KINDS.get(kind, DEAD_KIND))
    return DeadEnd(best.reason, reason(best.reason).remediation[0].action)


#: Never seen: a test walks through every state there is.
_NO_WAY: Final = "No way to texting is known from here: contact support."


def _shown(step: Step, deed: Deed) -> dict[str, Any]:
    page = Remedy(actor=deed.actor, action=deed.action, page=deed.page)
    campaign = f"campaign {step.after.campaign}" if step.after.campaign else "the new campaign"
    return {
        "actor": str(deed.actor),
        "action": deed.action,
        "page": deed.page,
        "href": page.href,
        "usual": deed.usual._asdict(),
        "why": step.advice.why.format(campaign=campaign, fault=step.after.fault or FAILED),
    }


__all__ = ["Asked", "Preflight", "answer", "look", "policy_in_force", "way"]
