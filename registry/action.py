"""What the admin API is made of: an Action changes something, a View shows something; each is one line of a table.

A package that has something to offer there has a tuple of them (admin_actions.py is the first). From a line follow the
route, who may call it, how the body or the query is read, the answer, and its place in the API's description.

Not here: HTTP (admin_routes.py) and the description (openapi_actions.py).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.admin_patches import Patch
from registry.flows.desk import Desk, Limits

#: JSON schema of what an answer shows.
Schema = Mapping[str, Any]
ANY_OBJECT: Final[Schema] = {"type": "object"}
_PAGE: Final = 50
_PAGE_MAX: Final = 500


class NoBody(Patch):
    """Nothing to say."""


class Query(BaseModel):
    """What stands behind the question mark; every value is a text there."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    """Which part of a list; pages.py reads the cursor."""

    cursor: str | None = Field(default=None, max_length=600)
    limit: int = Field(default=_PAGE, ge=1, le=_PAGE_MAX)


class Look(NamedTuple):
    """Where a view stands: one consistent reading of the database, and whose objects there are."""

    connection: AsyncConnection
    tenant: str
    #: Such as key:<id>.
    actor: str
    #: Of the provider.
    operator: bool
    #: Of the provider, too, if only to look: support or operator.
    provider: bool = False
    #: The employee whose own key it is, where a View is for employees, too; None: an admin looks.
    user: str | None = None
    limits: Limits = Limits()


class AsItWas(dict[str, Any]):
    """What an Action shows of something that was there already: answered with 200, whatever its status."""


class Action(NamedTuple):
    """One thing that can be done."""

    #: POST, PUT, PATCH or DELETE.
    method: str
    path: str
    #: Its name in the description, such as enableNumber.
    id: str
    body: type[Patch]
    #: Gets the parts of the path and the body; returns the object as it is shown afterwards. Problem when it cannot.
    run: Callable[[Desk, Mapping[str, str], Any], Awaitable[dict[str, Any]]]
    #: For people: what it does, and what follows.
    about: str
    #: Only the provider's people may.
    operator: bool = False
    status: int = 200
    #: Codes of problems.py that it is refused with, besides those that every change has.
    problems: tuple[str, ...] = ()
    shows: Schema = ANY_OBJECT
    #: The caller names the version that it is about (If-Match): that of what the View of the same path shows.
    versioned: bool = False
    #: For employees, with their own keys (scope send), and for nobody else.
    employee: bool = False


class View(NamedTuple):
    """One thing that can be looked at."""

    path: str
    id: str
    query: type[Query]
    #: Gets the parts of the path and the query; returns what is shown. Problem when it cannot.
    run: Callable[[Look, Mapping[str, str], Any], Awaitable[dict[str, Any]]]
    about: str
    operator: bool = False
    problems: tuple[str, ...] = ()
    shows: Schema = ANY_OBJECT
    #: Only the provider's people may, support among them.
    provider: bool = False
    #: Employees may as well, with their own keys (scope read): Look.user says who.
    employee: bool = False
