"""SIGTERM as it really goes: not ready at first, then no new work, what is under way is finished, and the end."""

import contextlib
import http.client
import os
import signal
import socket
import time
from collections import Counter

import orjson
import pytest

from loadtests.children import fetch
from loadtests.faults.collect import read_arrivals
from loadtests.faults.stand import standing

#: One after the other: each starts eight processes.
pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(600)]

#: Far longer than any test: whoever waits for it has failed.
NEVER_S = 300
LEASE_S = 60
PATIENCE_S = 60.0
TEXTS = 5


def until(holds, what):
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return found


def reason(port):
    """Why a process is not ready; None when it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return None if answer.status == 200 else answer.read().decode()
    finally:
        connection.close()


def ask(product, number=0):
    """Send one text; the connection on which the answer will come."""
    (user, did), contact = list(product.company.senders.items())[number], product.company.contacts[number]
    body = orjson.dumps({"from": did, "user": user, "to": contact, "text": "See you soon."})
    headers = {"Authorization": f"Bearer {product.keys.users[user]}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", product.stand.port, timeout=PATIENCE_S)
    connection.request("POST", "/v1/messages", body, headers)
    return connection


def answer(connection):
    """Read an answer: status, Connection header and body."""
    with contextlib.closing(connection):
        response = connection.getresponse()
        return response.status, response.getheader("Connection"), orjson.loads(response.read())


def send(product, number=0):
    """Send one text; status, Connection header and body of the answer."""
    return answer(ask(product, number))


def listens(port):
    """Whether anybody takes connections there."""
    with socket.socket() as probe:
        probe.settimeout(10)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def product():
    """One worker, whose lease and whose patience with carriers are far longer than any test; no gateway yet."""
    settings = {"A2P_LEASE_MS": str(LEASE_S * 1000), "A2P_CARRIER_TIMEOUT_S": "60"}
    with standing(os.environ, gateways=0, workers=1, settings=settings) as running:
        yield running


@contextlib.contextmanager
def gateway(stand, pre_stop_s):
    """Run a gateway, the only one; its name."""
    name = f"gateway-{pre_stop_s}"
    stand.add_ours(name, "gateway")
    stand.start(name, {"A2P_PRE_STOP_S": str(pre_stop_s)})
    try:
        stand.wait_ready(name)
        yield name
    finally:
        if name in stand.parts:
            stand.kill(name)


def test_a_gateway_is_not_ready_serves_on_and_ends_at_once_when_told_twice(product):
    """Whoever routes by readiness has the time to notice; whoever sends a second signal does not want to wait."""
    stand = product.stand
    with gateway(stand, NEVER_S) as name:
        assert send(product)[:2] == (202, None)

        stand.terminate(name)
        until(lambda: reason(stand.admin_port(name)) == "stopping", "readiness never said so")
        assert send(product)[:2] == (202, "close")

        stand.terminate(name)
        assert stand.remove(name) == 128 + signal.SIGTERM


def test_a_gateway_closes_its_listener_and_answers_what_it_took(product):
    """A request that waits for the disk when the listener closes has its 202."""
    stand, disk = product.stand, product.stand.parts["queue-store"].process
    with gateway(stand, 0.5) as name:
        disk.freeze()
        try:
            waiting = ask(product)
            stand.terminate(name)
            until(lambda: not listens(stand.port), "the listener never closed")
            assert reason(stand.admin_port(name)) == "stopping"
        finally:
            disk.thaw()

        assert answer(waiting)[:2] == (202, "close")
        assert stand.remove(name) == 0


def test_workers_finish_what_they_began_hand_over_and_go_at_once_when_told_twice(product):
    """No doubt, no double, and nobody waits out a lease of a minute."""
    stand, carrier = product.stand, product.stand.parts["carrier"].process
    with gateway(stand, 0):
        carrier.freeze()
        ids = [send(product, number)[2]["id"] for number in range(TEXTS)]
        until(lambda: at(product, ids, "submitting") == TEXTS, "the attempts were never begun")

        stand.terminate("worker-1")
        until(lambda: reason(stand.admin_port("worker-1")) == "stopping", "readiness never said so")
        stand.add_ours("worker-2", "worker")
        stand.start("worker-2")
        late = send(product, TEXTS)[2]["id"]
        carrier.thaw()

        assert stand.remove("worker-1") == 0
        stand.wait_ready("worker-2")
        began_s = time.monotonic()
        until(lambda: owned(stand) == 4, "worker-2 did not take over")
        assert time.monotonic() - began_s < LEASE_S / 2, "it waited for the lease to run out"
        until(lambda: at(product, (*ids, late), "delivered") == TEXTS + 1, "they did not end")
        taken = Counter(arrival.reference for arrival in read_arrivals(stand) if arrival.taken)
        assert {name: taken[name] for name in (*ids, late)} == dict.fromkeys((*ids, late), 1)
        codes = {event["code"] for number, name in enumerate(ids) for event in events(product, name, number)}
        assert not any(code and code.startswith("doubt_") for code in codes)

        carrier.freeze()
        ids = [send(product)[2]["id"]]
        until(lambda: at(product, ids, "submitting") == 1, "the attempt was never begun")
        stand.terminate("worker-2")
        until(lambda: reason(stand.admin_port("worker-2")) == "stopping", "the first signal was not heard")
        stand.terminate("worker-2")
        assert stand.remove("worker-2") == 128 + signal.SIGTERM


def events(product, name, number):
    """Read a message's events."""
    user = list(product.company.senders)[number]
    connection = http.client.HTTPConnection("127.0.0.1", product.stand.port, timeout=PATIENCE_S)
    try:
        key = {"Authorization": f"Bearer {product.keys.users[user]}"}
        connection.request("GET", f"/v1/messages/{name}/events", headers=key)
        return orjson.loads(connection.getresponse().read())["events"]
    finally:
        connection.close()


def at(product, ids, status):
    """How many of these have this status; the first of them is the first sender's, and so on."""
    last = [events(product, name, number)[-1]["status"] for number, name in enumerate(ids)]
    return last.count(status)


def owned(stand):
    """How many partitions worker-2 owns."""
    page = fetch(stand.admin_port("worker-2"), "/metrics") or b""
    lines = [line for line in page.decode().splitlines() if line.startswith("worker_owned_partitions ")]
    return float(lines[0].split()[1]) if lines else 0
