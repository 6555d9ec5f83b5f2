"""AVIF through Pillow, with colours at full resolution, aimed at least squared error."""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
from PIL import Image

from carcodec.errors import DamagedError
from carcodec.pixels.io import Pixels

SPEED: Final = 6  # of the encoder, 0 (slowest) .. 10


def encode_avif(image: Pixels, quality: int) -> bytes:
    """AVIF of a picture.

    Args:
        image: uint8[H,W,3] or uint8[H,W].
        quality: libavif's, 0..100.
    """
    out = io.BytesIO()
    sampling = "4:0:0" if image.ndim == 2 else "4:4:4"
    options: dict[str, Any] = {"subsampling": sampling, "speed": SPEED, "advanced": {"tune": "psnr"}}
    Image.fromarray(image).save(out, "AVIF", quality=quality, **options)
    return out.getvalue()


def decode_avif(data: bytes, shape: tuple[int, ...]) -> Pixels:
    """The picture of an AVIF file.

    Args:
        shape: of the picture that must come out, [H,W,3] or [H,W]: nothing else is decoded.

    Raises:
        DamagedError: no AVIF file of one picture, or of another size or kind.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["AVIF"]) as picture:
            found = ((picture.height, picture.width), picture.mode, getattr(picture, "n_frames", 1))
            if found != (shape[:2], "RGB" if len(shape) == 3 else "L", 1):
                raise DamagedError("the AVIF data are of another size or kind than the file states")
            return np.array(picture)
    except DamagedError:
        raise
    except Exception as error:  # damaged data raise whatever Pillow trips over
        raise DamagedError(f"the AVIF data cannot be decoded: {error}") from error
