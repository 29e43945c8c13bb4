"""Runs a module with Python's profiler at hand: ``python -m loadtests.bench.profiled FILE MODULE ARGUMENTS``.

SIGUSR1 begins to count, SIGUSR2 ends it and writes FILE. What counts is CPU time, so that waiting costs nothing.

Not here: what the figures mean (worker_stages.py).
"""

import cProfile
import runpy
import signal
import sys
import time
from pathlib import Path
from types import FrameType


def main() -> None:
    """Take our own arguments away and run the module as if it had been started itself."""
    file, module = Path(sys.argv[1]), sys.argv[2]
    profile = cProfile.Profile(time.process_time)

    def begin(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a signal handler's signature
        profile.enable()

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  the same
        profile.disable()
        written = file.with_suffix(".part")
        profile.dump_stats(written)
        written.rename(file)

    signal.signal(signal.SIGUSR1, begin)
    signal.signal(signal.SIGUSR2, end)
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
