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

_RAW_MODE = re.compile(r";(12|16)")  # of Pillow's decoders: "RGB;16B", "I;12"
_PHOTOMETRIC, _SAMPLE_FORMAT = 262, 339  # tags of TIFF 6.0
_WHITE_IS_ZERO, _SIGNED = 0, 2
_CODESTREAM = b"\xff\x4f\xff\x51"  # of JPEG 2000 (ISO/IEC 15444-1, A.5.1): SOC, SIZ
_COMPONENTS_AT, _DEPTHS_AT = 40, 42  # their number, and three bytes for each, of which the first is bits less one
_AV1_CONFIGURATION = b"av1C"  # of AVIF (AV1 in ISOBMFF, 2.3.3)


@dataclass(frozen=True)
class Depth:
    """How samples are stored.

    Attributes:
        bits: of a sample; 8 stands for fewer, too.
        is_negative: whether 0 is white, in samples that Pillow does not turn over.
    """

    bits: int = 8
    is_negative: bool = False

    @property
    def is_deep(self) -> bool:
        return self.bits > 8


def depth_of(image: PillowImage.Image, data: bytes) -> Depth:
    """How the samples of an opened picture, not loaded yet, are stored.

    Args:
        data: its file, empty if that is not known.

    Raises:
        InputError: they are signed.
    """
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    if _SIGNED in tags.get(_SAMPLE_FORMAT, ()) and image.mode != "F":
        raise InputError("pictures of signed samples are not supported: convert it to 8-bit gray or RGB first")
    if image.format == "JPEG2000":
        return Depth(_jpeg2000_bits(data))
    if image.format == "AVIF":
        return Depth(_avif_bits(data))
    bits = _decoder_bits(image)
    return Depth(bits, bits > 8 and image.mode.startswith("I") and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)


def to_8_bits(samples: npt.NDArray[Any], depth: Depth) -> Image:
    """Gray samples of more than 8 bits, rounded: uint8[H,W]."""
    largest = (1 << depth.bits) - 1
    levels: Image = ((samples.astype(np.uint32) * 255 + largest // 2) // largest).astype(np.uint8)
    return 255 - levels if depth.is_negative else levels


def _decoder_bits(image: PillowImage.Image) -> int:
    """By the arguments of Pillow's decoders: the samples' layout, or for PPM their largest value, which it spreads."""
    for tile in getattr(image, "tile", ()):
        arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if found := next((match for a in arguments if isinstance(a, str) and (match := _RAW_MODE.search(a))), None):
            return int(found[1])
        if tile.codec_name.startswith("ppm") and any(isinstance(a, int) and a > 255 for a in arguments):
            return 16
    return 16 if image.mode.startswith("I;16") else 8


def _jpeg2000_bits(data: bytes) -> int:
    head = data[max(0, data.find(_CODESTREAM)) :]
    n_components = int.from_bytes(head[_COMPONENTS_AT:_DEPTHS_AT], "big")
    depths = head[_DEPTHS_AT : _DEPTHS_AT + 3 * n_components : 3]
    return max((8, *((depth & 0x7F) + 1 for depth in depths)))


def _avif_bits(data: bytes) -> int:
    flags = data[data.find(_AV1_CONFIGURATION) + len(_AV1_CONFIGURATION) :][2:3]
    is_high, is_twelve = (bool(flags and flags[0] & bit) for bit in (0x40, 0x20))
    return (12 if is_twelve else 10) if is_high else 8
