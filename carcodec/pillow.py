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
from carcodec.container.file import Container, parse
from carcodec.container.payloads import ExifPayload, IccPayload
from carcodec.errors import CarError
from carcodec.ids import SIGNATURE, Colour, Mode
from carcodec.jpeg.front import read_metadata
from carcodec.pixels.io import fitting_profile, upright_exif, upright_size

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
            container = parse(self._data)
            icc, exif = _metadata(container, self._data)
        except CarError as error:
            raise SyntaxError(str(error)) from error
        header = container.header
        self._size = header.width, header.height
        if header.mode != Mode.LAYERED:  # whose pixels stand upright already
            self._size = upright_size(*self._size, exif)
        is_gray = header.colour == Colour.GRAY
        self._mode = "L" if is_gray else "RGB"
        found = {"icc_profile": fitting_profile(icc, is_gray), "exif": upright_exif(exif)}
        self.info |= {key: value for key, value in found.items() if value}
        self.tile = []

    def load(self) -> Any:
        """Decode, once; a file that Pillow opened is closed then."""
        if self._data is not None:
            self.im = decode(self._data).im
            self._data = None
            if self._exclusive_fp and self.fp:
                self.fp.close()
            self.fp = None
        return super().load()


def _metadata(container: Container, data: bytes) -> tuple[bytes | None, bytes | None]:
    """Colour profile and EXIF block, as the file has them."""
    if container.header.mode != Mode.LAYERED:
        return read_metadata(extract(data))
    icc, exif = container.find(IccPayload), container.find(ExifPayload)
    return icc.data if icc else None, exif.data if exif else None


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(SIGNATURE)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    options = dict(image.encoderinfo)
    # As other formats have it: these are the picture's own, unless the call gives others.
    given = {key: options.pop(key) for key in ("icc_profile", "exif") if key in options}
    if isinstance(given.get("exif"), Image.Exif):
        given["exif"] = given["exif"].tobytes()
    if given:
        image = image.copy()
        image.info = {key: value for key, value in (image.info | given).items() if value is not None}
    file.write(encode(image, **options))


Image.register_open(FORMAT, CarImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, ".car")
Image.register_mime(FORMAT, "image/x-car")
