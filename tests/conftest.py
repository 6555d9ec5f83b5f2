"""What all tests share: one thread a process, and the fixture that runs the command in a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# Before numpy or torch load: parallel test processes would fight for the cores.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest  # noqa: E402

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"

Done = subprocess.CompletedProcess[bytes]
Run = Callable[..., Done]

# A child process finds this checkout from any folder.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


def run_carcodec(folder: Path, *arguments: str | Path, stdin: bytes = b"", **options: Any) -> Done:
    """Run the command in a process of its own, in a folder."""
    command = [sys.executable, "-m", "carcodec", *map(str, arguments)]
    settings = {"input": stdin, "capture_output": True, "cwd": folder, "env": ENVIRONMENT, "timeout": 120}
    return subprocess.run(command, **settings | options)


@pytest.fixture
def child_environment() -> dict[str, str]:
    """Environment for child processes that a test starts by itself."""
    return ENVIRONMENT


@pytest.fixture
def carcodec(tmp_path: Path) -> Run:
    """`carcodec("info", "x.car")` runs the command in the test's empty folder."""
    return partial(run_carcodec, tmp_path)
