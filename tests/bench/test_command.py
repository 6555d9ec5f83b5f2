"""`carcodec bench`, `report`, `compare` and `datasets` as people call them, in real processes."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from carcodec.cli.main import run
from carcodec.rows import read_rows


def _own(stubs, name):
    return "--codec-file", f"{stubs}:{name}"


def test_bench_measures_once_and_sums_up_every_time(carcodec, pictures, stubs, tmp_path):
    command = ("bench", "--dataset", pictures, "--codecs", "jpeg", "--qualities", "1,3,5,7", *_own(stubs, "Coarse"))
    first = carcodec(*command)
    assert first.returncode == 0, first.stderr
    path = tmp_path / "bench-set.tsv"
    rows = read_rows([path])
    assert len(rows) == 3 * 2 * 4
    assert {row.setting for row in rows} == {"1", "3", "5", "7"}
    heads = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert [re.match(r"# (carcodec|machine|run)", head)[1] for head in heads] == ["carcodec", "machine", "run"]
    assert "| coarse |" in first.stdout.decode()
    assert "set, 3 pictures: against jpeg" in first.stdout.decode()
    before = path.read_bytes()
    second = carcodec(*command)
    assert "24 rows are there already, 0 are left to measure" in second.stderr.decode()
    assert (second.stdout, path.read_bytes()) == (first.stdout, before)


def test_rows_by_other_versions_are_not_gone_on_with(command, pictures, tmp_path):
    arguments = ("bench", "--dataset", pictures, "--codecs", "png", "-o", "r.tsv")
    assert command(*arguments).returncode == 0
    path = tmp_path / "r.tsv"
    path.write_text(path.read_text().replace("Pillow 1", "Pillow 0."))
    done = command(*arguments)
    assert done.returncode == 2
    assert "rows of png by other versions (Pillow 0." in done.stderr
    assert command(*arguments, "--force").returncode == 0


def test_rows_of_another_picture_of_the_same_name_are_not_gone_on_with(command, tmp_path):
    for place, colour in (("a", "red"), ("b", "blue")):
        (tmp_path / place / "set").mkdir(parents=True)
        Image.new("RGB", (16, 16), colour).save(tmp_path / place / "set" / "x.png")
    assert command("bench", "--dataset", "a/set", "--codecs", "png", "-o", "r.tsv").returncode == 0
    assert command("bench", "--dataset", "a/set", "--codecs", "png", "-o", "r.tsv").returncode == 0
    done = command("bench", "--dataset", "b/set", "--codecs", "png", "-o", "r.tsv")
    assert done.returncode == 2
    assert "r.tsv has rows of another picture set/x than" in done.stderr
    assert command("bench", "--dataset", "b/set", "--codecs", "png", "-o", "r.tsv", "--force").returncode == 0


def test_picture_that_cannot_be_measured_is_named(command, tmp_path):
    (tmp_path / "set").mkdir()
    Image.new("RGBA", (16, 16)).save(tmp_path / "set" / "glass.png")
    done = command("bench", "--dataset", "set", "--codecs", "png")
    assert done.returncode == 3
    assert "glass.png: the picture has transparent parts" in done.stderr


@pytest.mark.parametrize(
    ("codecs", "words"),
    [
        ("jpeg:q=101", "settings of jpeg are whole numbers 1..100, not 101"),
        ("jpeg:q=50/50.5", "not 50.5"),
        ("carcodec:q=0", "not 0"),
        ("jpeg:first=500,q=50", "first must be 1..100"),
        ("carcodec:mode=foo,q=50", "mode must be one of"),
    ],
)
def test_settings_and_options_that_do_not_exist_are_2(command, pictures, codecs, words):
    done = command("bench", "--dataset", pictures, "--codecs", codecs)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr


@pytest.mark.parametrize(("name", "code", "words"), [("Unset", 2, "has no settings of its own"), ("Empty", 8, "empty")])
def test_own_codec_without_settings_or_bytes_is_refused(command, pictures, stubs, name, code, words):
    done = command("bench", "--dataset", pictures, "--codecs", "png", *_own(stubs, name))
    assert done.returncode == code
    assert words in done.stderr


def test_rows_go_to_a_file(command, pictures):
    done = command("bench", "--dataset", pictures, "--codecs", "png", "-o", "-")
    assert done.returncode == 2
    assert "rows go to a file" in done.stderr


def test_depth_that_compare_cannot_see_is_told(command, tmp_path):
    deep = Image.fromarray((np.arange(256, dtype=np.uint16) * 256).reshape(16, 16))
    deep.save(tmp_path / "deep.png")
    done = command("compare", "deep.png", "deep.png")
    assert done.returncode == 0
    assert done.stderr.count("16 bits a sample were reduced to 8") == 2


@pytest.mark.parametrize("size", [(1, 200), (200, 1), (1, 1), (2, 9)])
def test_narrow_pictures_are_compared(command, tmp_path, size):
    for name, level in (("a.png", 0), ("b.png", 9)):
        picture = Image.new("L", size, level)
        picture.putpixel((0, 0), 200)
        picture.save(tmp_path / name)
    done = command("compare", "a.png", "b.png")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs cp")
def test_command_line_is_measured_and_one_that_cannot_run_is_named_and_left_out(command, pictures, tmp_path):
    copy = ("--codec-command", "copy:q=1/2", "cp {png} {out}", "cp {out} {png}")
    nowhere = ("--codec-command", "nowhere", "no-such-program {png} {out}", "no-such-program {out} {png}")
    done = command("bench", "--dataset", pictures, "--codecs", "jpeg:q=50", *copy, *nowhere, "-o", "r.tsv")
    assert done.returncode == 0
    words = "nowhere is left out: no program no-such-program"
    assert f"warning: {words}" in done.stderr
    assert f"# {words}\n" in (tmp_path / "r.tsv").read_text()
    rows = [row for row in read_rows([tmp_path / "r.tsv"]) if row.codec == "copy"]
    assert [(row.image, row.setting, row.max_error) for row in rows] == [(n, q, 0) for n in "abc" for q in "12"]
    assert rows[0].total_bytes > 100


def test_two_codecs_of_one_name_are_refused(command, pictures, stubs):
    done = command("bench", "--dataset", pictures, "--codecs", "jpeg,coarse", *_own(stubs, "Coarse"))
    assert done.returncode == 2
    arguments = ("--codec-command", "jpeg", "cp {png} {out}", "cp {out} {png}")
    done = command("bench", "--dataset", pictures, "--codecs", "jpeg", *arguments)
    assert done.returncode == 2
    assert "two codecs are called jpeg" in done.stderr


@pytest.mark.parametrize(("load", "timing"), [(0.3, "alone"), (1.7, "shared")])
def test_times_of_a_busy_machine_are_marked_and_the_load_is_told(pictures, tmp_path, monkeypatch, capsys, load, timing):
    monkeypatch.setattr("os.getloadavg", lambda: (load, load, load), raising=False)
    path = tmp_path / "r.tsv"
    assert run(["bench", "--dataset", str(pictures), "--codecs", "jpeg:q=50", "-o", str(path)]) == 0
    words = capsys.readouterr().err
    assert ("1.7 cores were busy in the last minute" in words) == (timing == "shared")
    assert f"times {timing}; load {load:.2f} before it" in path.read_text()
    assert {row.timing for row in read_rows([path])} == {timing}


def test_shards_write_files_of_their_own_and_report_joins_them(command, pictures, tmp_path):
    arguments = ("bench", "--dataset", pictures, "--codecs", "jpeg:q=10/30/50/70")
    for number in (1, 2):
        assert command(*arguments, "--shard", f"{number}/2").returncode == 0
    parts = ["bench-set-1-of-2.tsv", "bench-set-2-of-2.tsv"]
    whole = command(*arguments, "-o", "whole.tsv")
    joined = command("report", *parts)
    assert joined.returncode == 0, joined.stderr
    assert joined.stdout.count("| jpeg  |") == 4 + 1
    assert "left out" not in joined.stderr

    def means(table):
        return [line.split("|")[1:10] for line in table.splitlines() if line.startswith("| jpeg")]

    assert means(joined.stdout) == means(whole.stdout)


def test_report_names_parts_by_other_versions(command, pictures, tmp_path):
    arguments = ("bench", "--dataset", pictures, "--codecs", "png")
    for number in (1, 2):
        assert command(*arguments, "--shard", f"{number}/2").returncode == 0
    part = tmp_path / "bench-set-2-of-2.tsv"
    part.write_text(part.read_text().replace("Pillow 1", "Pillow 0."))
    done = command("report", "bench-set-1-of-2.tsv", part)
    assert done.returncode == 0
    assert "warning: rows by several versions are averaged: set png: Pillow 0." in done.stderr


def test_report_refuses_parts_of_live1_that_are_not_live1(command, pictures, tmp_path):
    assert command("bench", "--dataset", pictures, "--codecs", "jpeg:q=10", "-o", "r.tsv").returncode == 0
    row = (tmp_path / "r.tsv").read_text().splitlines()[-1]
    heads = (tmp_path / "r.tsv").read_text().splitlines()[-4]
    forged = [row.replace("set\tc\t", f"live1\tp{i}\t") for i in range(29)]
    (tmp_path / "forged.tsv").write_text("\n".join([heads, *forged]) + "\n")
    done = command("report", "forged.tsv")
    assert done.returncode == 8
    assert "25.69 dB is known" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_leaves_a_valid_file_that_is_gone_on_with(carcodec, child_environment, pictures, stubs, tmp_path, jobs):
    path = tmp_path / "rows.tsv"
    command = ["bench", "--dataset", str(pictures), "--codecs", "png", *_own(stubs, "Slow"), "-o", str(path)]
    command += ["--jobs", jobs]
    process = subprocess.Popen(
        [sys.executable, "-m", "carcodec", *command], env=child_environment, stderr=subprocess.PIPE, cwd=tmp_path
    )
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_text().count("\tslow\t") >= 2) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in words.decode()
    kept = [row.key for row in read_rows([path])]
    assert 2 <= len(kept) < 15
    assert carcodec(*command).returncode == 0
    keys = [row.key for row in read_rows([path])]
    assert keys[: len(kept)] == kept
    assert (len(keys), len(set(keys))) == (15, 15)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--dataset", "live1"), 3, "Put its 29 pictures into"),
        (("--dataset", "nothing"), 2, "neither a data set"),
        (("--codecs", "zip"), 2, "no codec is named 'zip'"),
        (("--shard", "3/2"), 2, "1 <= I <= N"),
        (("--qualities", "high"), 2, "numbers separated by commas"),
        (("--codecs", "jpeg", "--codec-command", "mine", "cp {png} x", "cp {out} {png}"), 2, "coded file {out}"),
    ],
)
def test_wrong_calls_end_in_one_line(command, arguments, code, words):
    done = command("bench", *arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_metric_whose_package_is_missing_is_not_left_out_in_silence(command, pictures, monkeypatch):
    monkeypatch.setattr("carcodec.cli.bench.find_spec", lambda name: None)
    done = command("bench", "--dataset", pictures, "--codecs", "jpeg", "--ssimulacra2")
    assert done.returncode == 2
    assert "carcodec[peers]" in done.stderr


def test_report_updates_documents_and_checks_them(command, pictures, tmp_path):
    assert command("bench", "--dataset", pictures, "--codecs", "jpeg:q=10/30/50/70", "-o", "r.tsv").returncode == 0
    document = tmp_path / "README.md"
    document.write_text("<!-- table: rates set column=bpp -->\n<!-- end -->\n")
    assert command("report", "r.tsv", "--update", "README.md", "--check").returncode == 8
    assert command("report", "r.tsv", "--update", "README.md").returncode == 0
    assert "| codec |   bpp |" in document.read_text()
    assert command("report", "r.tsv", "--update", "README.md", "--check").returncode == 0
    assert "by --update" in command("report", "r.tsv", "--check").stderr


def test_report_writes_a_page_and_documents_in_one_go(command, pictures, tmp_path):
    pytest.importorskip("matplotlib")
    assert command("bench", "--dataset", pictures, "--codecs", "jpeg:q=10/30/50/70", "-o", "r.tsv").returncode == 0
    (tmp_path / "README.md").write_text("<!-- number: bpp set jpeg 10 --><!-- end -->")
    done = command("report", "r.tsv", "-o", "out", "--pictures", "0", "--update", "README.md")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert (tmp_path / "out" / "index.html").exists()
    assert re.search(r"-->[\d.]+<!--", (tmp_path / "README.md").read_text())


def test_report_writes_a_page(command, pictures, tmp_path):
    pytest.importorskip("matplotlib")
    assert command("bench", "--dataset", pictures, "--codecs", "jpeg:q=10/30/50/70", "-o", "r.tsv").returncode == 0
    done = command("report", "r.tsv", "-o", "out", "--title", "Mine", "--dataset", pictures)
    assert done.returncode == 0, done.stderr
    assert "no codec carcodec" in done.stderr  # so no pictures to look at
    assert "<title>Mine</title>" in (tmp_path / "out" / "index.html").read_text()
    assert (tmp_path / "out" / "rd-set-rgb_psnr.svg").exists()


def test_compare_gives_numbers_and_a_heat_map(command, pictures, tmp_path):
    Image.new("RGB", (24, 20), (9, 9, 9)).save(tmp_path / "one.png")
    Image.new("RGB", (24, 20), (9, 9, 12)).save(tmp_path / "two.png")
    done = command("compare", "one.png", "two.png", "--json", "--heatmap", "map.png")
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout)
    assert scores["max_error"] == 3
    assert scores["rgb_psnr"] == pytest.approx(43.36, abs=0.01)  # mean squared error 3
    assert "ms_ssim" not in scores
    with Image.open(tmp_path / "map.png") as image:
        assert (image.mode, image.size) == ("RGB", (24, 20))
    again = command("compare", "one.png", "two.png", "--heatmap", "map.png")
    assert (again.returncode, again.stdout) == (9, ""), "told before anything is measured"
    jpeg = command("compare", "one.png", "two.png", "--heatmap", "map.jpg")
    assert (jpeg.returncode, jpeg.stdout) == (2, "")
    assert "RGB PSNR (dB)   inf" in command("compare", "one.png", "one.png").stdout
    assert "24x20 RGB and 24x20 gray" in command("compare", "one.png", pictures / "c.png").stderr


@pytest.mark.parametrize(
    ("content", "code"), [(None, 3), (b"no picture", 3), (b"\x89CAR and nothing more", 4)], ids=["none", "text", "car"]
)
def test_compare_names_the_file_that_cannot_be_read(command, pictures, tmp_path, content, code):
    if content is not None:
        (tmp_path / "two.png").write_bytes(content)
    done = command("compare", pictures / "a.png", "two.png")
    assert done.returncode == code
    assert done.stderr.startswith("carcodec: error: two.png: ")


def test_datasets_tell_what_is_there_and_what_is_not(carcodec, tmp_path):
    done = carcodec("datasets", "--data-dir", tmp_path)
    assert done.returncode == 0
    text = done.stdout.decode()
    assert "samples: " in text
    assert "there: 6 pictures in" in text
    assert f"{tmp_path}/live1/" in " ".join(text.split())
    assert carcodec("datasets", "live1").returncode == 3
    assert carcodec("datasets", "samples").returncode == 0


@pytest.mark.slow
def test_report_shows_original_jpeg_carcodec_and_a_rival_at_equal_bytes(carcodec, tmp_path):
    pytest.importorskip("matplotlib")
    codecs = "carcodec:q=10/20/40/60,jpeg:q=10/30/50/70,webp:q=10/40/70/90"
    assert carcodec("bench", "--limit", "1", "--codecs", codecs, "-o", "r.tsv").returncode == 0
    done = carcodec("report", "r.tsv", "-o", "out")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "index.html").read_text()
    (shown,) = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])["showcase"]
    assert [version["label"] for version in shown["versions"]] == ["original", "jpeg", "carcodec", "webp"]
    sizes = [int(re.search(r"([\d,]+) bytes", v["caption"])[1].replace(",", "")) for v in shown["versions"][1:]]
    assert max(sizes) == sizes[1]
    assert min(sizes) > 0.8 * sizes[1]
