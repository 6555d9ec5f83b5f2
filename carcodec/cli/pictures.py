"""Pictures as bytes in the lossless format that a file name asks for."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

# As carcodec.pixels.io writes; here, because that module is loaded only when a picture is.
CUT_OFF = "the JPEG has no end: if it was cut off, what is missing is gray"
WRITES = (".png", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".pgm", ".pnm")


def picture_format(name: str) -> str:
    """Pillow's name of the format to write; PNG for names without a suffix, such as `-` and devices.

    Raises:
        UsageError: a format that is not lossless, or not known.
    """
    from carcodec.pixels.io import format_of

    return format_of(name) if Path(name).suffix else "PNG"


def picture_bytes(picture: Image.Image, format: str) -> bytes:
    """The picture as a file, with its colour profile and EXIF data where the format has a place for them.

    Raises:
        OutputError: the format cannot hold the picture.
    """
    import numpy as np

    from carcodec.pixels.io import save_picture

    target = io.BytesIO()
    save_picture(target, np.asarray(picture), picture.info.get("icc_profile"), picture.info.get("exif"), format)
    return target.getvalue()
