"""WebP by Pillow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from carcodec.bench.codecs.pillow import PillowCodec


@dataclass(frozen=True)
class WebP(PillowCodec):
    """WebP, lossy (the setting is libwebp's quality 0..100) or lossless.

    Attributes:
        method: effort 0..6.
        lossless: the lossless format.
    """

    suffix: ClassVar[str] = ".webp"
    default_settings: ClassVar[tuple[float, ...]] = (7, 20, 40, 60, 75, 82, 89, 94)
    format: ClassVar[str] = "WEBP"
    feature: ClassVar[str] = "webp"
    gray: ClassVar[bool] = False

    method: int = 6
    lossless: bool = False

    def options(self, setting: float) -> dict[str, Any]:
        """See `PillowCodec.options`."""
        if self.lossless:
            return {"lossless": True, "quality": 100, "method": self.method, "exact": True}
        return {"quality": setting, "method": self.method}
