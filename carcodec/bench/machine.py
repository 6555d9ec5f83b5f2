"""The machine that a run has, in words for a results file."""

from __future__ import annotations

import math
import os
import platform
from pathlib import Path

BUSY_CORES = 0.5  # in use by others before a run: its times then say little


def machine_name() -> str:
    """Processor and number of cores, such as `AMD EPYC 7B13, 2 cores, Linux`."""
    return f"{_processor()}, {_cores()} cores, {platform.system()}"


def python_name() -> str:
    """The interpreter, such as `CPython 3.11.4`."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def load() -> float:
    """Mean number of cores in use in the last minute; nan where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan


def is_busy() -> bool:
    """Whether other work had the machine in the last minute; False where the system does not tell."""
    return load() > BUSY_CORES


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
