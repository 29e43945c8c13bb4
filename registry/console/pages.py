"""What the console is made of: a Page shows something, a Form does something; each is one line of a table (table.py).

Not here: HTTP (frame.py), and what a line has behind it (views/).
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from registry.console.visit import Visit

HOME: Final = "/console"


class For(StrEnum):
    """Whom a page is for. Everybody sees what is for employees; the provider's people act for one company at a time."""

    EVERYBODY = "everybody"
    #: Who changes what is the company's; the provider's support sees it, too.
    ADMINS = "admins"
    #: Who changes what is the company's: not support.
    WRITERS = "writers"
    #: The provider's people: support and operators.
    PROVIDER = "provider"
    OPERATORS = "operators"


class Fields(NamedTuple):
    """What a form sent: every value as it was typed, without what the frame itself put there."""

    values: Mapping[str, tuple[str, ...]]

    def text(self, name: str, default: str = "") -> str:
        """Return a field's first value without the space around it."""
        return self.values.get(name, (default,))[0].strip()

    def texts(self, name: str) -> tuple[str, ...]:
        """Return all values of a field, such as of boxes that were ticked."""
        return self.values.get(name, ())

    def ticked(self, name: str) -> bool:
        """Say whether a box was ticked."""
        return name in self.values


class Went(NamedTuple):
    """It was done: where to go now, and what to say there."""

    to: str
    said: str
    #: Something that is not quite as was wished.
    warning: bool = False


class Again(NamedTuple):
    """It was not done: the page once more, with what was typed and what is wrong with it."""

    template: str
    shown: Mapping[str, Any]
    status: int = 422


#: What a page shows: the names of its template. The path's names, such as id, are in Visit.names; the query in .query.
Show = Callable[[Visit], Awaitable[Mapping[str, Any]]]
#: What a form does. Problem: it is told above the page that the form was on.
Run = Callable[[Visit, Fields], Awaitable[Went | Again]]


class Page(NamedTuple):
    """One page."""

    #: Below /console, such as /phone-system/users/{id}.
    path: str
    title: str
    template: str
    show: Show
    of: For = For.ADMINS
    #: The tables whose changes make it new while it is open; none: it stays as it is.
    live: tuple[str, ...] = ()


class Form(NamedTuple):
    """One thing that is sent with POST."""

    path: str
    run: Run
    of: For = For.ADMINS
    #: Where somebody is led back to whom a Problem refused; the path's names may stand in it.
    back: str = ""


class Download(NamedTuple):
    """A file that is made as it is sent."""

    path: str
    #: Its name for who saves it.
    file: str
    content_type: str
    #: Gives its pieces.
    write: Callable[[Visit], Any]
    of: For = For.ADMINS


class Link(NamedTuple):
    """A line of the menu."""

    label: str
    path: str
    of: For = For.ADMINS


class Section(NamedTuple):
    """Lines of the menu under one heading."""

    label: str
    links: tuple[Link, ...]
