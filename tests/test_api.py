"""What the public functions promise, with the shipped models."""

from __future__ import annotations

import io
import math
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

import carcodec
from carcodec.api import salvaged, symbols
from carcodec.container.file import parse, serialise, to_chunk
from carcodec.container.payloads import RestorePayload
from carcodec.errors import DamagedError, FormatError, InputError, ModelMissing, UsageError
from carcodec.jpeg.front import decode_jpeg
from carcodec.jpeg.syntax import read_header
from carcodec.pixels.metrics import psnr
from tests.conftest import SAMPLES
from tests.stubs.metadata import RGB_PROFILE

QUALITIES = (1, 5, 10, 25, 50, 75, 90, 95, 100)
TURNED_RIGHT = 6  # EXIF orientation: the camera lay on its side
ORIENTATION = 0x0112


def crop(sample: str, left: int, top: int, width: int, height: int) -> np.ndarray:
    with Image.open(SAMPLES / f"{sample}.png") as picture:
        return np.array(picture.crop((left, top, left + width, top + height)))


COLOUR = crop("coffee", 100, 100, 64, 48)
GRAY = crop("camera", 200, 100, 48, 48)


def jpeg_of(image: np.ndarray, **options: Any) -> bytes:
    target = io.BytesIO()
    Image.fromarray(image).save(target, "JPEG", **{"quality": 60} | options)
    return target.getvalue()


def png_of(image: np.ndarray) -> bytes:
    target = io.BytesIO()
    Image.fromarray(image).save(target, "PNG")
    return target.getvalue()


def with_orientation(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def decoded(data: bytes, **options: Any) -> np.ndarray:
    return np.array(carcodec.decode(data, **options))


@pytest.fixture(scope="module")
def guided() -> bytes:
    """A file with everything in it."""
    return carcodec.encode(COLOUR, quality=20, side="on")


@pytest.mark.parametrize("image", [COLOUR, GRAY], ids=["colour", "gray"])
@pytest.mark.parametrize(("mode", "side"), [("side", "auto"), ("side", "on"), ("blind", "auto")])
def test_no_file_decodes_worse_than_its_own_jpeg(image: np.ndarray, mode: str, side: str) -> None:
    for quality in QUALITIES:
        data = carcodec.encode(image, quality=quality, mode=mode, side=side)
        assert psnr(image, decoded(data)) >= psnr(image, decode_jpeg(carcodec.extract(data))), quality


@pytest.mark.parametrize("tables", ["psnr", "standard"])
@pytest.mark.parametrize("sampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_the_jpeg_inside_is_made_as_asked(tables: str, sampling: Any) -> None:
    data = carcodec.encode(COLOUR, quality=30, tables=tables, sampling=sampling, side="off")
    header = read_header(carcodec.extract(data))
    assert header.sampling == {"4:2:0": (2, 2), "4:2:2": (2, 1), "4:4:4": (1, 1)}[sampling]
    standard = read_header(jpeg_of(COLOUR, quality=30)).luma_table
    assert np.array_equal(header.luma_table, standard) == (tables == "standard")


@pytest.mark.parametrize(
    "jpeg",
    [
        jpeg_of(COLOUR),
        jpeg_of(COLOUR, progressive=True, exif=with_orientation(TURNED_RIGHT)),
        jpeg_of(GRAY, quality=5),
        jpeg_of(COLOUR) + b"what a phone puts behind",
        jpeg_of(COLOUR)[:-2],
    ],
    ids=["baseline", "progressive", "gray", "trailing bytes", "no end"],
)
@pytest.mark.parametrize("mode", ["side", "blind"])
def test_a_jpeg_is_carried_byte_for_byte(jpeg: bytes, mode: str) -> None:
    data = carcodec.encode(jpeg, mode=mode)
    assert carcodec.extract(data) == jpeg
    assert carcodec.verify(data)


def test_a_jpeg_with_a_quality_is_made_anew() -> None:
    jpeg = jpeg_of(COLOUR, quality=95)
    data = carcodec.encode(jpeg, quality=20)
    assert len(carcodec.extract(data)) < len(jpeg) / 2


def test_other_pictures_get_quality_75() -> None:
    assert carcodec.encode(COLOUR) == carcodec.encode(COLOUR, quality=75)


@pytest.mark.parametrize("quality", [None, 60], ids=["carried", "made anew"])
def test_pictures_are_decoded_upright(quality: int | None) -> None:
    jpeg = jpeg_of(COLOUR, exif=with_orientation(TURNED_RIGHT))
    picture = carcodec.decode(carcodec.encode(jpeg, quality=quality))
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(jpeg)))
    assert picture.size == expected.size == (48, 64)
    assert psnr(np.array(expected), np.array(picture)) > 25
    assert picture.getexif().get(ORIENTATION, 1) == 1


def test_the_colour_profile_is_kept() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    original = Image.fromarray(COLOUR)
    original.info["icc_profile"] = profile
    assert carcodec.decode(carcodec.encode(original)).info["icc_profile"] == profile
    carried = carcodec.encode(jpeg_of(COLOUR, icc_profile=profile))
    assert carcodec.decode(carried).info["icc_profile"] == profile


@pytest.mark.parametrize("size", [(1, 1), (1, 100), (100, 1), (17, 33)])
@pytest.mark.parametrize("is_gray", [False, True], ids=["colour", "gray"])
def test_size_and_colours_stay(size: tuple[int, int], is_gray: bool) -> None:
    height, width = size
    image = GRAY if is_gray else COLOUR
    image = np.pad(image, [(0, 100), (0, 100), (0, 0)][: image.ndim], "symmetric")[:height, :width]
    for options in ({"side": "on"}, {"mode": "blind"}):
        data = carcodec.encode(image, quality=30, **options)
        picture = carcodec.decode(data)
        assert picture.size == (width, height)
        assert picture.mode == ("L" if is_gray else "RGB")
        facts = carcodec.info(data)
        assert (facts.width, facts.height, facts.colour) == (width, height, "gray" if is_gray else "rgb")


def test_side_information_is_there_if_asked_for_and_absent_if_not(guided: bytes) -> None:
    grid = symbols(guided)
    assert grid is not None
    assert grid.shape == (3, 4)
    assert carcodec.info(guided).context_model is not None
    for options in ({"side": "off"}, {"mode": "blind"}):
        data = carcodec.encode(COLOUR, quality=20, **options)
        assert symbols(data) is None
        assert carcodec.info(data).descriptor_bytes == 0
        assert carcodec.extract(data) == carcodec.extract(guided)
        assert len(data) < len(guided)


def test_side_information_that_the_encoder_chose_pays() -> None:
    """By the rule of modes/side.py: the error falls by a larger share than the file grows."""
    for quality in (10, 30):
        chosen, without = (carcodec.encode(COLOUR, quality=quality, side=side) for side in ("auto", "off"))
        costs = [10 ** (-psnr(COLOUR, decoded(data)) / 10) * len(data) for data in (chosen, without)]
        assert costs[0] <= costs[1]


def test_fast_effort_makes_a_file_that_decodes() -> None:
    data = carcodec.encode(COLOUR, quality=20, side="on", effort="fast")
    assert symbols(data) is not None
    assert psnr(COLOUR, decoded(data)) >= psnr(COLOUR, decode_jpeg(carcodec.extract(data)))


def test_every_kind_of_source_gives_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    path.write_bytes(png_of(COLOUR))
    with path.open("rb") as file:
        sources = [COLOUR, Image.fromarray(COLOUR), path.read_bytes(), path, str(path), file]
        assert len({carcodec.encode(source, quality=40) for source in sources}) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "magic"},
        {"side": "maybe"},
        {"tables": "flat"},
        {"sampling": "4:1:1"},
        {"effort": "most"},
        {"device": "tpu"},
        {"quality": 0},
        {"quality": 101},
        {"threads": 0},
    ],
    ids=str,
)
def test_an_option_that_does_not_exist_is_refused_by_its_name(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        carcodec.encode(COLOUR, **options)


def test_options_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(UsageError, match="blind"):
        carcodec.encode(COLOUR, mode="blind", side="on")


@pytest.mark.parametrize("strength", [-0.1, 2.1, math.nan])
def test_a_strength_out_of_range_is_refused(strength: float, guided: bytes) -> None:
    with pytest.raises(UsageError, match="strength"):
        carcodec.decode(guided, strength=strength)
    with pytest.raises(UsageError, match="strength"):
        carcodec.restore(jpeg_of(COLOUR), strength=strength)


def test_what_is_no_picture_is_an_input_error(tmp_path: Path) -> None:
    for source in (b"no picture", tmp_path / "missing.png", COLOUR.astype(np.float32), np.zeros((0, 4), np.uint8)):
        with pytest.raises(InputError):
            carcodec.encode(source)
    with pytest.raises(InputError, match="background"):
        carcodec.encode(Image.new("RGBA", (16, 16)))
    assert (
        carcodec.decode(carcodec.encode(Image.new("RGBA", (16, 16)), background="white")).getpixel((3, 3)) == (255,) * 3
    )


def test_what_is_no_car_file_is_a_format_error(guided: bytes) -> None:
    for read in (carcodec.decode, carcodec.extract, carcodec.info, carcodec.verify, symbols):
        with pytest.raises(FormatError):
            read(b"no file")
        with pytest.raises(DamagedError):
            read(guided[:-1])


def test_strength_0_is_the_jpeg_and_none_is_the_files(guided: bytes) -> None:
    strength = carcodec.info(guided).strength
    assert strength > 0
    assert np.array_equal(decoded(guided, strength=0), decode_jpeg(carcodec.extract(guided)))
    assert np.array_equal(decoded(guided, strength=strength), decoded(guided))
    assert not np.array_equal(decoded(guided, strength=strength / 2), decoded(guided))


def test_info_accounts_for_every_byte(guided: bytes) -> None:
    facts = carcodec.info(guided)
    assert facts.total_bytes == len(guided)
    assert facts.packed_jpeg_bytes + facts.descriptor_bytes + facts.framing_bytes == len(guided)
    assert facts.framing_bytes <= 48
    assert facts.bpp == 8 * len(guided) / COLOUR[..., 0].size
    assert facts.as_dict()["bpp"] == facts.bpp
    assert (facts.mode, facts.version, facts.note) == ("side", 1, None)


def test_weights_that_are_not_installed_are_named_by_number_and_digest(guided: bytes) -> None:
    container = parse(guided)
    restoration = container.find(RestorePayload)
    assert restoration is not None
    other = replace(restoration, model=replace(restoration.model, digest6=b"others"))
    chunks = tuple(to_chunk(other) if chunk.kind == other.KIND else chunk for chunk in container.chunks)
    data = serialise(replace(container, chunks=chunks))
    assert carcodec.info(data).restorer == f"{other.model.number}:{b'others'.hex()}"
    assert carcodec.extract(data) == carcodec.extract(guided)
    with pytest.raises(ModelMissing, match=b"others".hex()):
        carcodec.decode(data)


def test_verify_names_what_it_checked(guided: bytes) -> None:
    assert len(carcodec.verify(guided)) == 4
    assert len(carcodec.verify(carcodec.encode(COLOUR, mode="blind"))) == 3


def test_a_damaged_file_is_salvaged_and_the_loss_is_told(guided: bytes) -> None:
    assert salvaged(guided)[1] == []
    damaged = guided[:-12]
    assert salvaged(damaged)[1]
    assert carcodec.decode(damaged, salvage=True).size == (64, 48)
    assert carcodec.extract(damaged, salvage=True) == carcodec.extract(guided)


@pytest.mark.parametrize("image", [COLOUR, GRAY], ids=["colour", "gray"])
def test_a_jpeg_is_restored_as_a_file_that_carries_it(image: np.ndarray) -> None:
    jpeg = jpeg_of(image, quality=15)
    restored = np.array(carcodec.restore(jpeg))
    assert np.array_equal(restored, decoded(carcodec.encode(jpeg, mode="blind")))
    assert not np.array_equal(restored, decode_jpeg(jpeg))
    assert np.array_equal(np.array(carcodec.restore(jpeg, strength=0)), decode_jpeg(jpeg))


def test_restoring_keeps_the_profile_and_turns_upright() -> None:
    restored = carcodec.restore(jpeg_of(COLOUR, exif=with_orientation(TURNED_RIGHT), icc_profile=RGB_PROFILE))
    assert restored.size == (48, 64)
    assert restored.info["icc_profile"] == RGB_PROFILE


@pytest.mark.parametrize("mode", ["side", "blind"])
def test_strength_restores_where_the_encoder_found_the_jpeg_best(mode: str) -> None:
    jpeg = jpeg_of(COLOUR, quality=100)
    data = carcodec.encode(jpeg, mode=mode)
    assert carcodec.info(data).restorer is None
    assert np.array_equal(decoded(data), decode_jpeg(jpeg))
    assert np.array_equal(np.array(carcodec.decode(data, strength=1)), np.array(carcodec.restore(jpeg, strength=1)))


@pytest.mark.parametrize("target", [{"bpp": float("inf")}, {"bpp": float("nan")}, {"size": 0}, {"psnr": -1.0}])
def test_targets_are_positive_numbers(target: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="positive number"):
        carcodec.encode_to_target(COLOUR, **target)


def test_any_bytes_are_decoded() -> None:
    data = carcodec.encode(jpeg_of(COLOUR, quality=100))
    assert np.array_equal(decoded(data), np.array(carcodec.decode(bytearray(data))))


def test_restoring_something_else_is_an_input_error() -> None:
    for data in (b"", png_of(COLOUR), jpeg_of(COLOUR)[:100]):
        with pytest.raises(InputError):
            carcodec.restore(data)


def test_a_target_size_is_kept_and_used() -> None:
    limit = 700
    data = carcodec.encode_to_target(COLOUR, size=limit, mode="blind")
    assert 0.8 * limit < len(data) <= limit
    bits = 8 * limit / COLOUR[..., 0].size
    assert carcodec.encode_to_target(COLOUR, bpp=bits, mode="blind") == data


def test_a_target_takes_an_open_file_of_any_kind() -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(png_of(COLOUR))
        file.seek(0)
        assert len(carcodec.encode_to_target(file, size=900, mode="blind")) <= 900


def test_a_target_psnr_is_reached_by_no_more_than_it_takes() -> None:
    target = 30.0
    data = carcodec.encode_to_target(png_of(COLOUR), psnr=target, mode="blind")
    assert target <= psnr(COLOUR, decoded(data)) < target + 1.5


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({}, "one target"),
        ({"size": 900, "bpp": 1.0}, "one target"),
        ({"size": 60}, "quality 1 does not meet 60 bytes"),
        ({"psnr": 99.0}, "quality 100 does not reach"),
    ],
)
def test_targets_that_cannot_be_met_are_refused(targets: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        carcodec.encode_to_target(COLOUR, mode="blind", **targets)


def test_threads_of_python_decode_alike(guided: bytes) -> None:
    files = [
        guided,
        carcodec.encode(GRAY, quality=10, side="on"),
        carcodec.encode(COLOUR, mode="blind", quality=50),
    ] * 3
    expected = [decoded(data) for data in files]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(decoded, files))
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


def test_names_that_are_not_public_do_not_exist() -> None:
    with pytest.raises(AttributeError, match="encoder"):
        carcodec.encoder  # noqa: B018
