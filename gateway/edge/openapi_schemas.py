"""The shapes of the public API's bodies as JSON Schema: what may be sent, and what is answered.

Limits, patterns and closed sets are taken from where they are enforced. Answers are closed objects, so that a field
that nobody described fails the tests that compare real answers with these shapes.

Not here: which operation has which (openapi_*.py).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from apidocs.table import PROBLEM_FIELDS, Schema, closed, nullable, ref
from compliance.codes import Code
from compliance.decision import Severity, Verdict
from compliance.inbound import Meaning
from compliance.reason import Actor, Page
from compliance.record import VERSION
from compliance.shapes import CARRIERS, DECLARATIONS
from gateway.edge import wire
from gateway.envelope import Channel, Kind
from gateway.problems import PROBLEMS
from gateway.queue import Status

_STRING: Final = {"type": "string"}
_WHOLE: Final = {"type": "integer", "minimum": 0}
_FLAG: Final = {"type": "boolean"}
_DATE: Final = {"type": "string", "format": "date"}
_INSTANT: Final = {"type": "string", "format": "date-time"}

#: What a message's id looks like: partition, log entry, place; g- for a group, r- for a refusal.
ID_PATTERN: Final = "^(g-|r-)?[0-9]+(-[0-9]+){2,5}$"
ID_EXAMPLE: Final = "2-1795204800250-0-0"


def _words(words: Any) -> dict[str, Any]:
    return {"type": "string", "enum": [str(word) for word in words]}


def _list(items: Schema, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), **more}


def _matching(pattern: re.Pattern[str], **more: Any) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{pattern.pattern}$", **more}


def _about(schema: Schema, description: str) -> dict[str, Any]:
    return {**schema, "description": description}


_ID: Final = {"type": "string", "pattern": ID_PATTERN}
_MEDIA_ID: Final = _matching(wire.MEDIA_ID)
_MEDIUM: Final = {"id": _STRING, "type": _STRING, "bytes": _WHOLE}

#: Fields of a message that may be left out, or be null; `to` may not.
_SENDING: Final[Mapping[str, Any]] = {
    "from": _about(
        nullable(_STRING),
        "The number to send from, as people write it. Left out: the user's own enabled number. A tenant's key needs "
        "`from` or `user`.",
    ),
    "user": _about(
        nullable(_matching(wire.USER)),
        "Who sends, by id. Left out: whose key it is, or the owner of `from`.",
    ),
    "to": {
        "description": "A phone number as people write it, `user:<id>`, or `ext:<digits>`; a list is a group message.",
        "anyOf": [
            _STRING,
            _list(_STRING, minItems=1, maxItems=wire.MOST_RECIPIENTS, uniqueItems=True),
        ],
    },
    "text": _about(nullable(_STRING), "What to say, to outsiders in ten segments at most. Needed where no media are."),
    "media": {
        "description": "What was uploaded with `POST /v1/media`, by id.",
        "anyOf": [
            _list(closed({"id": _MEDIA_ID}), maxItems=wire.MOST_MEDIA),
            {"type": "null"},
        ],
    },
    "client_message_id": _about(
        nullable(_matching(wire.VISIBLE_ASCII)),
        "Your own name for the message; also its idempotency key where the header is missing.",
    ),
    "send_at": _about(nullable(_INSTANT), f"Not before then; at most {wire.FARTHEST.days} days ahead."),
    "expires_at": _about(
        nullable(_INSTANT), f"Not after then; within {wire.FARTHEST.days} days of sending. Left out: 4 hours."
    ),
    "status_url": _about({"type": "null"}, "Not offered yet: anything but null is refused."),
}
_SENDING_OPTIONAL: Final = tuple(name for name in _SENDING if name != "to")

_QUESTION: Final[Mapping[str, Any]] = {
    **_SENDING,
    "media": {
        "description": "Type and size of what would be attached.",
        "anyOf": [
            _list(
                closed(
                    {
                        "type": _matching(wire.MEDIA_TYPE),
                        "bytes": {"type": "integer", "minimum": 1, "maximum": 2**64 - 1},
                    }
                ),
                maxItems=wire.MOST_MEDIA,
            ),
            {"type": "null"},
        ],
    },
}

_REASON: Final = closed({"code": ref("Code"), "text": _about(_STRING, "For the person who sends.")})
_POLICY: Final = closed({"name": _STRING, "version": _STRING, "mode": _words(("enforce", "monitor", "strict"))})
_DECIDED: Final[Mapping[str, Any]] = {
    "channel": _words(Channel),
    "verdict": _words(Verdict),
    "reason": _REASON,
    "findings": _about(_list(ref("Code")), "What else was found, beside the reason."),
    "segments": _about(_WHOLE, "Parts that the text makes."),
    "encoding": _words(("gsm7", "ucs2")),
    "policy": _POLICY,
    "facts": _about(
        closed({"registry_seq": nullable(_WHOLE), "age_ms": nullable(_WHOLE)}),
        "How fresh the registrations were that it was judged by.",
    ),
    "send_after": _about(_INSTANT, "It waits until then; only with the verdict defer, or with `send_at`."),
}
_LEG: Final[Mapping[str, Any]] = {
    "to": _STRING,
    "channel": _words(Channel),
    "verdict": _words(Verdict),
    "reason": _REASON,
    "status": _words((Status.QUEUED, Status.SCHEDULED, Status.BLOCKED)),
    "caused_by": _about(_WHOLE, "Place of the leg whose verdict this is, where it is another one."),
}
_REMEDY: Final = closed(
    {"actor": _words(Actor), "action": _STRING, "page": nullable(_words(Page)), "href": nullable(_STRING)}
)
_REFUSED_FIELDS: Final[Mapping[str, Any]] = {
    **{name: PROBLEM_FIELDS[name] for name in ("type", "title", "status", "detail", "errors", "request_id")},
    "code": ref("Code"),
    "id": {"type": "string"},
    **_DECIDED,
    "remediation": _about(_list(_REMEDY), "Who can do what, and on which page of the console: the first step first."),
    "legs": _list(closed({"id": _ID, **_LEG}, optional=("caused_by",))),
}
_OPTIONAL_IN_REFUSAL: Final = ("errors", "send_after", "legs")

_SHOWN: Final[Mapping[str, Any]] = {
    "id": _ID,
    "status": ref("Status"),
    "terminal": _about(_FLAG, "It never changes again."),
    "channel": _words(Channel),
    "from": nullable(_STRING),
    "to": _STRING,
    "user": _STRING,
    "text": _STRING,
    "media": _list(closed(_MEDIUM)),
    "segments": _WHOLE,
    "encoding": _words(("gsm7", "ucs2")),
    "verdict": _words(Verdict),
    "reason": _REASON,
    "status_code": _about(nullable(_STRING), "Why it ended, in our word or the carrier's."),
    "attempts": _WHOLE,
    "carrier_reference": nullable(_STRING),
    "client_message_id": nullable(_STRING),
    "accepted_at": _INSTANT,
    "send_after": nullable(_INSTANT),
    "expires_at": _INSTANT,
    "changed_at": _INSTANT,
}
_EVENT: Final = closed(
    {
        "seq": {"type": "integer", "minimum": 1},
        "status": ref("Status"),
        "occurred_at": _INSTANT,
        "terminal": _FLAG,
        "code": nullable(_STRING),
        "detail": nullable(_STRING),
    }
)

_OWNER: Final = nullable(closed({"tenant": _STRING, "user": _STRING}))
_NUMBER: Final = closed(
    {
        "owner": _OWNER,
        "kind": _STRING,
        "sms": _STRING,
        "sms_enabled_at": nullable(_INSTANT),
        "number_changed_at": nullable(_INSTANT),
        "licence_changed_at": nullable(_INSTANT),
        "toll_free_verification": nullable(_STRING),
        "assignment": nullable(
            closed({"state": _STRING, "campaign_id": nullable(_STRING), "brand_id": nullable(_STRING)})
        ),
    }
)
_CAMPAIGN: Final = closed(
    {
        **dict.fromkeys(("id", "brand_id", "use_case", "status", "sharing"), _STRING),
        "sub_use_cases": _list(_STRING),
        "dca_complete": _FLAG,
        "mock": _FLAG,
        "carriers": closed(dict.fromkeys(CARRIERS, _STRING)),
        "osr_status": nullable(_WHOLE),
        "declares": closed(dict.fromkeys(DECLARATIONS, _FLAG)),
        "att_class": nullable(_STRING),
    }
)
_FACTS: Final = closed(
    {
        "at": _INSTANT,
        "message": closed(
            {
                "from": nullable(_STRING),
                "to": _STRING,
                "text": _STRING,
                "media": _list(closed({"type": _STRING, "bytes": _WHOLE})),
                "origin": _words(("app", "api")),
                "participants": _WHOLE,
                "in_reply_to_inbound_at": nullable(_INSTANT),
            }
        ),
        "sender": closed(
            {
                "tenant": closed({"id": _STRING, "customer_since": _DATE}),
                "user": closed({"id": _STRING}),
                "number": nullable(_NUMBER),
                "campaign": nullable(_CAMPAIGN),
                "brand": nullable(
                    closed({"id": _STRING, "status": _STRING, "vetting_score": nullable(_WHOLE), "government": _FLAG})
                ),
            }
        ),
        "recipient": closed(
            {
                "directory": _OWNER,
                "carrier": nullable(_STRING),
                "line": nullable(_STRING),
                "opted_out": nullable(
                    closed(
                        {"at": _INSTANT, "keyword": _STRING, "tenant": nullable(_STRING), "number": nullable(_STRING)}
                    )
                ),
                "free_text_revocation": _FLAG,
            }
        ),
        "usage": closed(
            {
                "att_campaign_minute": _WHOLE,
                "att_number_minute": _WHOLE,
                "tmobile_brand_day": _WHOLE,
                "tmobile_brand_day_of": nullable(_DATE),
                "number_second": _WHOLE,
                "toll_free_day": _WHOLE,
                "same_text_numbers_5min": _WHOLE,
            }
        ),
        "registry": closed({"state": _words(("live", "stale", "unavailable")), "age_s": _WHOLE}),
    }
)
_RECORD: Final = closed(
    {
        "v": {"type": "integer", "enum": [VERSION]},
        "id": _ID,
        "note": _STRING,
        "policy": _STRING,
        "options": closed({"toll_free_allowed": _FLAG, "registry_fail_open": _FLAG, "monitor": _FLAG}),
        "facts": _FACTS,
        "decision": closed(
            {
                "verdict": _words(Verdict),
                "reason": ref("Code"),
                "findings": _list(ref("Code")),
                "findings_exact": _FLAG,
            }
        ),
        "meta": {"type": "object"},
    },
    description="A decision record: all that the judge knew, and what it said. `a2p-gateway replay` judges it again.",
)
_OPT_OUT: Final = closed(
    {
        "recipient": _about(_STRING, "Who opted out, as people write a phone number."),
        "at": _about(_INSTANT, "When; with an offset."),
        "keyword": _about({"type": "string", "minLength": 1, "maxLength": 64}, "The word that they wrote."),
        "number": _about(nullable(_STRING), "Your number that received it."),
    },
    optional=("number",),
)
_CATALOGUE_ENTRY: Final = closed(
    {
        "code": ref("Code"),
        "title": _STRING,
        "user": _about(_STRING, "For the person who sends."),
        "admin": _about(_STRING, "For the company's administrator."),
        "page": nullable(_words(Page)),
        "severities": _list(_words(severity.name.lower() for severity in Severity)),
        "hard": _about(_FLAG, "No policy softens it."),
        "http": {"type": "integer"},
        "twilio": nullable({"type": "integer"}),
        "smpp": _STRING,
        "runbook": _STRING,
        "remediation": _list(_REMEDY),
    }
)

_INBOX_ITEM: Final[Mapping[str, Any]] = {
    "cursor": _STRING,
    "channel": _about(_words(Channel), "`im`: from a colleague; else a text from outside."),
    "from_user": _about(nullable(_STRING), "The colleague who wrote."),
    "from": _about(nullable(_STRING), "Whose number; of a text as the carrier gives it."),
    "to": _about(nullable(_STRING), "Which number a text from outside came to."),
    "text": _STRING,
    "media": _list(closed(_MEDIUM | {"id": nullable(_STRING)})),
    "client_message_id": nullable(_STRING),
    "sent_at": _INSTANT,
    "meaning": _about(
        nullable(_words(Meaning)),
        "Of a text from outside: `stop`, `start` and `help` were obeyed and answered; `revocation_suspected` is for a "
        "person to settle.",
    ),
}
_SEQ: Final = _about(_STRING, "Names this place: to acknowledge, and to resume behind. Do not look into it.")
_OF_EVENT: Final = _about(_STRING, "Names the event: what comes twice has the same.")
_FRAMES: Final = (
    closed({"seq": _SEQ, "type": _words(("hello", "position", "gap"))}),
    closed(
        {
            "seq": _SEQ,
            "type": _words(("message",)),
            "event": _OF_EVENT,
            **{name: _SHOWN[name] for name in ("id", "status", "channel", "from", "to", "user", "text", "media")},
            **{name: _SHOWN[name] for name in ("segments", "encoding", "verdict", "reason", "client_message_id")},
            "kind": _about(_words(Kind), "Other than `message`: an automatic answer to a person's word."),
            "participants": _about(_WHOLE, "Outsiders whom a group message goes to."),
            "sent_at": _INSTANT,
            "send_after": nullable(_INSTANT),
            "expires_at": _INSTANT,
        }
    ),
    closed(
        {
            "seq": _SEQ,
            "type": _words(("status",)),
            "event": _OF_EVENT,
            "id": _ID,
            "change": _about(_WHOLE, "Its number, which `GET /v1/messages/{id}/events` calls `seq`."),
            **{name: _EVENT["properties"][name] for name in ("status", "terminal", "code", "detail")},
            "at": _INSTANT,
        }
    ),
    closed({"seq": _SEQ, "type": _words(("inbound",)), "event": _OF_EVENT, **_INBOX_ITEM}),
)

_GROUP: Final = closed(
    {"id": _ID, "partial": _FLAG, "legs": _list(closed({"id": _ID, **_LEG}, optional=("caused_by",)))}
)
_LINE_OF_PROBLEM: Final = closed(
    {name: schema for name, schema in PROBLEM_FIELDS.items() if name != "request_id"}, optional=("errors",)
)
_LINE_OF_REFUSAL: Final = closed(
    {name: schema for name, schema in _REFUSED_FIELDS.items() if name != "request_id"}, optional=_OPTIONAL_IN_REFUSAL
)
_STATUS_OF_LINE: Final = {"type": "integer", "enum": [202]}
_REPLAYED: Final = {"type": "boolean", "enum": [True]}
_LINE_ACCEPTED: Final = closed(
    {"status": _STATUS_OF_LINE, "id": _ID, **_DECIDED, "replayed": _REPLAYED}, optional=("send_after", "replayed")
)
_LINE_OF_GROUP: Final = closed(
    {"status": _STATUS_OF_LINE, **_GROUP["properties"], "replayed": _REPLAYED}, optional=("replayed",)
)

SCHEMAS: Final[Mapping[str, Schema]] = {
    "Message": closed(_SENDING, optional=_SENDING_OPTIONAL, description="A message to send."),
    "Question": closed(_QUESTION, optional=_SENDING_OPTIONAL, description="A message to judge, its media described."),
    "Accepted": closed({"id": _ID, **_DECIDED}, optional=("send_after",), description="A message that is ours now."),
    "AcceptedGroup": _GROUP | {"description": "A group message that is ours now; `partial`: not all legs go."},
    "Judged": closed(_DECIDED, optional=("send_after",), description="What would become of it."),
    "JudgedGroup": closed({"legs": _list(closed({**_DECIDED, "to": _STRING}, optional=("send_after",)))}),
    "BatchLine": {
        "description": "What became of one line of a batch.",
        "anyOf": [_LINE_ACCEPTED, _LINE_OF_GROUP, _LINE_OF_REFUSAL, _LINE_OF_PROBLEM],
    },
    "Shown": closed(_SHOWN, description="A message and where it stands."),
    "ShownGroup": closed({"id": _ID, "legs": _list(ref("Shown"))}, description="A group message, each leg whole."),
    "Events": closed({"id": _ID, "events": _list(_EVENT)}, description="Every change of status, without a gap."),
    "Record": _RECORD,
    "Cancelled": closed({"id": _ID, "status": _words((Status.CANCELLED,))}),
    "Inbox": closed({"items": _list(closed(_INBOX_ITEM)), "next": _about(_STRING, "Give it as `after` to read on.")}),
    "Frame": {"description": "A frame of `GET /v1/events`.", "anyOf": list(_FRAMES)},
    "Medium": closed(_MEDIUM, description="An upload; its id is what it is called in a message."),
    "OptOuts": closed({"opt_outs": _list(_OPT_OUT, maxItems=1_000)}, description="Opt-outs of the key's tenant."),
    "Stored": closed({"stored": _WHOLE}),
    "Reasons": closed({"reasons": _list(_CATALOGUE_ENTRY)}),
    "Problems": closed(
        {"problems": _list(closed({"code": _words(PROBLEMS), "status": _WHOLE, "title": _STRING, "fix": _STRING}))}
    ),
    "Status": _about(_words(Status), "Where a message stands."),
    "Code": _about(_words(Code), "Why a message got its verdict; `GET /v1/reasons` explains each."),
    "Problem": closed(PROBLEM_FIELDS, optional=("errors",), description="A request that cannot be taken (RFC 9457)."),
    "Refusal": closed(
        _REFUSED_FIELDS,
        optional=_OPTIONAL_IN_REFUSAL,
        description="A message that the rules refused, and why.",
    ),
    "ProblemOrRefusal": {"anyOf": [ref("Refusal"), ref("Problem")]},
    "Receipt": {
        "type": "object",
        "description": "A carrier's word on a message. What cannot be used is counted and let go.",
        "properties": {
            "reference": _about(_STRING, "Our id of the message."),
            "status": _about(_STRING, "enroute, delivered, undelivered, expired or rejected."),
            "id": _about(_STRING, "The carrier's own id."),
            "code": {"description": "The carrier's error code.", "type": ["string", "integer", "null"]},
            "occurred_at": _about(nullable(_INSTANT), "When, by the carrier's clock."),
        },
        "required": ["reference", "status"],
    },
    "Received": closed({"received": _WHOLE}),
    "Inbound": {
        "type": "object",
        "description": "A text that somebody sent to one of our numbers. Fields that are not named here are skipped.",
        "properties": {
            "id": _about(_STRING, "The carrier's own id: a text that comes again under it is taken once."),
            "from": _about(nullable(_STRING), "Who wrote it; E.164, a short code, a name, or nothing."),
            "to": _about(_STRING, "Our number that was texted."),
            "text": nullable(_STRING),
            "media": {
                "description": "Attachments: type and size of each.",
                "type": ["array", "null"],
                "items": {"type": "object"},
            },
            "received_at": _about(nullable(_STRING), "When the carrier got it, RFC 3339; anything else is now."),
        },
        "required": ["id", "to"],
    },
}
