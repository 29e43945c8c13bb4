"""In the admin API, too, what belongs to others is as unknown as what is not there; rows come from its description."""

from datetime import UTC, datetime

import pytest
import pytest_asyncio
import sqlalchemy as sa

from registry.bulk.openapi import operations as bulk_operations
from registry.commands import change
from registry.database import Database
from registry.ledger.openapi import operations as ledger_operations
from registry.openapi import description
from registry.people.logins import put_login
from registry.records import Application, Request
from registry.work_tables import drift
from tests.registry.admin import BODIES, PATHS, SOLO_DID, serving, two_companies
from tests.registry.builders import DID, trail
from tests.valkey import Valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Family of paths to the name of acme's object, the other company's, and one that is not there.
OBJECTS = {
    "numbers": (DID, SOLO_DID, "+12025550188"),
    "campaigns": ("CACME", "CSOLO", "CNONE"),
    "brands": ("BACME", "BSOLO", "BNONE"),
    "users": ("ann", "sol", "nobody"),
    "keys": ("keyofacme", "keyofsolo", "keyofnone"),
    "applications": ("formofacme", "formofsolo", "formofnone"),
    "requests": ("askedatacme", "askedatsolo", "askedatnone"),
    "tenants": ("acme", "solo", "none"),
    "drift": ("unknown_state/brand:BACME", "unknown_state/brand:BSOLO", "unknown_state/brand:BNONE"),
}
#: What an operation is told, where nothing is not enough to be in order.
BODIES_OF = {
    "changeNumber": BODIES["number"],
    "changeCampaign": BODIES["campaign"],
    "changeBrand": BODIES["brand"],
    "changeUser": {"name": "Ben"},
    "changeKey": BODIES["key"],
    "changeTenant": {"name": "Acme"},
    "inviteUser": {"email": "somebody@console.example"},
    "moveNumber": {"tenant": "solo"},
    "deactivateCampaign": {"confirm": "CACME"},
    "settleNumberPool": {"approved": True},
    "saveApplication": {"fields": {}},
    "noteLeave": {"granted": True},
}
#: A change that refers to another object: the other company's, and one that is not there.
REFERENCES = [
    ({"assignment": {"campaign_id": "CSOLO"}}, {"assignment": {"campaign_id": "CNONE"}}, 404, "unknown_campaign"),
    ({"user": "sol"}, {"user": "nobody"}, 422, "unknown_user"),
]
#: Of changes that name a version.
ANY = {"If-Match": "*"}
#: Keys that may look, keys that may not, and keys that are none.
STATUSES = {
    "admin": 404,
    "sender": 403,
    "person": 403,
    "revoked": 401,
    "": 401,
    "Bearer a2p_nosuchkey000_" + "a" * 32: 401,
}

#: The ledger's is another database, and a file's rows are many objects: tests/registry/ledger/test_routes.py and
#: tests/registry/bulk/test_routes.py hold them to the same.
ELSEWHERE = {one.path for one in (*ledger_operations(), *bulk_operations())}
#: Operations on one object; what lists and makes some is in tests/registry/people/test_rights.py.
OPERATIONS = [one for one in description().operations if one.scope is not None and "{" in one.path]
ROWS = [pytest.param(one, id=one.id) for one in OPERATIONS if one.path not in ELSEWHERE]


def paths(one):
    """Acme's object, the other company's, and one that is not there."""
    family = one.path.split("/")[2]
    pattern = (
        "/v1/drift/{kind}/{object}"
        if family == "drift"
        else next(f"/v1/{family}/{{{name}}}" for name in ("did", "id") if f"{{{name}}}" in one.path)
    )
    return [one.path.replace(pattern, f"/v1/{family}/{name}") for name in OBJECTS[family]]


def status(one, key):
    """How a key is answered for what is not its company's."""
    if one.scope == "operator" and key == "admin":
        return 403  # Only the provider's may, and they are asked who they are first.
    if one.id in {"getRequest", "getTexting"} and key == "person":
        return 404  # Employees see their own.
    return STATUSES[key]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(databases, tmp_path_factory):
    """A served registry with acme and solo, and its database; a key of acme's is revoked."""
    with databases.new(tmp_path_factory.mktemp("matrix")) as settings, Valkey() as server:
        async with Database.opened(settings) as database:
            texts = await two_companies(database)
            await _more(database)
            async with serving(settings, server.url, texts) as api:
                texts["revoked"] = texts.pop("solo")
                yield api, database


async def _more(database):
    """Forms, requests and differences of both companies."""
    at = datetime(2026, 11, 22, tzinfo=UTC)
    forms = [
        Application(
            id=f"formof{tenant}",
            tenant=tenant,
            kind="brand",
            state="draft",
            fields="{}",
            brand_id=None,
            object_id=None,
            faults=(),
            created_at=at,
            created_by="test",
            submitted_at=None,
        )
        for tenant in ("acme", "solo")
    ]
    asked = [
        Request(
            id=f"askedat{tenant}",
            tenant=tenant,
            user=user,
            did=None,
            recipient="+16465550151",
            reason="did_unassigned",
            note="",
            state="open",
            opened_at=at,
            closed_at=None,
            closed_by=None,
        )
        for tenant, user in (("acme", "ann"), ("solo", "sol"))
    ]
    found = [
        {"kind": "unknown_state", "object": f"brand:B{tenant.upper()}", "tenant": tenant, "detail": "", "state": "open"}
        for tenant in ("acme", "solo")
    ]
    async with database.writing() as connection:
        await change(connection, actor="test", put=[*forms, *asked])
        for tenant, user in (("acme", "ann"), ("solo", "sol")):
            email = f"{user}@{tenant}.example"
            await put_login(connection, email=email, user=user, tenant=tenant, now=at, actor="test", password="kept")
        await connection.execute(sa.insert(drift), [one | {"found_at": at, "seen_at": at} for one in found])


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _revoked(shared):
    """Revoke the other company's own key: what is solo's can be seen by nobody from now on."""
    api, _ = shared
    answer = await api.call("PATCH", f"/v1/keys/{api.texts['revoked'].split('_')[1]}", {"revoked": True}, key="revoked")
    assert answer.status in {200, 202}


def said(answer):
    """What an answer says, without its own name."""
    return answer.status, answer.body | {"request_id": ""}, sorted(answer.headers)


async def test_every_operation_has_a_row():
    """Whoever adds a route says here which objects it shows or changes."""
    assert {one.path.split("/")[2] for one in OPERATIONS if one.path not in ELSEWHERE} == set(OBJECTS)
    assert {one.method for one in description().operations if one.scope is None} == {"GET"}
    assert all("{" not in one.path for one in description().operations if one.scope is None)


@pytest.mark.parametrize("key", STATUSES, ids=lambda key: key[:12] or "no key")
@pytest.mark.parametrize("one", ROWS)
async def test_others_are_as_unknown_as_none(shared, one, key):
    """One answer for both, for every key; a key that opens nothing learns nothing of acme's own either."""
    api, database = shared
    own, other, missing = paths(one)
    body = BODIES_OF.get(one.id)
    before = await trail(database)
    answers = [said(await api.call(one.method, path, body, key=key, headers=ANY)) for path in (other, missing)]
    if status(one, key) != 404:
        answers.append(said(await api.call(one.method, own, body, key=key, headers=ANY)))

    assert answers[0][0] == status(one, key)
    assert all(answer == answers[0] for answer in answers)
    assert await trail(database) == before


@pytest.mark.parametrize(("other", "missing", "status", "code"), REFERENCES)
async def test_a_change_refers_to_ones_own_only(shared, other, missing, status, code):
    """Another company's campaign or user is as unknown as none."""
    api, database = shared
    before = await trail(database)
    answers = [said(await api.patch(PATHS["number"][0], body)) for body in (other, missing)]

    assert answers[0] == answers[1]
    assert (answers[0][0], answers[0][1]["code"]) == (status, code)
    assert await trail(database) == before


@pytest.mark.parametrize(
    "one",
    sorted(
        (row for row in ROWS if row.values[0].scope != "operator"),
        key=lambda row: row.values[0].id == "removeUser",  # Last: who left is not there for the others.
    ),
)
async def test_ones_own_is_there(shared, one):
    """Otherwise the rows above would show nothing; an action may be refused, as things stand."""
    api, _ = shared
    own, *_ = paths(one)
    answer = await api.call(one.method, own, BODIES_OF.get(one.id), headers=ANY)

    assert answer.status in ({200, 202} if one.method in {"GET", "PATCH"} else {200, 201, 202, 409, 422}), answer.body
