"""What the Pillow plugin promises without running a network."""

from __future__ import annotations

import io
import subprocess
import sys

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
