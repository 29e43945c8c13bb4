"""What a life cycle is: a table of moves, each by somebody, from some states to one.

States that carriers and TCR give are plain text, and a word that nobody knows is kept: it can do nothing, and only a
move that says so leads on from it. "" is the state of what is not there.

Not here: the tables themselves (registration.py, numbers.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

#: The state of what is not there (yet, or any more).
ABSENT: Final = ""
#: Stands for every state that the life cycle has no word for.
UNKNOWN: Final = "?"


class By(StrEnum):
    """Who makes a move."""

    #: The customer's administrator.
    ADMIN = "admin"
    #: The provider's people.
    OPERATOR = "operator"
    #: The Campaign Registry, and the aggregators who review for it.
    TCR = "tcr"
    #: A mobile network operator.
    CARRIER = "carrier"
    #: Who writes numbers into campaigns for us.
    AGGREGATOR = "aggregator"
    #: What follows from another move.
    REGISTRY = "registry"


class NotAllowedError(Exception):
    """An event that the present state has no move for."""

    def __init__(self, cycle: str, state: str, event: str) -> None:
        super().__init__(f"{cycle}: no {event} from {state or 'nothing'}")
        self.cycle = cycle
        self.state = state
        self.event = event


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One line of the table."""

    event: str
    by: By
    #: The states that it leads from; UNKNOWN among them: any that the life cycle has no word for.
    sources: frozenset[str]
    target: str


@dataclass(frozen=True, slots=True)
class LifeCycle:
    """All moves of one kind of thing."""

    name: str
    moves: tuple[Move, ...]
    #: States that nothing leads on from, each with what to do instead, for people.
    dead_ends: Mapping[str, str] = field(default_factory=dict)
    #: Every state that has a word.
    states: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Collect the states from the moves."""
        named = {state for move in self.moves for state in (*move.sources, move.target)}
        object.__setattr__(self, "states", frozenset(named - {UNKNOWN}))

    def after(self, state: str, event: str) -> str:
        """Return the state that an event leads to; NotAllowedError when it leads nowhere from here."""
        for move in self.moves_from(state):
            if move.event == event:
                return move.target
        raise NotAllowedError(self.name, state, event)

    def observed(self, state: str, target: str) -> str:
        """Return target if some move leads there from here, or if it is here already; NotAllowedError otherwise.

        For what others tell us: they name the state, not the event.
        """
        if state == target or any(move.target == target for move in self.moves_from(state)):
            return target
        raise NotAllowedError(self.name, state, target)

    def reaches(self, state: str, target: str) -> bool:
        """Say whether any moves, one after the other, lead from one state to another."""
        seen, ahead = {state}, [state]
        while ahead:
            new = {move.target for move in self.moves_from(ahead.pop())} - seen
            seen |= new
            ahead += new
        return target in seen

    def moves_from(self, state: str) -> list[Move]:
        """List the moves that lead on from a state."""
        known = state if state in self.states else UNKNOWN
        return [move for move in self.moves if known in move.sources]


def move(event: str, by: By, sources: str, target: str) -> Move:
    """Write a line: sources are words with blanks between them; "-" is ABSENT."""
    words = frozenset(ABSENT if word == "-" else word for word in sources.split())
    return Move(event=event, by=by, sources=words, target=target)
