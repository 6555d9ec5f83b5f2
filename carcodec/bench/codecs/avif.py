"""AVIF by Pillow (libavif with the AV1 encoder that it was built with)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from carcodec.bench.codecs.pillow import PillowCodec


@dataclass(frozen=True)
class Avif(PillowCodec):
    """AVIF; the setting is libavif's quality 0..100.

    Attributes:
        speed: 0 (slowest) .. 10.
        tune: what the encoder aims at. `psnr` by default, since squared error is what the main
            comparison counts; `iq` is what libavif takes by itself, and looks better for its bits.
        sampling: of chroma: 4:2:0, 4:2:2 or 4:4:4.
        threads: of the encoder; 0 for all cores.
    """

    suffix: ClassVar[str] = ".avif"
    default_settings: ClassVar[tuple[float, ...]] = (20, 30, 40, 50, 60, 70, 80)
    format: ClassVar[str] = "AVIF"
    feature: ClassVar[str] = "avif"
    gray: ClassVar[bool] = False

    speed: int = 6
    tune: str = "psnr"
    sampling: str = "4:2:0"
    threads: int = 0

    def options(self, setting: float) -> dict[str, Any]:
        """See `PillowCodec.options`."""
        options: dict[str, Any] = {
            "quality": round(setting),
            "speed": self.speed,
            "subsampling": self.sampling,
            "advanced": {"tune": self.tune},
        }
        return options | {"max_threads": self.threads} if self.threads else options

    def on(self, device: str, threads: int | None) -> Self:
        """See `Codec.on`."""
        return replace(self, threads=threads or self.threads)
