"""Several inputs, folders and patterns, into one folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cars import plain_car, small_jpeg
from tests.conftest import Run


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    for name in ("one.car", "two.CAR", "deep/three.car", "deep/notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(plain_car())
    return folder


def found(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_folder_is_searched_and_its_shape_kept(carcodec: Run, album: Path, tmp_path: Path) -> None:
    done = carcodec("extract", album, "--out-dir", "out")
    assert done.returncode == 0
    assert done.stderr.decode() == "3 of 3 files written\n"
    assert found(tmp_path / "out") == {"one.jpg", "two.jpg", os.path.join("deep", "three.jpg")}
    assert (tmp_path / "out" / "one.jpg").read_bytes() == small_jpeg()


def test_pattern_is_expanded(carcodec: Run, album: Path, tmp_path: Path) -> None:
    assert carcodec("extract", f"{album}/**/*.car", "--out-dir", "out").returncode == 0
    assert found(tmp_path / "out") == {"one.jpg", "three.jpg"}


def test_single_file_makes_the_folder(carcodec: Run, album: Path, tmp_path: Path) -> None:
    assert carcodec("extract", album / "one.car", "--out-dir", "new/out").returncode == 0
    assert found(tmp_path / "new") == {os.path.join("out", "one.jpg")}


def test_failed_file_is_named_and_the_rest_is_done(carcodec: Run, album: Path, tmp_path: Path) -> None:
    (album / "one.car").write_bytes(b"not a car")
    done = carcodec("extract", album, "--out-dir", "out")
    assert done.returncode == 4
    first, last = done.stderr.decode().splitlines()
    assert first.startswith(f"carcodec: error: {album / 'one.car'}: ")
    assert last == "2 of 3 files written"
    assert len(found(tmp_path / "out")) == 2


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX systems")
def test_progress_is_shown_to_a_terminal_only(child_environment: dict[str, str], album: Path, tmp_path: Path) -> None:
    import termios

    terminal, end = os.openpty()
    termios.tcsetwinsize(end, (24, 80))
    command = [sys.executable, "-m", "carcodec", "extract", str(album), "--out-dir", str(tmp_path / "out")]
    subprocess.run(command, stderr=end, env=child_environment, check=True)
    os.close(end)
    shown = os.read(terminal, 2**16).decode()
    os.close(terminal)
    assert "3/3" in shown
    again = subprocess.run([*command, "--force"], stderr=subprocess.PIPE, env=child_environment, check=True)
    assert b"3/3" not in again.stderr
