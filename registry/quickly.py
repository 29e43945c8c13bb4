"""Makes records by the hundred thousand: the same values as their classes make, in a quarter of the time.

A frozen dataclass sets each field by name through object.__setattr__, so that its own __setattr__ is not in the way;
its slots can be set directly. That is no way around frozen for others: what was made is as frozen as ever.

Only for dataclasses with slots that do nothing after they were made (no __post_init__, no defaults taken here).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

R = TypeVar("R")


def maker(kind: type[R], names: Sequence[str]) -> Callable[[Iterable[Any]], R]:
    """Return what makes a record from the values of all of its fields, in the order of their names."""
    of: Any = kind
    made: Callable[[Iterable[Any]], R] = _maker(of, tuple(names))
    return made


def replaced(record: R, **values: Any) -> R:
    """Return a record with other values for some fields, as dataclasses.replace does. KeyError for what is no field."""
    kind: Any = type(record)
    slots = _slots(kind)
    made: R = object.__new__(kind)
    for get, put in slots.values():
        put(made, get(record))
    for name, value in values.items():
        slots[name][1](made, value)
    return made


@cache
def _maker(kind: Any, names: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    if {field.name for field in fields(kind)} != set(names):
        raise ValueError(f"these are not the fields of {kind.__name__}")
    setters = [getattr(kind, name).__set__ for name in names]
    new = object.__new__

    def make(values: Iterable[Any]) -> Any:
        made = new(kind)
        for put, value in zip(setters, values, strict=True):
            put(made, value)
        return made

    return make


@cache
def _slots(kind: Any) -> dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], None]]]:
    """Return what gets and what sets each field of a class."""
    places = {field.name: getattr(kind, field.name) for field in fields(kind)}
    return {name: (place.__get__, place.__set__) for name, place in places.items()}
