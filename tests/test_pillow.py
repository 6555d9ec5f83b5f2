"""What the Pillow plugin promises without running a network."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, UnidentifiedImageError

import carcodec.pillow  # noqa: F401
from tests.cars import plain_car, small_jpeg

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
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "kept"
    out = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).save(out, "JPEG", exif=exif, **options)
    return out.getvalue()


def test_metadata_is_there_before_pixels_are() -> None:
    profile = b"\0" * 16 + b"RGB " + b"\0" * 108
    with Image.open(io.BytesIO(plain_car(with_exif(small_jpeg(), icc_profile=profile)))) as picture:
        assert picture.info["icc_profile"] == profile
        assert dict(picture.getexif()) == {0x0112: 1, 0x010E: "kept"}
        picture.load()
        assert dict(picture.getexif()) == {0x0112: 1, 0x010E: "kept"}


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
