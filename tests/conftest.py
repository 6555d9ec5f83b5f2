"""What all tests share: one thread a process, and the fixture that runs the command in a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

# Before numpy or torch load: parallel test processes would fight for the cores.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest  # noqa: E402

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def child_environment() -> dict[str, str]:
    """Environment in which a child process finds this checkout from any folder."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture
def carcodec(tmp_path: Path, child_environment: dict[str, str]) -> Run:
    """Run the command in a process of its own, in an empty folder: `carcodec("info", "x.car")`."""

    def run(*arguments: str | Path, stdin: bytes = b"", **options: object) -> subprocess.CompletedProcess[bytes]:
        command: Sequence[str] = [sys.executable, "-m", "carcodec", *map(str, arguments)]
        settings = {"input": stdin, "capture_output": True, "cwd": tmp_path, "env": child_environment, "timeout": 120}
        return subprocess.run(command, **settings | options)  # type: ignore[call-overload,no-any-return]

    return run
