"""What the Pillow plugin promises without running a network."""

from __future__ import annotations

import io
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

import carcodec.pillow  # noqa: F401
from carcodec import decode
from carcodec.container.file import Container, Header, serialise, to_chunk
from carcodec.container.payloads import ExifPayload, PicturePayload
from carcodec.ids import Colour, Mode
from carcodec.pixels.webp import encode_webp
from tests.cars import plain_car, small_jpeg
from tests.stubs.metadata import GRAY_PROFILE, RGB_PROFILE, exif_block

PROGRAM = """
import io, sys
import carcodec.pillow
from PIL import Image
with Image.open(io.BytesIO(sys.stdin.buffer.read())) as picture:
    print(picture.size, picture.mode, "torch" in sys.modules)
"""


def test_opening_loads_no_torch(child_environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=plain_car(), capture_output=True, env=child_environment, check=True
    )
    assert done.stdout.decode().strip() == "(48, 32) RGB False"


def test_damaged_file_is_no_picture() -> None:
    data = bytearray(plain_car())
    data[-1] ^= 1
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(bytes(data)))


def test_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError, match="qality"):
        Image.new("RGB", (16, 16)).save(io.BytesIO(), "CAR", qality=20)


def test_pixels_come_without_restoration_where_the_file_has_none() -> None:
    with Image.open(io.BytesIO(plain_car())) as picture:
        assert len(set(picture.convert("L").tobytes())) > 10


def with_exif(jpeg: bytes, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).save(out, "JPEG", exif=exif_block(6), **options)
    return out.getvalue()


def test_metadata_is_there_before_pixels_are() -> None:
    with Image.open(io.BytesIO(plain_car(with_exif(small_jpeg(), icc_profile=RGB_PROFILE)))) as picture:
        assert picture.info["icc_profile"] == RGB_PROFILE
        assert dict(picture.getexif()) == {0x0112: 1, 0x010E: "kept"}
        picture.load()
        assert dict(picture.getexif()) == {0x0112: 1, 0x010E: "kept"}


@pytest.mark.parametrize(("profile", "is_kept"), [(RGB_PROFILE, False), (GRAY_PROFILE, True)], ids=["rgb", "gray"])
def test_profile_is_kept_only_where_it_fits(profile: bytes, is_kept: bool) -> None:
    jpeg = io.BytesIO()
    Image.new("L", (48, 32), 100).save(jpeg, "JPEG", icc_profile=profile)
    data = plain_car(jpeg.getvalue(), colour=Colour.GRAY)
    assert Image.open(io.BytesIO(data)).info.get("icc_profile") == decode(data).info.get("icc_profile")
    assert ("icc_profile" in Image.open(io.BytesIO(data)).info) == is_kept


def test_exif_of_an_upright_picture_is_left_as_it_is() -> None:
    exif = exif_block(1) + b"what no tag points to"
    jpeg = io.BytesIO()
    Image.open(io.BytesIO(small_jpeg())).save(jpeg, "JPEG", exif=exif)
    assert Image.open(io.BytesIO(plain_car(jpeg.getvalue()))).info["exif"] == exif


def test_layers_stand_upright_whatever_their_exif_says() -> None:
    image = np.random.default_rng(1).integers(0, 256, (20, 10, 3), dtype=np.uint8)
    payload = PicturePayload(1, zlib.crc32(image.data), encode_webp(image))
    header = Header(Mode.LAYERED, 10, 20, Colour.RGB)
    data = serialise(Container(header, (to_chunk(payload), to_chunk(ExifPayload(exif_block(6))))))
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (10, 20)
        np.testing.assert_array_equal(np.asarray(picture), image)
        assert picture.getexif()[0x0112] == 1
    assert decode(data).getexif()[0x0112] == 1


def test_file_is_closed_when_its_pixels_are_there(tmp_path: Path) -> None:
    path = tmp_path / "x.car"
    path.write_bytes(plain_car())
    picture = Image.open(path)
    file = picture.fp
    picture.load()
    assert file.closed
    assert picture.fp is None


@pytest.mark.networks
def test_saving_takes_metadata_as_other_formats_do() -> None:
    exif = Image.Exif()
    exif[0x010E] = "new"
    picture = Image.new("RGB", (16, 16))
    for given in (exif, exif.tobytes()):
        out = io.BytesIO()
        picture.save(out, "CAR", quality=100, exif=given)
        assert Image.open(out).getexif()[0x010E] == "new"
    assert "exif" not in picture.info


def test_size_is_that_of_the_upright_picture_before_and_after_loading() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    jpeg = io.BytesIO()
    Image.open(io.BytesIO(small_jpeg())).save(jpeg, "JPEG", exif=exif)
    with Image.open(io.BytesIO(plain_car(jpeg.getvalue()))) as picture:
        assert picture.size == (32, 48)
        picture.load()
        assert picture.size == (32, 48)
        target = io.BytesIO()
        picture.save(target, "PNG")
    assert Image.open(target).size == (32, 48)
