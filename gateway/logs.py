"""Logs: one JSON object a line on standard error, a short past-tense event name and a few fields.

Never a number, a text or a key: exceptions are named by type, and by the place in our code where they came from.
"""

import logging
import sys
import traceback
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger


def log_as_json(level: str) -> None:
    """Set up logging for this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _place_of_exception,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _place_of_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace an exception by where it was raised; its words may hold what a customer sent."""
    failure = event.pop("exc_info", None)
    if isinstance(failure, BaseException):
        frames = traceback.extract_tb(failure.__traceback__)
        event["raised_at"] = [f"{frame.name}:{frame.lineno}" for frame in frames[-4:]]
    return event


def _render(_: WrappedLogger, __: str, event: EventDict) -> Any:
    return orjson.dumps(event, default=str).decode()
