"""A client that goes away, and a body that nobody reads: neither harms whoever comes next."""

import asyncio
import contextlib
import random

import orjson

from loadtests.faults.proxy import Direction
from tests.gateway.faults.standing import assert_kept_once, standing, until, until_kept
from tests.gateway.running_edge import Edge, a_body, running_edge, secret


def raw_request(body: bytes, **headers: str) -> bytes:
    """Write a send as bytes."""
    lines = [
        "POST /v1/messages HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def sent(edge: Edge, key: str) -> asyncio.StreamWriter:
    """Send a text, and return the connection on which the answer is to come."""
    _, writer = await asyncio.open_connection("127.0.0.1", edge.gateway.port)
    headers = {"Authorization": f"Bearer {secret('ann')}", "Idempotency_Key": key}
    writer.write(raw_request(orjson.dumps(a_body()), **headers))
    return writer


async def send_and_leave(edge: Edge, key: str, after_s: float) -> None:
    """Send a text and break the connection, whatever became of it."""
    writer = await sent(edge, key)
    await asyncio.sleep(after_s)
    writer.transport.abort()


async def test_the_commit_is_not_the_clients():
    """Clients go away at random moments of a slow flush that they share with others.

    Those who stay have their answers. Whoever comes back with the same key finds one message, and what was written is
    not written again.
    """
    draw = random.Random(1)
    async with standing() as stand:
        edge = stand.edge
        stand.proxy.slow(Direction.TO_CLIENT, delay_s=0.05)
        leaving = [f"leaves-{n}" for n in range(40)]
        staying = [f"stays-{n}" for n in range(40)]
        answers, _ = await asyncio.gather(
            asyncio.gather(*(edge.send(idempotency_key=key) for key in staying)),
            asyncio.gather(*(send_and_leave(edge, key, draw.random() * 0.3) for key in leaving)),
        )
        assert [answer.status for answer in answers] == [202] * len(staying)

        stand.proxy.heal()
        ids = [answer.json["id"] for answer in answers]
        for key in leaving:
            ids.append((await until_kept(edge, key)).json["id"])  # noqa: PERF401 - one after the other
        await assert_kept_once(edge, ids)


async def test_a_client_that_left_during_the_write_finds_its_message():
    """It was being written when the connection broke: it is kept, and the key gives its id again."""
    async with standing() as stand:
        edge = stand.edge
        stand.proxy.slow(Direction.TO_CLIENT, delay_s=0.5)
        writer = await sent(edge, "key")

        async def written() -> bool:
            return (await edge.tally()).accepted == 1

        await until(written, "accepted")  # And the answer is on its way, from the store to the gateway.
        writer.transport.abort()
        stand.proxy.heal()
        again = await until_kept(edge, "key")
        assert again.headers["Idempotent-Replayed"] == "true"
        await assert_kept_once(edge, [again.json["id"]])


async def test_a_body_that_nobody_reads_is_no_request():
    """A request is refused before its body is read; what is in that body is never taken for the next request."""
    inner = raw_request(orjson.dumps(a_body()), Authorization=f"Bearer {secret('ann')}")
    async with running_edge() as edge:
        for refused in (raw_request(inner), raw_request(inner, Authorization=f"Bearer {secret('reader')}")):
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.gateway.port)
            writer.write(refused + b"GET /v1/reasons HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            said = b""
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(30):
                    while data := await reader.read(1 << 16):
                        said += data
            writer.close()
            statuses = [part.split(b" ")[0] for part in said.split(b"HTTP/1.1 ")[1:]]
            # The connection goes on with the real next request, or ends.
            assert statuses in ([b"401", b"200"], [b"401"], [b"403", b"200"], [b"403"])
        assert (await edge.tally()).accepted == 0
