"""Makes an OpenAPI 3.1 document out of a table of operations. Values in, plain data out.

Every example has one name in a request and in its answer. Examples of problems are made from the table of problems and
lie under components, for one refusal looks the same wherever it happens.

Not here: what the operations are (the gateway's and the registry's own tables).
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from apidocs.table import JSON, PROBLEM_JSON, Answer, Description, Operation, Parameter, ProblemKind, Sample

#: Stands in examples where each answer has a name of its own.
REQUEST_ID = "6f1d0c9a35e2b847"


def document(api: Description) -> dict[str, Any]:
    """Return the whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in api.operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, api)
    return {
        "openapi": "3.1.0",
        "info": {"title": api.title, "version": api.version, "description": api.description},
        "servers": [{"url": "/", "description": "The server that this document came from"}],
        "tags": [{"name": name, "description": text} for name, text in api.tags.items()],
        "paths": paths,
        "components": {
            "schemas": {name: dict(schema) for name, schema in api.schemas.items()},
            "examples": _examples(api),
            "securitySchemes": {name: dict(scheme) for name, scheme in api.security.items()},
        },
    }


def problem_example(code: str, kind: ProblemKind) -> dict[str, Any]:
    """Return a problem as callers see it; which field it points at differs."""
    return {
        "type": f"/v1/problems#{code}",
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "detail": kind.fix,
        "request_id": REQUEST_ID,
    }


def _examples(api: Description) -> dict[str, Any]:
    named = {code for operation in api.operations for code in operation.problems}
    examples = {
        str(code): {"summary": kind.title, "value": problem_example(str(code), kind)}
        for code, kind in api.problems.items()
        if code in named
    }
    for refusals in api.refusals.values():
        for code, value in refusals.items():
            examples[f"refused_{code}"] = {"summary": value["title"], "value": value}
    return examples


def _operation(operation: Operation, api: Description) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _with_scope(operation),
        "responses": _responses(operation, api),
    }
    if operation.scope is not None or operation.security != "key":
        described["security"] = [{operation.security: []}]
    else:
        described["security"] = []
    if operation.parameters:
        described["parameters"] = [_parameter(one) for one in operation.parameters]
    if operation.body is not None:
        content: dict[str, Any] = {"schema": dict(operation.body.schema)}
        if examples := _shown(operation.samples, lambda sample: sample.body):
            content["examples"] = examples
        described["requestBody"] = {
            "required": True,
            "description": operation.body.description,
            "content": {operation.body.content_type: content},
        }
    return described


def _with_scope(operation: Operation) -> str:
    scope = "" if operation.scope is None else f"Asks for a key with the scope `{operation.scope}`."
    return " ".join(part for part in (operation.description, scope) if part)


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required or parameter.place == "path",
        "description": parameter.description,
        "schema": dict(parameter.schema),
        "example": parameter.example,
    }


def _shown(samples: Iterable[Sample], part: Any) -> dict[str, Any]:
    return {
        sample.name: {"summary": sample.summary, "value": part(sample)}
        for sample in samples
        if part(sample) is not None
    }


def _responses(operation: Operation, api: Description) -> dict[str, Any]:
    """Describe every answer, by status: those that did as asked, and those that refused."""
    responses: dict[str, Any] = {}
    for answer in operation.answers:
        responses[str(answer.status)] = _answer(answer, operation.samples)
    by_status: dict[int, dict[str, Any]] = {}
    for code in operation.problems:
        by_status.setdefault(api.problems[code].status, {})[code] = {"$ref": f"#/components/examples/{code}"}
    for code, value in api.refusals.get(operation.id, {}).items():
        named = {"$ref": f"#/components/examples/refused_{code}"}
        by_status.setdefault(value["status"], {})[f"refused_{code}"] = named
    for status, examples in sorted(by_status.items()):
        # A sample that is refused is shown whole under its own name: it has the pointer as well.
        own = _shown((one for one in operation.samples if one.status == status), lambda sample: sample.answer)
        responses[str(status)] = _refusal(status, {**own, **examples}, has_refusals=operation.id in api.refusals)
    return dict(sorted(responses.items()))


def _answer(answer: Answer, samples: Iterable[Sample]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": dict(answer.schema)}
    if examples := _shown((one for one in samples if one.status == answer.status), lambda sample: sample.answer):
        content["examples"] = examples
    described: dict[str, Any] = {"description": answer.description, "content": {answer.content_type: content}}
    if answer.headers:
        described["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()
        }
    return described


def _refusal(status: int, examples: Mapping[str, Any], *, has_refusals: bool) -> dict[str, Any]:
    name = "Problem" if not has_refusals else "ProblemOrRefusal"
    described: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {PROBLEM_JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}, "examples": dict(examples)}},
    }
    headers = _REFUSAL_HEADERS.get(status)
    if headers is not None:
        described["headers"] = {headers[0]: {"description": headers[1], "schema": {"type": "string"}}}
    return described


_REFUSAL_HEADERS: Mapping[int, tuple[str, str]] = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", "The scheme that is wanted: Bearer."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("Allow", "The methods that there are."),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", "Seconds to wait."),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After", "Seconds to wait."),
}

__all__ = ["JSON", "document", "problem_example"]
