"""How many SQL statements a page takes: what it costs on any machine, whatever else that does.

Not here: how long a page takes (tests/bench_console.py).
"""

from contextvars import ContextVar
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from aiohttp import web
from sqlalchemy import event

from registry import app as registry_app
from tests.registry.builders import DID, a_number, a_user, an_assignment
from tests.registry.console.test_requests import a_request, put

#: Those of one request, and none of what else a registry does meanwhile.
_SEEN: ContextVar[list[str] | None] = ContextVar("_SEEN", default=None)
#: Of requests on one page.
SHOWN = 5
#: On PostgreSQL some more: it is told whose rows may be seen, and to go along indexes.
MOST = {
    "": 21,
    "/phone-system/users": 10,
    "/phone-system/users/ben": 29,
    "/phone-system/sms": 15,
    "/phone-system/numbers": 8,
    f"/phone-system/numbers/{DID}": 32,
    "/requests": 29,
    "/messages/traffic": 13,
    "/audit?kind=numbers&actor=import": 6,
}


@pytest.fixture
def statements():
    """The statements of the request that was answered last."""
    last: list[str] = []
    outermost = registry_app.answer_problems

    @web.middleware
    async def noted(request, handler):
        last.clear()
        mark = _SEEN.set(last)
        try:
            return await outermost(request, handler)
        finally:
            _SEEN.reset(mark)

    def note(_, __, statement, *___):
        if (seen := _SEEN.get()) is not None:
            seen.append(statement)

    event.listen(sa.Engine, "before_cursor_execute", note)
    with patch.object(registry_app, "answer_problems", noted):
        yield last
    event.remove(sa.Engine, "before_cursor_execute", note)


async def fill(console):
    """Have several requests, each of somebody else about another number to another mobile."""
    for place in range(SHOWN + 1):
        did, user = f"+1202555{4000 + place}", f"asks{place}"
        asked = a_request(f"r-{place}", user=user, did=did, recipient=f"+1303555{2000 + place}")
        number = a_number(did, user=user, sms="disabled")
        await put(console, a_user(user), number, an_assignment(did), asked)


@pytest.mark.parametrize("path", MOST)
async def test_a_page_takes_few_statements(statements, console, admin, path):
    """However fast a machine is: a page reads the same rows once, and many rows of a kind together."""
    await fill(console)
    assert (await admin.go(f"/console{path}")).status == web.HTTPOk.status_code
    assert 0 < len(statements) <= MOST[path], "\n".join(statements)


async def test_five_requests_take_little_more_than_one(statements, console, admin):
    """What each is about is read ahead for all of them: one more takes one statement."""
    await put(console, a_number(sms="disabled"), a_request())
    await admin.go("/console/requests")
    one = len(statements)
    await fill(console)
    await admin.go("/console/requests")
    assert len(statements) - one <= SHOWN, "\n".join(statements)
