"""Ten thousand people say STOP while texts to them drain: from our answer on nothing to them begins, by the carrier.

Gateways die over it meanwhile, and the worker is far from the store, so that there is something to go wrong.
"""

import asyncio
import contextlib
import os
import random
from collections import Counter, defaultdict

import aiohttp
import orjson
import pytest

from gateway.queue import TERMINAL
from gateway.queue.store import open_store
from loadtests.children import fetch
from loadtests.company import TENANT, in_letters, make_company
from loadtests.faults.client import digest_of
from loadtests.faults.collect import read_counters, wait_until_ended
from loadtests.faults.proxy import Direction, Proxy
from loadtests.faults.stand import standing

#: One after the other with all that keeps both cores busy.
pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(300)]

PEOPLE = 10_000
#: People who begin to hear from the company together.
ROUND = 25
#: So many rounds lie between two texts to a person.
APART = 4
#: Texts to each.
TEXTS = 3
#: Somebody says STOP so many rounds after their first text, at most.
LATEST = 12
#: Every so-many-th STOP is brought three times at once.
COPIED = 20
SEED = 20_261_122
STOPPED = (
    "Bench Home Services LLC: You are opted out and will receive no further messages. Text START to receive them again."
)
#: Texts that wait for the worker at the most: whoever is stopped in the queue is no proof of anything.
MOST_OPEN = 400
#: A machine that drains so many more slowly than this has failed.
DRAIN_S = 30
#: From the store to the worker, one way, in seconds.
FAR_S = 0.05
WAIT_S = 90
#: The product's own, not the stand's short ones: where the machine stands still for a second, a confirmation whose
#: answer was lost is rightly not sent again.
PATIENT = {"A2P_LEASE_MS": "15000", "A2P_CARRIER_TIMEOUT_S": "10"}


class Storm:
    """Who said what to whom, and what the carrier saw of it."""

    def __init__(self, product):
        self.product = product
        self.senders = list(product.company.senders.values())
        self.people = [f"+1{area}557{n:04}" for area in (202, 203) for n in range(PEOPLE // 2)]
        #: By digest: whose text it is.
        self.texts = {}
        self.confirmations = {}
        self.answers = Counter()

    def sender(self, person):
        """Say which number writes to a person; the same always."""
        return self.senders[int(person[-4:]) % len(self.senders)]

    async def run(self, queue):
        """Send to everybody for a while, and have each say STOP some time or other in it."""
        stand, draw = self.product.stand, random.Random(SEED)
        gateway, carrier = (f"http://127.0.0.1:{port}" for port in (stand.port, stand.carrier_port))
        rounds = [self.people[start : start + ROUND] for start in range(0, PEOPLE, ROUND)]
        stops = defaultdict(list)
        for number, people in enumerate(rounds):
            for person in people:
                stops[number + draw.randint(0, LATEST)].append(person)
        async with aiohttp.ClientSession() as http:
            for number in range(len(rounds) + LATEST + 1):
                due = [(number - APART * turn, turn) for turn in range(TEXTS)]
                texts = [(person, turn) for at, turn in due if 0 <= at < len(rounds) for person in rounds[at]]
                if number in {len(rounds) // 3, len(rounds) * 2 // 3}:
                    await asyncio.to_thread(self.crash, f"gateway-{1 + number // (len(rounds) // 2)}")
                if texts:
                    await self.send(http, gateway, texts)
                    await wait_for_the_worker(queue)
                if stops[number]:
                    await self.order_stops(http, carrier, gateway, stops[number])

    def crash(self, gateway):
        """End a gateway in the middle of what it does, and start it again; there is another one meanwhile."""
        self.product.stand.kill(gateway)
        self.product.stand.start(gateway)

    async def send(self, http, gateway, texts):
        """Send texts, each to a person and with a key; again where the gateway died over it."""
        lines = []
        for person, turn in texts:
            text = f"Hi {in_letters(int(person[2:]))} {in_letters(turn)}"
            digest = digest_of(self.sender(person), person, text)
            self.texts[digest] = person
            line = {"from": self.sender(person), "to": person, "text": text, "client_message_id": digest}
            lines.append(orjson.dumps(line))
        headers = {
            "Authorization": f"Bearer {self.product.keys.tenants[TENANT]}",
            "Content-Type": "application/x-ndjson",
        }
        while True:
            try:
                async with http.post(f"{gateway}/v1/messages/batch", data=b"\n".join(lines), headers=headers) as answer:
                    assert answer.status == 200, await answer.text()
                    said = [orjson.loads(line) for line in (await answer.read()).splitlines()]
                    break
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
        self.answers.update("accepted" if one["status"] == 202 else one["code"] for one in said)

    async def order_stops(self, http, carrier, gateway, people):
        """Have each say STOP."""
        texts = []
        for person in people:
            self.confirmations[digest_of(self.sender(person), person, STOPPED)] = person
            text = {"url": f"{gateway}/carriers/emulator/inbound", "id": f"stop-{person}", "text": "STOP"}
            copies = 3 if int(person[-4:]) % COPIED == 0 else 1
            texts.append(text | {"from": person, "to": self.sender(person), "copies": copies})
        headers = {"Authorization": "Bearer carrier-secret"}
        async with http.post(f"{carrier}/inbound", data=orjson.dumps(texts), headers=headers) as answer:
            assert answer.status == 202, await answer.text()

    async def wait_until_answered(self):
        """Wait until every STOP has its yes."""
        async with asyncio.timeout(WAIT_S):
            while len(self.ledger()[0]) < PEOPLE:  # noqa: ASYNC110 - another process's ledger signals nobody
                await asyncio.sleep(1)

    def ledger(self):
        """Read from the carrier: when each STOP was first answered, when each text began, how many confirmations."""
        answered, begun, confirmed = {}, defaultdict(list), Counter()
        for event in map(orjson.loads, fetch(self.product.stand.carrier_port, "/ledger").splitlines()):
            if event["event"] == "inbound" and event["status_code"] == 200:
                answered.setdefault(event["id"].removeprefix("stop-"), event["at_ns"])
            elif event["event"] == "received" and event["digest"] in self.confirmations:
                confirmed[self.confirmations[event["digest"]]] += 1
            elif event["event"] == "received":
                begun[self.texts[event["digest"]]].append(event["at_ns"])
        return answered, begun, confirmed


async def wait_for_the_worker(queue):
    """Send no faster than the worker works, whatever the machine: by the store's own counters, as of now."""
    async with asyncio.timeout(DRAIN_S):
        while await still_open(queue) >= MOST_OPEN:  # noqa: ASYNC110 - another process's queue signals nobody
            await asyncio.sleep(0.02)


async def still_open(queue):
    """Count the messages that have not ended."""
    counts = [one.by_status.items() for one in await queue.counts()]
    return sum(number for by_status in counts for status, number in by_status if status not in TERMINAL)


@contextlib.asynccontextmanager
async def far_away(stand, worker):
    """Put a worker so far from the store that a while lies between its look at the opt-outs and the first byte."""
    async with Proxy(str(stand.place.sockets / "queue-store"), seed=1) as proxy:
        proxy.slow(Direction.TO_CLIENT, delay_s=FAR_S, jitter_s=FAR_S / 10)
        stand.terminate(worker)  # It gives its lease back, which a killed one's successor waits for.
        async with asyncio.timeout(WAIT_S):
            while not stand.ended(worker):  # noqa: ASYNC110 - another process's end signals nobody
                await asyncio.sleep(0.05)
        stand.start(worker, {"A2P_QUEUE_URL": f"redis://127.0.0.1:{proxy.port}/0"})
        await asyncio.to_thread(stand.wait_ready, worker)
        yield
        stand.kill(worker)


def test_no_submission_begins_after_our_answer_to_a_stop(tmp_path):
    """Whatever was judged a moment before; and one confirmation each, however often the STOP came, and to whom."""
    settings = {"A2P_CARRIER_BATCH": "20", "A2P_CARRIER_WINDOW": "1024"} | PATIENT
    company = make_company(senders=40, contacts=1)
    with standing(os.environ, gateways=2, workers=1, settings=settings, company=company) as product:
        storm, stand = Storm(product), product.stand

        async def all_of_it():
            async with far_away(stand, "worker-1"), open_store(stand.url("queue-store")) as queue:
                await storm.run(queue)
                await storm.wait_until_answered()
                await asyncio.to_thread(wait_until_ended, stand, WAIT_S)
                return read_counters(stand)

        counted = asyncio.run(all_of_it())
        answered, begun, confirmed = storm.ledger()

    late = {
        person: max(begun[person]) - at_ns
        for person, at_ns in answered.items()
        if begun[person] and max(begun[person]) > at_ns
    }
    assert late == {}, "ns after our answer"
    assert len(answered) == PEOPLE
    assert confirmed == dict.fromkeys(storm.people, 1)
    assert (counted.open, counted.difference) == (0, 0)
    # It was close: texts went out all the while, and others were stopped in the queue.
    sent = sum(map(len, begun.values()))
    near = sum(at_ns - max(begun[person]) < 1_000_000_000 for person, at_ns in answered.items() if begun[person])
    stopped = storm.answers["accepted"] - sent
    assert storm.answers.keys() <= {"accepted", "recipient_opted_out"}
    assert sent > PEOPLE / 2
    assert near > PEOPLE / 50
    assert stopped > PEOPLE / 50, storm.answers
