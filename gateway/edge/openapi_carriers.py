"""The carriers' side of the API's description: what they call, signed by Standard Webhooks."""

from typing import Final

from apidocs.table import Answer, Body, Operation, Parameter, Sample, ref
from gateway.edge import openapi_examples as example
from gateway.edge.openapi_sets import EVERY
from gateway.edge.receipts import RECEIPTS_MAX

TAG: Final = "Carriers"

SIGNED: Final = (
    Parameter(
        name="name",
        place="path",
        description="The carrier, as `A2P_CARRIER_NAME` says.",
        schema={"type": "string"},
        example="emulator",
    ),
    Parameter(
        name="webhook-id",
        place="header",
        description="The delivery's own id.",
        schema={"type": "string"},
        example="msg_2f9d1c",
        required=True,
    ),
    Parameter(
        name="webhook-timestamp",
        place="header",
        description="When it was signed, in seconds since 1970; 5 minutes from our clock at most.",
        schema={"type": "string", "pattern": "^[0-9]{1,12}$"},
        example="1795204800",
        required=True,
    ),
)
#: What can be wrong with any delivery.
DELIVERED: Final = (
    "not_found",
    "body_too_large",
    "body_timeout",
    "incomplete_body",
    "expectation_failed",
    "invalid_signature",
    "stale_webhook",
    "malformed",
    "queue_unavailable",
)

OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/carriers/{name}/receipts",
        id="postReceipts",
        tag=TAG,
        summary="Say what became of messages",
        description="Answered with 200 only when the receipts are on disk; until then the carrier sends them again. "
        "One that comes twice does nothing the second time.",
        security="signature",
        parameters=SIGNED,
        body=Body(
            schema={"anyOf": [ref("Receipt"), {"type": "array", "items": ref("Receipt"), "maxItems": RECEIPTS_MAX}]},
            description=f"A receipt, or up to {RECEIPTS_MAX}; at most 256 KiB.",
        ),
        answers=(Answer(status=200, description="They are on disk, or of no use.", schema=ref("Received")),),
        problems=(*EVERY, *DELIVERED),
        samples=(
            Sample(
                name="delivered",
                summary="A text reached its phone",
                status=200,
                body=[
                    {
                        "id": "c-17",
                        "reference": example.MESSAGE_ID,
                        "status": "delivered",
                        "code": "000",
                        "occurred_at": "2026-11-20T20:00:03Z",
                    },
                ],
                answer={"received": 1},
                key="carrier",
            ),
        ),
    ),
    Operation(
        method="POST",
        path="/carriers/{name}/inbound",
        id="postInbound",
        tag=TAG,
        summary="Bring a text that somebody sent to one of our numbers",
        description="Answered with 200 only when it is on disk; until then the carrier brings it again, and however "
        "often it comes it is taken once. After the 200 to a STOP no submission to that person begins, which is why "
        "that answer takes a little over half a second.",
        security="signature",
        parameters=SIGNED,
        body=Body(schema=ref("Inbound"), description="One text; at most 64 KiB."),
        answers=(Answer(status=200, description="It is on disk.", schema=ref("Received")),),
        problems=(
            *EVERY,
            *(code for code in DELIVERED if code != "malformed"),
            *("invalid_json", "duplicate_key", "missing_field", "invalid_type", "queue_full", "registry_unavailable"),
        ),
        samples=(
            Sample(
                name="stop",
                summary="Somebody wants no more texts",
                status=200,
                body={
                    "id": "mo-4711",
                    "from": example.OPTED_OUT,
                    "to": example.ANAS,
                    "text": "STOP",
                    "media": [],
                    "received_at": "2026-11-20T20:00:03Z",
                },
                answer={"received": 1},
                key="carrier",
            ),
        ),
    ),
)
