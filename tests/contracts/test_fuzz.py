"""Whatever is sent, the gateway answers as described, repeats nothing, keeps nothing that it refused, and lives on.

Hypothesis changes good requests (mutations.py); schemathesis makes requests out of the API's description. Both go to a
gateway in a process of its own.
"""

import gc
import random
import sys
from http import HTTPStatus

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from gateway.edge.openapi import openapi
from gateway.problems import PROBLEMS
from tests.contracts.documented import Contract
from tests.contracts.mutations import BODIES, MARK, heads
from tests.contracts.process import a_process
from tests.gateway.running_edge import secret

CONTRACT = Contract(openapi())


@schemathesis.serializer("application/x-ndjson")
def _as_it_is(_, value):
    """Write the body of a batch, which is described as text."""
    return value.encode(errors="replace") if isinstance(value, str) else orjson.dumps(value)


MIB = 1_024 * 1_024

patient = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def gateway():
    """The process that lives through all of it."""
    with a_process() as process:
        yield process
        assert process.is_alive


def check(gateway, method, path, raw, headers):
    """Send one request and look at everything that must hold whatever it was."""
    before = gateway.tally()
    answer = gateway.send(method, path, raw, headers)
    after = gateway.tally()

    CONTRACT.check(method, path, *answer)
    assert answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if answer.status >= HTTPStatus.BAD_REQUEST:
        body = orjson.loads(answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert MARK not in answer.text
        assert not any(MARK in value for value in answer.headers.values())
        assert after.accepted == before.accepted
        assert after.refused == before.refused + (body["code"] not in PROBLEMS)
        if body["status"] == HTTPStatus.UNPROCESSABLE_ENTITY and body["code"] not in NAMELESS and raw[:1] == b"{":
            assert body["errors"], body["code"]
    return answer


#: A 422 that is about no one field: two keys of a request differ, or nothing of the body could be read as an object.
NAMELESS = {"idempotency_mismatch", "invalid_type"}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/decisions"])
def test_a_good_request_with_something_wrong(gateway, kind, path):
    """One of the statuses that are described, a code, the field, never a value."""
    headers = {"Authorization": f"Bearer {secret('ann')}", "Content-Type": "application/json"}
    statuses = set()

    @patient
    @given(BODIES[kind])
    def run(raw):
        statuses.add(check(gateway, "POST", path, raw, headers).status)

    run()

    assert any(status >= HTTPStatus.BAD_REQUEST for status in statuses)


@patient
@given(lines=st.lists(st.one_of(*BODIES.values()), min_size=1, max_size=4))
def test_lines_of_a_batch(gateway, lines):
    """Each line by itself: as many answers as lines, in order, and none repeats what was sent."""
    raw = b"\n".join(line.replace(b"\n", b" ").replace(b"\r", b" ") for line in lines)
    headers = {"Authorization": f"Bearer {secret('ann')}", "Content-Type": "application/x-ndjson"}
    before = gateway.tally()
    answer = gateway.send("POST", "/v1/messages/batch", raw, headers)
    after = gateway.tally()

    CONTRACT.check("POST", "/v1/messages/batch", *answer)
    assert answer.status == HTTPStatus.OK
    told = [orjson.loads(line) for line in answer.text.splitlines()]
    assert len(told) == len([line for line in raw.split(b"\n") if line.strip()])
    # A list of recipients is a message with a leg each; those are counted, replays of the same key are not.
    taken = sum(len(line.get("legs", "1")) for line in told if line["status"] == HTTPStatus.ACCEPTED)
    assert after.accepted - before.accepted <= taken
    assert not any(MARK in orjson.dumps(line).decode() for line in told if line["status"] != HTTPStatus.ACCEPTED)


@patient
@given(headers=heads, raw=st.one_of(*BODIES.values()))
def test_heads_that_are_wrong_too(gateway, headers, raw):
    """Types, encodings, keys: whatever HTTP can carry."""
    usual = {"Authorization": f"Bearer {secret('ann')}", "Content-Type": "application/json"}
    sent = {name: value.strip() for name, value in (usual | headers).items()}

    check(gateway, "POST", "/v1/messages", raw, sent)


@pytest.fixture(scope="module")
def bad(gateway):
    """Bad requests of every kind."""
    headers = {"Authorization": f"Bearer {secret('ann')}", "Content-Type": "application/json"}
    found = []

    @settings(patient, max_examples=400)
    @given(st.one_of(*BODIES.values()))
    def find(raw):
        if gateway.send("POST", "/v1/messages", raw, headers).status >= HTTPStatus.BAD_REQUEST:
            found.append(raw)

    find()
    assert len(found) > 100
    return found


def storm(send, bad, requests):
    """Send bad requests again and again."""
    headers = {"Authorization": f"Bearer {secret('ann')}", "Content-Type": "application/json"}
    for raw in random.Random(7).choices(bad, k=requests):
        assert send("POST", "/v1/messages", raw, headers).status >= HTTPStatus.BAD_REQUEST


def test_memory_stays_flat(gateway, bad):
    """Thousands of bad requests leave the process as large as it was, and nothing of them is in the queue."""
    storm(gateway.send, bad, 1_000)
    accepted, grown = gateway.tally().accepted, []
    while len(grown) < 4 and min(grown, default=4 * MIB) >= 4 * MIB:
        before = gateway.resident_bytes
        storm(gateway.send, bad, 3_000)
        grown.append(gateway.resident_bytes - before)

    assert min(grown) < 4 * MIB, grown  # The allocator takes room now and then; what leaks does so every time.
    assert gateway.tally().accepted == accepted


def test_nothing_is_kept_of_a_bad_request(gateway, bad):
    """Counted in objects, in a gateway of this process: room that is free already hides little things from the size."""
    storm(gateway.send_inside, bad, 500)
    grown = []
    for _ in range(4):
        gc.collect()
        before = sys.getallocatedblocks()
        storm(gateway.send_inside, bad, 700)
        gc.collect()
        grown.append(sys.getallocatedblocks() - before)

    assert min(grown) < 250, grown  # What is kept of one request in three would show every time.


def test_schemathesis_finds_nothing(gateway):
    """Requests made out of the description, sound and unsound: no fault of ours, every answer as described."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": 7,
            "max-time": 30,
            "headers": {"Authorization": f"Bearer {secret('acme')}"},
            "base-url": f"http://127.0.0.1:{gateway.port}",
            "generation": {"max-examples": 20, "database": "none"},
            "phases": {"stateful": {"enabled": False}, "examples": {"enabled": True}},
            # A batch is answered with 200 whatever its lines are; each has a refusal of its own.
            "operations": [
                {
                    "include-path": "/v1/messages/batch",
                    "checks": {"negative_data_rejection": {"enabled": False}},
                }
            ],
            "checks": {
                "enabled": False,
                # Also 413: a list that is longer than it may be.
                "negative_data_rejection": {
                    "enabled": True,
                    "expected-statuses": [400, 401, 403, 404, 405, 409, 413, 415, 422],
                },
                **{
                    name: {"enabled": True}
                    for name in (
                        "not_a_server_error",
                        "status_code_conformance",
                        "content_type_conformance",
                        "response_schema_conformance",
                        "response_headers_conformance",
                        "ignored_auth",
                    )
                },
            },
        }
    )
    schema = schemathesis.openapi.from_dict(openapi(), config=config)
    before = gateway.tally()
    failures, requests = {}, 0
    for event in from_schema(schema).execute():
        assert not isinstance(event, FatalError), event
        if isinstance(event, NonFatalError):
            failures[f"error: {event.label}"] = str(event.value)
        if isinstance(event, ScenarioFinished):
            requests += len(event.recorder.interactions)
            for checks in event.recorder.checks.values():
                for one in checks:
                    if one.failure_info is not None:
                        shown = f"{one.failure_info.failure} {one.failure_info.code_sample}"
                        failures.setdefault(f"{event.recorder.label}: {one.name}", shown)

    assert not failures, "\n\n".join(f"{name}: {shown}" for name, shown in failures.items())
    assert requests > 500
    assert gateway.tally().accepted >= before.accepted
    assert gateway.is_alive
