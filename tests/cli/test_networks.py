"""The commands that run networks, in real processes on real pictures, end to end."""

from __future__ import annotations

import io
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import SAMPLES, Run, run_carcodec

pytestmark = pytest.mark.networks

SAMPLE = SAMPLES / "coffee.png"
QUALITY = 20


def pixels(source: Path | bytes) -> np.ndarray:
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
        return np.asarray(picture).astype(np.int64)


def error(image: np.ndarray, other: np.ndarray) -> float:
    """Mean squared error."""
    return float(np.mean((image - other) ** 2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return partial(run_carcodec, folder)


@pytest.fixture(scope="module")
def car(folder: Path, run: Run) -> Path:
    done = run("encode", SAMPLE, "-o", "sample.car", "-q", QUALITY)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    return folder / "sample.car"


@pytest.fixture(scope="module")
def jpeg(folder: Path, run: Run, car: Path) -> Path:
    assert run("extract", car, "-o", "sample.jpg").returncode == 0
    return folder / "sample.jpg"


def test_decoded_is_nearer_to_the_original_than_the_jpeg_inside(run: Run, car: Path, jpeg: Path) -> None:
    assert run("decode", car, "-o", "decoded.png").returncode == 0
    original = pixels(SAMPLE)
    assert error(original, pixels(car.with_name("decoded.png"))) < error(original, pixels(jpeg))


def test_file_is_smaller_than_the_jpeg_inside(car: Path, jpeg: Path) -> None:
    assert car.stat().st_size < jpeg.stat().st_size


def test_strength_0_is_the_jpeg_inside(run: Run, car: Path, jpeg: Path) -> None:
    done = run("decode", car, "-o", "-", "--strength", "0")
    assert np.array_equal(pixels(done.stdout), pixels(jpeg))


def test_whole_pipe_without_a_file(run: Run) -> None:
    coded = run("encode", "-", "-o", "-", "-q", QUALITY, stdin=SAMPLE.read_bytes())
    assert coded.returncode == 0, coded.stderr
    assert pixels(run("decode", "-", "-o", "-", stdin=coded.stdout).stdout).shape == pixels(SAMPLE).shape


def test_verify_passes_what_encode_wrote(run: Run, car: Path) -> None:
    done = run("verify", car, "--verbose")
    assert done.returncode == 0
    assert done.stderr.decode().startswith(f"{car}: ok, ")


def test_info_names_the_models_in_the_file(run: Run, car: Path) -> None:
    facts = json.loads(run("info", "--json", car).stdout)
    assert facts["restorer"].startswith("restorer-") or ":" not in facts["restorer"]
    assert facts["framing_bytes"] <= 48


def test_jpeg_without_quality_is_carried_bit_for_bit(run: Run, folder: Path) -> None:
    picture = Image.fromarray(pixels(SAMPLE).astype(np.uint8))
    picture.save(folder / "mine.jpg", quality=61, progressive=True)
    assert run("encode", "mine.jpg", "-o", "mine.car").returncode == 0
    assert run("extract", "mine.car", "-o", "-").stdout == (folder / "mine.jpg").read_bytes()


def test_options_that_a_kept_jpeg_has_no_use_for_are_told(run: Run, folder: Path, jpeg: Path) -> None:
    done = run("encode", jpeg, "-o", "told.car", "--tables", "standard")
    assert done.returncode == 0
    assert b"--tables without effect" in done.stderr
    assert run("extract", "told.car", "-o", "-").stdout == jpeg.read_bytes()


def test_side_information_of_a_kept_jpeg_is_2(run: Run, jpeg: Path) -> None:
    done = run("encode", jpeg, "-o", "none.car", "--side", "on")
    assert done.returncode == 2
    assert b"original" in done.stderr


def test_depth_lost_on_loading_is_told(run: Run, folder: Path) -> None:
    deep = np.arange(32 * 32, dtype=np.uint16).reshape(32, 32) * 60
    Image.fromarray(deep).save(folder / "deep.png")
    done = run("encode", "deep.png", "-o", "deep.car", "--mode", "blind")
    assert done.returncode == 0
    assert b"16 bits" in done.stderr


def test_restore_of_a_folder_of_jpegs(run: Run, folder: Path, jpeg: Path) -> None:
    album = folder / "album" / "2020"
    album.mkdir(parents=True)
    (album / "a.jpg").write_bytes(jpeg.read_bytes())
    Image.fromarray(pixels(SAMPLE).astype(np.uint8)).convert("CMYK").save(album / "b.jpg")
    done = run("restore", "album", "--out-dir", "restored")
    assert done.returncode == 3
    complaint, summary = done.stderr.decode().splitlines()
    assert "CMYK" in complaint
    assert summary == "1 of 2 files written"
    original = pixels(SAMPLE)
    assert error(original, pixels(folder / "restored" / "2020" / "a.png")) < error(original, pixels(jpeg))


def test_jpeg_that_was_cut_off_is_restored_with_a_word(run: Run, folder: Path, jpeg: Path) -> None:
    cut = jpeg.read_bytes()[:-2000]
    done = run("restore", "-", "-o", "-", stdin=cut)
    assert done.returncode == 0
    assert done.stderr.decode().startswith("carcodec: warning: -: the JPEG has no end")
    assert pixels(done.stdout).shape == pixels(SAMPLE).shape


def test_jpeg_that_was_cut_off_is_carried_with_a_word(run: Run, jpeg: Path) -> None:
    done = run("encode", "-", "-o", "-", "--mode", "blind", stdin=jpeg.read_bytes()[:-2000])
    assert done.returncode == 0
    assert done.stderr.decode().startswith("carcodec: warning: -: the JPEG has no end")


def test_target_size_is_kept(run: Run, folder: Path) -> None:
    done = run("encode", SAMPLE, "-o", "small.car", "--target-size", "5000", "--mode", "blind", "--effort", "fast")
    assert done.returncode == 0, done.stderr
    assert 4500 < (folder / "small.car").stat().st_size <= 5000


def test_restored_jpeg_cannot_be_asked_for_as_jpeg(run: Run, jpeg: Path) -> None:
    done = run("restore", jpeg, "-o", "again.jpg")
    assert done.returncode == 2
    assert b".png" in done.stderr


def test_device_that_is_not_there_is_2(run: Run, car: Path) -> None:
    device = "cuda" if sys.platform == "darwin" else "mps"
    assert run("decode", car, "-o", "x.png", "--device", device).returncode == 2


def test_demo_leaves_pictures_and_a_table(run: Run, folder: Path) -> None:
    done = run("demo", "--out-dir", "demo")
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.decode().splitlines()
    assert header.split() == ["bytes", "bpp", "RGB", "PSNR"]
    jpeg_db, restored_db, same_bytes_db, car_db = (float(row.split()[-2]) for row in rows)
    assert car_db > max(jpeg_db, same_bytes_db)
    assert restored_db > jpeg_db + 2.0
    jpegs = {"jpeg-same-quality.jpg", "jpeg-same-bytes.jpg"}
    sizes = {path.name: path.stat().st_size for path in (folder / "demo").iterdir()}
    ours = {"sample.car", "decoded.png", "restored.png"}
    assert set(sizes) == {"original.png", "comparison.png", "restoration.png", *ours, *jpegs}
    assert sizes["jpeg-same-bytes.jpg"] >= sizes["sample.car"]


def test_demo_overwrites_nobody_elses_pictures(carcodec: Run, tmp_path: Path) -> None:
    (tmp_path / "restored.png").write_text("mine")
    done = carcodec("demo", "--out-dir", ".")
    assert done.returncode == 9
    assert b"restored.png exists; --force overwrites it" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"restored.png"}
    assert (tmp_path / "restored.png").read_text() == "mine"


def test_pillow_opens_decodes_and_saves(run: Run, car: Path, folder: Path) -> None:
    import carcodec.pillow  # noqa: F401

    with Image.open(car) as picture:
        assert (picture.format, picture.mode, picture.size) == ("CAR", "RGB", (336, 256))
        assert picture.get_format_mimetype() == "image/x-car"
        run("decode", car, "-o", "by-command.png", "--force")
        assert np.abs(np.asarray(picture).astype(int) - pixels(folder / "by-command.png")).max() <= 1
    with Image.open(SAMPLE) as original:
        original.save(folder / "by-pillow.car", quality=QUALITY)
    assert (folder / "by-pillow.car").read_bytes() == car.read_bytes()
