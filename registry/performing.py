"""How anything is done or looked at for somebody: in one transaction with the check of who it is, then made effective.

The admin API and the console both go this way, so that neither has a rule of its own. A caller who goes away undoes
nothing: a change that began runs to its end, whoever still listens.

Not here: what is done (admin_table.py), who may (admin_keys.py, console/sessions.py), and when a change is effective
(barrier.py).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from registry.action import Action, Look, View
from registry.admin_keys import Admin
from registry.admin_objects import Loaded, Resource
from registry.admin_patches import Patch, read_query
from registry.admin_table import ACTIONS, VIEWS
from registry.barrier import Barrier, Outcome
from registry.database import Database, confine
from registry.flows.desk import Desk, Limits
from registry.http_common import etag
from registry.problems import Problem
from registry.projector import read_position
from registry.remembered import remember
from registry.store import boot_time

T = TypeVar("T")

#: Finds out who calls, within the transaction of what they call for; Problem when they may not.
Who = Callable[[AsyncConnection], Awaitable[Admin]]
#: What a change does within its transaction; returns what is shown of the object afterwards.
Work = Callable[[Desk], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the platform sets, from the settings."""

    limits: Limits = field(default_factory=Limits)
    #: Keys may say themselves what TCR, carriers and the aggregator decided, along the life cycles: for a registry that
    #: is not connected to them.
    states_by_hand: bool = False


#: Views of what versioned actions change, by their path.
VERSIONED: Final = {
    view.path: view for view in VIEWS if any(one.versioned and one.path == view.path for one in ACTIONS)
}


class Done(NamedTuple):
    """A change that is in the database."""

    shown: dict[str, Any]
    #: The last change of the database then, this one included.
    seq: int
    outcome: Outcome


class Shown(dict[str, Any]):
    """An object as it is shown, with what is told beside it."""

    #: Its ETag, which what is told beside it has no part in.
    version: str


class _Committed(NamedTuple):
    shown: dict[str, Any]
    seq: int
    #: Boot time after the commit.
    at: float


class Performing:
    """Looks and changes, for whoever calls."""

    def __init__(self, database: Database, barrier: Barrier, rules: Rules) -> None:
        self._database = database
        self._barrier = barrier
        self.rules = rules
        #: Changes under way; kept here because their callers may be gone.
        self._changing: set[asyncio.Task[_Committed]] = set()

    async def look(self, who: Who, run: Callable[[Look], Awaitable[T]]) -> T:
        """Look at something: one consistent reading, in which the caller is who they are."""
        async with self._database.reading() as connection:
            admin = await who(connection)
            await _confine(connection, admin)
            return await run(self._look(connection, admin))

    async def view(self, who: Who, view: View, names: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
        """Show a view; Problem forbidden where it is for the provider's people, and whatever the view refuses with."""

        async def run(look: Look) -> dict[str, Any]:
            if (view.operator and not look.operator) or (view.provider and not look.provider):
                raise Problem("forbidden")
            return await view.run(look, names, read_query(view.query, query))

        return await self.look(who, run)

    async def act(self, who: Who, action: Action, names: Mapping[str, str], body: Any, *, version: str = "*") -> Done:
        """Do an action to an object that is still at a version (its ETag), or * at any.

        Problem: forbidden where it is for operators, version_conflict, and whatever the action refuses with.
        """

        async def work(desk: Desk) -> dict[str, Any]:
            if action.operator and not desk.operator:
                raise Problem("forbidden")
            if version not in {"*", await _version_at(action.path, names, desk)}:
                raise Problem("version_conflict")
            return await action.run(desk, names, body)

        return await self.change(who, work)

    async def get(self, who: Who, resource: Resource, name: str) -> Shown:
        """Show one object; Problem not_found."""

        async def run(look: Look) -> Shown:
            found = await _find(look.connection, resource, look.tenant, name)
            shown = Shown(found.shown() | await found.beside(look))
            shown.version = etag(found.shown())
            return shown

        return await self.look(who, run)

    async def patch(self, who: Who, resource: Resource, name: str, wanted: Patch, *, version: str = "*") -> Done:
        """Change fields of an object that is still at a version (its ETag), or * at any.

        Problem: not_found, version_conflict, and whatever the object refuses with.
        """

        async def edit(desk: Desk) -> dict[str, Any]:
            found = await _find(desk.connection, resource, desk.tenant, name)
            if version not in {"*", etag(found.shown())}:
                raise Problem("version_conflict")
            edited = await found.edited(desk, wanted, states_by_hand=self.rules.states_by_hand)
            await desk.save(edited.put, edited.remove)
            return (await _find(desk.connection, resource, desk.tenant, name)).shown()

        return await self.change(who, edit)

    async def change(self, who: Who, work: Work) -> Done:
        """Do some work, and wait until what it changed is effective, or for a few seconds."""
        task = asyncio.create_task(self._commit(who, work))
        self._changing.add(task)
        task.add_done_callback(self._ended)
        committed = await asyncio.shield(task)
        outcome = await self._barrier.effective(committed.seq, committed.at)
        return Done(shown=committed.shown, seq=committed.seq, outcome=outcome)

    async def finish(self) -> None:
        """Wait for the changes under way."""
        while self._changing:
            await asyncio.wait(self._changing)

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator["Performing"]:
        """Give another one for a page: whatever it looks at is of one instant, and who looks is found out once."""
        async with AsyncExitStack() as stack:
            yield _AtOnce(self._database, self._barrier, self.rules, stack)

    def _ended(self, task: asyncio.Task[_Committed]) -> None:
        self._changing.discard(task)
        if not task.cancelled():
            task.exception()  # Looked at: its caller may have hung up before it failed.

    async def _commit(self, who: Who, work: Work) -> _Committed:
        """Make a change, in one transaction in which the caller may and the objects are the caller's."""
        async with self._database.writing() as connection:
            admin = await who(connection)
            await _confine(connection, admin)
            desk = Desk(
                connection=connection,
                tenant=admin.tenant,
                actor=admin.actor,
                now=datetime.now(UTC),
                limits=self.rules.limits,
                operator=admin.operator,
                employee=admin.user,
            )
            shown = await work(desk)
            seq = (await read_position(connection)).seq
        return _Committed(shown=shown, seq=seq, at=boot_time())

    def _look(self, connection: AsyncConnection, admin: Admin) -> Look:
        return Look(
            connection=connection,
            tenant=admin.tenant,
            actor=admin.actor,
            operator=admin.operator,
            provider=admin.provider,
            user=admin.user,
            limits=self.rules.limits,
        )


class _AtOnce(Performing):
    """Looks in one transaction for each caller, and changes nothing."""

    def __init__(self, database: Database, barrier: Barrier, rules: Rules, stack: AsyncExitStack) -> None:
        super().__init__(database, barrier, rules)
        self._stack = stack
        self._looks: dict[Who, Look] = {}

    async def look(self, who: Who, run: Callable[[Look], Awaitable[T]]) -> T:
        """Look at something, as of when this caller looked first."""
        if who not in self._looks:
            connection = await self._stack.enter_async_context(self._database.reading())
            admin = await who(connection)
            await _confine(connection, admin)
            await remember(connection)
            self._looks[who] = self._look(connection, admin)
        return await run(self._looks[who])

    async def change(self, who: Who, work: Work) -> Done:  # noqa: ARG002 - as any has it
        """Refuse: what was looked at would be of before."""
        raise RuntimeError("a page that is looked at changes nothing")


async def _find(connection: AsyncConnection, resource: Resource, tenant: str, name: str) -> Loaded:
    found = await resource.find(connection, tenant, name)
    if found is None:
        raise Problem("not_found")
    return found


async def _version_at(path: str, names: Mapping[str, str], desk: Desk) -> str:
    """Return the version of what the View of a path shows, as it is within a transaction; * where there is none."""
    view = VERSIONED.get(path)
    if view is None:
        return "*"
    look = Look(
        connection=desk.connection,
        tenant=desk.tenant,
        actor=desk.actor,
        operator=desk.operator,
        provider=desk.operator,
    )
    return etag(await view.run(look, names, read_query(view.query, {})))


async def _confine(connection: AsyncConnection, admin: Admin) -> None:
    """Let the rest of a transaction touch the caller's company only; the provider's people work on several."""
    if not admin.provider:
        await confine(connection, admin.tenant)
