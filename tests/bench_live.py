"""What live events cost: `python -m tests.bench_live [--messages N]`. Nothing is asserted.

A journal of texts of many users, as a worker writes it (a batch of sixteen an entry, three entries a batch), is read
by a reader that nobody's, one user's, and everybody's events are wanted of. Processor time of the reading process and
of the store, per entry and per message.
"""

import argparse
import asyncio
import time

import orjson
from redis.asyncio import Redis

from gateway.envelope import Channel, Envelope, TrafficClass, dump
from gateway.live.events import Changes, User
from gateway.live.places import Place
from gateway.live.store import LiveStore
from gateway.queue import Accept, Begin, Finish, Receipt, Status
from gateway.queue.store import QueueStore, open_store
from tests.valkey import Valkey

_BATCH = 16
_USERS = 1_000


def _message(number: int) -> bytes:
    """Build a text with a decision record of the usual size."""
    now_ms = int(time.time() * 1_000)
    envelope = Envelope(
        tenant="acme",
        user=f"user-{number % _USERS}",
        channel=Channel.SMS,
        origin="app",
        sender="+12025550111",
        recipient="+14155550143",
        text="On our way, see you at ten. " * 4,
        traffic_class=TrafficClass.P2P,
        accepted_ms=now_ms,
        expires_ms=now_ms + 3_600_000,
        verdict="allow",
        reason="ok_registered",
        record=orjson.dumps({"v": 1, "facts": "x" * 2_000}),
    )
    return dump(envelope)


async def _fill(queue: QueueStore, messages: int) -> None:
    """Have messages accepted, submitted and delivered, all in one partition."""
    epoch = await queue.own(0, "bench", 600_000)
    assert epoch is not None
    for start in range(0, messages, _BATCH):
        packed = tuple(_message(number) for number in range(start, start + _BATCH))
        await queue.accept([Accept(partition=0, messages=packed)])
        taken, _ = await queue.take(0, epoch, count=1, pending_after=None)
        begun = await queue.begin(0, epoch, [Begin(id=one.id, payload=one.payload) for one in taken])
        ends = [Finish(id=one.id, status=Status.SUBMITTED, attempt=one.attempt or 0, carrier="c") for one in begun]
        await queue.finish(0, epoch, ends)
        await queue.receipts(
            [Receipt(id=one.id, status=Status.DELIVERED, carrier="c", carrier_reference="r") for one in taken]
        )


async def _store_cpu_s(url: str) -> float:
    async with Redis.from_url(url, socket_timeout=None) as client:
        info = await client.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


async def _measure(url: str, name: str, wanted: set[User], messages: int) -> None:
    store = LiveStore(url, 1)
    changes, place = Changes(store), Place(0, 0)
    entries = events = 0
    store_s, began = await _store_cpu_s(url), time.process_time()
    while piece := await store.journal_from(0, place, count=200):
        events += len(await changes.of(piece, wanted.__contains__))
        entries, place = entries + len(piece), piece[-1].place
    spent, store_spent = time.process_time() - began, await _store_cpu_s(url) - store_s
    await store.close()
    print(
        f"{name:>10}: {events:>7,} events; an entry {spent / entries * 1e6:6.0f} µs, a message "
        f"{spent / messages * 1e6:5.1f} µs; in the store {store_spent / messages * 1e6:5.1f} µs a message"
    )


async def _main(messages: int) -> None:
    everybody = {User("acme", f"user-{number}") for number in range(_USERS)}
    with Valkey(settings={"appendfsync": "everysec"}) as server:
        async with Redis.from_url(server.url, socket_timeout=None) as client:
            await client.config_set("appendfsync", "always")
        async with open_store(server.url, partitions=1) as queue:
            await _fill(queue, messages)
        print(f"{messages:,} messages, four changes each")
        for name, wanted in (("nobody", set()), ("one user", {User("acme", "user-1")}), ("everybody", everybody)):
            await _measure(server.url, name, wanted, messages)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=8_000)
    asyncio.run(_main(parser.parse_args().messages))
