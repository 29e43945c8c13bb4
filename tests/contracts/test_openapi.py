"""The API's description and the API are one: routes, codes, examples, README."""

import contextlib
import re

import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from apidocs.document import document
from apidocs.table import Description, Operation
from compliance.catalogue import CATALOGUE
from gateway.app import ROUTES
from gateway.edge import wire
from gateway.edge.openapi import DESCRIPTION, openapi
from gateway.problems import PROBLEMS
from tests.contracts.demo_company import demo_edge, signed
from tests.contracts.documented import Contract, differences
from tests.gateway.running_edge import running_edge

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTRACT = Contract(openapi())


def rows():
    """Every method and path that is described."""
    return {(method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo():
    """A gateway that every example is sent to, in the order of the page."""
    async with demo_edge() as edge:
        yield edge


class TestDocument:
    async def test_it_is_openapi(self):
        """OpenAPI 3.1, by the standard's own schema."""
        assert [error.message for error in OpenAPIV31SpecValidator(openapi()).iter_errors()] == []

    async def test_every_route_is_described_and_the_other_way_round(self, monkeypatch):
        """Of the application that is really served; the labels of the metrics know each as well."""
        mounted = {}
        add = web.Application.add_routes

        def note(app, routes):
            mounted.setdefault(id(app), set()).update((route.method, route.path) for route in routes)
            return add(app, routes)

        monkeypatch.setattr(web.Application, "add_routes", note)
        async with running_edge():
            (public,) = [found for found in mounted.values() if ("POST", "/v1/messages") in found]

        assert public == rows()
        assert {path for _, path in public} == set(ROUTES) - {"none"}

    async def test_every_problem_is_some_routes(self):
        """With its status and its example; no route has a method that it does not have, so 405 is the text's."""
        named = {code for one in DESCRIPTION.operations for code in one.problems}

        assert named == set(PROBLEMS) - {"method_not_allowed"}
        for one in DESCRIPTION.operations:
            described = openapi()["paths"][one.path][one.method.lower()]["responses"]
            for code in one.problems:
                status = str(PROBLEMS[code].status)
                assert code in described[status]["content"]["application/problem+json"]["examples"]

    async def test_every_reason_that_refuses_has_its_example(self):
        """With the status of the catalogue."""
        responses = openapi()["paths"]["/v1/messages"]["post"]["responses"]

        for code, why in CATALOGUE.items():
            if why.http >= 400:
                examples = responses[str(why.http)]["content"]["application/problem+json"]["examples"]
                assert f"refused_{code}" in examples

    async def test_the_fields_of_a_message_are_those_that_are_read(self):
        """None is described that is not taken, none taken that is not described."""
        assert set(openapi()["components"]["schemas"]["Message"]["properties"]) == wire.SEND_FIELDS
        assert set(openapi()["components"]["schemas"]["Question"]["properties"]) == wire.SEND_FIELDS

    async def test_every_operation_is_whole(self):
        """A name of its own, words, a key with a scope or none, and at least one example."""
        ids = [one.id for one in DESCRIPTION.operations]

        assert len(ids) == len(set(ids))
        for one in DESCRIPTION.operations:
            assert one.summary
            assert one.tag in DESCRIPTION.tags
            assert one.samples
            assert one.answers
            if one.body is not None:
                assert any(sample.body is not None for sample in one.samples)

    @pytest.mark.parametrize("name", sorted(openapi()["components"]["examples"]))
    async def test_an_example_of_a_refusal_fits_its_schema(self, name):
        """What is shown is what would be sent."""
        value = openapi()["components"]["examples"][name]["value"]
        schema = "Refusal" if name.startswith("refused_") else "Problem"

        CONTRACT.fits({"$ref": f"#/components/schemas/{schema}"}, value)


class TestServed:
    async def test_the_document_needs_no_key(self, demo):
        """Programs get it as it is."""
        answer = await demo.get("/v1/openapi.json", key=None)

        assert answer.json == openapi()

    async def test_the_page_needs_nothing(self, demo):
        """No script, nothing from elsewhere, one style sheet that the policy names; and every operation is on it."""
        answer = await demo.get("/v1/docs", key=None)

        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script|javascript:|\son[a-z]+=|<link|<img|src=|@import|url\(", answer.text)
        assert all(f'id="{one.id}"' in answer.text for one in DESCRIPTION.operations)
        assert not re.search(r'href="(?!#|openapi\.json")', answer.text)

    async def test_what_is_described_is_text_on_the_page(self):
        """Markup in a description is shown, not obeyed."""
        from apidocs.page import page  # noqa: PLC0415

        bad = "<script>alert(1)</script>"
        row = Operation(method="GET", path=f"/{bad}", id=bad, tag=bad, summary=bad, description=f"`{bad}`")
        api = Description(
            title=bad,
            version=bad,
            description=bad,
            tags={bad: bad},
            operations=[row],
            problems={},
            schemas={},
            security={},
        )

        assert "<script" not in page(document(api))


SAMPLES = [(one, sample) for one in DESCRIPTION.operations for sample in one.samples]
NAMED = [pytest.param(*pair, id=f"{pair[0].id}/{pair[1].name}") for pair in SAMPLES]


class Sender:
    """Sends samples, those first that they build on, each once."""

    def __init__(self, edge):
        self.edge = edge
        self.answers = {}

    async def sent(self, name):
        """Return the answer to a sample, which is sent unless it was before."""
        if name not in self.answers:
            one, sample = next(pair for pair in SAMPLES if f"{pair[0].id}/{pair[1].name}" == name)
            self.answers[name] = await self._send(one, sample)
        return self.answers[name]

    async def _send(self, one, sample):
        before = [await self.sent(name) for name in sample.after]
        given = dict(sample.given)
        if "{id}" in one.path and "id" not in given:
            given["id"] = before[0].json["id"]
        if "inbox" in one.path:
            for answer in before:
                await self._deliver(answer.json["id"])
        path = one.path
        for parameter in one.parameters:
            if parameter.place == "path":
                path = path.replace(f"{{{parameter.name}}}", given.pop(parameter.name, parameter.example))
        headers = {name: given.pop(name) for name in list(given) if name[0].isupper()}
        raw = (
            None if sample.body is None else sample.body if isinstance(sample.body, str) else orjson.dumps(sample.body)
        )
        raw = raw.encode() if isinstance(raw, str) else raw
        if sample.key == "carrier":
            headers |= signed(raw, f"{one.id}-{sample.name}")
        elif one.body is not None and one.body.content_type != "*/*":
            headers["Content-Type"] = one.body.content_type
        key = sample.key if sample.key in {"user", "tenant", "admin"} else None
        return await self.edge.call(one.method, path, key=key, headers=headers, data=raw, params=given)

    async def _deliver(self, message_id):
        (stored,) = await self.edge.queue.look([message_id])
        await self.edge.queue.deliver_im("acme", "acme-ben", message_id, stored.payload)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sender(demo):
    """Remembers what was sent."""
    return Sender(demo)


class TestExamples:
    @pytest.mark.parametrize(("one", "sample"), NAMED)
    async def test_an_example_is_answered_as_shown(self, sender, one, sample):
        """Sent as it stands to a gateway with the demonstration company."""
        answer = await sender.sent(f"{one.id}/{sample.name}")

        assert answer.status == sample.status, answer.text
        if isinstance(sample.answer, str) and answer.headers["Content-Type"].endswith("ndjson"):
            shown = [orjson.loads(line) for line in sample.answer.splitlines()]
            assert list(differences(shown, answer.lines)) == []
        elif isinstance(sample.answer, str):
            assert answer.text == sample.answer
        elif sample.answer is not None:
            assert list(differences(orjson.loads(orjson.dumps(sample.answer)), answer.json)) == []

    async def test_every_example_of_the_document_is_among_them(self):
        """Under its name; the rest are made of the table of problems and the catalogue."""
        sent = {(one.id, sample.name) for one, sample in SAMPLES}
        shown = set()
        for methods in openapi()["paths"].values():
            for described in methods.values():
                contents = [described.get("requestBody", {"content": {}})["content"]]
                contents += [answer["content"] for answer in described["responses"].values()]
                for content in contents:
                    for media in content.values():
                        named = media.get("examples", {}).items()
                        shown |= {(described["operationId"], name) for name, value in named if "$ref" not in value}

        assert shown <= sent
        assert len(shown) > 25


class TestChecking:
    @pytest.mark.parametrize(
        ("status", "kind", "body"),
        [
            (418, "application/json", {}),
            (202, "text/html", {}),
            (202, "application/json", {"id": "0-1-1-0"}),
            (400, "application/problem+json", {"code": "invalid_json"}),
            (404, "application/problem+json", openapi()["components"]["examples"]["not_found"]["value"]),
            (200, "application/json", {}),
        ],
    )
    async def test_what_is_not_described_is_found(self, status, kind, body):
        """The check of all other tests can fail."""
        headers = {"Content-Type": kind}
        with pytest.raises(AssertionError):
            CONTRACT.check("POST", "/v1/messages", status, headers, orjson.dumps(body).decode())

    async def test_a_field_too_many_is_found(self):
        """Answers are closed."""
        body = openapi()["components"]["examples"]["invalid_json"]["value"]
        headers = {"Content-Type": "application/problem+json"}
        CONTRACT.check("POST", "/v1/messages", 400, headers, orjson.dumps(body).decode())

        with pytest.raises(AssertionError):
            CONTRACT.check("POST", "/v1/messages", 400, headers, orjson.dumps(body | {"value": "x"}).decode())

    async def test_a_name_comes_before_a_pattern(self):
        """A batch is no message of the name batch."""
        assert CONTRACT.operation("POST", "/v1/messages/batch")["operationId"] == "sendBatch"
        assert CONTRACT.operation("GET", "/v1/messages/0-1-1-0?x=1")["operationId"] == "getMessage"
        assert CONTRACT.operation("GET", "/v1/nothing") is None
        with contextlib.suppress(KeyError):
            assert CONTRACT.operation("TRACE", "/v1/messages") is None
