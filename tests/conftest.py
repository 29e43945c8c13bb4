"""What holds for every test."""

import logging
import signal
import sys
import threading
from collections.abc import Iterator

import pytest
import structlog
from aiohttp import web_app

from metrics.logs import _Libraries
from tests.hidden import nothing_hidden


@pytest.fixture(autouse=True)
def _nothing_hidden() -> Iterator[None]:
    """No exception of a task, a future or a callback goes unseen."""
    with nothing_hidden():
        yield


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A command that sets up its process's logs, run within a test, leaves those of the next test alone."""
    loggers = [one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    states = [(one, one.handlers, one.propagate) for one in loggers]
    handlers, level, is_loud = logging.root.handlers, logging.root.level, logging.raiseExceptions
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    yield
    if not structlog.is_configured() and not any(isinstance(one, _Libraries) for one in logging.root.handlers):
        return
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    for one, its_handlers, propagates in states:
        one.handlers, one.propagate = its_handlers, propagates
    logging.root.handlers, logging.raiseExceptions = handlers, is_loud
    logging.root.setLevel(level)
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """Nor does it leave the handlers of its closed loop, which would swallow the signals of the next test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _no_app_kept() -> Iterator[None]:
    """What a test served goes with it.

    aiohttp remembers 1,024 handlers with their apps, and an app has a database's engine and all its statements: the
    suite would hold gigabytes, and each look for garbage would stop its process for seconds.
    """
    yield
    web_app._cached_build_middleware.cache_clear()
