"""Who may call what: every route with every kind of key, for one's own company and for another.

The rows are the tables that the routes are made from: a route whose right is not stated here fails.
"""

import re

import pytest
import pytest_asyncio

from registry.admin_keys import TENANT_HEADER
from registry.admin_objects import RESOURCES
from registry.admin_table import ACTIONS, VIEWS
from registry.database import Database
from tests.registry.admin import serving
from tests.registry.builders import trail
from tests.registry.people.provider import KEYS, everybody
from tests.valkey import Valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Who may, by the name of a right: in their own company, and in another one.
CUSTOMER = {"admin", "admin only", "employee admin"}
ADMINS = CUSTOMER | {"provider admin"}
OWN = {
    "change": ADMINS | {"operator"},
    "look": ADMINS | {"support", "operator"},
    "operator": {"operator"},
    "provider": {"support", "operator"},
    "employee": {"employee", "employee admin"},
    "look or employee": ADMINS | {"support", "operator", "employee"},
}
OTHERS = {
    "change": {"operator"},
    "look": {"support", "operator"},
    "operator": {"operator"},
    "provider": {"support", "operator"},
    "employee": set(),
    "look or employee": {"support", "operator"},
}
#: What every Action and View asks for, by its name.
STATED = {
    # numbers, people and campaigns
    "addNumber": "operator",
    "enableNumber": "change",
    "assignNumber": "change",
    "assignNumbers": "change",
    "disableNumber": "change",
    "removeNumber": "change",
    "portOutNumber": "operator",
    "moveNumber": "operator",
    "addUser": "change",
    "inviteUser": "change",
    "removeLogin": "change",
    "removeUser": "change",
    "deactivateCampaign": "change",
    "askForNumberPool": "change",
    "settleNumberPool": "operator",
    "listNumbers": "look",
    "listCampaigns": "look",
    "listBrands": "look",
    "listOptOuts": "look",
    "listUsers": "look",
    "getLogin": "look",
    # registration
    "beginApplication": "change",
    "saveApplication": "change",
    "checkApplication": "change",
    "submitApplication": "change",
    "withdrawApplication": "change",
    "noteLeave": "operator",
    "askForLeave": "change",
    "listLeaveRequests": "look",
    "listLeaveWaiting": "provider",
    "listAdjustments": "provider",
    "markBilled": "operator",
    "settleLeave": "operator",
    "listApplications": "look",
    "getApplication": "look",
    "getCheck": "look",
    "getFees": "look",
    "getRegistration": "look",
    # companies and keys
    "createKey": "change",
    "rotateKey": "change",
    "listKeys": "look",
    "listColleagues": "look or employee",
    "listNames": "look",
    "addTenant": "operator",
    "changeTenant": "operator",
    "listTenants": "provider",
    "getOperations": "provider",
    "getTenant": "look",
    # audit, drift, notices, preflight and requests
    "listAudit": "look",
    "listDrift": "look",
    "acceptDrift": "change",
    "retryDrift": "change",
    "setNoticeHook": "change",
    "removeNoticeHook": "change",
    "testNoticeHook": "change",
    "readNoticeHook": "look",
    "listNotices": "look",
    "preflight": "look",
    "getTexting": "look or employee",
    "askAdmin": "employee",
    "dismissRequest": "change",
    "restoreOptOut": "change",
    "confirmOptOut": "change",
    "listRestorations": "look",
    "listRequests": "look or employee",
    "getRequest": "look or employee",
}
ROWS = [
    *((one.method, one.path, one.id) for one in ACTIONS),
    *(("GET", one.path, one.id) for one in VIEWS),
    *((method, one.path, method) for one in RESOURCES for method in ("GET", "PATCH")),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(databases, tmp_path_factory):
    """A served registry, and its database."""
    with Valkey() as server, databases.new(tmp_path_factory.mktemp("rights")) as settings:
        async with Database.opened(settings) as database:
            texts = await everybody(database)
            async with serving(settings, server.url, texts) as api:
                yield api, database


async def test_every_route_has_a_right_that_is_stated():
    """Whoever adds a route says here who may call it, and the table says the same."""
    names = [one.id for one in (*ACTIONS, *VIEWS)]

    assert set(names) == set(STATED)
    assert len(names) == len(set(names))
    for action in ACTIONS:
        meant = "operator" if action.operator else "employee" if action.employee else "change"
        assert STATED[action.id] == meant, action.id
    for view in VIEWS:
        wide = "look or employee" if view.employee else "look"
        meant = "operator" if view.operator else "provider" if view.provider else wide
        assert STATED[view.id] == meant, view.id


@pytest.mark.parametrize(("method", "path", "name"), ROWS, ids=lambda one: one if isinstance(one, str) else None)
async def test_who_may_call_it(shared, method, path, name):
    """Nobody else learns more than that they may not; who may is told what is wrong with the request."""
    api, database = shared
    right = {"GET": "look", "PATCH": "change"}.get(name) or STATED[name]
    address = re.sub(r"{\w+}", "nobodys", path)
    # What no body can be: who may is refused for it, and nothing is done.
    body = {} if method == "GET" else {"data": b"[1]", "headers": {"Content-Type": "application/json"}}
    before = await trail(database)
    for key, (own, _, _) in KEYS.items():
        for tenant in ("acme", "solo", "phoneco"):
            headers = body.get("headers", {}) | ({} if tenant == own else {TENANT_HEADER: tenant})
            answer = await api.call(method, address, key=key, **body | {"headers": headers})
            may = key in (OWN if tenant == own else OTHERS)[right]
            where = f"{name} with the key of {key} for {tenant}: {answer.status} {answer.body}"
            if key == "revoked":
                assert answer.status == 401, where
            elif key == "pretender":
                # (its scopes are the provider's, its company is not: it is no more than a key of its own company)
                assert tenant == own or answer.status == 403, where
                assert right not in {"operator", "provider"} or answer.status == 403, where
            else:
                assert (answer.status not in {401, 403}) is may, where
    assert (await api.call(method, address, key="", **body)).status == 401
    assert await trail(database) == before
