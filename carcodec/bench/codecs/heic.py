"""HEIC by the package pillow-heif (libheif with x265)."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any, ClassVar

from carcodec.bench.codecs.pillow import PillowCodec
from carcodec.pixels import Image


@dataclass(frozen=True)
class Heic(PillowCodec):
    """HEIC; the setting is libheif's quality 0..100.

    Attributes:
        preset: of x265.
        sampling: of chroma: 4:2:0, 4:2:2 or 4:4:4.
    """

    suffix: ClassVar[str] = ".heic"
    default_settings: ClassVar[tuple[float, ...]] = (10, 20, 30, 40, 50, 60)
    format: ClassVar[str] = "HEIF"
    gray: ClassVar[bool] = False

    preset: str = "slow"
    sampling: str = "4:2:0"

    def options(self, setting: float) -> dict[str, Any]:
        """See `PillowCodec.options`."""
        chroma = self.sampling.replace(":", "")
        return {"quality": round(setting), "chroma": chroma, "enc_params": {"preset": self.preset}}

    def encode(self, image: Image, setting: float) -> bytes:
        """See `Codec.encode`."""
        _register()
        return super().encode(image, setting)

    def decode(self, data: bytes) -> Image:
        """See `Codec.decode`."""
        _register()
        return super().decode(data)

    def missing(self) -> str | None:
        """See `Codec.missing`."""
        if importlib.util.find_spec("pillow_heif") is None:
            return "the package pillow-heif is not installed (it bundles x265, under the GPL, so it is left to you)"
        return None

    def versions(self) -> str:
        """See `Codec.versions`."""
        import pillow_heif

        libraries = pillow_heif.libheif_info()
        return f"pillow-heif {pillow_heif.__version__}; libheif {libraries['libheif']}"


def _register() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
