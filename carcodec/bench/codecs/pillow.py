"""What the codecs that come with Pillow have in common."""

from __future__ import annotations

import io
from typing import Any, ClassVar

import numpy as np
import PIL
from PIL import Image as PillowImage
from PIL import features

from carcodec.bench.codec import Codec
from carcodec.pixels import Image


class PillowCodec(Codec):
    """A codec that is a format of Pillow with fitting options.

    Attributes:
        format: Pillow's name of it.
        feature: name in PIL.features of the library behind it.
        gray: it has gray pictures; else they are coded as RGB.
    """

    format: ClassVar[str]
    feature: ClassVar[str]
    gray: ClassVar[bool] = True

    def options(self, setting: float) -> dict[str, Any]:
        """Keyword arguments of `Image.save`."""
        return {}

    def encode(self, image: Image, setting: float) -> bytes:
        """See `Codec.encode`."""
        picture = PillowImage.fromarray(image)
        if not self.gray:
            picture = picture.convert("RGB")
        file = io.BytesIO()
        picture.save(file, self.format, **self.options(setting))
        return file.getvalue()

    def decode(self, data: bytes) -> Image:
        """See `Codec.decode`."""
        with PillowImage.open(io.BytesIO(data), formats=[self.format]) as picture:
            return np.array(picture if picture.mode == "L" else picture.convert("RGB"))

    def missing(self) -> str | None:
        """See `Codec.missing`."""
        return None if features.check(self.feature) else f"this Pillow was built without {self.feature}"

    def versions(self) -> str:
        """See `Codec.versions`."""
        library = "libjpeg_turbo" if self.feature == "jpg" else self.feature
        return f"Pillow {PIL.__version__}; {library} {features.version(library)}"
