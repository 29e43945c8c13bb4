"""Rows 88 to 100 of the catalogue of bad input: keys, other people's numbers, numbers that may not text."""

import time
from typing import Any

import orjson
import pytest

from tests.gateway.http.refusing import refused, refused_both_ways, refused_request
from tests.gateway.running_edge import (
    ANN,
    ANNS,
    BOBS,
    DISABLED,
    FOREIGN,
    MOBILE,
    NOBODYS,
    OTHER_MOBILE,
    PENDING,
    ROB,
    ROBS,
    SERVICE,
    SUPERSEDED,
    UNASSIGNED,
    Answer,
    a_body,
    assert_problem,
    secret,
)
from tests.gateway.tokens import bad, known, token

pytestmark = pytest.mark.asyncio(loop_scope="session")

JSON = ("Content-Type", "application/json")

#: Every route that asks for a key, and the scope that it asks for.
ROUTES = [
    ("POST", "/v1/messages", "send"),
    ("POST", "/v1/messages/batch", "send"),
    ("POST", "/v1/decisions", "send"),
    ("GET", "/v1/messages/0-1-1-0", "read"),
    ("GET", "/v1/messages/0-1-1-0/events", "read"),
    ("GET", "/v1/messages/0-1-1-0/decision", "read"),
    ("DELETE", "/v1/messages/0-1-1-0", "send"),
    ("GET", "/v1/inbox", "read"),
    ("GET", "/v1/events", "read"),
    ("POST", "/v1/media", "send"),
    ("GET", "/v1/media/x", "read"),
    ("PUT", "/v1/opt-outs", "admin"),
    ("GET", "/v1/opt-outs", "admin"),
    ("GET", "/v1/opt-outs/%2B12025550112", "admin"),
    ("POST", "/v1/opt-outs/restore", "admin"),
]


def same_for_everybody(answer: Answer) -> dict[str, Any]:
    """What an answer says, without what differs from request to request."""
    body = answer.json
    for name in ("id", "request_id", "facts"):
        body.pop(name, None)
    return body


class TestKeys:
    @pytest.mark.parametrize(
        "authorization",
        [
            pytest.param([], id="none"),
            pytest.param([""], id="empty"),
            pytest.param(["Bearer"], id="no key"),
            pytest.param(["Bearer "], id="blank key"),
            pytest.param([f"Bearer {secret('gone')[:-1]}0"], id="wrong secret of a key that is gone"),
            pytest.param([f"Bearer {secret('unheardof')}"], id="unknown"),
            pytest.param([f"Bearer {secret('ann')[:-1]}"], id="cut short"),
            pytest.param([f"Bearer {secret('ann')}0"], id="too long"),
            pytest.param([f"Bearer a2p_ann_{'0' * 64}"], id="wrong secret"),
            pytest.param([f"Bearer a2p_bob_{secret('ann')[8:]}"], id="the secret of another"),
            pytest.param([f"Bearer {secret('ann').upper()}"], id="upper case"),
            pytest.param([secret("ann")], id="no scheme"),
            pytest.param([f"Basic {secret('ann')}"], id="another scheme"),
            pytest.param([f"Bearer {secret('ann')} x"], id="two words"),
            pytest.param([f"Bearer {secret('ann')}, Bearer {secret('ann')}"], id="two in one"),
            pytest.param([f"Bearer {secret('ann')}", f"Bearer {secret('ann')}"], id="two headers"),
            pytest.param(["Bearer a2p_*_00000000"], id="pattern"),
            pytest.param(["Bearer a2p_ann:x_00000000"], id="other characters"),
            pytest.param(["Bearer eyJhbGciOiJub25lIn0.e30."], id="row 89: JWT without signature"),
            pytest.param(["Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"], id="row 89: JWT, HS256"),
            pytest.param(["Bearer eyJhbGciOiJSUzI1NiIsImprdSI6Imh0dHA6Ly94In0.e30.c2ln"], id="row 89: JWT with jku"),
            pytest.param([f"Bearer eyJ{'a' * 7_000}.e30.c2ln"], id="row 89: JWT of 7 KB"),
            pytest.param([f"Bearer a2p_{'a' * 5_000}_00000000"], id="long"),
            pytest.param(["Bearer a2p_\u00e9_00000000"], id="not ASCII"),
        ],
    )
    async def test_row_88_keys_that_are_none(self, edge, authorization):
        """One answer for all of them, with the scheme that is wanted."""
        headers = [JSON, *(("Authorization", value) for value in authorization)]

        answer = await refused_request(edge, 401, "unauthenticated", key=None, data=b"{}", headers=headers)

        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert same_for_everybody(answer) == same_for_everybody(await edge.post("/v1/messages", {}, key=None))

    async def test_row_89_tokens_that_prove_nothing(self, edge):
        """All alike, also where a browser shows them; what is longer than any head may be is not even read."""
        await edge.registry.write(known())
        good = {"Authorization": f"Bearer {token()}"}
        assert (await edge.call("GET", "/v1/inbox", key=None, headers=good)).status == 200
        nobody = same_for_everybody(await edge.post("/v1/messages", {}, key=None))
        for name, shown in bad(time.time()).items():
            headers = dict([JSON]) | {"Authorization": f"Bearer {shown}"}
            if len(shown) > 8_000:
                answer = await edge.call("POST", "/v1/messages", key=None, data=b"{}", headers=headers)
                assert_problem(answer, 431, "head_too_large")
                continue
            for origin in ({}, {"Origin": "https://console.example.com"}):
                options = {"key": None, "data": b"{}", "headers": headers | origin}
                answer = await refused_request(edge, 401, "unauthenticated", **options)
                assert same_for_everybody(answer) == nobody, name

    async def test_row_88_a_revoked_key(self, edge):
        """It is as unknown as one that never was, from the moment its document is gone."""
        document = await edge.registry.read("{reg}:key:bob")
        assert (await edge.send("bob")).status == 202

        await edge.registry.write({"{reg}:key:bob": None})
        answer = await edge.send("bob")
        await edge.registry.write({"{reg}:key:bob": document})

        assert_problem(answer, 401, "unauthenticated")
        assert (await edge.send("bob")).status == 202

    async def test_a_key_document_that_nobody_can_read(self, edge):
        """Closed, not broken."""
        await edge.registry.write({"{reg}:key:broken": b"{"})

        assert_problem(await edge.send("broken"), 401, "unauthenticated")

    @pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
    async def test_the_scheme_in_any_case(self, edge, scheme):
        """RFC 9110, 11.1."""
        headers = [JSON, ("Authorization", scheme + secret("ann"))]

        answer = await edge.call("POST", "/v1/messages", key=None, headers=headers, data=orjson.dumps(a_body()))

        assert answer.status == 202

    @pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
    async def test_every_route_asks_for_a_key(self, edge, method, path, scope):
        """Before anything else is looked at."""
        assert_problem(await edge.call(method, path, key=None), 401, "unauthenticated")

    @pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
    async def test_row_95_every_route_asks_for_its_scope(self, edge, method, path, scope):
        """A key for reading sends nothing, and the other way round."""
        for key, scopes in (("reader", {"read"}), ("sender", {"send"}), ("ann", {"send", "read"})):
            answer = await edge.call(method, path, key=key)
            if scope not in scopes:
                assert_problem(answer, 403, "forbidden")
            else:
                assert answer.status not in {401, 403}, key

    async def test_reasons_are_no_secret(self, edge):
        """What a refusal means may be read without a key."""
        for path in ("/v1/reasons", "/v1/problems"):
            assert (await edge.get(path, key=None)).status == 200


class TestOtherPeoplesNumbers:
    @pytest.mark.parametrize(
        "sender",
        [
            pytest.param(ROBS, id="row 91: of another tenant"),
            pytest.param(BOBS, id="row 92: of a colleague"),
            pytest.param(FOREIGN, id="row 97: of nobody"),
            pytest.param(NOBODYS, id="row 97: of nobody yet"),
        ],
    )
    async def test_rows_91_92_97(self, edge, sender):
        """All of them look the same to whoever tries."""
        body = a_body(sender=sender)

        await refused_both_ways(edge, body, 403, "did_not_owned_by_sender")
        answer = await edge.post("/v1/messages", body)
        unknown = await edge.send(sender="+12025550198")
        assert same_for_everybody(answer) == same_for_everybody(unknown)

    async def test_row_91_with_a_tenants_key(self, edge):
        """A tenant's key sends from the tenant's numbers only, whoever is named."""
        await refused_both_ways(edge, a_body(sender=ROBS), 403, "did_not_owned_by_sender", key="acme")
        await refused_both_ways(edge, a_body(sender=ROBS, user=ANN), 403, "did_not_owned_by_sender", key="acme")
        await refused_both_ways(edge, a_body(sender=BOBS, user=ANN), 403, "did_not_owned_by_sender", key="acme")

    @pytest.mark.parametrize("name", ["tenant", "tenant_id", "account"])
    async def test_row_94_a_tenant_in_the_body(self, edge, name):
        """The key says whose a message is; nothing else does."""
        await refused_both_ways(edge, a_body() | {name: "rival"}, 400, "unknown_field")

    async def test_row_94_a_tenant_in_a_header(self, edge):
        """It has no meaning."""
        answer = await edge.post("/v1/messages", a_body(), X_Tenant="rival", X_Forwarded_User=ROB)

        shown = await edge.get(f"/v1/messages/{answer.json['id']}")
        assert shown.json["user"] == ANN


class TestNumbersThatMayNotText:
    @pytest.mark.parametrize(
        ("key", "sender", "code"),
        [
            pytest.param("dis", DISABLED, "did_not_sms_enabled", id="row 97: disabled"),
            pytest.param("ann", SUPERSEDED, "did_superseded", id="row 97: superseded"),
            pytest.param("ann", SERVICE, "did_not_sms_enabled", id="row 97: service number"),
            pytest.param("uma", UNASSIGNED, "did_unassigned", id="row 98: unassigned"),
            pytest.param("pen", PENDING, "did_assignment_pending", id="row 98: pending"),
        ],
    )
    async def test_rows_97_98(self, edge, key, sender, code):
        """The owner hears what is missing, with the owner's key and with the tenant's."""
        await refused_both_ways(edge, a_body(sender=sender), 403, code, key=key)
        await refused(edge, a_body(sender=sender), 403, code, key="acme")

    async def test_row_100_an_opt_out(self, edge):
        """Whichever of the tenant's numbers received it."""
        rows = [{"recipient": OTHER_MOBILE, "at": "2026-10-01T15:00:00Z", "keyword": "stop", "number": BOBS}]
        put = await edge.call("PUT", "/v1/opt-outs", key="rival", json={"opt_outs": rows})
        assert put.status == 200

        for to in (OTHER_MOBILE, "(415) 555-0144"):
            await refused_both_ways(edge, a_body(user=ROB, to=to), 403, "recipient_opted_out", key="rob")
        assert (await edge.send(sender=ANNS, to=OTHER_MOBILE)).status == 202
        assert (await edge.send("rob", to=MOBILE)).status == 202
