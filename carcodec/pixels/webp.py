"""Lossless WebP through Pillow, as the bare VP8L bitstream: no file around it, whose 20 bytes say nothing new.

The bitstream is that of the WebP Lossless Bitstream Specification (RFC 9649, 3): one byte 0x2F, then width - 1 and
height - 1 in 14 bits each, one bit for transparency and three for the version, lowest bits first.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as PillowImage
from PIL import WebPImagePlugin, features

from carcodec.errors import DamagedError, UnsupportedError
from carcodec.pixels import Image

MAX_SIDE_PX = 16_383  # WEBP_MAX_DIMENSION of libwebp
_FILE_HEADER_BYTES = 20  # "RIFF", length, "WEBP", "VP8L", length
_SIGNATURE = 0x2F
_HEAD_BYTES = 5  # of the bitstream


def encode_webp(image: Image, *, thorough: bool = False) -> bytes:
    """VP8L bitstream of a picture.

    Args:
        image: uint8[H,W,3], or uint8[H,W], which is coded as three equal channels; sides 1..`MAX_SIDE_PX`.
        thorough: by libwebp's slowest method: thirty times slower, about 3 % smaller, on small pictures not at all.
    """
    _check_library()
    out = io.BytesIO()
    effort = {"quality": 100, "method": 6} if thorough else {"quality": 75, "method": 4}
    PillowImage.fromarray(image).convert("RGB").save(out, "WEBP", lossless=True, exact=True, **effort)
    file = out.getvalue()
    n_bytes = int.from_bytes(file[_FILE_HEADER_BYTES - 4 : _FILE_HEADER_BYTES], "little")
    return file[_FILE_HEADER_BYTES : _FILE_HEADER_BYTES + n_bytes]


def decode_webp(data: bytes, shape: tuple[int, ...]) -> Image:
    """The picture of a bitstream.

    Args:
        shape: of the picture that must come out, [H,W,3] or [H,W]: nothing else is decoded.

    Raises:
        DamagedError: no such bitstream, or of another size or kind.
        UnsupportedError: this Pillow cannot read it.
    """
    _check_library()
    _check_head(data, shape)
    try:
        # Not Image.open: its own limit of pixels is lower than ours, and the size is checked.
        with WebPImagePlugin.WebPImageFile(io.BytesIO(_as_file(data))) as picture:
            pixels = np.array(picture.convert("RGB"))
    except MemoryError:
        raise
    except Exception as error:  # damaged data raise whatever Pillow trips over
        raise DamagedError(f"the WebP data cannot be decoded: {error}") from error
    if len(shape) == 3:
        return pixels
    if not (pixels == pixels[..., :1]).all():
        raise DamagedError("the WebP data of a gray picture are coloured")
    return np.ascontiguousarray(pixels[..., 0])


def _check_library() -> None:
    if not features.check("webp"):
        raise UnsupportedError("this Pillow was built without WebP: install its wheel")


def _check_head(data: bytes, shape: tuple[int, ...]) -> None:
    if len(data) < _HEAD_BYTES or data[0] != _SIGNATURE:
        raise DamagedError("the WebP data are no lossless bitstream")
    word = int.from_bytes(data[1:_HEAD_BYTES], "little")
    size = ((word >> 14 & 0x3FFF) + 1, (word & 0x3FFF) + 1)
    if size != shape[:2] or word >> 28:
        raise DamagedError("the WebP data are of another size or kind than the file states")


def _as_file(data: bytes) -> bytes:
    chunk = b"VP8L" + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)
    return b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk
