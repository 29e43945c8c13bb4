"""Makes one HTML page for people out of an OpenAPI document: nothing is fetched, nothing runs in the browser.

The page has one style sheet inside, which the Content-Security-Policy names by its digest; everything else is
forbidden, so that even a description that held markup could do nothing. All text is escaped all the same.

Not here: the document itself (document.py).
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import escape
from typing import Any, Final

_CSS: Final = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--key:#0b6bcb}
@media(prefers-color-scheme:dark){:root{--key:#7db8f5}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;display:grid;grid-template-columns:18rem minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1rem;border-right:1px solid var(--line);font-size:.9rem}
nav ul{list-style:none;margin:0 0 1rem;padding:0}
nav a{display:block;padding:.1rem 0;text-decoration:none;color:inherit;overflow-wrap:anywhere}
main{padding:1rem 2rem 4rem;max-width:70rem}
section{border-top:1px solid var(--line);padding-top:1rem;margin-top:2rem}
a{color:var(--key)}
code,pre{font:.85rem/1.45 ui-monospace,monospace}
pre{background:var(--soft);padding:.75rem;overflow:auto;border-radius:4px}
.method{display:inline-block;min-width:4rem;font-weight:700;color:var(--key)}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}
summary{cursor:pointer;padding:.15rem 0}
@media(max-width:50rem){body{display:block}nav{position:static;height:auto}}
"""

#: What the answer with the page has to carry.
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_CSS.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_CODE = re.compile(r"`([^`]+)`")


def page(document: Mapping[str, Any]) -> str:
    """Return the page, whole."""
    info = document["info"]
    body = "".join(_sections(document))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_CSS}</style></head><body>'
        f"<nav>{''.join(_contents(document))}</nav><main><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f'{_prose(info["description"])}<p><a href="openapi.json">openapi.json</a>: the same for programs.</p>'
        f"{body}</main></body></html>\n"
    )


def _operations(document: Mapping[str, Any], tag: str | None = None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag is None or tag in operation["tags"]:
                yield method.upper(), path, operation


def _contents(document: Mapping[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<strong>{escape(tag['name'])}</strong><ul>"
        for method, path, operation in _operations(document, tag["name"]):
            yield f'<li><a href="#{escape(operation["operationId"])}">{escape(method)} {escape(path)}</a></li>'
        yield "</ul>"


def _sections(document: Mapping[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>{_prose(tag['description'])}"
        for method, path, operation in _operations(document, tag["name"]):
            yield f'<section id="{escape(operation["operationId"])}">'
            yield f'<h3><span class="method">{escape(method)}</span> <code>{escape(path)}</code></h3>'
            yield _prose(f"{operation['summary']}. {operation.get('description', '')}")
            yield from _parameters(operation)
            yield from _request(document, operation)
            yield from _answers(document, operation)
            yield "</section>"


def _parameters(operation: Mapping[str, Any]) -> Iterator[str]:
    if "parameters" not in operation:
        return
    yield "<h4>Parameters</h4><table><tr><th>Name<th>In<th>Type<th>Meaning<th>Example</tr>"
    for one in operation["parameters"]:
        needed = ", required" if one["required"] else ""
        yield (
            f"<tr><td><code>{escape(one['name'])}</code><td>{escape(one['in'])}{needed}<td>{_type(one['schema'])}"
            f"<td>{_inline(one['description'])}<td><code>{escape(str(one['example']))}</code></tr>"
        )
    yield "</table>"


def _request(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    body = operation.get("requestBody")
    if body is None:
        return
    for kind, content in body["content"].items():
        yield f"<h4>Request: <code>{escape(kind)}</code></h4>{_prose(body['description'])}"
        yield from _fields(document, content["schema"])
        yield from _samples(document, content.get("examples", {}))


def _answers(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        for kind, content in answer["content"].items():
            yield f"<h4>{escape(status)} {escape(answer['description'])} <code>{escape(kind)}</code></h4>"
            for name, header in answer.get("headers", {}).items():
                yield f"<p><code>{escape(name)}</code>: {_inline(header['description'])}</p>"
            if "problem" not in kind:
                yield from _fields(document, content["schema"])
            yield from _samples(document, content.get("examples", {}))


def _samples(document: Mapping[str, Any], examples: Mapping[str, Any]) -> Iterator[str]:
    for name, example in examples.items():
        found = _resolved(document, example)
        value = found["value"]
        text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
        yield (
            f"<details><summary><code>{escape(name)}</code> {_inline(found['summary'])}</summary>"
            f"<pre>{escape(text)}</pre></details>"
        )


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Show the fields of an object one level deep; what is nested is under its own name."""
    found = _resolved(document, schema)
    for option in found.get("anyOf", found.get("oneOf", ())):
        yield from _fields(document, option)
    if "properties" not in found:
        return
    if found.get("description"):
        yield _prose(found["description"])
    yield "<table><tr><th>Field<th>Type<th>Meaning</tr>"
    for name, field in found["properties"].items():
        needed = ", required" if name in found.get("required", ()) else ""
        meaning = _resolved(document, field).get("description", "")
        yield f"<tr><td><code>{escape(name)}</code>{needed}<td>{_type(field)}<td>{_inline(meaning)}</tr>"
    yield "</table>"


def _resolved(document: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in value:
        found: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return escape(str(schema["$ref"]).rpartition("/")[2])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(word))}</code>" for word in schema["enum"])
    for words in ("anyOf", "oneOf"):
        if words in schema:
            return " or ".join(_type(option) for option in schema[words])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(" or ".join(kind) if isinstance(kind, list) else str(kind))


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(part)}</p>" for part in text.split("\n\n") if part.strip())


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))
