"""What a reading has read already: a page asks for the same few rows from many sides.

Only where it was said that a connection remembers: in a transaction that is one consistent reading, and writes nothing.
There the same question has the same answer.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
_OPTION: Final = "remembered"


async def remember(connection: AsyncConnection) -> None:
    """Have the rest of a reading remember."""
    await connection.execution_options(**{_OPTION: dict[Hashable, Any]()})


def know(connection: AsyncConnection, question: Hashable, answer: Any) -> None:
    """Have an answer that was found among those to other questions, as once() would have been given it."""
    found = connection.sync_connection
    known = None if found is None else found.get_execution_options().get(_OPTION)
    if known is not None:
        known.setdefault(question, answer)


async def once(connection: AsyncConnection, named: Callable[[], Hashable], ask: Callable[[], Awaitable[T]]) -> T:
    """Return the answer to the question so named: that of before, where the connection remembers.

    Nobody may change an answer.
    """
    found = connection.sync_connection
    known = None if found is None else found.get_execution_options().get(_OPTION)
    if known is None:
        return await ask()
    question = named()
    if question not in known:
        known[question] = await ask()
    answer: T = known[question]
    return answer
