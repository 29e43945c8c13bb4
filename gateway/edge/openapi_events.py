"""Live events as the API's description has them. OpenAPI knows no sockets: the frames stand as what is answered."""

from typing import Final

from apidocs.table import Answer, Operation, Parameter, Sample, ref
from gateway.edge import openapi_examples as example
from gateway.edge.openapi_sets import EVERY, KEYED, READS

TAG: Final = "Live events"
#: What clients get and give back.
SEQ_EXAMPLE: Final = "1795204800250-0-1_1795204800251-0"

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/events",
        id="followEvents",
        tag=TAG,
        summary="Follow a user's messages as they happen",
        description="A WebSocket (RFC 6455). Each frame is a text with one JSON object. The first is `hello`, which "
        "tells where the events begin; then `message` for each that the user sends, from any device, `status` for "
        "each change of one, `inbound` for what comes into the inbox, in order each; `position` now and then when "
        "nothing happens; `gap` when what was missed is not looked back for: load the history anew. Refused messages "
        "do not come.\n\n"
        'Acknowledge with `{"ack": "<seq>"}`, which counts for all before it as well: after 256 events that are '
        "not acknowledged nothing comes until one is. After a connection has ended, open the next with `after`, the "
        "`seq` that was acknowledged last: nothing is missed; what comes twice has the same `event`.\n\n"
        "A browser gives its token as a subprotocol: `a2p.events.v1, a2p.bearer.<token>`; the answer is "
        "`a2p.events.v1`. Closed with 4401: the key or token is not good any more, come back with another; 4408: "
        "nothing was acknowledged for a minute; 1012: this server ends, come back at once; 1003, 1007, 1009: that was "
        "no acknowledgement; 1011: a fault of ours, come back.",
        scope="read",
        parameters=(
            Parameter(
                name="after",
                place="query",
                description="The `seq` to go on behind; left out: from now.",
                schema={"type": "string", "pattern": "^[0-9]+-[0-9]+(-[0-9]+)?_[0-9]+-[0-9]+$"},
                example=SEQ_EXAMPLE,
            ),
            Parameter(
                name="user",
                place="query",
                description="Whose events; needed with a tenant's key.",
                schema={"type": "string"},
                example="acme-ben",
            ),
        ),
        answers=(Answer(status=101, description="The frames.", schema=ref("Frame")),),
        problems=(
            *EVERY,
            *KEYED,
            *READS,
            "missing_field",
            "unknown_user",
            "invalid_cursor",
            "upgrade_required",
        ),
        samples=(
            Sample(
                name="no_socket",
                summary="Asked for as a page",
                status=426,
                answer=example.problem("upgrade_required"),
            ),
        ),
    ),
)
