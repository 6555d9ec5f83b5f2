"""Plain JPEG by Pillow with optimised Huffman tables: the anchor of every comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from carcodec.bench.codecs.pillow import PillowCodec
from carcodec.errors import UsageError
from carcodec.pixels import Image


@dataclass(frozen=True)
class Jpeg(PillowCodec):
    """Baseline JPEG; the setting is Pillow's quality 1..100.

    Attributes:
        sampling: of chroma: 4:2:0, 4:2:2 or 4:4:4.
        first: quality of the JPEG that the picture was before; 0 if it was none.
        shift: rows and columns, 0..7, by which that one's blocks begin before the picture does (FBCNN,
            arXiv 2109.14573, section 3.4).
    """

    suffix: ClassVar[str] = ".jpg"
    default_settings: ClassVar[tuple[float, ...]] = (10, 20, 30, 40, 50, 60, 70, 80, 90)
    jpeg_quality: ClassVar[bool] = True
    format: ClassVar[str] = "JPEG"
    feature: ClassVar[str] = "jpg"

    sampling: str = "4:2:0"
    first: int = 0
    shift: int = 4

    def __post_init__(self) -> None:
        if not 0 <= self.first <= 100:
            raise UsageError(f"first must be 1..100, or 0 for none, not {self.first}")
        if not 0 <= self.shift < 8:
            raise UsageError(f"shift must be 0..7, not {self.shift}")

    def options(self, setting: float) -> dict[str, Any]:
        """See `PillowCodec.options`."""
        return {"quality": round(setting), "subsampling": self.sampling, "optimize": True}

    def encode(self, image: Image, setting: float) -> bytes:
        """See `Codec.encode`."""
        return super().encode(self._once_coded(image) if self.first else image, setting)

    def _once_coded(self, image: Image) -> Image:
        before = np.pad(image, ((self.shift, 0), (self.shift, 0)) + ((0, 0),) * (image.ndim - 2), "symmetric")
        return PillowCodec.decode(self, super().encode(before, self.first))[self.shift :, self.shift :]
