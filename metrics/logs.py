"""Logs: one JSON object a line on standard error, an event name and fields from lists, and nothing that is on neither.

What a process says is closed like the labels of its metrics: whoever writes a log call puts its event, and each of its
fields with what it may hold, on the list of its process (gateway/logs.py, registry/logs.py). An entry whose event is
not listed is written as "unlisted_event", a field that is not listed or holds anything else is left out, and both are
counted in the entry.

Never a number, a text or a key. What others say (libraries, the interpreter) is shown as who said it, how bad it is,
and the type of the exception with the places in our own code: their words may quote what a customer sent.

Not here: which events there are.
"""

import logging
import re
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Mapping
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, TextIO, TypeAlias

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

#: Says whether a field may hold a value.
Check: TypeAlias = Callable[[Any], bool]

_WORD: Final = re.compile(r"(?!.*[0-9]{5})[A-Za-z0-9][A-Za-z0-9_.:/-]{0,79}")
_SENTENCE: Final = re.compile(r"(?!.*[0-9]{5})(?!.*a2p_)(?!.*whsec_)[A-Za-z0-9 _.,:;'()<>=/\[\]-]{1,400}")
_ID: Final = re.compile(r"(?:[gr]-)?[0-9]{1,4}-[0-9]{1,15}-[0-9]{1,15}(?:-[0-9]{1,6})?|in-[a-z0-9_]{1,32}-[0-9a-f]{32}")
_MOST: Final = 10**9
#: Frames of our own that are shown of an exception, the innermost.
_FRAMES: Final = 4
_OURS: Final = frozenset({"apidocs", "compliance", "gateway", "metrics", "registry"})
#: In every entry.
_ALWAYS: Final = frozenset({"event", "level", "timestamp", "raised_at"})
#: What is said here for others.
_LIBRARY: Final = "library_logged"
_CRASH: Final = "process_crashed"
_UNLISTED: Final = "unlisted_event"


def word(value: Any) -> bool:
    """Whether it is a word of ours: a code, a state, the name of a type; None for none."""
    return value is None or (isinstance(value, str) and _WORD.fullmatch(value) is not None)


def count(value: Any) -> bool:
    """Whether it is a count, a duration or a truth; no phone number is so small."""
    return isinstance(value, int | float) and abs(value) < _MOST


def position(value: Any) -> bool:
    """Whether it is a whole number that may be large, such as a place in a log. For what we count ourselves only."""
    return type(value) is int


def sentence(value: Any) -> bool:
    """Whether it may be a sentence of ours, for an operator; never one that quotes; None for none."""
    return value is None or (isinstance(value, str) and _SENTENCE.fullmatch(value) is not None)


def own_id(value: Any) -> bool:
    """Whether it is an id of ours, a place in the store or a digest, which says nothing about anybody."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


#: Fields of what is said here for others.
_OWN_FIELDS: Final[Mapping[str, Check]] = {"error": word, "library": word}


class _OnlyListed:
    """Leaves out what is not on the lists, and counts it."""

    def __init__(self, events: Collection[str], fields: Mapping[str, Check]) -> None:
        self._events = frozenset(events) | {_LIBRARY, _CRASH}
        self._fields = {**fields, **_OWN_FIELDS}
        #: Entries so far whose event is not listed.
        self._unlisted = 0

    def __call__(self, _: WrappedLogger, __: str, entry: EventDict) -> EventDict:
        if entry.get("event") not in self._events:
            self._unlisted += 1
            return {name: entry[name] for name in ("level", "timestamp") if name in entry} | {
                "event": _UNLISTED,
                "unlisted": self._unlisted,
            }
        kept = {name: value for name, value in entry.items() if name in _ALWAYS or self._fits(name, value)}
        left_out = len(entry) - len(kept)
        return kept | {"fields_left_out": left_out} if left_out else kept

    def _fits(self, name: str, value: Any) -> bool:
        check = self._fields.get(name)
        return check is not None and check(value)


class _Libraries(logging.Handler):
    """Says that a library said something; its words stay where they are."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write an entry for a record."""
        failure = record.exc_info[1] if record.exc_info else None
        library = record.name.partition(".")[0]
        try:
            structlog.get_logger().log(
                record.levelno,
                _LIBRARY,
                library=library if library in sys.modules else "other",  # A logger's name may be made of anything.
                error=None if failure is None else type(failure).__name__,
                exc_info=failure,
            )
        except (OSError, ValueError):  # Nobody reads standard error any more: that is not the library's business.
            self.handleError(record)


def log_as_json(level: str, *, events: Collection[str], fields: Mapping[str, Check], out: TextIO | None = None) -> None:
    """Set up logging for this process: ours, the libraries', warnings, and the last words of what crashes."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _place_of_exception,
            _OnlyListed(events, fields),
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=out or sys.stderr),
        cache_logger_on_first_use=False,  # What is set up last counts, for every logger; none is on a hot path.
    )
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    logging.root.handlers = [_Libraries()]
    logging.root.setLevel(number)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # Else a record that cannot be written is printed, whole.
    sys.excepthook = _crashed
    sys.unraisablehook = lambda what: _say_crash(what.exc_value)
    threading.excepthook = lambda what: _say_crash(what.exc_value)


def _crashed(kind: type[BaseException], failure: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, failure, trace)
    else:
        _say_crash(failure)


def _say_crash(failure: BaseException | None) -> None:
    structlog.get_logger().critical(_CRASH, error=type(failure).__name__, exc_info=failure)


def _place_of_exception(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
    """Replace an exception by its type and by where in our code it passed; its words may hold what a customer sent."""
    failure = entry.pop("exc_info", None)
    for name in ("exception", "stack", "stack_info", "raised_at"):
        entry.pop(name, None)
    if isinstance(failure, BaseException):
        entry.setdefault("error", type(failure).__name__)
        entry["raised_at"] = _places(failure)
    return entry


def _places(failure: BaseException) -> list[str]:
    """Name the innermost frames of our own, as gateway/queue/wire.py:91; of a group those of its first."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    found = []
    for frame in traceback.extract_tb(failure.__traceback__):
        folders = PurePath(frame.filename).parts
        ours = [place for place, folder in enumerate(folders) if folder in _OURS]
        if ours and "site-packages" not in folders:
            found.append(f"{'/'.join(folders[ours[-1] :])}:{frame.lineno}")
    return found[-_FRAMES:]


def _render(_: WrappedLogger, __: str, entry: EventDict) -> Any:
    return orjson.dumps(entry, default=lambda value: type(value).__name__).decode()
