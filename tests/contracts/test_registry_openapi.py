"""The admin API's description and the admin API are one: routes, codes, examples, README."""

import re
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from openapi_spec_validator import OpenAPIV31SpecValidator

from registry.admin_routes import AdminApi
from registry.bulk.routes import BulkApi
from registry.database import Database
from registry.importer import ImportOptions, import_company
from registry.ledger.routes import LedgerApi
from registry.openapi import description, openapi
from registry.problems import OF_PAGES, PROBLEMS
from tests.contracts.documented import Contract, differences
from tests.registry.admin import serving
from tests.valkey import Valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SAMPLES = [(one, sample) for one in description().operations for sample in one.samples]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(databases, tmp_path_factory):
    """A served registry with the demonstration company, as `import` leaves it."""
    folder = tmp_path_factory.mktemp("described")
    with databases.new(folder / "data") as settings, Valkey() as server:
        async with Database.opened(settings) as database:
            options = ImportOptions(
                file=ROOT / "examples" / "company.json",
                credentials=folder / "keys.json",
                gateway_url=None,
                wait_s=0,
            )
            await import_company(database, options, lambda *_: None)
            minted = orjson.loads((folder / "keys.json").read_bytes())
            texts = {"user": minted["admin_keys"]["acme"], "program": minted["api_keys"]["acme"]}
            async with serving(settings, server.url, texts) as api:
                yield api


async def test_it_is_openapi():
    """OpenAPI 3.1, by the standard's own schema."""
    assert [error.message for error in OpenAPIV31SpecValidator(openapi()).iter_errors()] == []


async def test_every_route_is_described_and_the_other_way_round():
    """Also those that the description is at."""
    described = {(method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods}

    bulk = BulkApi(database=None, limits=None)
    routes = [*AdminApi(None, None).routes(), *LedgerApi(None, None).routes(), *bulk.routes()]
    assert {(route.method, route.path) for route in routes} == described


async def test_every_problem_is_some_routes():
    """No route has a method that it does not have, so 405 is the text's; hooks are described to those who call them."""
    named = {code for one in description().operations for code in one.problems}

    assert named == set(PROBLEMS) - OF_PAGES - {"method_not_allowed", "invalid_signature", "malformed_event"}


async def test_every_call_is_in_the_readme():
    """With the words that a state can be."""
    chapter = README.split("\n### Change what is registered\n")[1].split("\n### ")[0]
    table = chapter.split("| call, each with `GET` and `PATCH` |")[1]
    listed = set(re.findall(r"^\| `(/v1/[^`]+)`", table, re.MULTILINE))

    assert listed == {path for path, methods in openapi()["paths"].items() if "patch" in methods}
    for name in ("NumberPatch", "CampaignPatch", "BrandPatch", "KeyPatch"):
        for field, schema in openapi()["components"]["schemas"][name]["properties"].items():
            assert f"`{field}`" in chapter
            assert ", ".join(schema["enum"]) in chapter if "enum" in schema else True


@pytest.mark.parametrize(
    ("one", "sample"), [pytest.param(*pair, id=f"{pair[0].id}/{pair[1].name}") for pair in SAMPLES]
)
async def test_an_example_is_answered_as_shown(api, one, sample):
    """Sent as it stands to a registry with the demonstration company; a key has the id that it was given."""
    path = one.path
    for parameter in one.parameters:
        program = api.texts["program"].split("_")[1]
        path = path.replace(f"{{{parameter.name}}}", program if "/keys/" in path else parameter.example)
    key = "" if sample.key == "none" else sample.key
    answer = await api.call(one.method, path, sample.body, key=key)

    assert answer.status == sample.status, answer.body
    if sample.answer is not None:
        assert list(differences(orjson.loads(orjson.dumps(sample.answer)), answer.body)) == []


@pytest.mark.parametrize("word", ["Active", "ACTIVE", "active ", " active", "active\u0000", "", "no", "acti\u1d20e"])
async def test_row_49_words(api, word):
    """A state is one of its words to the letter; the answer names the field and the words, never what was sent."""
    answer = await api.patch("/v1/campaigns/CACME01", {"status": word}, key="user")

    assert (answer.status, answer.body["code"]) == (422, "invalid_enum")
    assert answer.body["errors"] == [{"pointer": "/status", "code": "invalid_enum"}]
    assert answer.body["detail"] == (
        "/status: Use draft, pending, active, rejected, suspended, expired or deactivated."
    )


async def test_the_page_needs_nothing(api):
    """No script, nothing from elsewhere; every operation is on it."""
    answer = await api.get("/v1/docs", key="")

    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script|<link|<img|src=|url\(", answer.body)
    assert all(f'id="{one.id}"' in answer.body for one in description().operations)


@pytest.mark.parametrize(
    ("status", "body"),
    [(418, {}), (200, {"did": "+12125550112"}), (404, {"code": "not_found"})],
)
async def test_what_is_not_described_is_found(status, body):
    """The check of all other tests can fail."""
    kind = "application/json" if status == 200 else "application/problem+json"
    with pytest.raises(AssertionError):
        Contract(openapi()).check("GET", "/v1/numbers/x", status, {"Content-Type": kind}, orjson.dumps(body).decode())
