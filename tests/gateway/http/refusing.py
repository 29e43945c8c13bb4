"""Sends what must be refused, and checks all that holds for every refusal, alone and as a line of a batch.

The answer is a problem that repeats nothing; nothing lies in the queue; a decision is in the journal, anything else
nowhere; and the process goes on answering.
"""

from typing import Any

from gateway.problems import PROBLEMS
from tests.gateway.running_edge import Answer, Edge, Tally, a_body, as_json, assert_plain, assert_problem

#: Problems that are about no one field of the body, and reasons that are about what is registered.
NAMELESS = frozenset(
    "body_too_large unsupported_media_type unsupported_encoding unauthenticated forbidden invalid_json".split()
)


def assert_names_the_field(body: dict[str, Any], raw: bytes, **headers: str) -> None:
    """Check that a refusal says which field is wrong, where it is a field: never by a name that may be a value."""
    code = body["code"]
    in_header = code == "idempotency_mismatch" or (code == "invalid_idempotency_key" and "Idempotency_Key" in headers)
    if code in NAMELESS or in_header or not raw.lstrip().startswith(b"{"):
        return
    if code in {"unknown_field", "duplicate_key"} and "errors" not in body:
        return  # A name that may be a number or a key, or one deep inside.
    (fault,) = body["errors"]
    assert fault["code"] == code
    assert fault["pointer"].startswith("/")


async def refused(edge: Edge, body: Any, status: int, code: str, *, key: str | None = "ann", **headers: str) -> Answer:
    """Send one body to POST /v1/messages."""
    before = await edge.tally()
    answer = await edge.post("/v1/messages", body, key=key, **headers)
    assert_problem(answer, status, code, body)
    assert_names_the_field(answer.json, as_json(body), **headers)
    await _nothing_came_of_it(edge, before, code)
    return answer


async def refused_request(edge: Edge, status: int, code: str, **options: Any) -> Answer:
    """Send any request to POST /v1/messages."""
    before = await edge.tally()
    answer = await edge.call("POST", "/v1/messages", **options)
    assert_problem(answer, status, code, options.get("data"))
    await _nothing_came_of_it(edge, before, code)
    return answer


async def refused_line(edge: Edge, line: Any, status: int, code: str, *, key: str = "ann") -> None:
    """Send one line of a batch; the line after it goes."""
    before = await edge.tally()
    good = a_body(user="acme-ann") if key == "acme" else a_body()
    answer = await edge.batch(line, good, key=key)
    assert answer.status == 200
    bad, following = answer.lines
    assert (bad["status"], bad["code"], following["status"]) == (status, code, 202 if _can_send(key) else 403)
    assert_plain(bad, line)
    assert_names_the_field(bad, as_json(line))
    after = await edge.tally()
    decided = code not in PROBLEMS
    assert after.accepted + after.refused == before.accepted + before.refused + decided + 1


async def refused_both_ways(edge: Edge, body: Any, status: int, code: str, *, key: str = "ann") -> None:
    """Send a body alone, and as a line of a batch where it fits on one."""
    await refused(edge, body, status, code, key=key)
    if b"\n" not in as_json(body):
        await refused_line(edge, body, status, code, key=key)


async def _nothing_came_of_it(edge: Edge, before: Tally, code: str) -> None:
    assert await edge.tally() == Tally(before.accepted, before.refused + (code not in PROBLEMS))
    assert (await edge.get("/v1/messages/0-1-1-0")).status == 404


def _can_send(key: str) -> bool:
    return key in {"ann", "bob", "acme", "rob"}
