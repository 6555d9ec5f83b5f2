"""AV1 still pictures through Pillow's AVIF, as the bare bitstream: no file around it, whose 280 bytes say nothing new.

The bitstream is that of the AV1 specification (5.3), without its temporal delimiter: a sequence header with
reduced_still_picture_header, and the frame. Colours are at full resolution, as YCbCr of BT.601 in full range. The
file that is taken away and put back is that of AVIF 1.1 on HEIF (ISO/IEC 23008-12).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from PIL import AvifImagePlugin, features
from PIL import Image as PillowImage

from carcodec.errors import DamagedError, LimitError, UnsupportedError
from carcodec.pixels import Image

MAX_SIDE_PX: Final = 32_768  # AVIF_DEFAULT_IMAGE_DIMENSION_LIMIT of libavif, which decodes no larger one
SPEED: Final = 6  # of the encoder, 0 (slowest) .. 10
_TEMPORAL_DELIMITER = b"\x12\x00"
_SEQUENCE_HEADER = 0x0A  # first byte of that unit, with its size following in LEB128
_LEVEL = 31  # "maximum parameters": decoders here look at the bitstream's own


def encode_av1(image: Image, quality: int) -> bytes:
    """AV1 bitstream of a picture, aimed at least squared error.

    Args:
        image: uint8[H,W,3] or uint8[H,W], sides 1..`MAX_SIDE_PX`.
        quality: libavif's, 0..100.

    Raises:
        LimitError: a larger side.
    """
    _check_library()
    check_sides(image.shape)
    out = io.BytesIO()
    sampling = "4:0:0" if image.ndim == 2 else "4:4:4"
    # Tiles would be coded side by side, each without the others' knowledge: 1 % more bytes.
    options: dict[str, Any] = {
        "subsampling": sampling,
        "speed": SPEED,
        "autotiling": False,
        "advanced": {"tune": "psnr"},
    }
    PillowImage.fromarray(image).save(out, "AVIF", quality=quality, **options)
    return dict(_boxes(out.getvalue()))[b"mdat"].removeprefix(_TEMPORAL_DELIMITER)


def check_sides(shape: tuple[int, ...]) -> None:
    """Pass if a picture [H,W] or [H,W,3] can be encoded.

    Raises:
        LimitError: a side is longer than `MAX_SIDE_PX`.
    """
    if max(shape[:2]) > MAX_SIDE_PX:
        raise LimitError(f"AV1 pictures have sides of at most {MAX_SIDE_PX:,} pixels: take another mode")


def decode_av1(data: bytes, shape: tuple[int, ...]) -> Image:
    """The picture of a bitstream. Between decoders it may differ by rounding of colours.

    Args:
        shape: of the picture that must come out, [H,W,3] or [H,W]: nothing else is decoded.

    Raises:
        DamagedError: no such bitstream, or of another size or kind.
        UnsupportedError: this Pillow cannot read it.
    """
    _check_library()
    if _size(data) != shape[:2]:
        raise DamagedError("the AV1 data are of another size than the file states")
    try:
        # Not Image.open: its own limit of pixels is lower than ours, and the size is checked.
        with AvifImagePlugin.AvifImageFile(io.BytesIO(_as_file(data, shape))) as picture:
            return np.array(picture.convert("RGB" if len(shape) == 3 else "L"))
    except MemoryError:
        raise
    except Exception as error:  # damaged data raise whatever Pillow trips over
        raise DamagedError(f"the AV1 data cannot be decoded: {error}") from error


def _check_library() -> None:
    if not features.check("avif"):
        raise UnsupportedError("this Pillow was built without AVIF: install its wheel")


def _boxes(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of each box of an AVIF file."""
    start = 0
    while start < len(file):
        n_bytes = int.from_bytes(file[start : start + 4], "big")
        yield file[start + 4 : start + 8], file[start + 8 : start + n_bytes]
        start += n_bytes


def _size(data: bytes) -> tuple[int, int]:
    """Height and width by the sequence header (AV1 5.5.1); zeros for anything else."""
    if len(data) < 2 or data[0] != _SEQUENCE_HEADER or data[1] > 0x7F:
        return 0, 0
    n_bits = 8 * data[1]
    word = int.from_bytes(data[2 : 2 + data[1]], "big")
    position = 0

    def bits(n: int) -> int:
        nonlocal position
        position += n
        return word >> max(n_bits - position, 0) & (1 << n) - 1

    _, still, reduced, _ = bits(3), bits(1), bits(1), bits(5)
    width_bits, height_bits = bits(4) + 1, bits(4) + 1
    width, height = bits(width_bits) + 1, bits(height_bits) + 1
    return (height, width) if still and reduced and position <= n_bits else (0, 0)


def _box(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def _as_file(data: bytes, shape: tuple[int, ...]) -> bytes:
    """An AVIF file around a bitstream."""
    height, width = shape[:2]
    n_channels = 3 if len(shape) == 3 else 1
    version = bytes(4)  # of boxes that have one, with no flags
    profile, subsampling = (1, 0x00) if n_channels == 3 else (0, 0x1C)
    properties = _box(
        b"ipco",
        _box(b"ispe", version, width.to_bytes(4, "big"), height.to_bytes(4, "big")),
        _box(b"pixi", version, bytes([n_channels, *[8] * n_channels])),
        _box(b"av1C", bytes([0x81, profile << 5 | _LEVEL, subsampling, 0])),
        _box(b"colr", b"nclx", bytes([0, 1, 0, 13, 0, 6, 0x80])),  # sRGB, BT.601, full range
    )
    item = _TEMPORAL_DELIMITER + data
    head = _box(b"ftyp", b"avif", version, b"avifmif1miaf")

    def meta(offset: int) -> bytes:
        return _box(
            b"meta",
            version,
            _box(b"hdlr", version, bytes(4), b"pict", bytes(13)),
            _box(b"pitm", version, b"\0\1"),
            _box(b"iloc", version, b"\x44\0\0\1\0\1\0\0\0\1", offset.to_bytes(4, "big"), len(item).to_bytes(4, "big")),
            _box(b"iinf", version, b"\0\1", _box(b"infe", b"\2\0\0\0", b"\0\1\0\0", b"av01", b"\0")),
            _box(b"iprp", properties, _box(b"ipma", version, b"\0\0\0\1\0\1\4\1\2\x83\4")),
        )

    start = len(head) + len(meta(0)) + 8
    return head + meta(start) + _box(b"mdat", item)
