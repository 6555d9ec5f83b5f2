"""Pillow plugin: `Image.open("x.car")` and `image.save("x.car", quality=30)`.

>>> import carcodec.pillow  # registers; Pillow has no other way to find plugins
>>> from PIL import Image
>>> Image.open("x.car").size  # doctest: +SKIP
(768, 512)

Opening checks the file and unpacks its JPEG, if it keeps one, whose EXIF data say how the picture stands; networks load
when pixels are first asked for.
"""

from __future__ import annotations

from typing import IO, Any

from PIL import Image, ImageFile

from carcodec import decode, encode, extract
from carcodec.container.file import parse
from carcodec.errors import CarError
from carcodec.ids import SIGNATURE, Colour, Mode
from carcodec.jpeg.front import read_metadata
from carcodec.pixels.io import upright_size

FORMAT = "CAR"


class CarImageFile(ImageFile.ImageFile):
    """A `.car` file, decoded when its pixels are first needed.

    Raises:
        SyntaxError: not a `.car` file, or a damaged one: Pillow's way to say so.
    """

    format = FORMAT
    format_description = "carcodec: JPEG with learned restoration"

    def _open(self) -> None:
        self._data: bytes | None = self.fp.read() if self.fp else b""
        try:
            header = parse(self._data).header
            exif = None if header.mode == Mode.LAYERED else read_metadata(extract(self._data))[1]
        except CarError as error:
            raise SyntaxError(str(error)) from error
        self._size = upright_size(header.width, header.height, exif)
        self._mode = "L" if header.colour == Colour.GRAY else "RGB"
        self.tile = []

    def load(self) -> Any:
        """Decode, once; colour profile and EXIF data come into `info`."""
        if self._data is not None:
            decoded = decode(self._data)
            self._data = None
            self.info.update(decoded.info)
            self.im = decoded.im
        return super().load()


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(SIGNATURE)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    file.write(encode(image, **image.encoderinfo))


Image.register_open(FORMAT, CarImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, ".car")
Image.register_mime(FORMAT, "image/x-car")
