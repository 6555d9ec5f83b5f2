"""JPEG 2000 by Pillow (OpenJPEG)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from carcodec.bench.codecs.pillow import PillowCodec
from carcodec.pixels import Image

BITS_PER_SAMPLE = 8


@dataclass(frozen=True)
class Jpeg2000(PillowCodec):
    """JPEG 2000, irreversible with a target rate (the setting, in bits per pixel) or lossless.

    Attributes:
        lossless: the reversible transform without a target rate.
    """

    suffix: ClassVar[str] = ".jp2"
    default_settings: ClassVar[tuple[float, ...]] = (0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0)
    setting_range: ClassVar[tuple[float, float]] = (0.02, 8.0)
    format: ClassVar[str] = "JPEG2000"
    feature: ClassVar[str] = "jpg_2000"

    lossless: bool = False

    def encode(self, image: Image, setting: float) -> bytes:
        """See `Codec.encode`; a rate becomes OpenJPEG's compression ratio here."""
        if self.lossless:
            return super().encode(image, 0)
        channels = 1 if image.ndim == 2 else image.shape[2]
        return super().encode(image, BITS_PER_SAMPLE * channels / setting)

    def options(self, setting: float) -> dict[str, Any]:
        """See `PillowCodec.options`; without the colour transform (mct) RGB planes would be coded apart."""
        if self.lossless:
            return {"irreversible": False, "mct": 1}
        return {"irreversible": True, "mct": 1, "quality_mode": "rates", "quality_layers": [setting]}
