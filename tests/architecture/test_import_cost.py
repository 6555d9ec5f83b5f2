"""What needs no network starts without one: no torch, and an answer within 0.3 s of CPU. Each in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from carcodec.cli.main import COMMANDS
from tests.cars import layered_car, plain_car

BUDGET_S = 0.3
NUMPY_S = 0.085  # what `import numpy` takes, as a process, on the machine that the budget is for
TRIES = 20  # the fastest counts: a busy neighbour slows a core, too

RUN = """
import sys
from carcodec.cli.main import run
for line in sys.argv[1:]:
    assert run(line.split()) == 0, line
    heavy = {"torch", "scipy", "matplotlib", "skimage"} & set(sys.modules)
    assert not heavy, (line, heavy)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x.car").write_bytes(plain_car())
    (tmp_path / "layers.car").write_bytes(layered_car())
    return tmp_path


LIGHT = ["--help", "--version", "info x.car", "extract x.car -o - --quiet", "train --list"]
HELP = [f"{name} --help" for name in COMMANDS]


def seconds(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    """CPU time of a child: other processes of a shared machine do not count."""
    before = os.times()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=60)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def test_commands_that_need_no_network_load_no_torch(folder: Path, child_environment: dict[str, str]) -> None:
    thumbnail = "decode layers.car -o thumbnail.png --layer compact"
    seconds([sys.executable, "-c", RUN, *HELP, *LIGHT, thumbnail], folder, child_environment)


@pytest.mark.skipif(os.name != "posix", reason="only POSIX systems tell the CPU time of children")
@pytest.mark.parametrize("arguments", LIGHT)
def test_command_answers_in_time(folder: Path, child_environment: dict[str, str], arguments: str) -> None:
    command = [sys.executable, "-m", "carcodec", *arguments.split()]
    fastest = slowness = float("inf")
    for _ in range(TRIES):
        slowness = min(slowness, seconds([sys.executable, "-c", "import numpy"], folder, child_environment) / NUMPY_S)
        fastest = min(fastest, seconds(command, folder, child_environment))
        if fastest < BUDGET_S:
            return
    assert fastest < BUDGET_S * max(1, slowness)


@pytest.mark.parametrize("module", ["carcodec", "carcodec.errors", "carcodec.container.file"])
def test_light_modules_load_nothing_heavy(child_environment: dict[str, str], module: str) -> None:
    program = f"import sys, {module}; assert not {{'torch', 'numpy', 'PIL'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], env=child_environment, check=True, timeout=60)
