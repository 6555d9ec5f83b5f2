"""Pixels to a JPEG and back, through Pillow's libjpeg-turbo.

jpeg = encode_jpeg(image, JpegSettings(quality=20))
base = decode_jpeg(jpeg)
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageFile

from carcodec.errors import InputError, UsageError
from carcodec.jpeg.syntax import read_header
from carcodec.jpeg.tables import STANDARD, TableShape, quantization_tables
from carcodec.limits import Limits
from carcodec.pixels import Image
from carcodec.pixels.io import DEFAULT_LIMITS, metadata, open_jpeg, without_warnings

Sampling = Literal["4:2:0", "4:2:2", "4:4:4"]

MAX_SIDE_PX = 65_500  # JPEG_MAX_DIMENSION of libjpeg
MAX_EXIF_BYTES = 65_533  # one marker segment
MAX_ICC_BYTES = 255 * 65_519  # 255 marker segments, each with 14 bytes of its own
_SUBSAMPLING = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}


@dataclass(frozen=True)
class JpegSettings:
    """How a JPEG is made.

    Attributes:
        quality: 1..100, libjpeg's scale of the quantization tables.
        shape: how far the tables are bent from the standard ones.
        sampling: of the chroma planes; without meaning for gray pictures.
        optimize: Huffman tables made for the picture.

    Raises:
        UsageError: a quality or a sampling that does not exist.
    """

    quality: int = 75
    shape: TableShape = STANDARD
    sampling: Sampling = "4:2:0"
    optimize: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise UsageError(f"quality must be 1..100, not {self.quality}")
        if self.sampling not in get_args(Sampling):
            raise UsageError(f"sampling must be one of {', '.join(get_args(Sampling))}, not {self.sampling}")


def encode_jpeg(image: Image, settings: JpegSettings, icc: bytes | None = None, exif: bytes | None = None) -> bytes:
    """JPEG of a picture, baseline.

    Args:
        image: uint8[H,W,3] or uint8[H,W], sides 1..65,500.
        icc, exif: put into the JPEG; `exif` starts with "Exif" and has orientation 1 (`pixels.io.upright`).

    Raises:
        InputError: a side or the metadata is larger than a JPEG holds.
    """
    if max(image.shape[:2]) > MAX_SIDE_PX:
        raise InputError(f"a JPEG has at most {MAX_SIDE_PX:,} pixels a side, not {max(image.shape[:2]):,}")
    if len(exif or b"") > MAX_EXIF_BYTES or len(icc or b"") > MAX_ICC_BYTES:
        raise InputError("the EXIF data or the colour profile is larger than a JPEG can hold: remove it first")
    plain = _save(image, settings, icc, exif, optimize=False)
    # Optimised tables take libjpeg's whole output in one buffer, which Pillow makes this large. Noise at
    # quality 100 does not fit; that a plain JPEG fits proves that the optimised one does.
    buffer_bytes = max(ImageFile.MAXBLOCK, 2 * image.shape[0] * image.shape[1])
    if not settings.optimize or len(plain) >= buffer_bytes:
        return plain
    return _save(image, settings, icc, exif, optimize=True)


def decode_jpeg(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Image:
    """Pixels of a JPEG as stored, not turned by any EXIF orientation.

    Returns:
        uint8[H,W,3] RGB, or uint8[H,W] gray.

    Raises:
        InputError: broken, or of a kind not supported (`syntax.read_header`).
        LimitError: larger than `limits`.
    """
    header = read_header(data)
    limits.check_size(header.width, header.height)
    try:
        with without_warnings():
            return np.array(open_jpeg(data))
    except MemoryError:
        raise
    except Exception as error:  # damaged files raise whatever Pillow trips over
        raise InputError(f"the JPEG cannot be decoded: {error}") from error


def read_metadata(data: bytes) -> tuple[bytes | None, bytes | None]:
    """ICC profile and EXIF block of a JPEG, None where absent or unreadable."""
    try:
        with without_warnings():
            return metadata(open_jpeg(data))
    except Exception:  # as above; the pixels matter more than what is said of them
        return None, None


def _save(image: Image, settings: JpegSettings, icc: bytes | None, exif: bytes | None, *, optimize: bool) -> bytes:
    luma, chroma = quantization_tables(settings.quality, settings.shape)
    is_gray = image.ndim == 2
    out = io.BytesIO()
    PillowImage.fromarray(image).save(
        out,
        "JPEG",
        qtables=[luma.tolist()] if is_gray else [luma.tolist(), chroma.tolist()],
        subsampling=-1 if is_gray else _SUBSAMPLING[settings.sampling],
        optimize=optimize,
        icc_profile=icc,
        exif=exif or b"",
    )
    return out.getvalue()
