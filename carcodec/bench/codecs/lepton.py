"""The anchor's JPEG, packed losslessly by Lepton: what packing alone brings."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from typing import ClassVar

from carcodec.bench.codecs.jpeg import Jpeg
from carcodec.pixels import Image


@dataclass(frozen=True)
class Lepton(Jpeg):
    """JPEG as `Jpeg` makes it, in Lepton's container; the setting is the JPEG's quality."""

    suffix: ClassVar[str] = ".lep"

    def encode(self, image: Image, setting: float) -> bytes:
        """See `Codec.encode`."""
        import lepton_jpeg_python

        return bytes(lepton_jpeg_python.compress_bytes(super().encode(image, setting)))

    def decode(self, data: bytes) -> Image:
        """See `Codec.decode`."""
        import lepton_jpeg_python

        return super().decode(bytes(lepton_jpeg_python.decompress_bytes(data)))

    def missing(self) -> str | None:
        """See `Codec.missing`."""
        if importlib.util.find_spec("lepton_jpeg_python") is None:
            return "the package lepton-jpeg-python is not installed"
        return super().missing()

    def versions(self) -> str:
        """See `Codec.versions`."""
        return f"lepton-jpeg-python {importlib.metadata.version('lepton-jpeg-python')}; {super().versions()}"
