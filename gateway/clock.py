"""The clock of leases: it goes on while the machine sleeps and does not jump when somebody sets the time."""

import time


def boottime_ms() -> int:
    """Milliseconds since the machine started, suspended or not."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
