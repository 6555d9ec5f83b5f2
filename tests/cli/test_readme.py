"""README's commands exist, with the options that it uses, and do what it says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from PIL import Image

from carcodec.cli.main import EPILOG, group
from tests.conftest import ENVIRONMENT, ROOT, SAMPLES, run_carcodec

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [shlex.split(line) for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
OURS = [command[1:] for command in COMMANDS if command[0] == "carcodec"]
NEEDS_DATA_OR_TIME = ("bench", "report", "train")


@pytest.mark.parametrize("arguments", OURS, ids=" ".join)
def test_command_parses(arguments: list[str]) -> None:
    command = group.get_command(click.Context(group), arguments[0])
    assert command is not None
    command.make_context(arguments[0], arguments[1:])


def test_set_up_is_two_commands() -> None:
    first, second = (command for command in COMMANDS if command[0] != "carcodec")
    assert first[-2:] == [".venv/bin/carcodec", "demo"]
    assert second[-1] == ".venv/bin/pytest"


def test_exit_codes_are_those_of_the_help() -> None:
    table = README[README.index("| exit code") :].split("\n\n")[0]
    assert {int(cell) for cell in re.findall(r"\| (\d+) \|", table)} == {
        int(code) for code in re.findall(r"(?:^|  )(\d+)  ", EPILOG, re.MULTILINE)
    }


@pytest.mark.slow
@pytest.mark.networks
def test_commands_run_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with Image.open(SAMPLES / "coffee.png") as picture:
        picture.save(tmp_path / "in.png")
        picture.save(tmp_path / "photo.jpg", quality=40)
        picture.save(tmp_path / "photos" / "a.jpg", quality=40)
    for arguments in OURS:
        if arguments[0] not in NEEDS_DATA_OR_TIME:
            done = run_carcodec(tmp_path, *arguments)
            assert done.returncode == 0, (arguments, done.stderr)
    assert (tmp_path / "restored" / "a.png").exists()
    program = next(block for kind, block in BLOCKS if kind == "python")
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=120, env=ENVIRONMENT)
