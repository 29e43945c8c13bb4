"""In the admin API, too, what belongs to others is as unknown as what is not there; rows come from its description."""

import shutil

import pytest
import pytest_asyncio

from registry.database import Database
from registry.openapi import description
from registry.settings import Settings
from tests.registry.admin import BODIES, PATHS, serving, two_companies
from tests.registry.builders import trail
from tests.valkey import Valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Path of the description to acme's object, the other company's, and one that is not there.
OBJECTS = {
    "/v1/numbers/{did}": ("number", *PATHS["number"], "/v1/numbers/+12025550188"),
    "/v1/campaigns/{id}": ("campaign", *PATHS["campaign"], "/v1/campaigns/CNONE"),
    "/v1/brands/{id}": ("brand", *PATHS["brand"], "/v1/brands/BNONE"),
    "/v1/keys/{id}": ("key", *PATHS["key"], "/v1/keys/keyofnone"),
}
#: A change that refers to another object: the other company's, and one that is not there.
REFERENCES = [
    ({"assignment": {"campaign_id": "CSOLO"}}, {"assignment": {"campaign_id": "CNONE"}}, "unknown_campaign"),
    ({"user": "sol"}, {"user": "nobody"}, "unknown_user"),
]
#: Keys that may look, keys that may not, and keys that are none.
STATUSES = {
    "admin": 404,
    "sender": 403,
    "person": 403,
    "revoked": 401,
    "": 401,
    "Bearer a2p_nosuchkey000_" + "a" * 32: 401,
}

ROWS = [pytest.param(one, id=one.id) for one in description().operations if one.scope is not None]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(migrated, tmp_path_factory):
    """A served registry with acme and solo, and its database; a key of acme's is revoked."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("matrix"))
    shutil.copy(migrated, settings.data_dir)
    with Valkey() as server:
        async with Database.opened(settings) as database:
            texts = await two_companies(database)
            async with serving(settings, server.url, texts) as api:
                texts["revoked"] = texts.pop("solo")
                yield api, database


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
    assert {one.path for one in description().operations if one.scope is not None} == set(OBJECTS)
    assert {one.method for one in description().operations if one.scope is None} == {"GET"}
    assert all("{" not in one.path for one in description().operations if one.scope is None)


@pytest.mark.parametrize("key", STATUSES, ids=lambda key: key[:12] or "no key")
@pytest.mark.parametrize("one", ROWS)
async def test_others_are_as_unknown_as_none(shared, one, key):
    """One answer for both, for every key; a key that opens nothing learns nothing of acme's own either."""
    api, database = shared
    kind, own, other, missing = OBJECTS[one.path]
    body = BODIES[kind] if one.method == "PATCH" else None
    before = await trail(database)
    answers = [said(await api.call(one.method, path, body, key=key)) for path in (other, missing)]
    if STATUSES[key] != 404:
        answers.append(said(await api.call(one.method, own, body, key=key)))

    assert answers[0][0] == STATUSES[key]
    assert all(answer == answers[0] for answer in answers)
    assert await trail(database) == before


@pytest.mark.parametrize(("other", "missing", "code"), REFERENCES)
async def test_a_change_refers_to_ones_own_only(shared, other, missing, code):
    """Another company's campaign or user is as unknown as none."""
    api, database = shared
    before = await trail(database)
    answers = [said(await api.patch(PATHS["number"][0], body)) for body in (other, missing)]

    assert answers[0] == answers[1]
    assert (answers[0][0], answers[0][1]["code"]) == (422, code)
    assert await trail(database) == before


@pytest.mark.parametrize("one", ROWS)
async def test_ones_own_is_there(shared, one):
    """Otherwise the rows above would show nothing."""
    api, _ = shared
    kind, own, *_ = OBJECTS[one.path]
    answer = await api.call(one.method, own, BODIES[kind] if one.method == "PATCH" else None)

    assert answer.status in {200, 202}
