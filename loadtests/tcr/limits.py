"""The rate limits: 20 GETs in any second, 20 other requests in any ten, whoever asks; beyond, 429.

Looked at as a window that slides, so that a client cannot live by bursts across its edges. Refused requests do not
count.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

_READ_WINDOW_S: Final = 1.0
_WRITE_WINDOW_S: Final = 10.0


class Limits:
    """Counts what came."""

    def __init__(self, *, reads_per_s: int, writes_per_10s: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reads: deque[float] = deque()
        self._writes: deque[float] = deque()
        self._reads_max = reads_per_s
        self._writes_max = writes_per_10s
        #: How many were refused.
        self.refused = 0

    def takes(self, method: str) -> bool:
        """Count one request; False when it is one too many."""
        is_read = method in {"GET", "HEAD"}
        came, most = (self._reads, self._reads_max) if is_read else (self._writes, self._writes_max)
        now = self._clock()
        while came and came[0] <= now - (_READ_WINDOW_S if is_read else _WRITE_WINDOW_S):
            came.popleft()
        if len(came) >= most:
            self.refused += 1
            return False
        came.append(now)
        return True
