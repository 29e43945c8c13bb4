"""What stands beside the messages, as the API's description has it: inbox, media, opt-outs, catalogue, description."""

from typing import Final

from apidocs.table import JSON, Answer, Body, Operation, Parameter, Sample, ref
from gateway.edge import openapi_examples as example
from gateway.edge.openapi_sets import BODY, EVERY, FINDS, JSON_BODY, KEEPS, KEYED, READS
from gateway.edge.wire import MEDIA_ID

INBOX: Final = "Inbox"
MEDIA: Final = "Media"
OPT_OUTS: Final = "Opt-outs"
EXPLAINED: Final = "What things mean"

_STOP: Final = {"recipient": example.OPTED_OUT, "at": "2026-10-01T15:00:00Z", "keyword": "stop", "number": example.ANAS}
_READ: Final = {
    "items": [
        {
            "cursor": "1795204800250-0",
            "channel": "im",
            "from_user": "acme-ana",
            "from": example.ANAS,
            "to": None,
            "text": "Lunch at noon?",
            "media": [],
            "client_message_id": None,
            "sent_at": "2026-11-20T20:00:00Z",
            "meaning": None,
        },
    ],
    "next": "1795204800250-0",
}

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/inbox",
        id="readInbox",
        tag=INBOX,
        summary="Read a user's instant messages and texts from outside",
        description="In order, up to 100 at once; `next` is where to read on.",
        scope="read",
        parameters=(
            Parameter(
                name="user",
                place="query",
                description="Whose inbox; needed with a tenant's key.",
                schema={"type": "string"},
                example="acme-ben",
            ),
            Parameter(
                name="after",
                place="query",
                description="The `next` of an earlier answer; left out: from the beginning.",
                schema={"type": "string", "pattern": "^([0-9]{1,15}-[0-9]{1,15})?$"},
                example="1795204800250-0",
            ),
            Parameter(
                name="limit",
                place="query",
                description="At most so many; more than 100 are 100.",
                schema={"type": "string", "pattern": "^[0-9]{1,4}$"},
                example="20",
            ),
        ),
        answers=(Answer(status=200, description="What came since.", schema=ref("Inbox")),),
        problems=(*EVERY, *KEYED, *READS, "missing_field", "invalid_cursor"),
        samples=(
            Sample(
                name="bens",
                summary="An instant message to Ben",
                status=200,
                answer=_READ,
                key="tenant",
                given={"user": "acme-ben", "limit": "20"},
                after=("sendMessage/colleague",),
            ),
            Sample(
                name="no_position",
                summary="A position that no answer gave",
                status=400,
                answer=example.problem("invalid_cursor", "/after"),
                given={"after": "yesterday"},
            ),
        ),
    ),
    Operation(
        method="POST",
        path="/v1/media",
        id="uploadMedia",
        tag=MEDIA,
        summary="Upload an attachment",
        description="The body is the file, the header Content-Type its type. Kept for 24 hours; the same file twice is "
        "one attachment.",
        scope="send",
        body=Body(schema={}, description="The file; at most 20 MB.", content_type="*/*"),
        answers=(Answer(status=201, description="It can be sent now.", schema=ref("Medium")),),
        problems=(*EVERY, *KEYED, *BODY, *KEEPS, "missing_field"),
        samples=(
            Sample(
                name="card",
                summary="A card as phones exchange them",
                status=201,
                body=example.CARD,
                answer={"id": example.CARD_ID, "type": example.CARD_TYPE, "bytes": len(example.CARD)},
                given={"Content-Type": example.CARD_TYPE},
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/v1/media/{id}",
        id="downloadMedia",
        tag=MEDIA,
        summary="Get an attachment back",
        description="Never to be shown in place: its type is only what the uploader said.",
        scope="read",
        parameters=(
            Parameter(
                name="id",
                place="path",
                description="Id of an upload of your company.",
                schema={"type": "string", "pattern": f"^{MEDIA_ID.pattern}$"},
                example=example.CARD_ID,
            ),
        ),
        answers=(
            Answer(
                status=200,
                description="The file as it was uploaded.",
                schema={},
                content_type="*/*",
                headers={"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"},
            ),
        ),
        problems=(*EVERY, *KEYED, *FINDS),
        samples=(
            Sample(
                name="card",
                summary="The card that was uploaded",
                status=200,
                answer=example.CARD,
                after=("uploadMedia/card",),
            ),
        ),
    ),
    Operation(
        method="PUT",
        path="/v1/opt-outs",
        id="putOptOuts",
        tag=OPT_OUTS,
        summary="Keep opt-outs",
        description="Up to 1,000 at once, of the key's tenant; each stops the very next message. One whose instant is "
        "ahead counts from now.",
        scope="admin",
        body=Body(schema=ref("OptOuts"), description="At most 1 MiB."),
        answers=(Answer(status=200, description="They are on disk.", schema=ref("Stored")),),
        problems=(
            *EVERY,
            *KEYED,
            *JSON_BODY,
            *KEEPS,
            "too_many_items",
            "invalid_number",
            "invalid_character",
            "invalid_enum",
            "invalid_time",
        ),
        samples=(
            Sample(
                name="stop",
                summary="Somebody wrote STOP",
                status=200,
                body={"opt_outs": [_STOP]},
                answer={"stored": 1},
                key="admin",
            ),
            Sample(
                name="before",
                summary="Somebody who will want texts again",
                status=200,
                body={"opt_outs": [_STOP | {"recipient": example.WANTS_TEXTS_AGAIN}]},
                answer={"stored": 1},
                key="admin",
            ),
            Sample(
                name="start",
                summary="Whoever wrote START did not opt out",
                status=422,
                body={"opt_outs": [_STOP | {"keyword": "start"}]},
                answer=example.problem("invalid_enum", "/opt_outs/0/keyword"),
                key="admin",
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/v1/reasons",
        id="getReasons",
        tag=EXPLAINED,
        summary="See what every reason means",
        description="For the person who sends, for the administrator, for other systems. No key is needed.",
        answers=(Answer(status=200, description="The catalogue.", schema=ref("Reasons")),),
        problems=EVERY,
        samples=(Sample(name="all", summary="No key is needed", status=200, key="none"),),
    ),
    Operation(
        method="GET",
        path="/v1/problems",
        id="getProblems",
        tag=EXPLAINED,
        summary="See what requests are refused for",
        description="And what to do about each. No key is needed.",
        answers=(Answer(status=200, description="Every code of a problem.", schema=ref("Problems")),),
        problems=EVERY,
        samples=(Sample(name="all", summary="No key is needed", status=200, key="none"),),
    ),
    Operation(
        method="GET",
        path="/v1/openapi.json",
        id="getOpenApi",
        tag=EXPLAINED,
        summary="Get this description",
        description="OpenAPI 3.1. No key is needed.",
        answers=(Answer(status=200, description="The description.", schema={"type": "object"}, content_type=JSON),),
        problems=EVERY,
        samples=(Sample(name="all", summary="No key is needed", status=200, key="none"),),
    ),
    Operation(
        method="GET",
        path="/v1/docs",
        id="getDocs",
        tag=EXPLAINED,
        summary="Read this description",
        description="A page without scripts that fetches nothing. No key is needed.",
        answers=(Answer(status=200, description="The page.", schema={"type": "string"}, content_type="text/html"),),
        problems=EVERY,
        samples=(Sample(name="all", summary="No key is needed", status=200, key="none"),),
    ),
)
