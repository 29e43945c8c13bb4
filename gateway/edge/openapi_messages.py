"""Messages as the API's description has them: every operation under /v1/messages and /v1/decisions, with examples."""

from typing import Final

import orjson

from apidocs.table import Answer, Body, Operation, Parameter, Sample, ref
from compliance.codes import Code
from gateway.edge import openapi_examples as example
from gateway.edge.openapi_schemas import ID_PATTERN
from gateway.edge.openapi_sets import BODY, EVERY, FINDS, JSON_BODY, KEEPS, KEYED, MESSAGE, READS

TAG: Final = "Messages"
_NDJSON: Final = "application/x-ndjson"

_ID: Final = Parameter(
    name="id",
    place="path",
    description="Id of a message, of a refused one (`r-…`), or of a leg.",
    schema={"type": "string", "pattern": ID_PATTERN},
    example=example.MESSAGE_ID,
)
_ID_OR_GROUP: Final = Parameter(
    name="id",
    place="path",
    description="Id of a message, of a refused one (`r-…`), of a leg, or of a group (`g-…`).",
    schema={"type": "string", "pattern": ID_PATTERN},
    example=example.MESSAGE_ID,
)
_IDEMPOTENCY_KEY: Final = Parameter(
    name="Idempotency-Key",
    place="header",
    description="The same request with the same key within 24 hours is one message, and gets the first answer again. "
    "Without one a retry is a new message.",
    schema={"type": "string", "minLength": 1, "maxLength": 255},
    example="order-4711",
)
_PLAIN: Final = {"from": example.ANAS, "to": "(646) 555-0151", "text": "On our way"}
_REPLAY: Final = {"to": example.CUSTOMER, "text": "Your visit is tomorrow at ten."}

_QUEUED: Final = {
    "seq": 1,
    "status": "queued",
    "occurred_at": "2026-11-20T20:00:00.250Z",
    "terminal": False,
    "code": None,
    "detail": None,
}

_SENT: Final = (
    Sample(
        name="text",
        summary="A text to a customer, the number as people write it",
        status=202,
        body=_PLAIN,
        answer=example.accepted(Code.OK_REGISTERED),
    ),
    Sample(
        name="colleague",
        summary="To a colleague by extension: an instant message, which needs no registration",
        status=202,
        body={"to": "ext:102", "text": "Lunch at noon?"},
        answer=example.accepted(Code.OK_INTERNAL_IM, channel="im"),
    ),
    Sample(
        name="program",
        summary="By a program, for a user; a campaign for people's own texts is flagged then",
        status=202,
        body={"user": "acme-ana", "to": example.OTHER_CUSTOMER, "text": "Your order is ready."},
        answer=example.accepted(Code.UCAAS_CAMPAIGN_AUTOMATION, verdict="flag"),
        key="tenant",
    ),
    Sample(
        name="group",
        summary="A group: outsiders get a text, colleagues an instant message",
        status=202,
        body={"to": [example.CUSTOMER, "ext:102"], "text": "We meet at ten."},
        answer={
            "id": example.GROUP_ID,
            "partial": False,
            "legs": [
                example.leg(example.CUSTOMER, Code.OK_REGISTERED, channel="sms"),
                example.leg("ext:102", Code.OK_INTERNAL_IM, channel="im", place=1),
            ],
        },
    ),
    Sample(
        name="card",
        summary="With an attachment that was uploaded before: an MMS",
        status=202,
        body={"to": example.CUSTOMER, "media": [{"id": example.CARD_ID}]},
        answer=example.accepted(Code.OK_REGISTERED, channel="mms"),
        after=("uploadMedia/card",),
    ),
    Sample(
        name="named",
        summary="With a name of its own, which is its idempotency key as well",
        status=202,
        body=_REPLAY | {"client_message_id": "visit-17"},
        answer=example.accepted(Code.OK_REGISTERED),
    ),
)
_REFUSED: Final = (
    Sample(
        name="unregistered",
        summary="From a number that no campaign has",
        status=403,
        body={"from": example.CALS, "to": example.CUSTOMER, "text": "Hello!"},
        answer=example.refusal(Code.DID_UNASSIGNED),
        key="tenant",
    ),
    Sample(
        name="opted_out",
        summary="To somebody who said STOP",
        status=403,
        body={"to": example.OPTED_OUT, "text": "Are you still interested?"},
        answer=example.refusal(Code.RECIPIENT_OPTED_OUT),
        after=("putOptOuts/stop",),
    ),
    Sample(
        name="somebody_elses_number",
        summary="From a colleague's number, which looks the same as one of nobody",
        status=403,
        body={"from": example.CALS, "to": example.CUSTOMER, "text": "Hello!"},
        answer=example.refusal(Code.DID_NOT_OWNED_BY_SENDER),
    ),
    Sample(
        name="no_number",
        summary="To what is no phone number",
        status=422,
        body={"to": "call me", "text": "Hello!"},
        answer=example.refusal(Code.INVALID_DESTINATION),
    ),
    Sample(
        name="slip",
        summary="A field that nobody knows",
        status=400,
        body={"To": example.CUSTOMER, "text": "Hello!"},
        answer=example.problem("unknown_field", "/To"),
    ),
    Sample(
        name="nothing_to_say",
        summary="Neither text nor media",
        status=422,
        body={"to": example.CUSTOMER},
        answer=example.problem("missing_field", "/text"),
    ),
    Sample(
        name="too_late",
        summary="To be sent in the past",
        status=422,
        body=_PLAIN | {"send_at": "2020-01-01T09:00:00-05:00"},
        answer=example.problem("invalid_time", "/send_at"),
    ),
    Sample(
        name="another_body",
        summary="The idempotency key of another message",
        status=422,
        body=_REPLAY | {"client_message_id": "visit-17", "text": "Your visit is today."},
        answer=example.problem("idempotency_mismatch"),
        after=("sendMessage/named",),
    ),
)


def _lines(*lines: object) -> str:
    return "".join(orjson.dumps(line).decode() + "\n" for line in lines)


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/v1/messages",
        id="sendMessage",
        tag=TAG,
        summary="Send a message",
        description="202 says that it is on disk and will reach exactly one end. A refusal by the rules says why, who "
        "can change it, and where; its message can be looked at by its id, too.",
        scope="send",
        parameters=(_IDEMPOTENCY_KEY,),
        body=Body(schema=ref("Message"), description="One message; at most 64 KiB."),
        answers=(
            Answer(
                status=202,
                description="It is ours.",
                schema={"anyOf": [ref("Accepted"), ref("AcceptedGroup")]},
                headers={"Idempotent-Replayed": "true, where this is the answer to an earlier request once more."},
            ),
        ),
        problems=(*EVERY, *KEYED, *JSON_BODY, *MESSAGE, *KEEPS, "idempotency_mismatch", "invalid_idempotency_key"),
        samples=(*_SENT, *_REFUSED),
    ),
    Operation(
        method="POST",
        path="/v1/messages/batch",
        id="sendBatch",
        tag=TAG,
        summary="Send up to 1,000 messages",
        description="A JSON object a line, each as in `POST /v1/messages`; a line's idempotency key is its "
        "`client_message_id`. The answer has a line for each, in order, with the status that it would have had alone.",
        scope="send",
        body=Body(
            schema={"type": "string", "description": "NDJSON; each line is a Message."},
            description="Up to 1,000 lines and 1 MiB; a line at most 64 KiB.",
            content_type=_NDJSON,
        ),
        answers=(
            Answer(
                status=200,
                description="What became of each line.",
                schema={"type": "string", "contentMediaType": _NDJSON, "contentSchema": ref("BatchLine")},
                content_type=_NDJSON,
            ),
        ),
        problems=(*EVERY, *KEYED, *BODY, "queue_full", "empty_batch", "too_many_items", "not_supported"),
        samples=(
            Sample(
                name="two_lines",
                summary="One goes, one is refused",
                status=200,
                body=_lines(
                    {"user": "acme-ana", "to": example.CUSTOMER, "text": "One", "client_message_id": "batch-1"},
                    {"from": example.CALS, "to": example.CUSTOMER, "text": "Two", "client_message_id": "batch-2"},
                    {"user": "acme-ana", "to": example.CUSTOMER, "txt": "Three"},
                ),
                answer=_lines(
                    {"status": 202} | example.accepted(Code.UCAAS_CAMPAIGN_AUTOMATION, verdict="flag"),
                    {"status": 403} | example.without_name(example.refusal(Code.DID_UNASSIGNED)),
                    example.without_name(example.problem("unknown_field", "/txt")),
                ),
                key="tenant",
            ),
            Sample(
                name="empty",
                summary="Lines without anything on them",
                status=422,
                body="\n\n",
                answer=example.problem("empty_batch"),
            ),
        ),
    ),
    Operation(
        method="POST",
        path="/v1/decisions",
        id="decide",
        tag=TAG,
        summary="Judge a message and send nothing",
        description="200 for every verdict. Media are described by type and size; nothing is looked up for them.",
        scope="send",
        body=Body(schema=ref("Question"), description="One message; at most 64 KiB."),
        answers=(
            Answer(
                status=200,
                description="What would become of it.",
                schema={"anyOf": [ref("Judged"), ref("JudgedGroup")]},
            ),
        ),
        problems=(*EVERY, *KEYED, *JSON_BODY, *MESSAGE, *READS, "queue_full", "invalid_idempotency_key"),
        samples=(
            Sample(
                name="goes",
                summary="A text that may go",
                status=200,
                body=_PLAIN,
                answer=example.decided(Code.OK_REGISTERED),
            ),
            Sample(
                name="does_not",
                summary="One that may not, with a picture",
                status=200,
                body={"user": "acme-cal", "to": example.CUSTOMER, "media": [{"type": "image/png", "bytes": 120000}]},
                answer=example.decided(Code.DID_UNASSIGNED, verdict="block", channel="mms"),
                key="tenant",
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/v1/messages/{id}",
        id="getMessage",
        tag=TAG,
        summary="See where a message stands",
        description="Readable until 24 hours after its end. What belongs to others is not found.",
        scope="read",
        parameters=(_ID_OR_GROUP,),
        answers=(
            Answer(
                status=200,
                description="The message, or all legs of a group.",
                schema={"anyOf": [ref("Shown"), ref("ShownGroup")]},
            ),
        ),
        problems=(*EVERY, *KEYED, *FINDS),
        samples=(
            Sample(
                name="queued",
                summary="A text that waits for its turn",
                status=200,
                answer=example.shown("On our way"),
                after=("sendMessage/text",),
            ),
            Sample(
                name="unknown",
                summary="No message, or somebody else's",
                status=404,
                answer=example.problem("not_found"),
                given={"id": example.MESSAGE_ID},
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/v1/messages/{id}/events",
        id="getEvents",
        tag=TAG,
        summary="See every change of a message's status",
        scope="read",
        parameters=(_ID,),
        answers=(Answer(status=200, description="The changes, in order.", schema=ref("Events")),),
        problems=(*EVERY, *KEYED, *FINDS),
        samples=(
            Sample(
                name="queued",
                summary="A text that waits for its turn",
                status=200,
                answer={"id": example.MESSAGE_ID, "events": [_QUEUED]},
                after=("sendMessage/text",),
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/v1/messages/{id}/decision",
        id="getDecision",
        tag=TAG,
        summary="See what a decision was based on",
        description="Of refused messages, too.",
        scope="read",
        parameters=(_ID,),
        answers=(Answer(status=200, description="The decision record.", schema=ref("Record")),),
        problems=(*EVERY, *KEYED, *FINDS),
        samples=(
            Sample(
                name="allowed",
                summary="A text that was allowed",
                status=200,
                answer=example.record("On our way"),
                after=("sendMessage/text",),
            ),
        ),
    ),
    Operation(
        method="DELETE",
        path="/v1/messages/{id}",
        id="cancelMessage",
        tag=TAG,
        summary="Cancel a message that is queued or scheduled",
        description="Of a group each leg by itself.",
        scope="send",
        parameters=(_ID,),
        answers=(Answer(status=200, description="It will not go.", schema=ref("Cancelled")),),
        problems=(*EVERY, *KEYED, *FINDS, "not_cancellable", "queue_full", "outcome_unknown"),
        samples=(
            Sample(
                name="in_time",
                summary="Before its turn came",
                status=200,
                answer={"id": example.MESSAGE_ID, "status": "cancelled"},
                after=("sendMessage/text", "getEvents/queued", "getDecision/allowed", "getMessage/queued"),
            ),
            Sample(
                name="refused_before",
                summary="What was refused has ended",
                status=409,
                answer=example.problem("not_cancellable"),
                after=("sendMessage/no_number",),
            ),
        ),
    ),
)
