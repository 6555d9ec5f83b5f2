"""What needs no network starts without one: no torch, and an answer within 0.3 s. Each in a fresh process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from carcodec.cli.main import COMMANDS
from tests.cars import plain_car

BUDGET_S = 0.3
TRIES = 6  # the fastest counts: the machine may be busy with something else

RUN = """
import sys
from carcodec.cli.main import run
code = run(sys.argv[1:])
heavy = sorted({"torch", "scipy", "matplotlib", "skimage"} & set(sys.modules))
assert not heavy, heavy
assert code == 0, code
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x.car").write_bytes(plain_car())
    return tmp_path


LIGHT = [
    ("--help",),
    ("--version",),
    ("info", "x.car"),
    ("info", "--json", "x.car"),
    ("extract", "x.car", "-o", "x.jpg"),
    ("train", "--list"),
]


@pytest.mark.parametrize("arguments", [*LIGHT, *((name, "--help") for name in COMMANDS)], ids=" ".join)
def test_command_loads_no_torch(folder: Path, child_environment: dict[str, str], arguments: tuple[str, ...]) -> None:
    subprocess.run([sys.executable, "-c", RUN, *arguments], cwd=folder, env=child_environment, check=True, timeout=60)


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_command_answers_in_time(folder: Path, child_environment: dict[str, str], arguments: tuple[str, ...]) -> None:
    fastest = float("inf")
    for _ in range(TRIES):
        (folder / "x.jpg").unlink(missing_ok=True)
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "carcodec", *arguments],
            cwd=folder,
            env=child_environment,
            check=True,
            capture_output=True,
            timeout=60,
        )
        fastest = min(fastest, time.perf_counter() - start)
        if fastest < BUDGET_S:
            return
    pytest.fail(f"{fastest:.2f} s, more than {BUDGET_S} s")


@pytest.mark.parametrize("module", ["carcodec", "carcodec.errors", "carcodec.container.file"])
def test_light_modules_load_nothing_heavy(child_environment: dict[str, str], module: str) -> None:
    program = f"import sys, {module}; assert not {{'torch', 'numpy', 'PIL'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], env=child_environment, check=True, timeout=60)
