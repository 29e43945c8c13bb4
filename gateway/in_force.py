"""When an opt-out holds everywhere: from then on no submission to that person begins, in no process.

A worker reads opt-outs fresh before each submission, and what it read is good for a bounded time: the first byte of a
submission leaves within JUDGED_WITHIN_S of the moment before the read, or the message is judged again. So an opt-out
that is on disk holds everywhere that much later, and whoever put it there hears our yes not before. No process has to
be asked, and none can be forgotten.

The clocks are those of leases: they go on while a machine is suspended, and nobody sets them. What is left is a process
that is frozen between its last look at the clock and the write behind it, for longer than the margin.
"""

import asyncio
from typing import Final

from gateway.clock import boottime_s

#: A submission begins within so long of the read that it was judged by.
JUDGED_WITHIN_S: Final = 0.5
#: What lies between the last look at the clock and the write: no wait, but a busy machine.
_MARGIN_S: Final = 0.1
#: An opt-out that is on disk holds everywhere so much later.
IN_FORCE_AFTER_S: Final = JUDGED_WITHIN_S + _MARGIN_S


async def until_in_force(since_s: float) -> None:
    """Wait until what was on disk at an instant, by boottime_s(), holds everywhere."""
    await asyncio.sleep(max(0.0, since_s + IN_FORCE_AFTER_S - boottime_s()))
