"""Somebody's visit of one page: who they are, what they asked for, and the two things that a page can do.

see() shows a View of the admin API, do() performs an Action, by their names in its description: nothing else reaches
the database from a page.

Not here: who is signed in (sessions.py).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import orjson

from registry.action import Action, View
from registry.admin_objects import RESOURCES, Resource
from registry.admin_patches import read_body, read_patch
from registry.admin_table import ACTIONS, VIEWS
from registry.barrier import How
from registry.performing import Done, Performing, Shown, Who

_ACTIONS: Final[Mapping[str, Action]] = {action.id: action for action in ACTIONS}
_VIEWS: Final[Mapping[str, View]] = {view.id: view for view in VIEWS}
_RESOURCES: Final[Mapping[str, Resource]] = {one.path: one for one in RESOURCES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is signed in, as of this request."""

    user: str
    name: str
    role: str
    #: Their own company.
    tenant: str
    #: The company that they look at: another one only for the provider's people.
    acting_for: str
    company: str
    #: IANA name: their own choice, or that of the company that they look at.
    time_zone: str
    country: str
    currency: str
    #: Of the provider's own company, with a role that acts for others.
    provider: bool
    operator: bool
    #: The sign-in's key, and what its forms show.
    key: str
    csrf: str
    signed_in_at: datetime

    @property
    def admin(self) -> bool:
        """Whether they change what is the company's."""
        return self.role == "admin" or self.operator

    @property
    def sees_company(self) -> bool:
        """Whether they see what is the company's."""
        return self.admin or self.provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of somebody who is signed in."""

    person: Person
    #: Such as id, from the path.
    names: Mapping[str, str]
    query: Mapping[str, str]
    performing: Performing
    #: Find out within a transaction that they are still who they are, and may look at things, or change them.
    looks: Who
    changes: Who
    #: The same of them as an employee, for what is everybody's own.
    own: Who
    #: Look at another company from now on, for the provider's people. Problem: forbidden, not_found.
    act_for: Callable[[str], Awaitable[None]]
    #: What the platform is made of besides, for pages of the ledger and of operators (parts.py).
    tools: Any

    async def see(self, view: str, /, path: Mapping[str, str] | None = None, **query: Any) -> dict[str, Any]:
        """Show a View by its name, such as listNumbers; what is None in the query is left out. Problem as the API's."""
        return await self.performing.view(self.looks, _VIEWS[view], path or {}, _texts(query))

    async def see_own(self, view: str, /, path: Mapping[str, str] | None = None, **query: Any) -> dict[str, Any]:
        """Show a View that is for employees, too, as their own: of their requests, not of the company's."""
        return await self.performing.view(self.own, _VIEWS[view], path or {}, _texts(query))

    async def do(
        self, action: str, /, path: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Perform an Action by its name, such as enableNumber; gives what it shows. Problem as the API's."""
        return (await self.done(action, path, body)).shown

    async def done(
        self, action: str, /, path: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> Done:
        """Perform an Action, and say how far it has come (effective())."""
        one = _ACTIONS[action]
        return await self.performing.act(self.changes, one, path or {}, _read(one, body))

    async def get(self, resource: str, name: str) -> Shown:
        """Show one object by its path in the API, such as /v1/numbers/{did}, with its version. Problem: not_found."""
        return await self.performing.get(self.looks, _RESOURCES[resource], name)

    async def patch(self, resource: str, name: str, fields: Mapping[str, Any], version: str = "*") -> dict[str, Any]:
        """Change fields of one object that is still at a version. Problem as the API's."""
        one = _RESOURCES[resource]
        wanted = read_patch(one.patch, orjson.dumps(dict(fields)))
        return (await self.performing.patch(self.changes, one, name, wanted, version=version)).shown


def effective(done: Done) -> str:
    """Return what to say of a change that no process judges otherwise by now; or that it takes a moment."""
    return "" if done.outcome.how is not How.NOT_YET else f" {done.outcome.awaits}"


def path_of(*parts: str) -> str:
    """Return a path of the console with names in it, each as a path may have it."""
    return "/".join(("/console", *(quote(part, safe="") for part in parts)))


def _texts(query: Mapping[str, Any]) -> dict[str, str]:
    """Return a query as it stands behind a question mark; from_ is from."""
    return {name.rstrip("_"): str(value) for name, value in query.items() if value is not None}


def _read(action: Action, body: Mapping[str, Any] | None) -> Any:
    given = {name: value for name, value in (body or {}).items() if value is not None}
    return read_body(action.body, orjson.dumps(given))
