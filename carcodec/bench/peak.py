"""The most memory that a process has held, told by the process itself.

Run as a script, `python peak.py FILE MODULE ARGUMENT...`, it runs a module as `python -m MODULE ARGUMENT...` does, and
leaves its peak in FILE. It loads nothing but the standard library, so that the peak is the module's own.
"""

from __future__ import annotations

import math
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

SCRIPT = Path(__file__)
KIB_PER_MIB = 1024
MAXRSS_PER_MIB = KIB_PER_MIB**2 if sys.platform == "darwin" else KIB_PER_MIB  # getrusage: bytes there, KiB elsewhere


def own_peak_mib() -> float:
    """Most memory that this process has held; nan where the system does not tell.

    Linux tells two figures. getrusage counts the memory of the process that started this one too, were it only for
    the moment before this program was loaded; VmHWM does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / KIB_PER_MIB
    if resource is None:
        return math.nan
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MAXRSS_PER_MIB


def command_line(told: Path, module: str, arguments: Sequence[str]) -> list[str]:
    """What runs a module in a process of its own and leaves its peak in `told`, MiB as text."""
    return [sys.executable, "-P", str(SCRIPT), str(told), module, *arguments]  # -P: modules beside it are no top level


def main() -> None:
    """Be that process."""
    _, told, module, *arguments = sys.argv
    sys.argv = [module, *arguments]
    root = str(SCRIPT.parents[2])  # of the package that measures, which a checkout need not have installed
    if root not in sys.path:
        sys.path.insert(0, root)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        Path(told).write_text(str(own_peak_mib()))


if __name__ == "__main__":
    main()
