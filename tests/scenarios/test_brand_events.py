"""A word of TCR reaches every process before TCR has its answer."""

import base64
import hashlib
import hmac
import os
import time
import urllib.error
import urllib.request

import orjson
import pytest

from loadtests.company import make_company
from loadtests.faults.stand import standing
from loadtests.ports import free_port
from tests.scenarios.databases import on_both

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(300)]

SECRET = "test-secret-1"
BRAND = "BBENCH1"


def post(url, body, **headers):
    """Send JSON; gives status and body."""
    headers = {"Content-Type": "application/json"} | headers
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            return answer.status, orjson.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, orjson.loads(refused.read())


def reasons(ports, product):
    """Why each number may text or may not, asked of each process."""
    contact = product.company.contacts[0]
    found = set()
    for port in ports:
        for user, did in product.company.senders.items():
            body = orjson.dumps({"from": did, "to": contact, "text": "On my way."})
            key = {"Authorization": f"Bearer {product.keys.users[user]}"}
            status, answer = post(f"http://127.0.0.1:{port}/v1/decisions", body, **key)
            assert status == 200, answer
            found.add(answer["reason"]["code"])
    return found


def until_registered(ports, product):
    """Wait until no process holds anything against a number, and knows that from a registry that is heard."""
    deadline = time.monotonic() + 60
    while (found := reasons(ports, product)) != {"ok_registered"}:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


@on_both
def test_j10_a_deleted_brand_stops_all_its_numbers_everywhere(registry_databases):
    """Forty numbers, known to three processes: the next text of each is refused by each, once TCR has its answer."""
    company = make_company(senders=40, contacts=1)
    with standing(os.environ, gateways=3, workers=1, company=company, registry=registry_databases) as product:
        stand, ports = product.stand, []
        for name in stand.of("gateway"):
            ports.append(free_port())
            stand.kill(name)
            stand.start(name, {"A2P_PORT": str(ports[-1]), "A2P_PUBLIC_URL": f"http://127.0.0.1:{ports[-1]}"})
        port = free_port()
        hook = f"http://127.0.0.1:{port}/hooks/tcr"
        stand.kill("registry-1")
        mine = {"A2P_REGISTRY_TCR_SECRET": SECRET, "A2P_REGISTRY_TCR_HOOK_URL": hook}
        stand.start("registry-1", mine | {"A2P_REGISTRY_HTTP_PORT": str(port)})
        stand.heal()
        until_registered(ports, product)

        event = {"brandId": BRAND, "eventType": "BRAND_DELETE", "mock": False, "time": "2026-11-22T12:00:00.000Z"}
        body = orjson.dumps(
            event, option=orjson.OPT_SORT_KEYS
        )  # What RFC 8785 makes of it, for keys and values such as these.
        signature = base64.b64encode(hmac.digest(SECRET.encode(), hook.encode() + body, hashlib.sha1)).decode()
        refused, _ = post(hook, body, **{"X-Registry-Signature": signature[::-1]})
        assert refused == 401
        until_registered(ports, product)  # (at once, unless the machine kept the registry from its heartbeat)

        answered, said = post(hook, body, **{"X-Registry-Signature": signature})
        assert (answered, said["outcome"]) == (200, "applied")
        assert reasons(ports, product) == {"brand_deleted"}
