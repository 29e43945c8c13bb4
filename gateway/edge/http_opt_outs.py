"""Routes of people who do not want texts: lists of them, one person, and taking an opt-out back with evidence.

Not here: PUT /v1/opt-outs (http_people.py), and what ends an opt-out (queue/consent.py).
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from compliance.destinations import read_destination
from gateway.clock import boottime_s
from gateway.edge import wire
from gateway.edge.http_common import JSON_LIMIT, authenticated, json_response, read_body, refuse_size, require_type
from gateway.edge.keys import Keys
from gateway.errors import Problem, queue_problem
from gateway.in_force import until_in_force
from gateway.queue import QueueError
from gateway.queue.consent import Consent, Consents, Restoration, Settled, Standing, Word
from gateway.shown import exact_instant

PAGE: Final = 50
PAGE_MOST: Final = 500
EVIDENCE_LEAST: Final = 10
EVIDENCE_MOST: Final = 1_000
BY_MOST: Final = 100
#: What no restoration of ours changes, told with each.
NOTE: Final = (
    "An opt-out that was sent to a toll-free number is kept by the network, too: there it ends only when the person "
    "texts START or UNSTOP to that number."
)
_FIELDS: Final = frozenset({"recipient", "evidence", "by", "vouched_at"})
#: What people write, over lines and with tabs; no other control characters.
_EVIDENCE: Final = re.compile(r"[^\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]*")
_BY: Final = re.compile(r"[^\x00-\x1f\x7f]*")
_LISTED: Final = frozenset({Standing.OUT, Standing.SUSPECTED, Standing.LIFTED})
_LIMIT: Final = re.compile(r"[0-9]{1,4}", re.ASCII)


class OptOutRoutes:
    """Handlers of GET /v1/opt-outs, GET /v1/opt-outs/{recipient} and POST /v1/opt-outs/restore."""

    def __init__(self, keys: Keys, consents: Consents) -> None:
        self._keys = keys
        self._consents = consents

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/v1/opt-outs", self.listed, allow_head=False),
            web.post("/v1/opt-outs/restore", self.restore),
            web.get("/v1/opt-outs/{recipient}", self.one, allow_head=False),
        ]

    async def listed(self, request: web.Request) -> web.StreamResponse:
        """List who opted out, may have, or took it back, the newest first, behind a cursor."""
        principal = await authenticated(request, self._keys, "admin")
        state, limit = request.query.get("state", Standing.OUT), request.query.get("limit", str(PAGE))
        if state not in _LISTED:
            raise Problem("invalid_enum", "/state")
        if not _LIMIT.fullmatch(limit):
            raise Problem("invalid_cursor", "/limit")
        most = max(1, min(int(limit), PAGE_MOST))
        after = request.query.get("cursor", "")
        try:
            page = await self._consents.consents(principal.tenant, Standing(state), after=after, limit=most)
        except ValueError:
            raise Problem("invalid_cursor", "/cursor") from None
        except QueueError as failure:
            raise queue_problem(failure, writes=False) from None
        shown = [consent_json(one) for one in page.items]
        return json_response({"items": shown, "next": page.next or None, "complete": page.complete})

    async def one(self, request: web.Request) -> web.StreamResponse:
        """Show all that is known of one person; of most that is nothing."""
        principal = await authenticated(request, self._keys, "admin")
        _, recipient = read_destination(request.match_info["recipient"])
        if not recipient:
            raise Problem("not_found")
        try:
            return json_response(consent_json(await self._consents.consent(principal.tenant, recipient)))
        except QueueError as failure:
            raise queue_problem(failure, writes=False) from None

    async def restore(self, request: web.Request) -> web.StreamResponse:
        """End an opt-out or a suspicion on evidence; durable, and over everywhere, when answered."""
        refuse_size(request, JSON_LIMIT)
        principal = await authenticated(request, self._keys, "admin")
        require_type(request, "application/json")
        restoration = _restoration(principal.tenant, wire.read_object(await read_body(request, JSON_LIMIT)))
        try:
            restored = await self._consents.restore(restoration)
            over_s = boottime_s()
            now = await self._consents.consent(principal.tenant, restoration.recipient)
        except QueueError as failure:
            raise queue_problem(failure) from None
        if restored.outcome in {Settled.RESTORED, Settled.DISMISSED}:
            await until_in_force(over_s)
        return json_response(
            {
                "recipient": restoration.recipient,
                "outcome": restored.outcome,
                "at": exact_instant(restored.at_ms),
                "state": now.standing,
                "note": NOTE,
            }
        )


def consent_json(consent: Consent) -> dict[str, Any]:
    """Show what is known of a person."""
    lifted, dismissed, suspected = consent.lifted, consent.dismissed, consent.suspected
    return {
        "recipient": consent.recipient,
        "state": consent.standing,
        "opted_out": _word(consent.out),
        "suspected": suspected
        and {"at": exact_instant(suspected.at_ms), "text": suspected.text, "number": suspected.number or None},
        "lifted": lifted
        and {
            **(_word(lifted.how) or {}),
            "evidence": lifted.evidence or None,
            "by": lifted.by or None,
            "was": _word(lifted.was),
        },
        "dismissed": dismissed
        and {"at": exact_instant(dismissed.at_ms), "evidence": dismissed.evidence, "by": dismissed.by or None},
    }


def _word(word: Word | None) -> dict[str, Any] | None:
    return word and {"at": exact_instant(word.at_ms), "keyword": word.keyword, "number": word.number or None}


def _restoration(tenant: str, data: dict[str, Any]) -> Restoration:
    wire.only(data, _FIELDS)
    for field in ("recipient", "evidence"):
        if data.get(field) is None:
            raise Problem("missing_field", f"/{field}")
    recipient, evidence, by = data["recipient"], data["evidence"], data.get("by")
    for field, value in (("recipient", recipient), ("evidence", evidence), ("by", "" if by is None else by)):
        if type(value) is not str:
            raise Problem("invalid_type", f"/{field}")
    _, canonical = read_destination(recipient)
    if not canonical:
        raise Problem("invalid_number", "/recipient")
    if not _EVIDENCE.fullmatch(evidence):
        raise Problem("invalid_character", "/evidence")
    if not EVIDENCE_LEAST <= len(evidence.strip()) <= len(evidence) <= EVIDENCE_MOST:
        raise Problem("invalid_evidence", "/evidence")
    if by is not None and (not _BY.fullmatch(by) or len(by) > BY_MOST):
        raise Problem("invalid_character", "/by")
    vouched_ms = 0
    if data.get("vouched_at") is not None:
        # Nobody vouches for what will be said.
        vouched = min(wire.read_instant(data["vouched_at"], "/vouched_at"), datetime.now(UTC))
        vouched_ms = max(1, int(vouched.timestamp() * 1_000))
    return Restoration(tenant=tenant, recipient=canonical, evidence=evidence, by=by or "", vouched_ms=vouched_ms)
