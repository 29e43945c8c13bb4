"""Holds an answer against the description of the API that gave it: status, type, headers, body.

Every test that comes in by HTTP does so (tests/gateway/running_edge.py, tests/registry/admin.py), so descriptions are
compared with whatever the tests provoke; what a description does not tell of fails them.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson
from yarl import URL

LINES = "application/x-ndjson"


class Contract:
    """A description that answers are held against."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._validator = lru_cache(maxsize=256)(self._make_validator)

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """Find what is said about a method of an address; None for one that is not described."""
        found = self._document["paths"]
        clean = URL(path, encoded=True).path
        # A name stands before a pattern: /v1/messages/batch is not the message "batch".
        for template in sorted(found, key=lambda one: one.count("{")):
            if re.fullmatch(re.sub(r"\\\{[a-z]+\\\}", "[^/]+", re.escape(template)), clean):
                return found[template].get(method.lower())
        return None

    def check(self, method: str, path: str, status: int, headers: Mapping[str, str], text: str) -> None:
        """Check an answer."""
        described = self.operation(method, path)
        if described is None:
            assert status in {400, 404, 405, 421, 503}, "this is how one answers to what is not described"
            return
        answer = described["responses"].get(str(status))
        assert answer is not None, f"{method} {path}: {status} is not described: {text[:300]}"
        kind = headers["Content-Type"].partition(";")[0]
        if "*/*" in answer["content"]:
            return
        assert kind in answer["content"], f"{method} {path}: {status} is not described as {kind}"
        content = answer["content"][kind]
        if kind == LINES:
            for line in text.splitlines():
                self.fits(content["schema"]["contentSchema"], orjson.loads(line))
        elif kind.endswith("json"):
            body = orjson.loads(text)
            self.fits(content["schema"], body)
            if "problem" in kind:
                named = {body["code"], f"refused_{body['code']}"}
                assert named & content["examples"].keys(), f"{method} {path}: {status} {body['code']} is not described"

    def fits(self, schema: Mapping[str, Any], value: Any) -> None:
        """Check a value by a schema of the description; what is wrong is named by its place."""
        errors = self._validator(orjson.dumps(schema)).iter_errors(value)
        assert [f"{error.instance_path}: {error.message}" for error in errors] == []

    def _make_validator(self, schema: bytes) -> jsonschema_rs.Draft202012Validator:
        components = {"components": self._document["components"]}
        return jsonschema_rs.Draft202012Validator(orjson.loads(schema) | components, validate_formats=True)


def differences(shown, real, where=""):
    """Where an answer is not as its example: other fields, other types, other values that are not the moment's."""
    name = where.rpartition("/")[2]
    if type(shown) is not type(real):
        yield f"{where}: {shown!r} is {real!r}"
    elif isinstance(shown, dict):
        if shown.keys() != real.keys():
            yield f"{where}: {sorted(shown.keys() ^ real.keys())}"
        for field in shown.keys() & real.keys():
            yield from differences(shown[field], real[field], f"{where}/{field}")
    elif isinstance(shown, list):
        if len(shown) != len(real):
            yield f"{where}: {len(shown)} items are {len(real)}"
        for place, (one, other) in enumerate(zip(shown, real, strict=False)):
            yield from differences(one, other, f"{where}/{place}")
    elif shown != real and name not in OF_THE_MOMENT and not name.endswith("_at"):
        yield f"{where}: {shown!r} is {real!r}"


#: Fields whose values are the moment's.
OF_THE_MOMENT = frozenset(
    "id process request_id at since cursor next registry_seq age_ms meta version seq effective_after_ms".split()
)
