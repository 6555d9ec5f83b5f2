"""Loading torch, and what this computer is good at."""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
BFLOAT16_GAIN = 1.3  # times faster than float32 before it is worth its rounding; native 1.6 to 2.6, emulated 0.2 to 0.6
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc, malloc.h
LARGEST_KEPT_BYTES = 128 << 20  # of one block: features of a piece, not whole pictures
KEPT_BYTES = 1 << 30


@functools.cache
def load_torch() -> Any:
    """torch, loaded so that its threads sleep where they wait for each other.

    Spinning threads halve the speed as soon as another process wants a core and gain nothing on idle ones. OpenMP reads
    the policy when it starts, so it is set just for that moment; a policy of the user's own stays.
    """
    waiting = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
    if "torch" in sys.modules or any(name in os.environ for name in waiting):
        return importlib.import_module("torch")
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    try:
        torch = importlib.import_module("torch")
        torch.get_num_threads()  # some OpenMP libraries start no sooner than they are asked something
    finally:
        del os.environ["OMP_WAIT_POLICY"]
    return torch


def keep_freed_memory() -> None:
    """Let the C library keep what networks free between layers, instead of giving it back and faulting it in again.

    A tenth of the time of a bfloat16 network. It holds for the whole process (which may keep up to 1 GB), so it is for
    programs that do nothing else, before they run networks. glibc only; elsewhere nothing happens.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
    libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


@functools.cache
def cpu_is_fast_in_bfloat16() -> bool:
    """Whether this CPU computes in bfloat16, rather than emulating it at half the speed of float32 or less.

    By the CPU's flags where they can be read; else, and where the user holds oneDNN back from using them, by trial.
    """
    held_back = any(name in os.environ for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"))
    flags = _x86_flags()
    return _bfloat16_wins_a_trial() if held_back or not flags else bool(flags & BFLOAT16_FLAGS)


def _x86_flags() -> set[str]:
    """Feature flags as Linux names them; empty elsewhere."""
    path = Path("/proc/cpuinfo")
    if platform.machine() not in ("x86_64", "AMD64") or not path.exists():
        return set()
    lines = path.read_text().splitlines()
    return set(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())


def _bfloat16_wins_a_trial() -> bool:
    torch = load_torch()

    def seconds(dtype: Any) -> float:
        kernel, picture = torch.ones(32, 32, 3, 3, dtype=dtype), torch.ones(1, 32, 48, 48, dtype=dtype)
        picture = picture.to(memory_format=torch.channels_last)
        times = []
        for _ in range(4):
            start = time.perf_counter()
            torch.nn.functional.conv2d(picture, kernel, padding=1)
            times.append(time.perf_counter() - start)
        return min(times)

    with torch.inference_mode():
        return seconds(torch.float32) > BFLOAT16_GAIN * seconds(torch.bfloat16)
