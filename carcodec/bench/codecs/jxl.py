"""JPEG XL by the package pylibjxl."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carcodec.bench.codec import Codec, Image


@dataclass(frozen=True)
class JpegXL(Codec):
    """JPEG XL, lossy (the setting is libjxl's quality 0..100) or lossless.

    Attributes:
        effort: 1..10.
        lossless: modular mode at distance 0.
    """

    suffix: ClassVar[str] = ".jxl"
    default_settings: ClassVar[tuple[float, ...]] = (25, 40, 55, 68, 80, 86, 91, 95)

    effort: int = 7
    lossless: bool = False

    def encode(self, image: Image, setting: float) -> bytes:
        """See `Codec.encode`."""
        import pylibjxl

        pixels = image[..., None] if image.ndim == 2 else image
        if self.lossless:
            return bytes(pylibjxl.encode(pixels, effort=self.effort, lossless=True))
        return bytes(pylibjxl.encode(pixels, effort=self.effort, distance=distance_of_quality(setting)))

    def decode(self, data: bytes) -> Image:
        """See `Codec.decode`."""
        import pylibjxl

        pixels = np.asarray(pylibjxl.decode(data), dtype=np.uint8)
        return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels

    def missing(self) -> str | None:
        """See `Codec.missing`."""
        if importlib.util.find_spec("pylibjxl") is None:
            return "the package pylibjxl is not installed (pip install 'carcodec[peers]')"
        return None

    def versions(self) -> str:
        """See `Codec.versions`."""
        import pylibjxl

        return f"pylibjxl {importlib.metadata.version('pylibjxl')}; libjxl {pylibjxl.encoder_version()}"


def distance_of_quality(quality: float) -> float:
    """Butteraugli distance of a quality 0..100, as libjxl's JxlEncoderDistanceFromQuality maps it."""
    if quality >= 100:
        return 0.0
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53 / 3000 * quality**2 - 23 / 20 * quality + 25
