"""The admin API's own description: GET /v1/openapi.json for programs, GET /v1/docs for people. Neither asks for a key.

What may be changed is taken from the models that read a change (admin_patches.py), what is shown from the records.

Not here: how a table becomes a document or a page (apidocs/), and the examples (openapi_examples.py).
"""

from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final

import orjson
from aiohttp import web
from pydantic import BaseModel, TypeAdapter

from apidocs.document import document
from apidocs.page import CONTENT_SECURITY_POLICY, page
from apidocs.table import (
    JSON,
    PROBLEM_FIELDS,
    Answer,
    Body,
    Description,
    Operation,
    Parameter,
    Sample,
    closed,
    nullable,
    ref,
)
from registry import openapi_actions
from registry.admin_patches import BrandPatch, CampaignPatch, KeyPatch, NumberPatch, UserPatch
from registry.barrier import How
from registry.bulk import openapi as bulk
from registry.ledger import openapi as ledger
from registry.openapi_actions import BODIES, FOR_TENANT, LOOKS, TAG_ACTIONS, TAG_VIEWS
from registry.openapi_examples import DONE, KINDS
from registry.problems import PROBLEMS
from registry.provisioning.progress import Word
from registry.records import ApiKey, Assignment, Brand, Campaign, Number, User

_ABOUT: Final = (
    "Numbers, campaigns, brands and keys of a company, for its admins.\n\n"
    "A change is committed, and answered with 200 once no process can judge by what was before, or with 202 after a "
    "few seconds without knowing; it stands either way, and the same request may be sent again. What belongs to others "
    "is not found. A refusal is `application/problem+json` (RFC 9457): `code` says why, `detail` what to do, `errors` "
    "which field; it never repeats a value. A path that is none of these is 404 `not_found`, another method 405 "
    "`method_not_allowed` with the header Allow."
)
_OBJECTS: Final = "Objects"
_EXPLAINED: Final = "What things mean"
_CARRIERS: Final = ("att", "tmobile", "verizon", "us_cellular")
_DECLARATIONS: Final = ("embedded_link", "embedded_phone", "age_gated", "direct_lending")

#: What is shown beside an object, where it is looked at only.
_BESIDE: Final = frozenset({"progress", "numbers", "numbers_max", "verified", "lacks"})
_EVERY: Final = ("internal_error",)
_CHANGES: Final = (*LOOKS, *BODIES, "empty_change", "version_required", "version_conflict")

_CHANGE: Final = {
    "anyOf": [
        closed(
            {
                "seq": {"type": "integer"},
                "effective": {"type": "boolean", "enum": [True]},
                "effective_after_ms": {"type": "integer", "minimum": 0},
                "by": {"type": "string", "enum": [how.value for how in How if how is not How.NOT_YET]},
            }
        ),
        closed(
            {
                "seq": {"type": "integer"},
                "effective": {"type": "boolean", "enum": [False]},
                "awaits": {"type": "string", "description": "What it waits for."},
            }
        ),
    ],
    "description": "How far the change has come.",
}


#: How full a campaign is, and what it lacks; told where one is looked at, and no part of its version.
_OF_CAMPAIGN: Final = {
    "numbers": {"type": "integer", "minimum": 0, "description": "How many it holds."},
    "numbers_max": nullable({"type": "integer", "description": "How many it may hold; null with a number pool."}),
    "verified": {"type": "boolean", "description": "With its brand: numbers can be enabled."},
    "lacks": nullable({"type": "string", "description": "What keeps it from being VERIFIED, a reason's code."}),
}
#: How far a number is; told where one is looked at, and no part of its version.
_PROGRESS: Final = closed(
    {
        "status": {"type": "string", "enum": [word.value for word in Word]},
        "since": nullable({"type": "string", "format": "date-time"}),
        **{key: {"type": "string"} for key in ("text", "takes", "helps", "hinders")},
    }
)


def _changed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an object after a change, with how far that has come."""
    fields = {name: field for name, field in schema["properties"].items() if name not in _BESIDE}
    return fields | {"change": _CHANGE}


def _plain(schema: Any, *, drop: tuple[str, ...] = ("title",)) -> Any:
    """Return a model's schema without the titles that are only its fields' names, and without defaults of a patch."""
    if isinstance(schema, list):
        return [_plain(item, drop=drop) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {field: _plain(value, drop=drop) for field, value in item.items()}
        if name == "properties"
        else _plain(item, drop=drop)
        for name, item in schema.items()
        if name not in drop
    }


def _patch(model: type[BaseModel]) -> dict[str, Any]:
    """Describe a change: a field that is left out stays, so a default says nothing."""
    found = model.model_json_schema(ref_template="#/components/schemas/{model}")
    found.pop("$defs", None)
    return {**_plain(found, drop=("title", "default")), "minProperties": 1}


def _body(model: type[BaseModel]) -> dict[str, Any]:
    """Describe what an action is told."""
    found = model.model_json_schema(ref_template="#/components/schemas/{model}")
    found.pop("$defs", None)
    plain: dict[str, Any] = _plain(found)
    return plain


def _inner(model: type[BaseModel], least: int = 1) -> dict[str, Any]:
    found = model.model_json_schema(ref_template="#/components/schemas/{model}").get("$defs", {})
    return {name: {**_plain(one, drop=("title", "default")), "minProperties": least} for name, one in found.items()}


def _fields(record: type, *without: str) -> dict[str, Any]:
    """Describe the fields of a record."""
    properties = TypeAdapter(record).json_schema(mode="serialization")["properties"]
    return {name: _plain(schema) for name, schema in properties.items() if name not in without}


def _shown() -> dict[str, Any]:
    states = {name: {"type": "string"} for name in _CARRIERS}
    declares = {name: {"type": "boolean"} for name in _DECLARATIONS}
    link = nullable(closed(_fields(Assignment, "did")))
    return {
        "Number": closed(_fields(Number) | {"assignment": link, "progress": _PROGRESS}),
        "Campaign": closed(
            _fields(Campaign, *_CARRIERS, *_DECLARATIONS)
            | {"carriers": closed(states), "declares": closed(declares)}
            | _OF_CAMPAIGN
        ),
        "Brand": closed(_fields(Brand)),
        "User": closed(_fields(User)),
        "Key": closed(_fields(ApiKey, "sha256") | {"revoked": {"type": "boolean"}}),
    }


def _schemas() -> dict[str, Any]:
    shown = _shown()
    changed = {f"Changed{name}": closed(_changed(schema)) for name, schema in shown.items()}
    patches = (NumberPatch, CampaignPatch, BrandPatch, UserPatch, KeyPatch)
    bodies = openapi_actions.models()
    return {
        **shown,
        **changed,
        **{model.__name__: _patch(model) for model in patches},
        **{name: schema for model in patches for name, schema in _inner(model).items()},
        **{model.__name__: _body(model) for model in bodies},
        **{name: schema for model in bodies for name, schema in _inner(model, least=0).items()},
        **ledger.schemas(),
        **bulk.schemas(),
        "Problem": closed(PROBLEM_FIELDS, optional=("errors",)),
        "Problems": closed({"problems": {"type": "array", "items": {"type": "object"}}}),
        "About": closed({"service": {"type": "string"}}),
    }


_VERSION: Final = Parameter(
    name="If-Match",
    place="header",
    description="The ETag of the object as you know it, or * for whichever it is.",
    schema={"type": "string"},
    example="*",
    required=True,
)
_ETAG: Final = {"ETag": "Its version, for If-Match."}


def _without_beside(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name not in _BESIDE}


def _objects() -> list[Operation]:
    """Describe GET and PATCH of every kind of object."""
    found = []
    for kind, path, shown, (change, makes), (slip, refusal), more in KINDS:
        name = "did" if "{did}" in path else "id"
        parameter = Parameter(
            name=name,
            place="path",
            description="E.164; with %2B or + before the digits." if name == "did" else f"Id of a {kind.lower()}.",
            schema={"type": "string"},
            example=shown[name],
        )
        found += [
            Operation(
                method="GET",
                path=path,
                id=f"get{kind}",
                tag=_OBJECTS,
                summary=f"Look at a {kind.lower()}",
                scope="admin",
                parameters=(parameter, FOR_TENANT),
                answers=(Answer(status=200, description="As it is in the database.", schema=ref(kind), headers=_ETAG),),
                problems=LOOKS,
                samples=(Sample(name="shown", summary="As it is", status=200, answer=shown),),
            ),
            Operation(
                method="PATCH",
                path=path,
                id=f"change{kind}",
                tag=_OBJECTS,
                summary=f"Change a {kind.lower()}",
                description="Fields that are left out stay.",
                scope="admin",
                parameters=(parameter, _VERSION, FOR_TENANT),
                body=Body(schema=ref(f"{kind}Patch"), description="The fields that change; at most 64 KiB."),
                answers=(
                    Answer(status=200, description="It is effective everywhere.", schema=ref(f"Changed{kind}")),
                    Answer(status=202, description="It is kept; effective soon.", schema=ref(f"Changed{kind}")),
                ),
                problems=(*_CHANGES, *more),
                samples=(
                    Sample(
                        name="change",
                        summary="A change",
                        status=200,
                        body=change,
                        answer={**_without_beside(shown), **makes, "change": DONE},
                        after=(f"get{kind}/shown",),
                    ),
                    Sample(
                        name="slip",
                        summary="A slip",
                        status=PROBLEMS[refusal["code"]].status,
                        body=slip,
                        answer=refusal,
                    ),
                ),
            ),
        ]
    return found


def _explained() -> list[Operation]:
    """Describe what needs no key."""
    rows = (
        ("/", "getAbout", "See which service this is", ref("About"), JSON),
        ("/v1/problems", "getProblems", "See what calls are refused for", ref("Problems"), JSON),
        ("/v1/openapi.json", "getOpenApi", "Get this description", {"type": "object"}, JSON),
        ("/v1/docs", "getDocs", "Read this description", {"type": "string"}, "text/html"),
    )
    return [
        Operation(
            method="GET",
            path=path,
            id=name,
            tag=_EXPLAINED,
            summary=summary,
            description="No key is needed.",
            answers=(Answer(status=200, description="It.", schema=schema, content_type=kind),),
            problems=_EVERY,
            samples=(Sample(name="all", summary="No key is needed", status=200, key="none"),),
        )
        for path, name, summary, schema, kind in rows
    ]


@lru_cache(maxsize=1)
def description() -> Description:
    """Return the table that the document is made from."""
    return Description(
        title="A2P registry",
        version=version("a2p-gateway"),
        description=_ABOUT,
        tags={
            _OBJECTS: "Look at and change what is registered.",
            TAG_ACTIONS: "What admins do. Each answers with the object as it is afterwards, and `change` as above.",
            TAG_VIEWS: "A page of a list ends with `next`, the cursor of the page behind it.",
            bulk.TAG: "Many rows at once.",
            ledger.TAG: "What was sent and refused, why, and what became of it.",
            _EXPLAINED: "Codes, and this description.",
        },
        operations=[
            *_objects(),
            *openapi_actions.operations(),
            *bulk.operations(),
            *ledger.operations(),
            *_explained(),
        ],
        problems=PROBLEMS,
        schemas=_schemas(),
        security={
            "key": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "a2p_<id>_<secret>",
                "description": "An API key of the company with the scope `admin`.",
            },
        },
    )


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """Return the document."""
    return document(description())


def description_routes() -> list[web.RouteDef]:
    """List the routes; both answers are made once."""
    raw, html = orjson.dumps(openapi()), page(openapi()).encode()
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }

    async def as_json(_: web.Request) -> web.Response:
        return web.Response(body=raw, content_type=JSON, headers={"Access-Control-Allow-Origin": "*"})

    async def as_page(_: web.Request) -> web.Response:
        return web.Response(body=html, content_type="text/html", charset="utf-8", headers=headers)

    return [
        web.get("/v1/openapi.json", as_json, allow_head=False),
        web.get("/v1/docs", as_page, allow_head=False),
    ]
