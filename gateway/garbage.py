"""How seldom a process on a message's way looks for garbage.

Not here: the registry's files, which know better what they leave behind (registry/bulk/jobs.py).
"""

import contextlib
import gc
from collections.abc import Iterator
from typing import Final

#: Containers made and not yet freed before garbage is looked for. A message is some hundred that end with its answer,
#: and make no cycles: with Python's own 700 every few messages were looked through, for nothing.
GARBAGE: Final = 50_000


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """Leave out of every search what is there now, which stays; search seldom until the block ends."""
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*before)
