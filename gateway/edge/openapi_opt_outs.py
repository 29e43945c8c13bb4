"""People who do not want texts, as the API's description has them: lists, one person, taking an opt-out back.

Not here: PUT /v1/opt-outs (openapi_people.py).
"""

from collections.abc import Mapping
from typing import Final

from apidocs.table import Answer, Body, Operation, Parameter, Sample, Schema, closed, nullable, ref
from gateway.edge import openapi_examples as example
from gateway.edge.http_opt_outs import BY_MOST, EVIDENCE_LEAST, EVIDENCE_MOST, NOTE
from gateway.edge.openapi_people import OPT_OUTS
from gateway.edge.openapi_sets import EVERY, FINDS, JSON_BODY, KEEPS, KEYED, READS
from gateway.queue.consent import Settled, Standing

_AGAIN: Final = example.WANTS_TEXTS_AGAIN
_EVIDENCE: Final = "Signed our form at the counter on 2 Nov; the scan is in folder 1187."
_RESTORE: Final = {"recipient": _AGAIN, "evidence": _EVIDENCE, "by": "Ana Alvarez"}
_LIFTED: Final = {
    "recipient": _AGAIN,
    "state": "lifted",
    "opted_out": None,
    "suspected": None,
    "lifted": {
        "at": "2026-11-20T20:00:00.000Z",
        "keyword": "restored",
        "number": None,
        "evidence": _EVIDENCE,
        "by": "Ana Alvarez",
        "was": {"at": "2026-10-01T15:00:00.000Z", "keyword": "stop", "number": example.ANAS},
    },
    "dismissed": None,
}
_TEXT: Final = {"type": "string"}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_STATE: Final = {"type": "string", "enum": [str(standing) for standing in Standing]}
_SAID: Final = closed(
    {
        "at": _INSTANT,
        "keyword": {**_TEXT, "description": "The word."},
        "number": {**nullable(_TEXT), "description": "Your number that it came to; null when not known."},
    }
)
_MAYBE: Final = nullable(_TEXT)

SCHEMAS: Final[Mapping[str, Schema]] = {
    "Consent": closed(
        {
            "recipient": _TEXT,
            "state": {**_STATE, "description": "After an opt-out that ended `lifted`; after a suspicion `none`."},
            "opted_out": nullable(_SAID),
            "suspected": nullable(
                closed({"at": _INSTANT, "text": {**_TEXT, "description": "How it began."}, "number": _MAYBE})
            ),
            "lifted": {
                **nullable(
                    closed({**_SAID["properties"], "evidence": _MAYBE, "by": _MAYBE, "was": nullable(_SAID)}),
                ),
                "description": "The latest opt-out that ended; its keyword is the person's, or `restored`.",
            },
            "dismissed": nullable(closed({"at": _INSTANT, "evidence": _TEXT, "by": _MAYBE})),
        },
        description="What is known of one person and your company.",
    ),
    "Consents": closed(
        {
            "items": {"type": "array", "items": ref("Consent")},
            "next": {**_MAYBE, "description": "Give it as `cursor` to read on."},
            "complete": {"type": "boolean"},
        }
    ),
    "Restore": closed(
        {
            "recipient": {**_TEXT, "description": "Who wants texts again, as people write a phone number."},
            "evidence": {
                "type": "string",
                "minLength": EVIDENCE_LEAST,
                "maxLength": EVIDENCE_MOST,
                "description": "What the person did, and where that is kept.",
            },
            "by": {**nullable({"type": "string", "maxLength": BY_MOST}), "description": "Who vouches."},
            "vouched_at": {
                **nullable(_INSTANT),
                "description": "Until when the evidence speaks; left out: now. What is said later stands.",
            },
        },
        optional=("by", "vouched_at"),
    ),
    "Restored": closed(
        {
            "recipient": _TEXT,
            "outcome": {"type": "string", "enum": [str(outcome) for outcome in Settled]},
            "at": {**_INSTANT, "description": "When that was."},
            "state": {**_STATE, "description": "Where the person stands now."},
            "note": {**_TEXT, "description": "What remains elsewhere."},
        }
    ),
}

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/opt-outs",
        id="listOptOuts",
        tag=OPT_OUTS,
        summary="List who opted out, may have, or took it back",
        description="Of the key's tenant, the newest first. Whoever stands in a list all the while is in exactly one "
        "of its pages, whoever else comes or goes in between. `complete` is false for some minutes after an upgrade "
        "from a version without lists, while opt-outs of before are put into them; they are obeyed all the same.",
        scope="admin",
        parameters=(
            Parameter(
                name="state",
                place="query",
                description="Who opted out (so if left out), wrote a phrase that may be an opt-out, or came back.",
                schema={"type": "string", "enum": ["out", "suspected", "lifted"]},
                example="lifted",
            ),
            Parameter(
                name="limit",
                place="query",
                description="At most so many; more than 500 are 500, left out it is 50.",
                schema={"type": "string", "pattern": "^[0-9]{1,4}$"},
                example="20",
            ),
            Parameter(
                name="cursor",
                place="query",
                description="The `next` of an earlier answer; left out: from the beginning.",
                schema={"type": "string", "pattern": "^(-?[0-9]{1,15}-[0-9]{1,15})?$"},
                example="1795204800250-17185550159",
            ),
        ),
        answers=(Answer(status=200, description="A part of the list.", schema=ref("Consents")),),
        problems=(*EVERY, *KEYED, *READS, "invalid_cursor", "invalid_enum"),
        samples=(
            Sample(
                name="lifted",
                summary="Who wants texts again",
                status=200,
                answer={"items": [_LIFTED], "next": None, "complete": True},
                key="admin",
                given={"state": "lifted", "limit": "20"},
                after=("restoreOptOut/restored",),
            ),
            Sample(
                name="no_position",
                summary="A position that no answer gave",
                status=400,
                answer=example.problem("invalid_cursor", "/cursor"),
                key="admin",
                given={"cursor": "yesterday"},
            ),
            Sample(
                name="no_state",
                summary="A list that there is not",
                status=422,
                answer=example.problem("invalid_enum", "/state"),
                key="admin",
                given={"state": "none"},
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/v1/opt-outs/{recipient}",
        id="getOptOut",
        tag=OPT_OUTS,
        summary="See where one person stands",
        description="All that is known, with the evidence of how an opt-out ended. Of most people nothing is: `none`.",
        scope="admin",
        parameters=(
            Parameter(
                name="recipient",
                place="path",
                description="The person's number in E.164, its + written %2B.",
                schema={"type": "string"},
                example=_AGAIN,
            ),
        ),
        answers=(Answer(status=200, description="What is known.", schema=ref("Consent")),),
        problems=(*EVERY, *KEYED, *FINDS),
        samples=(
            Sample(
                name="lifted",
                summary="Somebody who wants texts again",
                status=200,
                answer=_LIFTED,
                key="admin",
                after=("restoreOptOut/restored",),
            ),
        ),
    ),
    Operation(
        method="POST",
        path="/v1/opt-outs/restore",
        id="restoreOptOut",
        tag=OPT_OUTS,
        summary="Take an opt-out back, with evidence",
        description="Only the person's own renewed consent ends an opt-out: their START, or what they did otherwise, "
        "which is described here and kept for good. The same ends a suspicion (`dismissed`). It is on disk and over "
        "everywhere when it is answered. A STOP that comes afterwards counts again at once, whenever a carrier says "
        "that it was written; one that came after `vouched_at` stands (`overtaken`). The same request again is "
        "answered the same, and changes nothing: `state` is where the person stands now. " + NOTE,
        scope="admin",
        body=Body(schema=ref("Restore"), description="At most 64 KiB."),
        answers=(Answer(status=200, description="It is on disk.", schema=ref("Restored")),),
        problems=(
            *EVERY,
            *KEYED,
            *JSON_BODY,
            *KEEPS,
            "invalid_number",
            "invalid_character",
            "invalid_evidence",
            "invalid_time",
        ),
        samples=(
            Sample(
                name="restored",
                summary="Somebody signed a form",
                status=200,
                body=_RESTORE,
                answer={
                    "recipient": _AGAIN,
                    "outcome": "restored",
                    "at": "2026-11-20T20:00:00.000Z",
                    "state": "lifted",
                    "note": NOTE,
                },
                key="admin",
                after=("putOptOuts/before",),
            ),
            Sample(
                name="no_evidence",
                summary="What the person did is missing",
                status=422,
                body=_RESTORE | {"evidence": "Said OK."},
                answer=example.problem("invalid_evidence", "/evidence"),
                key="admin",
            ),
        ),
    ),
)
