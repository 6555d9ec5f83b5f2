"""What the public functions promise of mode `layered`, with small honest networks in the place of the shipped ones."""

from __future__ import annotations

import io
import random
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

import carcodec
from carcodec.api import salvaged, symbols
from carcodec.bench.table import parse_codecs
from carcodec.container.file import parse
from carcodec.errors import CarError, DamagedError, InputError, LimitError, UsageError
from carcodec.pixels.metrics import psnr
from tests.cars import plain_car
from tests.conftest import SAMPLES
from tests.property.test_container import edited, outcome, resealed
from tests.stubs.layered import CLASSES, COLOURS, BoxedNetworks
from tests.test_api import jpeg_of, png_of, with_orientation

OF_BYTES = {"", "FormatError", "DamagedError", "UnsupportedError", "LimitError", "ModelMissing"}


def crop(sample: str, left: int, top: int, width: int, height: int) -> np.ndarray:
    with Image.open(SAMPLES / f"{sample}.png") as picture:
        return np.array(picture.crop((left, top, left + width, top + height)))


COLOUR = crop("coffee", 100, 100, 64, 48)
GRAY = crop("camera", 200, 100, 50, 37)


def encode(image: Any, **options: Any) -> bytes:
    return carcodec.encode(image, mode="layered", **options)


def decoded(data: bytes, **options: Any) -> np.ndarray:
    return np.array(carcodec.decode(data, **options))


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch) -> BoxedNetworks:
    """What the functions find installed."""
    installed = BoxedNetworks()
    monkeypatch.setattr("carcodec.runtime.networks", lambda device, threads: installed)
    return installed


@pytest.mark.parametrize("image", [COLOUR, GRAY], ids=["colour", "gray"])
def test_lossless_is_identical_and_near_lossless_within_its_bound(image: np.ndarray) -> None:
    assert np.array_equal(decoded(encode(image, lossless=True)), image)
    for bound in (1, 5):
        assert np.abs(decoded(encode(image, max_error=bound)).astype(int) - image).max() <= bound


def test_lossy_quality_is_75_unless_told() -> None:
    assert encode(COLOUR) == encode(COLOUR, quality=75) != encode(COLOUR, quality=30)


def test_a_jpeg_is_coded_from_its_pixels_upright() -> None:
    jpeg = jpeg_of(COLOUR, exif=with_orientation(6))
    picture = carcodec.decode(encode(jpeg, lossless=True))
    turned = Image.open(io.BytesIO(jpeg)).transpose(Image.Transpose.ROTATE_270)
    assert np.array_equal(np.array(picture), np.array(turned))
    assert picture.getexif().get(0x0112, 1) == 1


def test_the_colour_profile_is_kept() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    original = Image.fromarray(COLOUR)
    original.info["icc_profile"] = profile
    data = encode(original, quality=40)
    assert carcodec.info(data).metadata_bytes == len(profile)
    for layer in ("full", "base", "compact"):
        assert carcodec.decode(data, layer=layer).info["icc_profile"] == profile


def test_metadata_beyond_the_limit_are_refused() -> None:
    original = Image.fromarray(COLOUR)
    original.info["icc_profile"] = b"\0" * 16 + b"RGB " + bytes(1 << 20)
    with pytest.raises(LimitError, match="metadata"):
        encode(original)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"lossless": True, "quality": 50}, "only one of quality, lossless and max_error"),
        ({"lossless": True, "max_error": 1}, "only one of"),
        ({"max_error": 1, "quality": 50}, "only one of"),
        ({"max_error": 0}, "max_error must be 1..63"),
        ({"max_error": 64}, "max_error must be 1..63"),
        ({"quality": 0}, "quality must be 1..100"),
        ({"side": "on"}, "side is of modes that make a JPEG"),
        ({"tables": "standard"}, "tables"),
        ({"sampling": "4:4:4"}, "sampling"),
        ({"effort": "fast"}, "effort"),
    ],
    ids=str,
)
def test_options_that_make_no_sense_together_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        encode(COLOUR, **options)


@pytest.mark.parametrize("mode", ["side", "blind"])
@pytest.mark.parametrize("options", [{"lossless": True}, {"max_error": 3}], ids=str)
def test_modes_that_keep_a_jpeg_are_not_lossless(mode: str, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="take mode layered"):
        carcodec.encode(COLOUR, mode=mode, **options)


def test_layers_are_of_layered_files_and_strengths_of_the_others(networks: BoxedNetworks) -> None:
    with pytest.raises(UsageError, match="layer must be one of"):
        carcodec.decode(encode(COLOUR), layer="upper")
    with pytest.raises(UsageError, match="strength"):
        carcodec.decode(encode(COLOUR), strength=1)
    for layer in ("base", "compact"):
        with pytest.raises(UsageError, match="mode blind has no layers"):
            carcodec.decode(plain_car(), layer=layer)


def test_the_beginning_of_a_file_has_the_compact_picture_already(networks: BoxedNetworks) -> None:
    data = encode(COLOUR, quality=60)
    compact = decoded(data, layer="compact")
    chunk = parse(data).chunks[0]
    end = data.index(chunk.payload) + len(chunk.payload)
    networks.asked.clear()
    assert np.array_equal(decoded(data[:end], layer="compact"), compact)
    assert "layered" not in networks.asked
    for layer in ("base", "full"):
        with pytest.raises(DamagedError):
            carcodec.decode(data[:end], layer=layer)


def test_no_jpeg_is_extracted_and_no_symbols_are_found() -> None:
    data = encode(COLOUR)
    with pytest.raises(UsageError, match="holds no JPEG"):
        carcodec.extract(data)
    assert symbols(data) is None


@pytest.mark.parametrize("options", [{"quality": 50}, {"lossless": True}, {"max_error": 2}], ids=str)
@pytest.mark.parametrize("image", [COLOUR, np.full((64, 64), 9, np.uint8)], ids=["photograph", "flat"])
def test_info_accounts_for_every_byte(image: np.ndarray, options: dict[str, Any]) -> None:
    data = encode(image, **options)
    facts = carcodec.info(data)
    assert sum(layer.bytes for layer in facts.layers.values()) + facts.framing_bytes == len(data) == facts.total_bytes
    n_pixels = facts.width * facts.height
    assert all(layer.bpp == 8 * layer.bytes / n_pixels for layer in facts.layers.values())
    bounds = {layer.max_error for layer in facts.layers.values()} - {None}
    assert bounds == ({0} if "lossless" in options else {2} if "max_error" in options else set())
    assert (facts.mode, facts.packing, facts.restorer) == ("layered", None, None)


def test_verify_names_what_it_checked() -> None:
    *_, lossy = carcodec.verify(encode(COLOUR))
    *_, lossless = carcodec.verify(encode(COLOUR, lossless=True))
    assert "pixels that were coded" in lossless
    assert "pixels that were coded" not in lossy


def test_a_damaged_file_gives_the_layers_below_and_the_loss_is_told() -> None:
    data = encode(COLOUR, quality=80)
    assert salvaged(data)[1] == []
    cut = data[:-30]
    assert any("lost" in problem for problem in salvaged(cut)[1])
    base = decoded(data, layer="base")
    assert np.array_equal(decoded(cut, salvage=True), base)
    assert np.array_equal(decoded(data[:-6], salvage=True), base)
    with pytest.raises(CarError):
        carcodec.decode(cut)


def test_segments_have_a_name_and_a_colour_each() -> None:
    halves = np.repeat(np.array([[10], [240]], np.uint8), 32, axis=0).repeat(40, axis=1)
    for options in ({"quality": 50}, {"lossless": True}):
        segments = carcodec.segment(encode(halves, **options))
        assert (segments.classes, segments.colours) == (CLASSES, COLOURS)
        assert np.array_equal(segments.labels, halves > 128)
    with pytest.raises(UsageError, match="mode blind has no segments"):
        carcodec.segment(plain_car())


def test_targets_are_met_by_lossy_layers() -> None:
    limit = 1500
    data = carcodec.encode_to_target(COLOUR, size=limit, mode="layered")
    assert 0.7 * limit < len(data) <= limit
    reached = carcodec.encode_to_target(png_of(COLOUR), psnr=32.0, mode="layered")
    assert psnr(COLOUR, decoded(reached)) >= 32
    with pytest.raises(UsageError, match="only one of"):
        carcodec.encode_to_target(COLOUR, size=limit, mode="layered", lossless=True)


def test_bench_measures_lossy_and_lossless_layers() -> None:
    lossy, lossless = (parse_codecs(name)[0].build() for name in ("carcodec-layered", "carcodec-layered-lossless"))
    assert (lossy.lossless, lossless.lossless) == (False, True)
    data = lossy.encode(COLOUR, 50)
    assert data == encode(COLOUR, quality=50)
    assert lossy.contents(data) is not None
    assert np.array_equal(lossless.decode(lossless.encode(COLOUR, 0)), COLOUR)


def test_pillow_opens_layers_with_the_size_that_they_have() -> None:
    import carcodec.pillow  # noqa: F401

    with Image.open(io.BytesIO(encode(COLOUR, lossless=True))) as picture:
        assert (picture.size, picture.mode) == ((64, 48), "RGB")
        assert np.array_equal(np.asarray(picture), COLOUR)


@pytest.mark.parametrize("options", [{"quality": 30}, {"lossless": True}, {"max_error": 8}], ids=str)
def test_whatever_the_bytes_a_picture_or_a_documented_error(options: dict[str, Any]) -> None:
    """Checksums of the file are made to hold again; those of chunks stop most of what is left."""
    rng = random.Random(6)
    valid = encode(crop("coffee", 100, 100, 24, 16), **options)
    readers = (
        carcodec.info,
        carcodec.decode,
        carcodec.verify,
        lambda data: carcodec.decode(data, layer="compact"),
        lambda data: carcodec.decode(data, salvage=True),
        carcodec.segment,
    )
    refused = 0
    for _ in range(150):
        data = resealed(edited(valid, rng))
        for read in readers:
            name = outcome(read, data)
            assert name in OF_BYTES
            refused += bool(name)
    assert refused > 300


@pytest.mark.parametrize("scale", [8, 16, 32])
def test_scale_is_that_of_the_compact_picture(scale: int) -> None:
    compact = carcodec.decode(encode(COLOUR, quality=60, scale=scale), layer="compact")
    assert compact.size == (-(-COLOUR.shape[1] // scale), -(-COLOUR.shape[0] // scale))


def test_scale_is_one_of_the_format_and_for_layers_only() -> None:
    with pytest.raises(UsageError, match="scale must be one of 8, 16, 32, not 12"):
        encode(COLOUR, scale=12)
    with pytest.raises(UsageError, match="no compact picture"):
        carcodec.encode(COLOUR, mode="side", scale=8)


def test_sixteen_bits_are_not_called_lossless() -> None:
    deep = io.BytesIO()
    Image.fromarray(np.full((9, 11), 40_000, np.uint16)).save(deep, "PNG")
    for how in ({"lossless": True}, {"max_error": 2}):
        with pytest.raises(InputError, match="more than 8 bits a sample"):
            encode(deep.getvalue(), **how)
    assert carcodec.decode(encode(deep.getvalue(), quality=90)).size == (11, 9)


def test_more_effort_is_refused_where_there_is_no_restoration() -> None:
    with pytest.raises(UsageError, match="no restoration"):
        carcodec.decode(encode(COLOUR, quality=50), effort="best")
