"""Web pages: those of our origins may use the API, others' browsers keep its answers from them."""

import asyncio

import pytest

from gateway.settings import Settings
from tests.gateway.live.conftest import ORIGIN
from tests.gateway.running_edge import a_body, as_json, assert_problem
from tests.gateway.tokens import token

pytestmark = pytest.mark.asyncio(loop_scope="session")

STRANGERS = [
    "https://evil.example",
    "null",
    "http://console.example.com",
    ORIGIN + ":8443",
    ORIGIN.upper(),
    ORIGIN + "/",
]
JSON = {"Content-Type": "application/json"}


def cors(answer):
    """Every word to the browser."""
    return {name: value for name, value in answer.headers.items() if name.startswith("Access-Control")}


async def test_a_page_may_ask_what_it_may_send(edge):
    """The methods and fields that the routes need, for a while; nothing about credentials."""
    for path in ("/v1/messages", "/v1/messages/0-1-1-0", "/v1/inbox", "/v1/media"):
        asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        async with edge.http.options(path, headers=asked) as answer:  # A browser's own: no operation of the API.
            assert (answer.status, await answer.read()) == (204, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert set(answer.headers["Access-Control-Allow-Methods"].split(", ")) == {"GET", "POST", "PUT", "DELETE"}
        assert {"Authorization", "Content-Type", "Idempotency-Key"} <= set(
            answer.headers["Access-Control-Allow-Headers"].split(", ")
        )
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", STRANGERS)
async def test_a_page_of_another_origin_is_told_nothing(edge, origin):
    """Neither when it asks nor when it just sends."""
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = await edge.call("OPTIONS", "/v1/messages", key=None, headers=asked)
    sent = await edge.call("GET", "/v1/inbox", headers={"Origin": origin})

    assert_problem(preflight, 405, "method_not_allowed")
    assert sent.status == 200
    assert cors(preflight) == cors(sent) == {}


@pytest.mark.parametrize(
    ("status", "method", "path", "options"),
    [
        (200, "GET", "/v1/inbox", {}),
        (200, "GET", "/v1/reasons", {"key": None}),
        (202, "POST", "/v1/messages", {"data": as_json(a_body(text="from a page")), "headers": JSON}),
        (403, "POST", "/v1/messages", {"data": as_json(a_body()), "headers": JSON, "key": "uma"}),
        (400, "POST", "/v1/messages", {"data": b"{", "headers": JSON}),
        (401, "POST", "/v1/messages", {"data": as_json(a_body()), "headers": JSON, "key": None}),
        (404, "GET", "/v1/nothing", {}),
        (405, "PATCH", "/v1/messages", {}),
        (413, "POST", "/v1/decisions", {"data": b"x" * 70_000, "headers": JSON}),
        (421, "GET", "/v1/inbox", {"headers": {"Host": "evil.example"}}),
        (426, "GET", "/v1/events", {}),
    ],
)
async def test_every_answer_says_that_the_page_may_read_it(edge, status, method, path, options):
    """Refusals too, whoever gives them: a page that cannot read why is as good as broken."""
    given = dict(options)
    headers = given.pop("headers", {}) | {"Origin": ORIGIN}
    answer = await edge.call(method, path, headers=headers, **given)

    assert answer.status == status
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Origin" in answer.headers.getall("Vary")
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_a_page_sends_with_a_token(edge, hand):
    """As the user who signed in."""
    headers = JSON | {"Origin": ORIGIN, "Authorization": f"Bearer {token()}", "Idempotency-Key": "page-1"}
    answers = [
        await edge.call("POST", "/v1/messages", key=None, data=as_json(a_body(text="typed")), headers=headers)
        for _ in range(2)
    ]

    assert [answer.status for answer in answers] == [202, 202]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" in answers[1].headers["Access-Control-Expose-Headers"]
    shown = await edge.get(f"/v1/messages/{answers[0].json['id']}")
    assert shown.json["user"] == "acme-ann"
    await hand.work()


async def test_a_token_on_the_fast_path(edge, hand):
    """Without an Origin, in one piece: the front takes it, at first and when its signature is remembered."""
    headers = JSON | {"Authorization": f"Bearer {token(jti='fast')}"}
    for _ in range(3):
        answer = await edge.call("POST", "/v1/messages", key=None, data=as_json(a_body(text="fast")), headers=headers)
        assert answer.status == 202
    answers = await asyncio.gather(
        *(
            edge.call("POST", "/v1/messages", key=None, data=as_json(a_body(text="bad")), headers=headers | bad)
            for bad in ({"Authorization": f"Bearer {token(sid='nobody')}"}, {"Authorization": f"Bearer {token()}x"})
        )
    )
    for refused in answers:
        assert_problem(refused, 401, "unauthenticated")
    await hand.work()


@pytest.mark.parametrize("origin", ["*", "console.example.com", "https://a.example/", "https://A.example", "null", ""])
async def test_what_is_no_origin_stops_the_start(origin):
    """A setting that could never fit, or would fit everybody."""
    with pytest.raises(ValueError, match="web_origins"):
        Settings(web_origins=(origin,))
