"""PNG by Pillow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from carcodec.bench.codecs.pillow import PillowCodec


@dataclass(frozen=True)
class Png(PillowCodec):
    """PNG with optimised filters."""

    suffix: ClassVar[str] = ".png"
    format: ClassVar[str] = "PNG"
    feature: ClassVar[str] = "zlib"

    lossless: bool = True

    def options(self, setting: float) -> dict[str, Any]:
        """See `PillowCodec.options`."""
        return {"optimize": True}
