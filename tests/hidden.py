"""Exceptions that nobody took: asyncio reports them in its log, long after the test that caused them seemed to pass.

Not here: warnings, which pytest turns into errors by itself (pyproject.toml).
"""

import contextlib
import logging
from collections.abc import Iterator


class _Reports(logging.Handler):
    """Keeps what asyncio reports as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        cause = record.exc_info[1] if record.exc_info else None
        self.said.append(f"{record.getMessage()}: {cause!r}")


@contextlib.contextmanager
def nothing_hidden() -> Iterator[None]:
    """Fail when a task or future died unseen meanwhile, or a callback of the loop crashed.

    Within another of these, only the inner one hears of it.
    """
    reports = _Reports()
    logger = logging.getLogger("asyncio")
    outer = [handler for handler in logger.handlers if isinstance(handler, _Reports)]
    for handler in outer:
        logger.removeHandler(handler)
    logger.addHandler(reports)
    try:
        yield
    finally:
        logger.removeHandler(reports)
        for handler in outer:
            logger.addHandler(handler)
    assert reports.said == [], "asyncio had to report what nobody took"
