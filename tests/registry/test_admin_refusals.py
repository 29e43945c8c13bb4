"""What the admin API refuses: who may not, and what cannot be; with which words.

Nothing here changes anything, so one served registry is enough for all of it.
"""

import orjson
import pytest
import pytest_asyncio

from registry.database import Database
from registry.problems import PROBLEMS
from tests.registry.admin import BODIES, PATHS, serving, two_companies
from tests.registry.builders import trail
from tests.valkey import Valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER, CAMPAIGN, BRAND, KEY = (own for own, _ in PATHS.values())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(databases, tmp_path_factory):
    """A served registry with acme and solo, and its database."""
    with Valkey() as server, databases.new(tmp_path_factory.mktemp("refusals")) as settings:
        async with Database.opened(settings) as database:
            texts = await two_companies(database)
            async with serving(settings, server.url, texts) as api:
                yield api, database


@pytest.fixture
def api(shared):
    """The served registry."""
    return shared[0]


@pytest.fixture
def database(shared):
    """Its database."""
    return shared[1]


class TestWhoMayNot:
    @pytest.mark.parametrize("method", ["GET", "PATCH"])
    @pytest.mark.parametrize("kind", PATHS)
    async def test_what_belongs_to_others_is_as_unknown_as_what_is_not_there(self, api, database, kind, method):
        """Byte for byte, but for the request's own name; nothing is changed."""
        before = await trail(database)
        body = BODIES[kind] if method == "PATCH" else None
        missing = {"number": "/v1/numbers/+12025550188"}.get(kind, f"/v1/{kind}s/NOBODY")
        others = await api.call(method, PATHS[kind][1], body)
        nobodys = await api.call(method, missing, body)

        assert (others.status, others.body["code"]) == (404, "not_found")
        assert others.body | {"request_id": ""} == nobodys.body | {"request_id": ""}
        assert await trail(database) == before

    @pytest.mark.parametrize(
        ("mine", "campaign", "code"),
        [(1, "CACME", "not_found"), (1, "CSOLO", "not_found"), (0, "CSOLO", "unknown_campaign")],
    )
    async def test_row_122_nothing_is_assigned_across_companies(self, api, database, mine, campaign, code):
        """Neither another company's number to one's own campaign, nor one's own number to another company's."""
        before = await trail(database)
        answer = await api.call("POST", f"{PATHS['number'][mine]}/assign", {"campaign_id": campaign})

        assert (answer.status, answer.body["code"]) == (404, code)
        assert await trail(database) == before

    @pytest.mark.parametrize("method", ["GET", "PATCH"])
    @pytest.mark.parametrize("kind", PATHS)
    @pytest.mark.parametrize("whose", [0, 1])
    @pytest.mark.parametrize(("key", "status"), [("sender", 403), ("person", 403), ("", 401)])
    async def test_without_the_scope_nobody_learns_what_there_is(self, api, database, kind, method, whose, key, status):
        """Own or not: the answer comes before the look."""
        before = await trail(database)
        answer = await api.call(method, PATHS[kind][whose], BODIES[kind] if method == "PATCH" else None, key=key)

        assert answer.status == status
        assert await trail(database) == before

    @pytest.mark.parametrize(
        "header",
        ["Bearer", "Basic YTpi", "Bearer a2p_nosuchkey000_" + "a" * 32, "Bearer a2p_x_y", "Bearer \u00e4", "Bearer "],
    )
    async def test_a_key_that_is_none_opens_nothing(self, api, header):
        """All refusals look the same."""
        answer = await api.get(NUMBER, key=header)

        assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    async def test_another_secret_opens_nothing(self, api):
        """The id alone proves nothing."""
        changed = api.texts["admin"][:-1] + ("a" if api.texts["admin"][-1] != "a" else "b")

        assert (await api.get(NUMBER, key=f"Bearer {changed}")).status == 401
        assert (await api.get(NUMBER, key=f"bearer  {api.texts['admin']}")).status == 200


WRONG = [
    ("number", {"did": "+12025550199"}, "/did", "unknown_field"),
    ("number", {"+13035550199": 1}, "", "unknown_field"),
    ("number", {"sms": "on"}, "/sms", "invalid_enum"),
    ("number", {"sms": None}, "/sms", "invalid_type"),
    ("number", {"sms": True}, "/sms", "invalid_type"),
    ("number", {"user": 5}, "/user", "invalid_type"),
    ("number", {"assignment": "CACME"}, "/assignment", "invalid_type"),
    ("number", {"assignment": {}}, "/assignment", "empty_change"),
    ("number", {"assignment": {"state": "gone"}}, "/assignment/state", "invalid_enum"),
    ("number", {"assignment": {"campaign_id": None}}, "/assignment/campaign_id", "invalid_type"),
    ("number", {"assignment": {"brand_id": "B"}}, "/assignment/brand_id", "unknown_field"),
    ("campaign", {"status": "verified"}, "/status", "invalid_enum"),
    ("campaign", {"status": ["active"]}, "/status", "invalid_type"),
    ("campaign", {"sharing": "shared"}, "/sharing", "invalid_enum"),
    ("campaign", {"dca_complete": "maybe"}, "/dca_complete", "invalid_type"),
    ("campaign", {"dca_complete": 1}, "/dca_complete", "invalid_type"),
    ("campaign", {"carriers": {"att": "ok"}}, "/carriers/att", "invalid_enum"),
    ("campaign", {"carriers": {"sprint": "approved"}}, "/carriers/sprint", "unknown_field"),
    ("campaign", {"carriers": {}}, "/carriers", "empty_change"),
    ("campaign", {"carriers": None}, "/carriers", "invalid_type"),
    ("campaign", {"osr_status": "four"}, "/osr_status", "invalid_type"),
    ("campaign", {"osr_status": 4.0}, "/osr_status", "invalid_type"),
    ("campaign", {"osr_status": -1}, "/osr_status", "invalid_value"),
    ("campaign", {"osr_status": 2**31}, "/osr_status", "invalid_value"),
    ("campaign", {"osr_status": 2**70}, "/osr_status", "invalid_value"),
    ("brand", {"status": "active"}, "/status", "invalid_enum"),
    ("brand", {"vetting_score": 101}, "/vetting_score", "invalid_value"),
    ("brand", {"vetting_score": True}, "/vetting_score", "invalid_type"),
    ("brand", {"tenant": "solo"}, "/tenant", "unknown_field"),
    ("key", {"revoked": False}, "/revoked", "invalid_type"),
    ("key", {"revoked": "yes"}, "/revoked", "invalid_enum"),
    ("key", {"scopes": []}, "/scopes", "invalid_value"),
    ("key", {"scopes": ["send", "root"]}, "/scopes/1", "invalid_enum"),
    ("key", {"scopes": "send"}, "/scopes", "invalid_type"),
    ("key", {"label": "0f0f"}, "/label", "unknown_field"),
]


class TestRefusals:
    @pytest.mark.parametrize("kind", PATHS)
    async def test_a_change_of_nothing_is_refused(self, api, kind):
        """With the fields that there are."""
        for data in (b"", b"  ", b"{}"):
            answer = await api.patch(PATHS[kind][0], data=data, headers={"Content-Type": "application/json"})
            assert (answer.status, answer.body["code"]) == (422, "empty_change")
            assert next(iter(BODIES[kind])) in answer.body["detail"]

    @pytest.mark.parametrize(("kind", "body", "pointer", "code"), WRONG)
    async def test_the_field_and_the_fix_are_named_and_the_value_is_not(self, api, database, kind, body, pointer, code):
        """Nothing is changed."""
        before = await trail(database)
        answer = await api.patch(PATHS[kind][0], body)

        assert (answer.status, answer.body["code"]) == (422, code)
        assert answer.body["errors"] == [{"pointer": pointer, "code": code}]
        assert answer.body["detail"].startswith(f"{pointer or 'The body'}: ")
        shown = orjson.dumps(answer.body | {"request_id": ""}).decode()
        assert not any(str(value) in shown for value in body.values() if type(value) is str and value != "active")
        assert "3035550199" not in shown
        assert await trail(database) == before

    async def test_every_wrong_field_is_named_at_once(self, api):
        """A person corrects them all and sends again."""
        answer = await api.patch(CAMPAIGN, {"status": "no", "carriers": {"att": "no", "verizon": 1}, "x": 2})

        assert {fault["pointer"] for fault in answer.body["errors"]} == {
            "/status",
            "/carriers/att",
            "/carriers/verizon",
            "/x",
        }
        assert "use active" not in answer.body["detail"]
        assert "'approved'" not in answer.body["detail"]
        assert "approved, review, rejected or suspended" in answer.body["detail"]

    @pytest.mark.parametrize(
        ("data", "headers", "status", "code"),
        [
            (b"[1]", {}, 422, "invalid_type"),
            (b"null", {}, 422, "invalid_type"),
            (b"{", {}, 400, "invalid_json"),
            (b'{"sms": NaN}', {}, 400, "invalid_json"),
            (b'{"user": "\\ud800"}', {}, 400, "invalid_json"),
            (b'{"user": "\xff"}', {}, 400, "invalid_json"),
            (b"[" * 60_000, {}, 400, "invalid_json"),
            (b'{"sms": "enabled", "sms": "disabled"}', {}, 400, "duplicate_key"),
            (b'{"assignment": {"state": "failed", "state": "failed"}}', {}, 400, "duplicate_key"),
            (b'{"sms": "' + b"x" * 70_000 + b'"}', {}, 413, "body_too_large"),
            (b'{"sms": "disabled"}', {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
            (
                b'{"sms": "disabled"}',
                {"Content-Type": "application/json; charset=utf-16"},
                415,
                "unsupported_media_type",
            ),
            (b'{"sms": "disabled"}', {"Content-Encoding": "gzip"}, 415, "unsupported_encoding"),
        ],
    )
    async def test_a_body_that_cannot_be_read(self, api, database, data, headers, status, code):
        """Before anything is looked up."""
        before = await trail(database)
        answer = await api.patch(NUMBER, data=data, headers={"Content-Type": "application/json"} | headers)

        assert (answer.status, answer.body["code"]) == (status, code)
        assert await trail(database) == before

    @pytest.mark.parametrize(("method", "path"), [("DELETE", NUMBER), ("PUT", BRAND), ("POST", "/")])
    async def test_other_methods(self, api, method, path):
        """The header says which there are."""
        answer = await api.call(method, path)

        assert (answer.status, answer.body["code"]) == (405, "method_not_allowed")
        assert "GET" in answer.headers["Allow"]

    @pytest.mark.parametrize("path", ["/v1/number", "/v1/numbers/x", "/v1/brands/%20", "/v1/brands/a%00", "/metrics"])
    async def test_what_is_not_there(self, api, path):
        """Nor can be."""
        answer = await api.get(path)

        assert (answer.status, answer.body["code"]) == (404, "not_found")

    async def test_problems_look_like_the_gateway_s(self, api):
        """RFC 9457, with a name for the request; who answers is said without a version."""
        answer = await api.patch(NUMBER, {"sms": "on"})

        assert list(answer.body) == ["type", "title", "status", "code", "detail", "errors", "request_id"]
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Server"] == "a2p-registry"
        assert answer.body["type"] == "/v1/problems#invalid_enum"

    async def test_every_problem_is_explained(self, api):
        """Without a key."""
        listed = (await api.get("/v1/problems", key="")).body["problems"]

        assert [problem["code"] for problem in listed] == list(PROBLEMS)
