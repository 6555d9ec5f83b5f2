"""How a file stores its samples, where Pillow gives them as eight bits, or as sixteen, without a word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import TiffImagePlugin

from carcodec.errors import InputError
from carcodec.pixels import Image

_RAW_MODE = re.compile(r"(?!BGR).*;16")  # of Pillow's decoders: "RGB;16B", "I;16"; but "BGR;16" is 16 bits a pixel
_BITS, _PHOTOMETRIC, _PLANES, _SAMPLE_FORMAT = 258, 262, 284, 339  # tags of TIFF 6.0
_WHITE_IS_ZERO, _APART, _SIGNED = 0, 2, 2  # values of the last three
_CODESTREAM = b"\xff\x4f\xff\x51"  # of JPEG 2000 (ISO/IEC 15444-1, A.5.1): SOC, SIZ
_COMPONENTS_AT, _DEPTHS_AT = 40, 42  # their number, and three bytes for each, of which the first is bits less one
_AV1_CONFIGURATION = b"av1C"  # of AVIF (AV1 in ISOBMFF, 2.3.3)


@dataclass(frozen=True)
class Depth:
    """How samples are stored.

    Attributes:
        bits: of a sample; 8 stands for fewer, too.
        white: the largest value that Pillow gives gray samples of more than 8 bits.
        is_negative: whether that is black, and Pillow does not turn samples over.
    """

    bits: int = 8
    white: int = 0xFFFF
    is_negative: bool = False

    @property
    def is_deep(self) -> bool:
        return self.bits > 8


def depth_of(image: PillowImage.Image, data: bytes) -> Depth:
    """How the samples of an opened picture are stored.

    Args:
        data: its file; empty if that is not known, as of a picture that somebody else opened.

    Raises:
        InputError: they are signed, or of a kind that Pillow misreads.
    """
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return _tiff_depth(image)
    if image.format == "AVIF":
        return Depth(_avif_bits(data or _file_of(image)))
    if image.format == "JPEG2000" and (bits := _jpeg2000_bits(data or _file_of(image))) > 8:
        if image.mode != "I;16" or bits > 16:
            # Pillow rounds their white up to 256, which it then takes for 0.
            raise InputError(f"JPEG 2000 pictures of {bits} bits are not supported: convert it to 8 bits first")
        return Depth(bits, (1 << bits) - 1 << 16 - bits)  # Pillow shifts them up to 16 bits
    return Depth(_decoder_bits(image))


def to_8_bits(samples: npt.NDArray[Any], depth: Depth) -> Image:
    """Gray samples of more than 8 bits, rounded: uint8[H,W]."""
    levels: Image = ((samples.astype(np.uint32) * 255 + depth.white // 2) // depth.white).astype(np.uint8)
    return 255 - levels if depth.is_negative else levels


def _file_of(image: PillowImage.Image) -> bytes:
    """The file of a picture that is not loaded yet; nothing for another."""
    file = getattr(image, "fp", None)
    if file is None:
        return b""
    at = file.tell()
    file.seek(0)
    data: bytes = file.read()
    file.seek(at)
    return data


def _tiff_depth(image: TiffImagePlugin.TiffImageFile) -> Depth:
    """By its tags, which are still there when it is loaded."""
    tags = image.tag_v2
    if _SIGNED in tags.get(_SAMPLE_FORMAT, ()) and image.mode != "F":
        raise InputError("pictures of signed samples are not supported: convert it to 8-bit gray or RGB first")
    bits = max((8, *tags.get(_BITS, ())))
    if bits > 8 and tags.get(_PLANES) == _APART and any(tile.codec_name == "raw" for tile in image.tile):
        raise InputError("pictures of more than 8 bits in planes are not supported: convert it to 8 bits first")
    if image.mode in ("F", "I"):
        return Depth()  # of 32 bits: refused
    return Depth(bits, (1 << bits) - 1, image.mode.startswith("I;16") and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)


def _decoder_bits(image: PillowImage.Image) -> int:
    """By the arguments of Pillow's decoders: the samples' layout, or for PPM their largest value, which it spreads."""
    for tile in getattr(image, "tile", ()):
        arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if any(isinstance(a, str) and _RAW_MODE.match(a) for a in arguments):
            return 16
        if tile.codec_name.startswith("ppm") and any(isinstance(a, int) and a > 255 for a in arguments):
            return 16
    return 16 if image.mode.startswith("I;16") else 8


def _jpeg2000_bits(data: bytes) -> int:
    """Of the component that has most; 0 where that is not to be found."""
    head = data[at:] if (at := data.find(_CODESTREAM)) >= 0 else b""
    n_components = int.from_bytes(head[_COMPONENTS_AT:_DEPTHS_AT], "big")
    depths = head[_DEPTHS_AT : _DEPTHS_AT + 3 * n_components : 3]
    return max(((depth & 0x7F) + 1 for depth in depths), default=0)


def _avif_bits(data: bytes) -> int:
    """8 where that is not to be found."""
    at = data.find(_AV1_CONFIGURATION)
    flags = int.from_bytes(data[at + 6 : at + 7], "big") if at >= 0 else 0
    is_high, is_twelve = flags & 0x40, flags & 0x20
    return (12 if is_twelve else 10) if is_high else 8
