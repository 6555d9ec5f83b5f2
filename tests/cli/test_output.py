"""Files appear whole or not at all, and are never overwritten unasked. `extract` stands for all commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from carcodec.cli.output import replacing
from tests.cars import plain_car, small_jpeg
from tests.conftest import Run

posix = pytest.mark.skipif(os.name != "posix", reason="signals, terminals and devices of POSIX systems")


@pytest.fixture
def car(tmp_path: Path) -> Path:
    path = tmp_path / "x.car"
    path.write_bytes(plain_car())
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_output_by_option(carcodec: Run, car: Path) -> None:
    assert carcodec("extract", car, "-o", "x.jpg").returncode == 0
    assert car.with_suffix(".jpg").read_bytes() == small_jpeg()


def test_output_by_second_name(carcodec: Run, car: Path) -> None:
    assert carcodec("extract", car, "x.jpg").returncode == 0
    assert car.with_suffix(".jpg").read_bytes() == small_jpeg()


def test_pipes_both_ways(carcodec: Run) -> None:
    done = carcodec("extract", "-", "-o", "-", stdin=plain_car())
    assert (done.returncode, done.stdout, done.stderr) == (0, small_jpeg(), b"")


def test_existing_output_is_left_alone(carcodec: Run, car: Path, tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_text("mine")
    done = carcodec("extract", car, "-o", "x.jpg")
    assert done.returncode == 9
    assert b"x.jpg exists; --force overwrites it" in done.stderr
    assert (tmp_path / "x.jpg").read_text() == "mine"


def test_force_overwrites(carcodec: Run, car: Path, tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_text("mine")
    assert carcodec("extract", car, "-o", "x.jpg", "--force").returncode == 0
    assert (tmp_path / "x.jpg").read_bytes() == small_jpeg()
    assert names(tmp_path) == {"x.car", "x.jpg"}


@posix
def test_a_link_stays_a_link(carcodec: Run, car: Path, tmp_path: Path) -> None:
    (tmp_path / "real.jpg").write_text("mine")
    (tmp_path / "x.jpg").symlink_to("real.jpg")
    assert carcodec("extract", car, "-o", "x.jpg", "--force").returncode == 0
    assert (tmp_path / "x.jpg").is_symlink()
    assert (tmp_path / "real.jpg").read_bytes() == small_jpeg()


@posix
def test_new_files_get_ordinary_permissions(carcodec: Run, car: Path, tmp_path: Path) -> None:
    carcodec("extract", car, "-o", "x.jpg", umask=0o027)
    assert (tmp_path / "x.jpg").stat().st_mode & 0o777 == 0o640


@posix
@pytest.mark.parametrize("mode", [0o600, 0o444])
def test_overwritten_files_keep_their_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "x"
    path.touch(mode)
    with replacing(path) as partial:
        assert partial.stat().st_mode & 0o777 == mode | 0o200  # to be written, and for nobody else to see
        partial.write_text("new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("output", ["missing/x.jpg", "folder.jpg", "x.car/x.jpg"])
def test_impossible_output_is_9_and_leaves_nothing(carcodec: Run, car: Path, tmp_path: Path, output: str) -> None:
    (tmp_path / "folder.jpg").mkdir()
    done = carcodec("extract", car, "-o", output)
    assert done.returncode == 9
    assert len(done.stderr.splitlines()) == 1
    assert names(tmp_path) == {"x.car", "folder.jpg"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["extract", "-o", "/dev/full"], ["extract", "-o", "-"], ["info"]], ids=" ".join)
def test_full_disk_is_9(child_environment: dict[str, str], car: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "carcodec", arguments[0], str(car), *arguments[1:]]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=child_environment, check=False)
    assert done.returncode == 9
    assert len(done.stderr.splitlines()) == 1
    assert Path("/dev/full").is_char_device()


@posix
def test_longest_names_can_be_written(carcodec: Run, car: Path, tmp_path: Path) -> None:
    name = "x" * 251 + ".jpg"
    assert carcodec("extract", car, "-o", name).returncode == 0
    assert names(tmp_path) == {"x.car", name}


@posix
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["x.car", "-o", "x" * 300], 9),
        (["x" * 300, "-o", "x.jpg"], 3),
        (["x.car", "-o", "new/"], 9),
        (["x.car", "-o", "loop/x.jpg"], 9),
        (["loop", "-o", "x.jpg"], 3),
    ],
)
def test_names_that_cannot_be_are_one_line(
    carcodec: Run, car: Path, tmp_path: Path, arguments: list[str], code: int
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    done = carcodec("extract", *arguments)
    assert done.returncode == code
    assert done.stderr.decode().count("\n") == 1
    assert b"unforeseen" not in done.stderr
    assert names(tmp_path) == {"x.car", "loop"}


@posix
@pytest.mark.parametrize("arguments", [["extract", "-o", "-"], ["info"]], ids=" ".join)
def test_reader_that_went_away_is_9(child_environment: dict[str, str], car: Path, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "carcodec", arguments[0], str(car), *arguments[1:]]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=child_environment, check=False)
    os.close(writer)
    assert done.returncode == 9
    assert done.stderr.decode() == "carcodec: error: cannot write the output: Broken pipe\n"


@posix
def test_terminal_gets_no_binary_data(child_environment: dict[str, str], car: Path) -> None:
    terminal, end = os.openpty()
    command = [sys.executable, "-m", "carcodec", "extract", str(car), "-o", "-"]
    done = subprocess.run(command, stdout=end, stderr=subprocess.PIPE, env=child_environment, check=False)
    os.close(end)
    os.close(terminal)
    assert done.returncode == 2
    assert b"terminal" in done.stderr


@posix
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_command_leaves_nothing(
    child_environment: dict[str, str], tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    command = [sys.executable, "-m", "carcodec", "extract", "-", "-o", "x.jpg"]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=child_environment
    )
    assert child.stdin is not None
    assert child.stderr is not None
    # More than a pipe holds: when the write returns, the command has begun to read. It then sits in a read
    # that a signal ends; one that came between two reads would be seen only after the next.
    child.stdin.write(bytes(2**20))
    time.sleep(0.5)
    child.send_signal(sent)
    assert child.wait(timeout=30) == code
    assert b"Traceback" not in child.stderr.read()
    child.stderr.close()
    child.stdin.close()
    assert names(tmp_path) == set()


def write_half(path: Path, failure: type[BaseException]) -> None:
    with replacing(path) as partial:
        partial.write_text("half")
        raise failure


@pytest.mark.parametrize("failure", [KeyboardInterrupt, SystemExit, ValueError])
def test_half_written_file_is_removed(tmp_path: Path, failure: type[BaseException]) -> None:
    (tmp_path / "x").write_text("old")
    with pytest.raises(failure):
        write_half(tmp_path / "x", failure)
    assert names(tmp_path) == {"x"}
    assert (tmp_path / "x").read_text() == "old"


def test_two_writers_in_one_folder_do_not_meet(tmp_path: Path) -> None:
    # As two containers whose processes have one number.
    with replacing(tmp_path / "a") as first, replacing(tmp_path / "b") as second:
        first.write_text("of a")
        second.write_text("of b")
    assert (tmp_path / "a").read_text() == "of a"
    assert (tmp_path / "b").read_text() == "of b"
    assert names(tmp_path) == {"a", "b"}


def test_file_systems_without_permissions_take_outputs_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: int) -> None:
        raise PermissionError

    (tmp_path / "x").write_text("old")
    monkeypatch.setattr(Path, "chmod", refuse)  # as memory cards and shares of other systems do
    with replacing(tmp_path / "x") as partial:
        partial.write_text("new")
    assert (tmp_path / "x").read_text() == "new"
    assert names(tmp_path) == {"x"}
