"""What belongs to others is as unknown as what is not there: every route, every key, every way to name an object.

The rows come from the API's description, which is compared with the router (test_openapi.py): a new route without a row
here fails.
"""

import hmac
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
import pytest
import pytest_asyncio

from compliance import documents
from compliance.documents import KeyDocument
from gateway.edge.openapi import DESCRIPTION
from tests.gateway.running_edge import (
    ANN,
    ANNS,
    BOB,
    BOBS,
    FOREIGN,
    MOBILE,
    ROB,
    ROBS,
    Answer,
    a_body,
    running_edge,
    secret,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Keys of acme's: whose, and with which scopes; None for whose is the company's.
KEYS: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "tall": (None, ("send", "read", "admin")),
    "tprogram": (None, ("send", "read")),
    "tsend": (None, ("send",)),
    "tread": (None, ("read",)),
    "tadmin": (None, ("admin",)),
    "uapp": (ANN, ("send", "read")),
    "usend": (ANN, ("send",)),
    "uread": (ANN, ("read",)),
}
#: Who opted out of whose company's texts, by the user whose objects are made.
PEOPLE = {ANN: "+12155550181", BOB: "+12155550182", ROB: "+12155550183"}
#: Keys that open nothing.
CLOSED = ("revoked", "unheardof", None)


class Call(NamedTuple):
    """A request that names an object."""

    path: str
    body: Any = None
    kind: str = "application/json"


def by_id(path):
    """Name a message or an upload in the path."""
    return lambda name: Call(path.replace("{id}", name))


def in_message(**fields):
    """Name something in a message; fields hold NAME where it stands."""

    def call(name):
        text = orjson.dumps(a_body(**fields)).replace(b"NAME", name.encode())
        return Call("/v1/messages", orjson.loads(text))

    return call


def in_line(**fields):
    """The same in the line of a batch."""
    one = in_message(**fields)
    return lambda name: Call("/v1/messages/batch", one(name).body, "application/x-ndjson")


def in_question(**fields):
    """The same where nothing is sent."""
    one = in_message(**fields)
    return lambda name: Call("/v1/decisions", one(name).body)


def in_opt_out(name):
    """Name the number that received an opt-out."""
    row = {"recipient": "+12155550177", "at": "2026-10-01T15:00:00Z", "keyword": "stop", "number": name}
    return Call("/v1/opt-outs", {"opt_outs": [row]})


def in_restoration(name):
    """Name a person who opted out."""
    return Call("/v1/opt-outs/restore", {"recipient": name, "evidence": "Signed our form; folder 12."})


#: Every way of an operation to name an object: operation, kind of object, request.
WAYS = [
    *(
        (one, "message", by_id(path))
        for one, path in (
            ("getMessage", "/v1/messages/{id}"),
            ("getEvents", "/v1/messages/{id}/events"),
            ("getDecision", "/v1/messages/{id}/decision"),
            ("cancelMessage", "/v1/messages/{id}"),
        )
    ),
    ("getMessage", "group", by_id("/v1/messages/{id}")),
    ("getMessage", "refusal", by_id("/v1/messages/{id}")),
    ("getDecision", "refusal", by_id("/v1/messages/{id}/decision")),
    ("cancelMessage", "refusal", by_id("/v1/messages/{id}")),
    ("downloadMedia", "medium", by_id("/v1/media/{id}")),
    ("readInbox", "user", lambda name: Call(f"/v1/inbox?user={name}")),
    ("followEvents", "user", lambda name: Call(f"/v1/events?user={name}")),
    ("putOptOuts", "number", in_opt_out),
    ("getOptOut", "person", lambda name: Call(f"/v1/opt-outs/{name.replace('+', '%2B')}")),
    ("restoreOptOut", "person", in_restoration),
    *(
        (one, kind, way(**fields))
        for one, way in (("sendMessage", in_message), ("sendBatch", in_line), ("decide", in_question))
        for kind, fields in (
            ("number", {"sender": "NAME"}),
            ("number", {"user": ANN, "sender": "NAME"}),
            ("user", {"user": "NAME"}),
            ("colleague", {"user": ANN, "to": "user:NAME"}),
            ("medium", {"user": ANN, "media": [{"id": "NAME"}]}),
        )
        if not (one == "decide" and kind == "medium")
    ),
]
#: These name no object of a company: what they make or show is the key's own, or everybody's.
OBJECTLESS = {"uploadMedia", "listOptOuts", "getReasons", "getProblems", "getOpenApi", "getDocs"}
#: Carriers have no company; what they name is looked up in the queue alone.
CARRIERS = {"postReceipts", "postInbound"}

METHODS = {one.id: one.method for one in DESCRIPTION.operations}
SCOPES = {one.id: one.scope for one in DESCRIPTION.operations}


async def _objects(edge, key: str, user: str, number: str) -> dict[str, str]:
    """Make one object of each kind."""
    sent = await edge.send(key, user=user)
    group = await edge.send(key, user=user, to=[MOBILE, "ext:101" if user == BOB else MOBILE.replace("143", "144")])
    refused = await edge.send(key, user=user, to="911")
    headers = {"Content-Type": "text/plain"}
    medium = await edge.call("POST", "/v1/media", key=key, data=user.encode(), headers=headers)
    row = {"recipient": PEOPLE[user], "at": "2026-10-01T15:00:00Z", "keyword": "stop"}
    await edge.call("PUT", "/v1/opt-outs", key=key, json={"opt_outs": [row]})
    return {
        "message": sent.json["id"],
        "group": group.json["id"],
        "refusal": refused.json["id"],
        "medium": medium.json["id"],
        "user": user,
        "colleague": user,
        "number": number,
        "person": PEOPLE[user],
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge():
    """A gateway with acme and rival, and keys of every kind."""
    async with running_edge() as shared:
        made = {}
        for name, (user, scopes) in (KEYS | {"revoked": (None, ("send", "read", "admin"))}).items():
            digest = sha256(secret(name).encode()).hexdigest()
            document = KeyDocument(id=name, sha256=digest, tenant="acme", user=user, scopes=scopes)
            made[documents.api_key_key(name)] = documents.dump_key(document)
        await shared.registry.write(made)
        await shared.registry.write({documents.api_key_key("revoked"): None})
        yield shared


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def names(edge):
    """An object of each kind: Ann's, her colleague's, another company's, and names that nobody has."""
    others = await _objects(edge, "rival", ROB, ROBS)
    missing = {kind: _changed(name) for kind, name in others.items()}
    return {
        "own": await _objects(edge, "acme", ANN, ANNS),
        "colleague": await _objects(edge, "acme", BOB, BOBS),
        "other": others,
        "missing": missing
        | {"user": "rival-bob", "colleague": "rival-bob", "number": FOREIGN, "person": "+12155550184"},
    }


def _changed(name: str) -> str:
    """A name of the same form that nobody has."""
    if "-" in name and name.replace("-", "")[2:].isdigit():
        parts = name.split("-")
        return "-".join([*parts[:-2], str(int(parts[-2]) + 77), parts[-1]] if name[0] != "r" else [*parts[:-1], "77"])
    return name[::-1]


async def ask(edge, way, name: str, key: str | None) -> Answer:
    """Send one request."""
    operation, _, call = way
    path, body, kind = call(name)
    options = {} if body is None else {"data": orjson.dumps(body), "headers": {"Content-Type": kind}}
    return await edge.call(METHODS[operation], path, key=key, **options)


def said(answer: Answer) -> tuple[int, Any, Any]:
    """What an answer says, without the names of the moment."""
    text = answer.text
    kind = answer.headers["Content-Type"]
    lines = [orjson.loads(line) for line in text.splitlines()] if "json" in kind else [text]
    return answer.status, [_without_names(line) for line in lines], sorted(answer.headers)


def _without_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_names(item)
            for name, item in value.items()
            if name not in {"id", "request_id", "facts", "policy", "recipient", "at"}
        }
    return [_without_names(item) for item in value] if isinstance(value, list) else value


NAMED_WAYS = [pytest.param(way, id=f"{way[0]} by {way[1]} {place}") for place, way in enumerate(WAYS)]


async def test_every_operation_has_a_row():
    """Whoever adds a route says here how others' objects could be named through it."""
    assert {way[0] for way in WAYS} | OBJECTLESS | CARRIERS == set(METHODS)
    assert {one.id for one in DESCRIPTION.operations if one.scope is None and one.security == "key"} <= OBJECTLESS


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("way", NAMED_WAYS)
async def test_others_are_as_unknown_as_none(edge, names, way, key):
    """Status, code, words and fields; a user's key knows no more of a colleague's."""
    before = await edge.tally()
    other, missing = [await ask(edge, way, names[whose][way[1]], key) for whose in ("other", "missing")]

    assert said(other) == said(missing)
    user, scopes = KEYS[key]
    if SCOPES[way[0]] not in scopes:
        assert (other.status, other.json["code"]) == (403, "forbidden")
        assert (await edge.tally()) == before
    elif user is not None and way[1] not in {"colleague", "medium"}:
        assert said(await ask(edge, way, names["colleague"][way[1]], key)) == said(missing)


@pytest.mark.parametrize("key", CLOSED)
@pytest.mark.parametrize("way", NAMED_WAYS)
async def test_without_a_key_there_is_nothing(edge, names, way, key):
    """Own, other, missing: one answer, and nothing comes of it."""
    before = await edge.tally()
    answers = [said(await ask(edge, way, names[whose][way[1]], key)) for whose in ("own", "other", "missing")]

    assert answers[0] == answers[1] == answers[2]
    assert (answers[0][0], answers[0][1][0]["code"]) == (401, "unauthenticated")
    assert await edge.tally() == before


@pytest.mark.parametrize("way", NAMED_WAYS)
async def test_ones_own_is_there(edge, way):
    """Otherwise the rows above would show nothing: what is one's own is answered differently, with the right scope."""
    own = await _objects(edge, "acme", ANN, ANNS)
    scope = SCOPES[way[0]]
    right = {"send": "tsend", "read": "tread", "admin": "tadmin"}[scope]
    answer = await ask(edge, way, own[way[1]], right)

    # Its own, and refused all the same: too late for a refusal; and a socket was not asked for as one.
    refused = {("cancelMessage", "refusal"): 409, ("followEvents", "user"): 426}.get(way[:2])
    assert answer.status in ({200, 202} if refused is None else {refused}) or way[1] == "colleague", answer.text


async def test_nothing_of_others_was_touched(edge, names):
    """After every attempt above another company's message stands where it stood."""
    shown = await edge.get(f"/v1/messages/{names['other']['message']}", key="rival")

    assert (shown.status, shown.json["status"]) == (200, "queued")
    assert (await edge.get(f"/v1/inbox?user={ROB}", key="rival")).json["items"] == []


@pytest.mark.parametrize("way", [one for one in NAMED_WAYS if one.values[0][1] in {"message", "group", "medium"}])
async def test_another_company_finds_nothing_either(edge, names, way):
    """With every scope there is; seen from there acme's objects are the others'."""
    own, missing = [await ask(edge, way, names[whose][way[1]], "rival") for whose in ("own", "missing")]

    assert said(own) == said(missing)


class TestKeys:
    @pytest.mark.parametrize("name", ["tall", "revoked", "unheardof"])
    async def test_a_key_is_compared_in_constant_time_known_or_not(self, edge, monkeypatch, name):
        """By its digest; where there is no such key with nobody's, so that time tells nothing."""
        compared = []
        compare = hmac.compare_digest

        def note(one, other):
            compared.append(len(one))
            return compare(one, other)

        monkeypatch.setattr("compliance.api_keys.hmac.compare_digest", note)
        await edge.get("/v1/inbox", key=name)

        assert compared == [64]


class TestRotation:
    async def test_two_keys_live_side_by_side_until_one_is_revoked(self, edge):
        """Mint, switch, revoke: no request in between is refused, and the old key is closed at once."""
        new = documents.api_key_key("tnew")
        digest = sha256(secret("tnew").encode()).hexdigest()
        key = KeyDocument(id="tnew", sha256=digest, tenant="acme", user=None, scopes=("send", "read"))
        old = await edge.registry.read(documents.api_key_key("tprogram"))
        assert (await edge.send("tprogram", user=ANN)).status == 202

        await edge.registry.write({new: documents.dump_key(key)})
        both = [(await edge.send(name, user=ANN, idempotency_key="rotation")) for name in ("tprogram", "tnew")]
        await edge.registry.write({documents.api_key_key("tprogram"): None})
        after = [(await edge.send(name, user=ANN)).status for name in ("tprogram", "tnew")]
        await edge.registry.write({documents.api_key_key("tprogram"): old, new: None})

        assert [answer.status for answer in both] == [202, 202]
        assert both[0].json["id"] == both[1].json["id"], "one company, one name for a request, whichever key"
        assert after == [401, 202]
