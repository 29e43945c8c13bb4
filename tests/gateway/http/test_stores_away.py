"""What the edge says while a store is away, and that it comes back by itself. Each test ruins a gateway of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import aiohttp
import pytest

from compliance.decide import decide
from compliance.policy import shipped
from compliance.record import agrees, parse_record
from gateway.app import running
from gateway.settings import Settings
from tests.gateway.running_edge import ANN, MOBILE, Answer, Edge, Tally, assert_problem, company, running_edge

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def until(status: int, ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask again until the status comes, for twenty seconds at most."""
    async with asyncio.timeout(20):
        while True:
            answer = await ask()
            if answer.status == status:
                return answer
            await asyncio.sleep(0.05)


async def ready(edge: Edge) -> Answer:
    """Ask the admin port whether traffic should come here."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{edge.gateway.admin_port}/readyz") as response,
    ):
        return Answer(response.status, response.headers.copy(), await response.text())


def assert_away(answer: Answer, code: str) -> None:
    """503 that says when to come again."""
    assert_problem(answer, 503, code)
    assert int(answer.headers["Retry-After"]) >= 1


class TestRegistryStore:
    async def test_what_is_in_memory_serves_for_its_time(self, own_edge):
        """A program's texts end after five seconds, a person's are flagged; and it comes back by itself."""
        edge = own_edge
        await edge.registry.stop()
        edge.registry_server.kill()

        refused = await until(503, lambda: edge.send("acme", user=ANN))
        flagged = await edge.send()
        colleague = await edge.send(to="ext:102")

        assert_away(refused, "registry_unavailable")
        assert flagged.json["reason"]["code"] == "flag_registration_stale"
        assert flagged.json["facts"]["age_ms"] > 4_500  # Some of the five seconds is for the way to the carrier.
        assert colleague.json["channel"] == "im"
        assert (await until(503, lambda: ready(edge))).status == 503

        edge.registry_server.start()
        await edge.registry.load(company())
        await edge.registry.start()
        await until(200, lambda: ready(edge))
        assert (await edge.send()).json["reason"]["code"] == "ok_registered"

    async def test_a_gateway_that_never_saw_it_takes_nothing(self, own_edge, tmp_path):
        """No key can be checked, no number looked up: 503 at every door."""
        urls = {"queue_url": own_edge.queue_server.url, "registry_url": f"unix://{tmp_path}/nobody"}
        async with running(Settings(**urls, port=0, admin_port=0)) as gateway:
            blind = replace(own_edge, gateway=gateway)
            async with aiohttp.ClientSession(f"http://127.0.0.1:{gateway.port}") as http:
                blind = replace(blind, http=http)
                for answer in (
                    await blind.send(),
                    await blind.batch(b"{}"),
                    await blind.get("/v1/inbox"),
                    await blind.post("/v1/decisions", {}),
                ):
                    assert_away(answer, "registry_unavailable")
                assert_problem(await blind.send(key=None), 401, "unauthenticated")
                assert (await ready(blind)).status == 503
        assert await own_edge.tally() == Tally(0, 0)

    async def test_a_store_that_does_not_answer(self, own_edge):
        """Frozen for a moment, nobody notices."""
        own_edge.registry_server.freeze()
        answer = await own_edge.send()
        own_edge.registry_server.thaw()

        assert answer.json["reason"]["code"] == "ok_registered"

    async def test_without_a_mark_it_is_unavailable(self, own_edge):
        """Documents alone prove nothing, except who is a colleague."""
        await own_edge.registry.stop()
        await own_edge.registry.lose_mark()

        assert_away(await own_edge.send(), "registry_unavailable")
        assert (await own_edge.send(to="ext:102")).json["channel"] == "im"

        await own_edge.registry.load(company())
        assert (await until(202, own_edge.send)).status == 202

    @pytest.mark.parametrize(
        ("age_ms", "app", "api"),
        [
            (1_500, "ok_registered", "ok_registered"),
            (3_500, "flag_registration_stale", "flag_registration_stale"),
            (5_001, "flag_registration_stale", "registry_unavailable"),
            (895_000, "flag_registration_stale", "registry_unavailable"),
            (900_001, "registry_unavailable", "registry_unavailable"),
        ],
    )
    async def test_old_facts(self, own_edge, age_ms, app, api):
        """Live for 3 s; then flagged, for a program up to 5 s, for a person up to 15 minutes. Colleagues write on."""
        await own_edge.registry.stop()

        for key, code in (("ann", app), ("acme", api)):
            await own_edge.registry.beat(age_ms=age_ms)
            answer = await own_edge.send(key, user=ANN)
            assert answer.json["reason"]["code"] == code, key
            if code == "registry_unavailable":
                assert_away(answer, code)
            else:
                assert answer.status == 202
                assert answer.json["facts"]["age_ms"] >= age_ms
            record = (await own_edge.get(f"/v1/messages/{answer.json['id']}/decision")).json
            read = parse_record(record)
            assert agrees(decide(read.facts, shipped("current")), read.expected)
        assert (await own_edge.send(to="ext:102")).json["channel"] == "im"

    async def test_a_known_block_stays_one(self, own_edge):
        """Old facts soften nothing."""
        await own_edge.registry.stop()
        await own_edge.registry.beat(age_ms=60_000)

        assert_problem(await own_edge.send("uma"), 403, "did_unassigned")

    async def test_strict_takes_nothing_stale(self, tmp_path):
        """With mode strict, three seconds are the end."""
        policy = tmp_path / "strict.toml"
        policy.write_text('name = "strict"\nversion = "1"\nmode = "strict"\n')
        async with running_edge(policy=str(policy)) as edge:
            assert (await edge.send()).status == 202
            await edge.registry.stop()
            await edge.registry.beat(age_ms=4_000)

            assert_away(await edge.send(), "registry_unavailable")


class TestQueueStore:
    async def test_without_it_nothing_is_taken(self, own_edge):
        """No accept without proof: 503, nothing lost, nothing doubled, and it comes back without a restart."""
        edge = own_edge
        kept = await edge.send(idempotency_key="before")
        edge.queue_server.kill()

        for answer in (
            await edge.send(),
            await edge.send(to="ext:102"),
            await edge.send("uma"),
            await edge.send(media=[{"id": "x"}]),
            await edge.send(idempotency_key="during"),
            await edge.get(f"/v1/messages/{kept.json['id']}"),
            await edge.call("DELETE", f"/v1/messages/{kept.json['id']}"),
            await edge.get("/v1/inbox"),
            await edge.get("/v1/media/x"),
            await edge.call("POST", "/v1/media", data=b"x", headers={"Content-Type": "image/png"}),
            await edge.call("PUT", "/v1/opt-outs", key="acme", json={"opt_outs": [an_opt_out()]}),
            await edge.post("/v1/decisions", {"to": MOBILE, "text": "x"}),
        ):
            assert_away(answer, "queue_unavailable")
        lines = (await edge.batch({"to": MOBILE, "text": "x"}, {"to": MOBILE}, {"to": "ext:102", "text": "x"})).lines
        assert [(line["status"], line["code"]) for line in lines] == [
            (503, "queue_unavailable"),
            (422, "missing_field"),
            (503, "queue_unavailable"),
        ]
        assert (await until(503, lambda: ready(edge))).status == 503

        edge.queue_server.start()
        during = await until(202, lambda: edge.send(idempotency_key="during"))
        replayed = await edge.send(idempotency_key="before")
        assert (replayed.status, replayed.json["id"]) == (202, kept.json["id"])
        assert "Idempotent-Replayed" not in during.headers
        assert await edge.tally() == Tally(2, 0)
        await until(200, lambda: ready(edge))

    async def test_a_store_that_does_not_answer(self, own_edge):
        """Only what was to be kept is in doubt, and the doubt ends with the repeat: same key, same message."""
        edge = own_edge
        # As many connections as are wanted below: on a new one nothing is sent before the store has greeted.
        await asyncio.gather(*(edge.get("/v1/messages/0-1-1-0") for _ in range(8)))
        edge.queue_server.freeze()
        kept, read, looked_up, looked_at = await asyncio.gather(
            edge.send(to="user:acme-bob", idempotency_key="doubt"),
            edge.send(),
            edge.send("acme", user="nobody", idempotency_key="only looked up"),
            edge.get("/v1/messages/0-1-1-0"),
        )
        edge.queue_server.thaw()

        assert_away(kept, "outcome_unknown")
        for answer in (read, looked_up, looked_at):
            assert_away(answer, "queue_unavailable")
        assert (await edge.send(to="user:acme-bob", idempotency_key="doubt")).status == 202
        assert await edge.tally() == Tally(1, 0)

    async def test_many_at_once_while_it_goes(self, own_edge):
        """Every request gets an answer; every 202 is on disk, and repeating the others loses and doubles nothing."""
        edge = own_edge
        keys = [f"key-{n}" for n in range(80)]
        sending = [asyncio.ensure_future(edge.send(idempotency_key=key)) for key in keys]
        await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
        edge.queue_server.kill()
        answers = await asyncio.gather(*sending)

        assert {answer.status for answer in answers} <= {202, 503}
        assert {answer.json.get("code") for answer in answers} <= {None, "queue_unavailable", "outcome_unknown"}
        edge.queue_server.start()
        for key, first in zip(keys, answers, strict=True):
            again = await until(202, lambda key=key: edge.send(idempotency_key=key))
            assert first.status == 503 or again.json["id"] == first.json["id"]
        assert (await edge.tally()).accepted == len(keys)


def an_opt_out() -> dict[str, str]:
    """One that could be stored."""
    return {"recipient": MOBILE, "at": "2026-10-01T15:00:00Z", "keyword": "stop"}
