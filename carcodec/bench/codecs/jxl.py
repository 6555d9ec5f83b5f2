"""JPEG XL by the package pyjpegxl (libjxl)."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carcodec.bench.codec import Codec
from carcodec.pixels import Image

SPEED_OF_EFFORT = ("Lightning", "Thunder", "Falcon", "Cheetah", "Hare", "Wombat", "Squirrel", "Kitten", "Tortoise")


@dataclass(frozen=True)
class JpegXL(Codec):
    """JPEG XL, lossy (the setting is libjxl's quality 0..100) or lossless.

    Attributes:
        effort: 1..9.
        lossless: modular mode at distance 0.
    """

    suffix: ClassVar[str] = ".jxl"
    default_settings: ClassVar[tuple[float, ...]] = (23, 38, 53, 66, 78, 85, 90, 94)

    effort: int = 7
    lossless: bool = False

    def encode(self, image: Image, setting: float) -> bytes:
        """See `Codec.encode`."""
        import pyjpegxl

        speed = getattr(pyjpegxl.EncoderSpeed, SPEED_OF_EFFORT[self.effort - 1])
        pixels = np.ascontiguousarray(image)
        if self.lossless:
            return bytes(pyjpegxl.encode_from_numpy(pixels, lossless=True, speed=speed))
        # What the package calls quality is libjxl's distance.
        return bytes(pyjpegxl.encode_from_numpy(pixels, quality=distance_of_quality(setting), speed=speed))

    def decode(self, data: bytes) -> Image:
        """See `Codec.decode`."""
        import pyjpegxl

        pixels = np.asarray(pyjpegxl.decode_to_numpy(data)[1], dtype=np.uint8)
        return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels

    def missing(self) -> str | None:
        """See `Codec.missing`."""
        if importlib.util.find_spec("pyjpegxl") is None:
            return "the package pyjpegxl is not installed (pip install 'carcodec[peers]')"
        return None

    def versions(self) -> str:
        """See `Codec.versions`; the package does not tell libjxl's version."""
        return f"pyjpegxl {importlib.metadata.version('pyjpegxl')}"


def distance_of_quality(quality: float) -> float:
    """Butteraugli distance of a quality 0..100, as libjxl's JxlEncoderDistanceFromQuality maps it."""
    if quality >= 100:
        return 0.0
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53 / 3000 * quality**2 - 23 / 20 * quality + 25
