"""Several inputs, folders and patterns, into one folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from carcodec.cli import files
from carcodec.cli.output import Console
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


def as_plain_user(arguments: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """The command as somebody whom permissions bind, which they do not if tests are run by root."""
    command = [sys.executable, "-m", "carcodec", *arguments]
    if os.geteuid() == 0:
        plain = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
        if not shutil.which("setpriv") or subprocess.run([*plain, "true"], capture_output=True).returncode:
            pytest.skip("root cannot lay down its rights here")
        command = [*plain, *command]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_folder_is_searched_and_its_shape_kept(carcodec: Run, album: Path, tmp_path: Path) -> None:
    done = carcodec("extract", album, "--out-dir", "out")
    assert done.returncode == 0
    assert done.stderr.decode() == "3 of 3 files written\n"
    assert found(tmp_path / "out") == {"one.jpg", "two.jpg", os.path.join("deep", "three.jpg")}
    assert (tmp_path / "out" / "one.jpg").read_bytes() == small_jpeg()


def test_pattern_is_expanded(carcodec: Run, album: Path, tmp_path: Path) -> None:
    assert carcodec("extract", f"{album}/**/*.car", "--out-dir", "out").returncode == 0
    assert found(tmp_path / "out") == {"one.jpg", os.path.join("deep", "three.jpg")}


@pytest.mark.parametrize("name", ["phtos/*.car", "empty"])
def test_what_holds_no_input_is_said_before_the_work_begins(
    carcodec: Run, album: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    done = carcodec("extract", album, name, "--out-dir", "out")
    assert (done.returncode, done.stderr.decode()) == (2, f"carcodec: error: no .car found in {name}\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["info", "verify"])
def test_patterns_are_expanded_where_nothing_is_written_too(carcodec: Run, album: Path, command: str) -> None:
    done = carcodec(command, f"{album}/*.*", album / "deep" / "three.car")
    assert done.returncode == 0, done.stderr
    assert [name for name in ("one.car", "two.CAR", "three.car") if name in (done.stdout + done.stderr).decode()] == [
        "one.car",
        "two.CAR",
        "three.car",
    ]


@pytest.mark.parametrize("pattern", ["de*/three.car", "*/*.car", "d*", "**"])
def test_pattern_keeps_the_folders_behind_its_first_wildcard(
    carcodec: Run, album: Path, tmp_path: Path, pattern: str
) -> None:
    assert carcodec("extract", f"{album}/{pattern}", "--out-dir", "out").returncode == 0
    assert os.path.join("deep", "three.jpg") in found(tmp_path / "out")


def test_files_that_differ_by_their_ending_keep_it(carcodec: Run, tmp_path: Path) -> None:
    for name in ("a.jpg", "a.jpeg", "b.jpg"):
        (tmp_path / name).write_bytes(small_jpeg())
    assert carcodec("restore", ".", "--strength", "0", "--out-dir", "out").returncode == 0
    assert found(tmp_path / "out") == {"a.jpg.png", "a.jpeg.png", "b.png"}


def test_input_that_is_named_twice_is_done_once(carcodec: Run, album: Path, tmp_path: Path) -> None:
    done = carcodec("extract", album, album / "one.car", "--out-dir", "out")
    assert (done.returncode, done.stderr) == (0, b"3 of 3 files written\n")


def test_out_dir_that_is_a_file_is_said_once(carcodec: Run, album: Path) -> None:
    done = carcodec("extract", album, "--out-dir", album / "one.car")
    assert done.returncode == 9
    assert done.stderr.decode() == f"carcodec: error: {album / 'one.car'} is not a folder\n"


def test_unforeseen_error_is_of_one_file_only(album: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def work(data: bytes, job: files.Job) -> bytes:
        failure = {"one.car": ZeroDivisionError("odd"), "two.CAR": MemoryError()}.get(Path(job.source).name)
        if failure:
            raise failure
        return data

    jobs = files.plan([str(album)], None, str(album.parent / "out"), files.Kinds((".car",), (".bin",)))
    assert files.run(jobs, work, Console(), force=False) == 1
    words = capsys.readouterr().err
    assert "one.car: unforeseen ZeroDivisionError: odd" in words
    assert "two.CAR: there is not enough memory for it" in words
    assert found(album.parent / "out") == {os.path.join("deep", "three.bin")}


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX systems")
@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_folder_that_cannot_be_read_is_named(
    child_environment: dict[str, str], album: Path, tmp_path: Path, mode: int
) -> None:
    (album / "deep").chmod(mode)
    done = as_plain_user(["extract", str(album), "--out-dir", str(tmp_path / "out")], child_environment, tmp_path)
    (album / "deep").chmod(0o755)
    assert done.returncode == 3, done.stderr
    assert f"{album / 'deep'}" in done.stderr
    assert "Permission denied" in done.stderr
    assert done.stderr.endswith("2 of 3 files written\n")


@pytest.mark.skipif(os.name != "posix", reason="pipes and links of POSIX systems")
def test_pipes_are_passed_over_and_dangling_links_named(carcodec: Run, album: Path) -> None:
    os.mkfifo(album / "pipe.car")
    (album / "link.car").symlink_to(album / "gone.car")
    done = carcodec("extract", album, "--out-dir", "out")
    assert done.returncode == 3
    assert f"{album / 'link.car'}: cannot be read: No such file" in done.stderr.decode()
    assert done.stderr.decode().endswith("3 of 4 files written\n")


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
