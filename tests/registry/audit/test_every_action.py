"""Nothing changes without an audit record: each action of the admin API, done once, by everybody who offers one."""

import dataclasses
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import sqlalchemy as sa

from registry.admin_keys import TENANT_HEADER
from registry.admin_objects import RESOURCES
from registry.admin_table import ACTIONS
from registry.commands import change
from registry.database import Database
from registry.records import Fee, LeaveRequest
from registry.tables import audit
from registry.work_tables import drift, logins, notice_hooks, provisioning_jobs
from tests.registry.admin import BODIES, serving
from tests.registry.builders import AT, DID, OTHER_DID, a_number, an_assignment
from tests.registry.console.test_registration_forms import an_application
from tests.registry.console.test_requests import a_request
from tests.registry.people.provider import everybody
from tests.registry.registration.forms import BRAND, CAMPAIGN

NEW = "+12025550177"
#: They ask something, of us or of a company's own server, and change nothing.
QUESTIONS = {"checkApplication", "testNoticeHook"}


@dataclasses.dataclass(frozen=True)
class Case:
    """How an action is done: what names its object, what it is told, by whose key, and what there is before."""

    name: str = ""
    body: Any = None
    key: str = "admin"
    records: tuple[Any, ...] = ()
    #: The text of such a hook, or of such a difference, is no record.
    rows: tuple[tuple[sa.Table, dict[str, Any]], ...] = ()


OFF = (a_number(DID, sms="disabled", sms_enabled_at=None),)
FORM = (an_application(filled=BRAND),)
SPECIAL = an_application("campaign", filled=CAMPAIGN | {"use_case": "CONVERSATIONAL", "sub_use_cases": []})
WISH = LeaveRequest(
    id="l-1",
    tenant="acme",
    kind="use_case",
    subject="form",
    use_case="CONVERSATIONAL",
    asked_at=AT,
    asked_by="test",
)
FEE = (Fee(tenant="acme", kind="registration", at=AT, cents=8_900, currency="USD", application="a-1"),)
DIFFERENCE = {"kind": "unknown_state", "object": "brand:BACME", "detail": "", "state": "open"}
STUCK = {"kind": "provisioning_stuck", "object": f"number:{DID}", "detail": "", "state": "open"}
JOB = {"did": DID, "action": "add", "campaign_id": "CACME", "state": "stuck", "wished_at": AT, "attempts": 1}
SEEN = {"tenant": "acme", "found_at": AT, "seen_at": AT}
LOGIN = {"email": "ben@acme.example", "tenant": "acme", "user": "ben", "password": "", "changed_at": AT}
HOOK = {"tenant": "acme", "url": "http://127.0.0.1:9/hook", "secret": "whsec_YQ==", "created_at": AT}
CASES = {
    "changeNumber": Case(DID, {"sms": "disabled"}),
    "changeCampaign": Case("CACME", BODIES["campaign"]),
    "changeBrand": Case("BACME", BODIES["brand"]),
    "changeUser": Case("ben", {"name": "Benjamin"}),
    "changeKey": Case("keyofacme", {"revoked": True}),
    "addNumber": Case(body={"did": NEW}, key="operator"),
    "enableNumber": Case(OTHER_DID),
    "assignNumber": Case(OTHER_DID),
    "assignNumbers": Case(body={"dids": [OTHER_DID]}),
    "disableNumber": Case(DID),
    "removeNumber": Case(DID),
    "portOutNumber": Case(DID, key="operator"),
    "moveNumber": Case(DID, {"tenant": "solo"}, "operator"),
    "addUser": Case(body={"name": "Kim", "licence": "X2"}),
    "inviteUser": Case("ben", {"email": "ben@console.example"}),
    "removeLogin": Case("ben", rows=((logins, LOGIN),)),
    "removeUser": Case("ben"),
    "deactivateCampaign": Case("CACME", {"confirm": "CACME"}),
    "askForNumberPool": Case("CACME"),
    "settleNumberPool": Case("CACME", {"approved": True}, "operator"),
    "acceptDrift": Case("unknown_state/brand:BACME", rows=((drift, DIFFERENCE | SEEN),)),
    "retryDrift": Case(
        f"provisioning_stuck/number:{DID}",
        records=(a_number(DID, sms_page=True), an_assignment(state="failed", fault="It failed.")),
        rows=((drift, STUCK | SEEN), (provisioning_jobs, JOB | {"next_at": datetime(2099, 1, 1, tzinfo=UTC)})),
    ),
    "setNoticeHook": Case(body={"url": "https://hooks.acme.example/a2p"}),
    "removeNoticeHook": Case(rows=((notice_hooks, HOOK),)),
    "testNoticeHook": Case(rows=((notice_hooks, HOOK),)),
    "beginApplication": Case(body={"kind": "brand"}),
    "saveApplication": Case("form", {"fields": {}}, records=FORM),
    "checkApplication": Case("form", records=FORM),
    "submitApplication": Case("form", records=FORM),
    "withdrawApplication": Case("form", records=FORM),
    "askForLeave": Case("form", records=(SPECIAL,)),
    "noteLeave": Case("form", {"granted": True}, "operator", (SPECIAL,)),
    "settleLeave": Case(body={"id": "l-1", "approved": True}, key="operator", records=(SPECIAL, WISH)),
    "markBilled": Case(body={"adjustments": [{"tenant": "acme", "kind": "registration"}]}, key="operator", records=FEE),
    "createKey": Case(body={"label": "crm", "scopes": ["send"]}),
    "rotateKey": Case("keyofacme"),
    "addTenant": Case(body={"id": "newco", "name": "New Co"}, key="operator"),
    "changeTenant": Case("acme", {"name": "Acme Ltd"}, "operator"),
    "askAdmin": Case(body={"reason": "did_not_sms_enabled", "to": "+13035550111"}, key="employee", records=OFF),
    "dismissRequest": Case("r-1", records=(*OFF, a_request())),
    "restoreOptOut": Case(body={"recipient": "+13035550112", "evidence": "Called us; recording 7."}),
    "confirmOptOut": Case(body={"recipient": "+13035550112", "evidence": "Called us; recording 7."}),
}
OPERATIONS = [(one.method, one.path, one.id) for one in ACTIONS]
OPERATIONS += [("PATCH", one.path, f"change{one.path.split('/')[2].rstrip('s').capitalize()}") for one in RESOURCES]


async def rows(database):
    """All audit records, in order."""
    async with database.reading() as connection:
        return (await connection.execute(sa.select(audit).order_by(audit.c.id))).all()


@pytest.mark.parametrize(("method", "path", "name"), OPERATIONS, ids=lambda one: one if one in CASES else "")
async def test_it_is_in_the_audit(settings, store, valkey_server, method, path, name):
    """With who did it and what it was about; an action without a case here fails."""
    del store  # Empty, with functions.
    case = CASES[name]
    async with Database.opened(settings) as database:
        texts = await everybody(database)
        async with database.writing() as connection:
            await change(connection, actor="test", put=[*case.records])
            for table, row in case.rows:
                await connection.execute(sa.insert(table).values(row))
        async with serving(settings, valkey_server.url, texts) as api:
            before = len(await rows(database))
            names = iter(case.name.split("/"))
            place = re.sub(r"{\w+}", lambda _: quote(next(names)), path)
            headers = {"If-Match": "*"} | ({TENANT_HEADER: "acme"} if case.key == "operator" else {})
            answer = await api.call(method, place, case.body, key=case.key, headers=headers)
            found = (await rows(database))[before:]

    assert answer.status in {200, 201, 202, 204}, answer.body
    key = texts[case.key].split("_")[1]
    mine = [row for row in found if row.actor.startswith("key:") and key in row.actor]
    assert bool(mine) is (name not in QUESTIONS), [(row.actor, row.kind, row.action) for row in found]
    assert all(orjson.loads(row.row_key) for row in mine)
