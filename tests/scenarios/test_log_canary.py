"""Nothing of what customers, carriers and operators send is ever shown: not in a log, a metric or an error answer.

Real processes at debug level, a mark of its own in every field of every kind of request, everything that can go wrong
on the way; then all that the processes said is searched. That it would be found is shown by a leak that is planted.
"""

import base64
import contextlib
import http.client
import itertools
import os
import re
import socket
import subprocess
import time
from dataclasses import dataclass, field
from urllib.parse import quote

import orjson
import pytest

from loadtests import parts
from loadtests.carrier.signing import signed_headers
from loadtests.children import ROOT, fetch, python
from loadtests.company import TENANT, Company, make_company
from loadtests.faults.stand import standing
from loadtests.ports import free_port
from tests.scenarios import crashing

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(600)]

PATIENCE_S = 60.0
#: Beside what the requests bring. The token is that of the emulator's command line.
CARRIER_TOKEN = "carrier-secret"
DEBUG = {"A2P_LOG_LEVEL": "debug", "A2P_REGISTRY_LOG_LEVEL": "debug", "PYTHONASYNCIODEBUG": "1"}


@dataclass
class Marks:
    """Words that stand nowhere else, each for one field."""

    given: list[str] = field(default_factory=list)
    numbers: set[str] = field(default_factory=set)

    def new(self, where):
        """A mark; the field's name is for whoever reads a failure."""
        self.given.append(f"Zq{len(self.given):03}{re.sub('[^a-z]', '', where.lower())}Qz")
        return self.given[-1]

    def number(self):
        """A number that nobody has."""
        number = f"+1303555{len(self.numbers):04}"
        self.numbers.add(number)
        return number


def found_in(outputs, marks):
    """Everything that should not be there, and where: marks, numbers in any spelling, and what looks like either."""
    words = [*marks.given, crashing.NOISE]
    numbers = [re.compile(r"\D{0,3}".join((n[2:5], n[5:8], n[8:]))) for n in sorted(marks.numbers)]
    looks = re.compile(r"\+1\d{10}|%2B1\d{10}|\b[2-9]\d{2}[- ]?555[- ]?\d{4}\b|a2p_[0-9A-Za-z]|whsec_[0-9A-Za-z]")
    return [
        f"{name}: {hit}"
        for name, text in outputs.items()
        for hit in (
            *(word for word in words if word.lower() in text.lower()),
            *(number.pattern for number in numbers if number.search(text)),
            *looks.findall(text),
        )
    ]


class Marked(Company):
    """A company whose names are marks."""

    def dump(self):
        """Write the company file; the credentials and ids stay, for requests name them."""
        data = orjson.loads(Company.dump(self))
        data["tenants"][0]["name"] = "Zqtenantname Ltd"
        data["brands"][0]["legal_name"] = "Zqbrandname LLC"
        for user in data["users"]:
            user["name"] = f"Zqusername {user['extension']}"
        return orjson.dumps(data)


class Client:
    """Sends whatever it is told, and keeps every answer that is no success."""

    def __init__(self, marks):
        self.marks = marks
        self.errors = {}
        self._count = itertools.count()

    def ask(self, port, method, path, body=b"", headers=None):
        """One request; status and body, or None when there was no answer."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        marked = {name: self.marks.new(name) for name in ("User-Agent", "X-Request-Id", "Referer", "Cookie", "Origin")}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, raw, {**marked, "Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            said = answer.read()
            shown = f"{answer.status} {answer.getheaders()} {said.decode(errors='replace')}"
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if answer.status >= 400:
            self.errors[f"{method} {path[:24]} #{next(self._count)}"] = shown
        return answer.status, said

    def shout(self, port, raw):
        """Bytes that are no request."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            said = connection.recv(65_536)
            self.errors[f"raw #{next(self._count)}"] = said.decode(errors="replace")


@pytest.fixture(scope="module")
def marks():
    """The marks of this run."""
    return Marks()


@pytest.fixture(scope="module")
def product(marks):
    """A gateway, a worker and a registry with crashes planted in them, at debug level."""
    plain = make_company(senders=20, contacts=40, unregistered=3)
    company = Marked(senders=plain.senders, contacts=plain.contacts, unregistered=plain.unregistered)
    marks.numbers.update({*company.senders.values(), *company.contacts, *company.unregistered.values()})
    before = parts.SERVE_GATEWAY, parts.SERVE_WORKER
    parts.SERVE_GATEWAY = python("tests.scenarios.crashing", "serve", "--supervised")
    parts.SERVE_WORKER = python("tests.scenarios.crashing", "work", "--supervised")
    settings = {**DEBUG, "A2P_CARRIER_BATCH": "5"}
    try:
        with standing(os.environ, gateways=1, workers=1, settings=settings, company=company) as running:
            keys = running.keys
            marks.given += [*keys.tenants.values(), *keys.users.values(), *keys.admins.values(), CARRIER_TOKEN]
            marks.given += [running.stand._secret, running.stand._secret.removeprefix("whsec_")]
            marks.given += ["Zqtenantname", "Zqbrandname", "Zqusername"]
            running.stand.terminate("registry-1")
            running.stand.parts["registry-1"].process.wait()
            running.stand.start("registry-1", DEBUG)
            running.stand.wait_ready("registry-1")
            yield running
    finally:
        parts.SERVE_GATEWAY, parts.SERVE_WORKER = before


def outputs_of(product, client):
    """All that our processes have said: logs, metrics, and errors to callers."""
    stand = product.stand
    ours = [name for name, part in stand.parts.items() if part.role in {"gateway", "worker", "registry"}]
    outputs = {name: (stand.place.folder / f"{name}.log").read_text(errors="replace") for name in ours}
    for name in ours:
        outputs[f"metrics of {name}"] = (fetch(stand.admin_port(name), "/metrics") or b"").decode()
        outputs[f"readiness of {name}"] = (fetch(stand.admin_port(name), "/readyz") or b"").decode()
    return outputs | client.errors


def text_to(product, client, marks, recipient, words=""):
    """Send one text that may go; the status of the answer."""
    user, did = list(product.company.senders.items())[1]
    headers = {"Authorization": f"Bearer {product.keys.tenants[TENANT]}"}
    body = {"user": user, "from": did, "to": recipient, "text": f"{marks.new('text')} {words}"}
    answered = client.ask(product.stand.port, "POST", "/v1/messages", body, headers)
    return answered and answered[0]


def crash(product, client, marks, words, name, event, to=None):
    """Have something go wrong over a text, again and again until its process has said so."""
    contacts = itertools.cycle([to] if to else product.company.contacts[5:])
    until(
        lambda: (
            text_to(product, client, marks, next(contacts), words)
            and event in {e["event"] for e in logged(product, name)}
        ),
        event,
        pause_s=1.0,
    )


def misbehave(product, client, marks):
    """Have the carrier misbehave in all its ways, last in the one that makes us wait."""
    for ending in ("10", "20", "30", "42", "44", "50", "53", "54", "55", "57"):
        marks.numbers.add(f"+131255501{ending}")
        until(lambda to=f"+131255501{ending}": text_to(product, client, marks, to) == 202, f"taken for {ending}")
    marks.numbers.add("+13125550135")
    crash(product, client, marks, "", "worker-1", "carrier_misconfigured", "+13125550135")


def texts(product, client, marks, every=1):
    """Texts that go, and texts in which a field is wrong, or every so-many-th, with marks in all the others."""
    port, company, keys = product.stand.port, product.company, product.keys
    (user, did), contact = next(iter(company.senders.items())), company.contacts[0]
    bearer = {"Authorization": f"Bearer {keys.tenants[TENANT]}"}

    def message(**fields):
        usual = {"user": user, "from": did, "to": contact, "text": f"See you {marks.new('text')}"}
        return usual | {"client_message_id": marks.new("client")} | fields

    def send(body, **more):
        # A key of either kind: both must not differ.
        keyed = isinstance(body, dict) and "client_message_id" in body
        headers = bearer | ({} if keyed else {"Idempotency-Key": marks.new("idempotency")}) | more
        return client.ask(port, "POST", "/v1/messages", body, headers)

    wrong = [
        message(**{name: value})
        for name in ("user", "from", "to", "text", "client_message_id", "send_at", "expires_at", "media")
        for value in (marks.new(name), [marks.new(name)], {marks.new(name): 1}, 7, None, f"a2p_{marks.new(name)}_x")
    ]
    wrong += [message(**{marks.new("field"): 1}), message(media=[{"id": marks.new("media")}])]
    wrong += [message(to=to) for to in (marks.number(), f"ext:{marks.new('ext')}", [contact, marks.number()], "911")]
    wrong += [message(**{"from": marks.number()}), message(user=marks.new("user")), [message()], marks.new("string")]
    unkeyed = {name: value for name, value in message().items() if name != "client_message_id"}
    for body in (message(), unkeyed, message(to=company.contacts[1:4]), *wrong[::every]):
        send(body)
        client.ask(port, "POST", "/v1/decisions", body, bearer)
    for raw in (b'{"text": "' + marks.new("json").encode(), b"\xff" + marks.new("utf").encode(), b"[" * 5_000, b""):
        send(raw)
        client.ask(port, "POST", "/v1/messages/batch", raw, bearer | {"Content-Type": "application/x-ndjson"})
    lines = b"\n".join(map(orjson.dumps, [message(), *wrong, message()]))
    client.ask(port, "POST", "/v1/messages/batch", lines, bearer | {"Content-Type": "application/x-ndjson"})
    send(message(), **{"Content-Type": marks.new("type")})
    send(message(), Host=marks.new("host"))
    personal = {"Authorization": f"Bearer {keys.users[user]}"}
    client.ask(port, "POST", "/v1/messages", {"to": "ext:1001", "text": marks.new("im")}, personal)


def everything_else(product, client, marks):
    """Every other route, with marks in paths, queries, headers and bodies; and bytes that are no request."""
    port, company, keys = product.stand.port, product.company, product.keys
    bearer = {"Authorization": f"Bearer {keys.tenants[TENANT]}"}
    for key in (
        f"Bearer a2p_{marks.new('key')}_{marks.new('secret')}",
        f"Basic {marks.new('basic')}",
        marks.new("auth"),
    ):
        client.ask(port, "POST", "/v1/messages", {"text": marks.new("text")}, {"Authorization": key})
    tampered = keys.tenants[TENANT][:-4] + "AAAA"
    marks.given.append(tampered)
    client.ask(port, "GET", "/v1/inbox", headers={"Authorization": f"Bearer {tampered}"})
    for tail in ("", "/events", "/decision"):
        client.ask(port, "GET", f"/v1/messages/{marks.new('path')}{tail}", headers=bearer)
    client.ask(port, "DELETE", f"/v1/messages/{quote(marks.number())}", headers=bearer)
    client.ask(port, "GET", f"/v1/inbox?after={marks.new('after')}&user={marks.new('user')}", headers=bearer)
    client.ask(port, "POST", "/v1/media", marks.new("media").encode(), bearer | {"Content-Type": marks.new("type")})
    client.ask(port, "POST", "/v1/media", marks.new("media").encode(), bearer | {"Content-Type": "image/png"})
    client.ask(port, "GET", f"/v1/media/{marks.new('path')}", headers=bearer)
    at = "2026-11-20T15:00:00Z"
    for change in ({}, {"recipient": marks.new("recipient")}, {"at": marks.new("at")}, {"number": marks.number()}):
        row = {"recipient": marks.number(), "at": at, "keyword": marks.new("keyword")} | change
        client.ask(port, "PUT", "/v1/opt-outs", {"opt_outs": [row]}, bearer)
    for method, path in (("GET", "path"), (marks.new("method").upper(), "v1/messages"), ("PUT", "v1/inbox")):
        client.ask(port, method, f"/{path}{marks.new('path')}?{marks.new('query')}={quote(marks.number())}")
    head = f"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {keys.tenants[TENANT]}\r\n"
    for rest in (
        f"Content-Length: {marks.new('length')}\r\n\r\n",
        f"Transfer-Encoding: {marks.new('coding')}\r\n\r\n",
        f"{marks.new('field')}\r\n\r\n",
        f"X: {marks.new('long') * 2_000}\r\n\r\n",
        f"Content-Length: 9999\r\n\r\n{marks.new('body')}",
        f"Transfer-Encoding: chunked\r\n\r\n{marks.new('chunk')}\r\n",
    ):
        client.shout(port, (head + rest).encode())
    client.shout(port, f"{marks.new('raw')} {marks.number()}\r\n\r\n".encode())
    for name in ("gateway-1", "worker-1", "registry-1"):
        client.ask(product.stand.admin_port(name), "GET", f"/{marks.new('path')}?{marks.new('query')}")
    registry_port = int(product.stand.parts["registry-1"].process._environment["A2P_REGISTRY_HTTP_PORT"])
    admin = {"Authorization": f"Bearer {keys.admins[TENANT]}", "If-Match": "*"}
    did = next(iter(company.senders.values()))
    for path in (
        f"numbers/{quote(did)}",
        f"numbers/{quote(marks.number())}",
        f"brands/{marks.new('id')}",
        marks.new("x"),
    ):
        for body in ({"user": marks.new("user")}, {marks.new("field"): 1}, marks.new("json").encode(), {"sms": 7}):
            client.ask(registry_port, "PATCH", f"/v1/{path}", body, admin)
        client.ask(registry_port, "GET", f"/v1/{path}?{marks.new('query')}", headers=admin)
    client.ask(registry_port, "GET", "/v1/brands/x", headers={"Authorization": f"Bearer a2p_{marks.new('key')}_x"})
    client.shout(registry_port, f"{marks.new('raw')}\r\n\r\n".encode())


def deliveries(product, client, marks, every=1):
    """What carriers send, or every so-many-th: receipts and texts, signed and not, sound and broken."""
    port, company = product.stand.port, product.company
    key = base64.b64decode(product.stand._secret.removeprefix("whsec_"))
    did, contact = next(iter(company.senders.values())), company.contacts[9]
    at = "2026-11-20T15:00:00Z"

    def receipt(**fields):
        usual = {"id": marks.new("id"), "reference": marks.new("reference"), "status": "delivered"}
        return usual | {"code": marks.new("code"), "occurred_at": at} | fields

    def text(**fields):
        usual = {"id": marks.new("id"), "from": contact, "to": did, "text": marks.new("inbound"), "received_at": at}
        return usual | {"media": [{"type": marks.new("type"), "bytes": 1, "url": marks.new("url")}]} | fields

    bodies = {
        "receipts": [
            receipt(),
            receipt(reference="0-1-0-0"),
            receipt(status=marks.new("status")),
            receipt(occurred_at=marks.new("at")),
            [receipt(), marks.new("item")],
            marks.new("string"),
        ],
        "inbound": [
            text(),
            text(text="STOP"),
            text(text="HELP"),
            text(to=marks.number()),
            text(**{"from": marks.new("from")}),
            text(id=marks.number()),
            text(received_at=marks.new("at"), media=marks.new("media")),
            text(text=[marks.new("text")]),
            {},
        ],
    }
    for route, several in bodies.items():
        for body in [orjson.dumps(one) for one in several[::every]] + [b"{" + marks.new("json").encode()]:
            for secret, name, at_s in ((key, "emulator", 0), (b"another", "emulator", 0), (key, marks.new("name"), 0)):
                headers = signed_headers(
                    secret, webhook_id=marks.new("webhook"), timestamp_s=int(time.time()) + at_s, body=body
                )
                client.ask(port, "POST", f"/carriers/{name}/{route}", body, headers)
        stale = signed_headers(key, webhook_id=marks.new("webhook"), timestamp_s=1_000_000_000, body=b"{}")
        client.ask(port, "POST", f"/carriers/emulator/{route}", b"{}", stale)


def until(holds, what, pause_s=0.05):
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(pause_s)


def logged(product, name):
    """The events that a process has logged."""
    lines = (product.stand.place.folder / f"{name}.log").read_text(errors="replace").splitlines()
    assert [line for line in lines if not line.startswith("{")] == [], "everything is an entry"
    return [orjson.loads(line) for line in lines]


def test_nothing_of_what_is_sent_is_shown(product, marks):
    """Marks in every field of every request; stores, carrier and registry fail meanwhile; nothing is found anywhere."""
    client, stand = Client(marks), product.stand
    for step in (texts, everything_else, deliveries):
        step(product, client, marks)
    crash(product, client, marks, crashing.RULE, "gateway-1", "decide_crashed")
    crash(product, client, marks, crashing.CONNECTOR, "worker-1", "connector_crashed")
    for name in ("carrier", "queue-store", "registry-store"):
        stand.kill(name)
        texts(product, client, marks, every=12)
        deliveries(product, client, marks, every=5)
        if name == "registry-store":
            until(lambda: "projection_failed" in {e["event"] for e in logged(product, "registry-1")}, "failed")
        stand.start(name)
        stand.wait_ready(name)
    stand.parts["queue-store"].process.freeze()
    client.ask(stand.port, "GET", f"/v1/messages/{marks.new('path')}")
    stand.parts["queue-store"].process.thaw()
    stand.heal()
    misbehave(product, client, marks)
    crash(product, client, marks, crashing.RECHECK, "worker-1", "recheck_crashed")

    events = {name: logged(product, name) for name in ("gateway-1", "worker-1", "registry-1")}
    said = {name: {entry["event"] for entry in entries} for name, entries in events.items()}
    assert {"decide_crashed", "delivery_not_signed", "library_logged", "process_crashed"} <= said["gateway-1"]
    assert {"recheck_crashed", "connector_crashed", "library_logged"} <= said["worker-1"]
    assert {"projection_failed"} <= said["registry-1"]
    unlisted = [entry for entries in events.values() for entry in entries if "unlisted" in entry]
    assert unlisted == []
    assert len(client.errors) > 100, "hardly anything went wrong"
    assert found_in(outputs_of(product, client), marks) == []


def test_a_command_that_fails_names_rows_and_not_what_is_in_them(product, marks, tmp_path):
    """An import of a broken company file, a wrong setting, a store that is not there."""
    data = orjson.loads(product.company.dump())
    data["users"][0] |= {"name": [marks.new("name")], "extension": marks.new("extension")}
    data["numbers"][0] |= {"did": marks.new("did"), "kind": marks.new("kind")}
    data["contacts"][0] |= {"number": marks.new("number"), "carrier": marks.new("carrier")}
    data["campaigns"][0] |= {"status": marks.new("status"), "use_case": marks.new("use")}
    file = tmp_path / "company.json"
    file.write_bytes(orjson.dumps(data))
    secret = marks.new("password")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("A2P_")}
    store = f"redis://:{secret}@127.0.0.1:{free_port()}/0"
    runs = [
        ((*python("registry", "import", str(file)), "--skip-opt-outs"), {"A2P_REGISTRY_DATA_DIR": str(tmp_path / "d")}),
        (python("gateway", "serve"), {"A2P_CARRIER_TOKEN": secret, "A2P_PORT": marks.new("port")}),
        (python("gateway", "work"), {"A2P_QUEUE_URL": store, "A2P_CARRIER_TOKEN": secret}),
        (python("registry", "serve"), {"A2P_REGISTRY_REGISTRY_URL": f"{secret}://x"}),
    ]
    outputs = {}
    for command, settings in runs:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**clean, **DEBUG, **settings},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode != 0, command
        said = done.stdout + done.stderr
        outputs[" ".join(command[2:5])] = said.replace("such as +12025550123", "")  # Ours, and nobody's.

    assert found_in(outputs, marks) == []


def test_a_leak_would_be_found(product, marks):
    """The same gateway, which prints one text: the search finds it in its log."""
    client, stand = Client(marks), product.stand
    parts_before, parts.SERVE_GATEWAY = parts.SERVE_GATEWAY, [*parts.SERVE_GATEWAY, "--leak"]
    try:
        stand.add_ours("gateway-2", "gateway")
    finally:
        parts.SERVE_GATEWAY = parts_before
    stand.kill("gateway-1")
    stand.start("gateway-2")
    stand.wait_ready("gateway-2")
    (user, did), text = next(iter(product.company.senders.items())), marks.new("leak")
    headers = {"Authorization": f"Bearer {product.keys.tenants[TENANT]}"}
    body = {"user": user, "from": did, "to": product.company.contacts[0], "text": text}
    answered = client.ask(stand.port, "POST", "/v1/messages", body, headers)

    assert answered is not None
    assert answered[0] == 202
    assert f"gateway-2: {text}" in found_in(outputs_of(product, client), marks)


@pytest.mark.parametrize(
    "leak",
    ["Zq000textQz", "zq000TEXTqz", "+13035550000", "(303) 555-0000", "303-555-0000", "%2B13035550000", "a2p_abc_def"],
)
def test_the_search_finds(leak):
    """Marks in any case, numbers in any spelling, keys that nobody gave."""
    known = Marks()
    known.new("text")
    known.number()

    assert found_in({"log": f'{{"event":"x","detail":"… {leak} …"}}'}, known) != []
    assert found_in({"log": '{"event":"x","epoch":1795342578531,"message":"0-1795342578531-0-0"}'}, known) == []
