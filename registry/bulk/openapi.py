"""Bulk's part of the API's description.

Not here: the document (registry/openapi.py), and what a column means (README, "Files of numbers and people").
"""

from typing import Any, Final

from apidocs.table import Answer, Body, Operation, Parameter, Sample, closed, ref
from registry.bulk.columns import KINDS
from registry.openapi_actions import FOR_TENANT, LOOKS

TAG: Final = "Files"
_LINES: Final = "application/x-ndjson"
_CSV: Final = "text/csv"
_TEXT: Final = {"type": "string"}
_PLACE: Final = {"type": "integer", "minimum": 1}
_COUNT: Final = {"type": "integer", "minimum": 0}
_KIND: Final = Parameter(
    name="kind",
    place="path",
    description="What the rows are.",
    schema={"type": "string", "enum": list(KINDS)},
    example="numbers",
)


def schemas() -> dict[str, Any]:
    """Describe what is shown, by name."""
    fault = closed(dict.fromkeys(("field", "code", "fault", "fix"), _TEXT))
    row = {"row": _PLACE | {"description": "Its place in the file."}, "line": _PLACE}
    bad = row | {"is": {"const": "bad"}, "faults": {"type": "array", "items": fault, "minItems": 1}}
    changed = row | {"is": {"const": "changed"}, "changed": {"type": "array", "items": _TEXT, "minItems": 1}}
    stopped = {"is": {"const": "stopped"}, "code": _TEXT, "fix": _TEXT}
    summary = {"is": {"const": "summary"}, "rows": _COUNT, "changed": _COUNT, "bad": _COUNT}
    whole = {"type": "boolean", "description": "The file was read to its end."}
    return {
        "BulkLine": {
            "description": "A row that was bad or changed something, what stopped the file, or, last, the summary.",
            "oneOf": [closed(bad), closed(changed), closed(stopped), closed(summary | {"whole": whole})],
        }
    }


def operations() -> list[Operation]:
    """Describe both calls."""
    form = Parameter(
        name="format",
        place="query",
        description="CSV, or a JSON object a line.",
        schema={"type": "string", "enum": ["csv", "ndjson"], "default": "csv"},
        example="csv",
    )
    exported = {"type": "string", "description": "The file, as import reads it: reading it again changes nothing."}
    return [
        Operation(
            method="POST",
            path="/v1/bulk/{kind}",
            id="importRows",
            tag=TAG,
            summary="Bring rows to where a file has them",
            description=(
                "Each row is taken or refused by itself, in the order of the file; the report is sent while the file is"
                " read. What a file was stopped by stands in the report, for the answer has begun by then; the same"
                " file may be sent again."
            ),
            scope="admin",
            parameters=(_KIND, FOR_TENANT),
            body=Body(
                schema=_TEXT,
                description=f"CSV in UTF-8 with a line of headers; or `{_LINES}`; or `application/json`, one array.",
                content_type=_CSV,
            ),
            answers=(
                Answer(
                    status=200,
                    description="The report.",
                    schema=_TEXT | {"contentMediaType": _LINES, "contentSchema": ref("BulkLine")},
                    content_type=_LINES,
                ),
            ),
            problems=(*LOOKS, "unsupported_media_type", "unsupported_encoding"),
        ),
        Operation(
            method="GET",
            path="/v1/bulk/{kind}",
            id="exportRows",
            tag=TAG,
            summary="Get a company's rows as a file",
            scope="admin",
            parameters=(_KIND, form, FOR_TENANT),
            answers=(Answer(status=200, description="The rows.", schema=exported, content_type="*/*"),),
            problems=(*LOOKS, "invalid_value"),
            samples=(Sample(name="file", summary="All numbers", status=200),),
        ),
    ]
