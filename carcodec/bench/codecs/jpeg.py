"""Plain JPEG by Pillow with optimised Huffman tables: the anchor of every comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from carcodec.bench.codecs.pillow import PillowCodec


@dataclass(frozen=True)
class Jpeg(PillowCodec):
    """Baseline JPEG; the setting is Pillow's quality 1..100.

    Attributes:
        sampling: of chroma: 4:2:0, 4:2:2 or 4:4:4.
    """

    suffix: ClassVar[str] = ".jpg"
    default_settings: ClassVar[tuple[float, ...]] = (10, 20, 30, 40, 50, 60, 70, 80, 90)
    jpeg_quality: ClassVar[bool] = True
    format: ClassVar[str] = "JPEG"
    feature: ClassVar[str] = "jpg"

    sampling: str = "4:2:0"

    def options(self, setting: float) -> dict[str, Any]:
        """See `PillowCodec.options`."""
        return {"quality": round(setting), "subsampling": self.sampling, "optimize": True}
