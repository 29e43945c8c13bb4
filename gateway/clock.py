"""The clock of leases: it goes on while the machine sleeps and does not jump when somebody sets the time."""

import time


def boottime_s() -> float:
    """Seconds since the machine started, suspended or not."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boottime_ms() -> int:
    """Milliseconds of the same."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
