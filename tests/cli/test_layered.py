"""The command on files of mode `layered`: what needs no networks in processes, the rest with small honest ones."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from carcodec.cli.main import run
from tests.cars import layered_car, picture_car, plain_car
from tests.conftest import SAMPLES, Run
from tests.stubs.layered import CLASSES, COLOURS, BoxedNetworks

SAMPLE = SAMPLES / "coffee.png"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's folder, with `BoxedNetworks` installed and the piece of a sample in it."""
    monkeypatch.setattr("carcodec.runtime.networks", lambda device, threads: BoxedNetworks())
    monkeypatch.chdir(tmp_path)
    with Image.open(SAMPLE) as sample:
        sample.crop((100, 60, 180, 110)).save("in.png")
    return tmp_path


def call(line: str) -> int:
    """Run a command line in this process."""
    return run(line.split())


def pixels(path: Path | bytes) -> np.ndarray:
    with Image.open(io.BytesIO(path) if isinstance(path, bytes) else path) as picture:
        return np.array(picture)


def test_lossless_and_near_lossless_files_by_command(here: Path) -> None:
    original = pixels(here / "in.png").astype(int)
    for options, bound in (("--lossless", 0), ("--max-error 3", 3)):
        assert call(f"encode in.png -o x.car --mode layered {options} --force") == 0
        assert call("decode x.car -o out.png --force") == 0
        assert np.abs(pixels(here / "out.png") - original).max() <= bound


def test_layers_by_command(here: Path) -> None:
    assert call("encode in.png -o x.car --mode layered -q 60") == 0
    for layer in ("full", "base", "compact"):
        assert call(f"decode x.car -o {layer}.png --layer {layer}") == 0
    assert pixels(here / "full.png").shape == pixels(here / "base.png").shape == (50, 80, 3)
    assert max(pixels(here / "compact.png").shape) <= 10


def test_a_jpeg_in_mode_layered_is_not_said_to_be_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.open("in.png").save("in.jpg")
    assert call("encode in.jpg -o x.car --mode layered --lossless") == 0
    assert call("decode x.car -o out.png") == 0
    assert np.array_equal(pixels(here / "out.png"), pixels(here / "in.jpg"))
    assert capsys.readouterr().err == ""


def test_salvage_warns_and_gives_the_layers_below(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("encode in.png -o x.car --mode layered -q 80") == 0
    assert call("decode x.car -o base.png --layer base") == 0
    (here / "x.car").write_bytes((here / "x.car").read_bytes()[:-20])
    assert call("decode x.car -o cut.png") == 4
    capsys.readouterr()
    assert call("decode x.car -o cut.png --salvage") == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(line.startswith("carcodec: warning: x.car: ") for line in lines)
    assert np.array_equal(pixels(here / "cut.png"), pixels(here / "base.png"))


def test_segments_are_a_palette_picture_with_a_legend(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(np.repeat(np.array([[10], [240], [240], [240]], np.uint8), 8, axis=0).repeat(32, axis=1)).save(
        "h.png"
    )
    assert call("encode h.png -o x.car --mode layered --lossless") == 0
    assert call("segment x.car -o labels.png") == 0
    with Image.open("labels.png") as picture:
        assert (picture.mode, picture.size) == ("P", (32, 32))
        assert np.array_equal(np.array(picture), np.repeat([0, 1, 1, 1], 8)[:, None].repeat(32, axis=1))
        assert np.array_equal(np.array(picture.convert("RGB"))[0, 0], COLOURS[0])
    bright, dark = capsys.readouterr().out.splitlines()
    assert bright.split() == ["1", CLASSES[1], "#f0e6dc", "75.0", "%"]
    assert dark.split() == ["0", CLASSES[0], "#0a141e", "25.0", "%"]


def test_overlay_lies_over_the_base(here: Path) -> None:
    assert call("encode in.png -o x.car --mode layered -q 60") == 0
    assert call("decode x.car -o base.png --layer base") == 0
    assert call("segment x.car -o labels.png --quiet") == 0
    assert call("segment x.car -o overlay.png --overlay") == 0
    colours = np.array(COLOURS)[pixels(here / "labels.png")]
    expected = (pixels(here / "base.png").astype(int) + colours) / 2
    assert np.abs(pixels(here / "overlay.png") - expected).max() <= 1


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("segment x.car -o labels.jpg", 2, "PNG"),
        ("segment jpeg.car -o labels.png", 2, "mode blind has no segments"),
        ("segment x.car -o in.png", 9, "exists"),
        ("extract x.car -o x.jpg", 2, "holds no JPEG"),
        ("decode x.car -o out.png --strength 1", 2, "strength"),
        ("decode jpeg.car -o out.png --layer base", 2, "has no layers"),
        ("encode in.png -o y.car --mode layered --lossless -q 3", 2, "only one of"),
        ("encode in.png -o y.car --mode layered --max-error 2 --target-bpp 1", 2, "a target is met by quality"),
        ("encode in.png -o y.car --mode layered --max-error 64", 2, "1<=x<=63"),
        ("encode in.png -o y.car --mode layered --tables standard", 2, "tables"),
        ("encode in.png -o y.car --lossless", 2, "take mode layered"),
    ],
)
def test_what_makes_no_sense_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], line: str, code: int, says: str
) -> None:
    (here / "x.car").write_bytes(picture_car())
    (here / "jpeg.car").write_bytes(plain_car())
    assert call(line) == code
    assert says in capsys.readouterr().err
    assert not {"labels.png", "labels.jpg", "y.car", "out.png", "x.jpg"} & {path.name for path in here.iterdir()}


def test_info_tells_each_layer_in_bytes_and_bits(carcodec: Run, tmp_path: Path) -> None:
    (tmp_path / "x.car").write_bytes(layered_car())
    facts = json.loads(carcodec("info", "--json", "x.car").stdout)
    assert (facts["mode"], facts["jpeg"], list(facts["layers"])) == ("layered", None, ["compact", "base"])
    compact = facts["layers"]["compact"]
    assert (compact["coding"], compact["scale"]) == ("webp", 8)
    assert compact["bpp"] == 8 * compact["bytes"] / (48 * 32)
    assert compact["bytes"] + facts["framing_bytes"] == facts["total_bytes"] == len(layered_car())
    page = carcodec("info", "x.car").stdout.decode()
    assert {"layered", "compact", "base", "webp", "60000:616273656e74"} <= set(page.split())
    assert not {"restorer", "jpeg", "packing"} & set(page.split())


def test_compact_layer_needs_no_networks_and_no_end_of_the_file(carcodec: Run) -> None:
    whole = carcodec("decode", "-", "-o", "-", "--layer", "compact", stdin=layered_car())
    cut = carcodec("decode", "-", "-o", "-", "--layer", "compact", stdin=layered_car()[:-10])
    assert whole.returncode == cut.returncode == 0, whole.stderr
    assert pixels(whole.stdout).shape == (4, 6, 3)
    assert whole.stdout == cut.stdout
    missing = carcodec("decode", "-", "-o", "-", stdin=layered_car())
    assert missing.returncode == 6


def test_a_file_without_layers_decodes_and_verifies_without_networks(carcodec: Run) -> None:
    done = carcodec("decode", "-", "-o", "-", stdin=picture_car())
    assert np.array_equal(pixels(done.stdout).ravel(), np.arange(48 * 32) % 256)
    assert carcodec("verify", "-", stdin=picture_car()).returncode == 0
