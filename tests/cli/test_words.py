"""What the command says, where, and with which exit code."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from carcodec import errors
from carcodec.cli.main import COMMANDS, EPILOG, LazyGroup, group
from tests.cars import lepton_car, plain_car, small_jpeg
from tests.conftest import Run


def one_line(stderr: bytes) -> str:
    """The line of an error, checked to be one line and nothing else."""
    lines = stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("carcodec: error: ")
    return lines[0]


def test_version_is_the_package_version(carcodec: Run) -> None:
    from carcodec import __version__

    assert carcodec("--version").stdout.decode() == f"carcodec {__version__}\n"


def test_help_lists_every_command_in_the_table(carcodec: Run) -> None:
    page = carcodec("--help").stdout.decode()
    assert all(f"  {name} " in page for name in COMMANDS)


def test_help_line_in_the_table_agrees_with_the_name_of_the_command() -> None:
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.help, name


def test_help_states_the_exit_code_of_every_error() -> None:
    codes = {error.exit_code for error in vars(errors).values() if isinstance(error, type)}
    assert codes == set(range(1, 10))
    assert all(f"  {code}  " in EPILOG for code in codes)


def test_group_loads_nothing_to_list() -> None:
    assert isinstance(group, LazyGroup)
    assert group.list_commands(click.Context(group)) == list(COMMANDS)


def test_without_arguments_help_and_2(carcodec: Run) -> None:
    done = carcodec()
    assert done.returncode == 2
    assert b"Usage: carcodec" in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["encode"], "Missing argument"),
        (["encode", "a.png", "-q", "0", "-o", "a.car"], "0 is not in the range 1<=x<=100"),
        (["encode", "a.png", "-q", "9", "--target-bpp", "1", "-o", "a.car"], "only one of -q"),
        (["encode", "a.png", "--mode", "magic", "-o", "a.car"], "magic"),
        (["encode", "a.png"], "no output named"),
        (["encode", "a.png", "b.png"], "several inputs need --out-dir"),
        (["encode", "a.png", "-o", "a.car", "--out-dir", "d"], "do not go together"),
        (["encode", "-", "--out-dir", "d"], "a pipe has no name"),
        (["encode", "a/x.png", "b/x.png", "--out-dir", "d"], "would all become d/x.png.car"),
        (["decode", "*.nothing", "--out-dir", "d"], "no .car found"),
        (["train", "nonsense", "--data-dir", ".", "--run-dir", "r"], "there is no recipe nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_is_one_line_and_2(carcodec: Run, arguments: list[str], says: str) -> None:
    done = carcodec(*arguments)
    assert done.returncode == 2
    assert says in one_line(done.stderr)
    assert not done.stdout


def test_missing_input_is_3(carcodec: Run) -> None:
    done = carcodec("info", "nowhere.car")
    assert done.returncode == 3
    assert "nowhere.car: cannot be read: No such file" in one_line(done.stderr)


def test_missing_weights_are_3(carcodec: Run) -> None:
    done = carcodec("train", "side", "--data-dir", ".", "--run-dir", "r", "--start", "extractor=x.pt")
    assert done.returncode == 3
    assert "there are no weights x.pt" in one_line(done.stderr)


def test_other_files_are_4(carcodec: Run, tmp_path: Path) -> None:
    (tmp_path / "x.car").write_bytes(b"GIF89a and so on")
    done = carcodec("extract", "x.car", "-o", "x.jpg")
    assert done.returncode == 4
    one_line(done.stderr)
    assert not (tmp_path / "x.jpg").exists()


@pytest.mark.parametrize("command", ["info", "extract", "verify"])
def test_damage_is_4(carcodec: Run, command: str) -> None:
    data = bytearray(plain_car())
    data[len(data) // 2] ^= 1
    output = ["-o", "x.jpg"] if command == "extract" else []
    done = carcodec(command, "-", *output, stdin=bytes(data))
    assert done.returncode == 4
    one_line(done.stderr)


def test_info_for_programs_is_one_json_object_a_line(carcodec: Run, tmp_path: Path) -> None:
    for name in ("a.car", "b.car"):
        (tmp_path / name).write_bytes(plain_car())
    facts = [json.loads(line) for line in carcodec("info", "--json", "a.car", "b.car").stdout.splitlines()]
    assert [fact["file"] for fact in facts] == ["a.car", "b.car"]
    parts = facts[0]["packed_jpeg_bytes"] + facts[0]["descriptor_bytes"] + facts[0]["framing_bytes"]
    assert parts == facts[0]["total_bytes"] == len(plain_car())


def test_info_for_people_says_mode_size_and_bytes(carcodec: Run, tmp_path: Path) -> None:
    (tmp_path / "a.car").write_bytes(plain_car())
    page = carcodec("info", "a.car").stdout.decode()
    assert {"blind", "48", "32", f"{len(plain_car()):,}"} <= set(page.split())


def test_info_describes_the_jpeg_inside(carcodec: Run, tmp_path: Path) -> None:
    (tmp_path / "a.car").write_bytes(plain_car())
    jpeg = json.loads(carcodec("info", "--json", "a.car").stdout)["jpeg"]
    assert (jpeg["bytes"], jpeg["standard_quality"]) == (len(small_jpeg()), 40)
    assert (jpeg["coding"], jpeg["sampling"]) == ("baseline", "4:2:0")


@pytest.mark.skipif(find_spec("lepton_jpeg_python") is None, reason="makes a file that is packed by Lepton")
def test_info_works_where_the_packer_is_missing(carcodec: Run, tmp_path: Path) -> None:
    (tmp_path / "a.car").write_bytes(lepton_car())
    (tmp_path / "lepton_jpeg_python.py").write_text("raise ImportError('not for this machine')")
    facts = json.loads(carcodec("info", "--json", "a.car").stdout)
    assert (facts["packing"], facts["jpeg"]) == ("lepton", None)
    done = carcodec("extract", "a.car", "-o", "a.jpg")
    assert done.returncode == 5
    assert "lepton-jpeg-python" in one_line(done.stderr)


@pytest.mark.skipif(find_spec("lepton_jpeg_python") is None, reason="makes a file that is packed by Lepton")
def test_unforeseen_error_is_1_and_a_traceback_is_for_those_who_ask(carcodec: Run, tmp_path: Path) -> None:
    (tmp_path / "a.car").write_bytes(lepton_car())
    (tmp_path / "lepton_jpeg_python.py").write_text("raise ArithmeticError('of a defect')")
    done = carcodec("extract", "a.car", "-o", "a.jpg")
    assert done.returncode == 1
    assert "unforeseen ArithmeticError: of a defect" in one_line(done.stderr)
    assert b"Traceback" in carcodec("extract", "a.car", "-o", "a.jpg", "--verbose").stderr


def test_quiet_leaves_errors_alone(carcodec: Run, tmp_path: Path) -> None:
    (tmp_path / "good.car").write_bytes(plain_car())
    done = carcodec("extract", "--quiet", "good.car", "bad.car", "--out-dir", "out")
    assert done.returncode == 3
    assert "bad.car" in one_line(done.stderr)
