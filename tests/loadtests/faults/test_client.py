"""The load client: it repeats with the same key until there is an answer that stands, and notes everything."""

import asyncio
import itertools
import threading

import orjson
import pytest
from aiohttp import web

from loadtests.company import TENANT, make_company
from loadtests.faults.client import Load, conversations, digest_of
from loadtests.faults.ledger import Attempt, Line, read_rows
from loadtests.parts import Keys

COMPANY = make_company(senders=10, contacts=10, unregistered=1)
KEYS = Keys(
    tenants={TENANT: "tenant-key"}, users={user: f"key-{user}" for user in (*COMPANY.senders, *COMPANY.unregistered)}
)


class Gateway:
    """Answers in its own thread, as a test says, and keeps what it was asked."""

    def __init__(self):
        self.port = 0
        self.asked = []
        #: Status of the n-th request for a key, from 0; None drops the connection.
        self.status = lambda _: 202
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()))

    async def _serve(self):
        app = web.Application()
        app.add_routes([web.post("/v1/messages", self._post)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _post(self, request):
        key = request.headers["Idempotency-Key"]
        before = sum(one[0] == key for one in self.asked)
        self.asked.append((key, orjson.loads(await request.read())))
        status = self.status(before)
        if status is None:
            request.transport.close()
            return web.Response()
        return web.json_response({"id": f"id-{key}", "reason": {"code": "ok_registered"}}, status=status)

    def __enter__(self):
        self._thread.start()
        self._ready.wait(30)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        self._loop.close()


@pytest.fixture
def gateway():
    """Run one."""
    with Gateway() as running:
        yield running


def run_until(load, enough):
    """Send until there is enough, then finish."""
    load.start()
    deadline = threading.Event()
    for _ in range(3_000):
        if enough():
            break
        deadline.wait(0.01)
    assert load.finish(30)
    return load


def a_load(gateway, folder, **options):
    """Two people who write often."""
    talks = list(conversations(COMPANY, KEYS, 10))[-2:]
    return Load(conversations=talks, port=gateway.port, rate=200, seed=1, folder=folder, **options)


def test_a_request_is_repeated_with_its_key_and_body_until_it_is_answered(gateway, tmp_path):
    """A lost connection and 503 are no answers; a refusal is one."""
    gateway.status = lambda before: [None, 503, 403][min(before, 2)]

    load = run_until(a_load(gateway, tmp_path), lambda: len(gateway.asked) > 6)

    by_key = {key: [body for one, body in gateway.asked if one == key] for key, _ in gateway.asked}
    assert all(len(bodies) == 3 for bodies in by_key.values())
    assert all(body == bodies[0] for bodies in by_key.values() for body in bodies)
    first = [attempt for attempt in load.attempts if attempt.key == next(iter(by_key))]
    assert [attempt.status for attempt in first] == [None, 503, 403]
    assert [attempt.final for attempt in first] == [False, False, True]


def test_without_repeating_what_failed_is_asked_again_at_the_end(gateway, tmp_path):
    """So that the share of errors is seen, and nothing is left open."""
    gateway.status = lambda before: 202 if before else 503

    load = run_until(a_load(gateway, tmp_path, repeats=False), lambda: len(gateway.asked) > 6)

    keys = [line.key for line in load.lines]
    tries = {key: [one.status for one in load.attempts if one.key == key] for key in keys}
    assert all(statuses == [503, 202] for statuses in tries.values())


def test_a_conversation_waits_for_its_answer(gateway, tmp_path):
    """Nobody sends the next text before the last one was answered: that is what order is about."""
    load = run_until(a_load(gateway, tmp_path), lambda: len(gateway.asked) > 20)

    for name in {line.conversation for line in load.lines}:
        keys = [line.key for line in load.lines if line.conversation == name]
        tries = [attempt for attempt in load.attempts if attempt.key in keys]
        assert [attempt.ended_ns for attempt in tries] == sorted(attempt.ended_ns for attempt in tries)
        assert all(one.ended_ns <= two.sent_ns for one, two in itertools.pairwise(tries))


def test_everything_is_on_disk_too(gateway, tmp_path):
    """A run that breaks off can be looked at."""
    load = run_until(a_load(gateway, tmp_path), lambda: len(gateway.asked) > 3)

    assert read_rows(tmp_path / "lines.ndjson", Line) == tuple(load.lines)
    assert read_rows(tmp_path / "attempts.ndjson", Attempt) == tuple(load.attempts)


def test_texts_are_all_different_and_known_by_their_digest(gateway, tmp_path):
    """The carrier's ledger has no text: a digest brings both together."""
    load = run_until(a_load(gateway, tmp_path), lambda: len(gateway.asked) > 20)

    digests = {line.key: line.digest for line in load.lines}
    assert len(set(digests.values())) == len(digests)
    for key, body in gateway.asked:
        assert digests[key] == digest_of(body["from"], body["to"], body["text"])


def test_conversations_are_of_every_kind():
    """People, programs, colleagues, and somebody who may not."""
    talks = list(conversations(COMPANY, KEYS, 10))

    assert sum(talk.key == "tenant-key" for talk in talks) == 2
    assert [talk.recipient[:5] for talk in talks if not talk.sender] == ["user:"]
    assert [talk.user for talk in talks if talk.user in COMPANY.unregistered] == list(COMPANY.unregistered)
    assert [talk.inside for talk in talks].count(True) == 2
    assert len({talk.name for talk in talks}) == len(talks)
