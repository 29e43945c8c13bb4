"""How late this machine lets a program run that wants to: a measure for what no program on it can promise."""

import threading
import time
from typing import Final, Self

_EVERY_S: Final = 0.01


class LagWatch:
    """Sleeps for 10 ms again and again in a thread, and notes by how much it overslept. A context manager."""

    def __init__(self) -> None:
        self._worst_s = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lag", daemon=True)

    def take(self) -> float:
        """Return the longest lag since this was last asked, in seconds."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return worst_s

    def _watch(self) -> None:
        before_s = time.monotonic()
        while not self._ending.is_set():
            time.sleep(_EVERY_S)
            now_s = time.monotonic()
            self._worst_s = max(self._worst_s, now_s - before_s - _EVERY_S)
            before_s = now_s

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
