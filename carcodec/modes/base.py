"""What a mode is, and what those that keep a JPEG share: packing it, and blending the restoration in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from carcodec.container.file import Container, Header
from carcodec.container.payloads import FULL_STRENGTH, JpegPayload, RestorePayload
from carcodec.errors import DamagedError, InputError
from carcodec.ids import Colour, Mode
from carcodec.jpeg import packing
from carcodec.jpeg.front import Sampling, decode_jpeg
from carcodec.jpeg.syntax import JpegHeader, read_header
from carcodec.pixels.io import Picture
from carcodec.ports import Condition, Image, Levels, Networks, Restorer

DEFAULT_QUALITY = 75
STRIP_ROWS = 256
MAX_STRENGTH = 255  # what the byte of the RESTORE chunk holds: nearly twice the correction
# Mean luma steps at which a restoration begins to help, and from which on it is right as it is: libjpeg's quality 98
# and 89. Least squares on validation photographs gives a share of 0.9, 1.0, 0.7, 0.5, 0.3, 0.1 at steps of 17, 12, 8,
# 4, 2, 1 (restorer-1; mean of 4:2:0, 4:4:4 and gray).
FINEST_STEP, TRUSTED_STEP = 2.0, 12.0


@dataclass(frozen=True)
class Options:
    """What a caller may decide about a new file; each mode looks at what is its own.

    Attributes:
        quality: 1..100; None: carry a JPEG as it is, else `DEFAULT_QUALITY`.
        tables, sampling: of a JPEG that is made: a name of `jpeg.tables.SHAPES`, and its chroma.
        side: "auto" keeps a descriptor where it pays, "on" always, "off" never.
        search: try all symbols at each site; else take what the extractor proposes.
        max_error: largest difference of a sample, in levels: 0 is lossless, None lossy by quality (mode `layered`).
        scale: of the compact picture, one of `ids.SCALES`; None: of a lossy file the one that costs least, of others 32
            (mode `layered`).
    """

    quality: int | None = None
    tables: str = "psnr"
    sampling: Sampling = "4:2:0"
    side: str = "auto"
    search: bool = True
    max_error: int | None = None
    scale: int | None = None


@dataclass(frozen=True)
class Wanted:
    """What a caller may decide about decoding.

    Attributes:
        strength: of a restoration; None is the file's own.
        layer: "full", "base" or "compact" (mode `layered`).
    """

    strength: float | None = None
    layer: str = "full"


class FileMode(Protocol):
    """A mode: what a file of it is made of, from a picture and back."""

    @property
    def number(self) -> Mode: ...

    def encode(self, picture: Picture, networks: Networks, options: Options) -> Container:
        """The file of a picture.

        Raises:
            UsageError: options that this mode cannot follow.
            VerifyError: it does not decode to what it should.
        """

    def decode(self, container: Container, networks: Networks, wanted: Wanted) -> Picture:
        """The picture of a file that obeys the rules of the format.

        Raises:
            DamagedError, ModelMissing; UsageError: this mode has nothing like what is wanted.
        """

    def verify(self, container: Container, networks: Networks) -> Iterator[str]:
        """A line for each check that passes; errors as `decode`."""

    def salvage(self, container: Container, networks: Networks, problems: list[str]) -> Container:
        """What can be decoded of a damaged file's whole chunks.

        Args:
            problems: what was wrong so far, a sentence each; what else is lost is added.

        Raises:
            DamagedError: nothing can be decoded.
        """


class JpegMode(Protocol):
    """How a file that keeps a JPEG restores it.

    `encode` gets the JPEG, and the picture it was made from (None: the JPEG is all there is). `decode` gets the
    file's JPEG from `base_of`, and a strength that overrides the file's.
    """

    number: Mode

    def encode(self, jpeg: bytes, image: Image | None, networks: Networks, options: Options) -> Container: ...

    def decode(self, container: Container, base: Base, networks: Networks, strength: float | None) -> Image: ...


@dataclass(frozen=True)
class Base:
    """The JPEG of a file: its bytes, header and pixels."""

    jpeg: bytes
    header: JpegHeader
    pixels: Image

    @property
    def condition(self) -> Condition:
        return self.header.condition()


def read_base(jpeg: bytes) -> Base:
    """Base of JPEG bytes.

    Raises:
        InputError: not a JPEG that can be carried.
    """
    return Base(jpeg, read_header(jpeg), decode_jpeg(jpeg))


def packed(base: Base, mode: Mode) -> tuple[Header, JpegPayload]:
    """Header of the file, and its packed JPEG."""
    colour = Colour.GRAY if base.pixels.ndim == 2 else Colour.RGB
    height, width = base.pixels.shape[:2]
    return Header(mode, width, height, colour), JpegPayload(*packing.pack(base.jpeg))


def unpacked(container: Container) -> bytes:
    """The JPEG of a file, byte for byte.

    Raises:
        DamagedError: a damaged file has none left, or it cannot be unpacked.
    """
    payload = container.find(JpegPayload)
    if payload is None:
        raise DamagedError("no whole JPEG is left in the file")
    return packing.unpack(payload.packing, payload.data, container.header.width, container.header.height)


def base_of(container: Container) -> Base:
    """The JPEG of a file, decoded and checked against the file's header.

    Raises:
        DamagedError: none is left, it cannot be unpacked or decoded, or is another than the header says.
    """
    try:
        base = read_base(unpacked(container))
    except InputError as error:
        raise DamagedError(f"the JPEG in the file is broken: {error}") from error
    expected = (container.header.height, container.header.width)
    if base.pixels.shape[:2] != expected or (base.pixels.ndim == 2) != (container.header.colour == Colour.GRAY):
        raise DamagedError("the JPEG in the file is not of the size or colour that the file states")
    return base


def strength_of(container: Container, wanted: float | None) -> float:
    """Share of the correction to blend in: the caller's, else the file's, which is 0 without a restoration."""
    if wanted is not None:
        return wanted
    restoration = container.find(RestorePayload)
    return restoration.strength / FULL_STRENGTH if restoration else 0.0


def restorer_of(container: Container, networks: Networks) -> Restorer:
    """The restorer that a file names; if none, as the encoder found the JPEG best, the one that new files would.

    Raises:
        ModelMissing: it is not installed.
    """
    restoration = container.find(RestorePayload)
    return networks.restorer(restoration.model if restoration else None)


def squared_error(image: Image, other: Image) -> float:
    """Mean over all samples of the squared difference, in levels squared."""
    total = sum(np.square(_float(image[rows]) - other[rows]).sum(dtype=np.float64) for rows in _strips(image))
    return float(total / image.size)


def blend(base: Image, restored: Levels, strength: float) -> Image:
    """Base plus a share of the correction, rounded once. Strength 0 is the base, 1 the whole correction."""
    blended = np.empty_like(base)
    for rows in _strips(base):
        levels = base[rows] + np.float32(strength) * (restored[rows] - base[rows])
        blended[rows] = np.clip(np.rint(levels), 0, 255)
    return blended


def best_strength(image: Image, base: Image, restored: Levels) -> int:
    """Strength byte that leaves the least squared error: 0 where the base itself is best."""
    energy = wanted = 0.0
    for rows in _strips(base):
        correction = restored[rows] - base[rows]
        energy += float(np.square(correction).sum(dtype=np.float64))
        wanted += float((correction * (_float(image[rows]) - base[rows])).sum(dtype=np.float64))
    if energy == 0:
        return 0
    strength = int(np.clip(round(FULL_STRENGTH * wanted / energy), 0, MAX_STRENGTH))
    better = squared_error(image, blend(base, restored, strength / FULL_STRENGTH)) < squared_error(image, base)
    return strength if better else 0


def usual_strength(header: JpegHeader) -> int:
    """Strength byte for a JPEG whose original is not known: full, but for one so fine that little is left to restore.

    There the correction is mostly the network's own error, and costs decibels.
    """
    share = (float(header.luma_table.mean()) - FINEST_STEP) / (TRUSTED_STEP - FINEST_STEP)
    return round(FULL_STRENGTH * min(1.0, max(0.0, share)))


def _float(pixels: Image) -> Levels:
    return pixels.astype(np.float32)


def _strips(pixels: Image) -> Iterator[slice]:
    # Whole pictures in float take twelve times their bytes, several times over.
    return (slice(top, top + STRIP_ROWS) for top in range(0, len(pixels), STRIP_ROWS))
