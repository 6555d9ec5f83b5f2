"""What a codec is to the benchmark, ours and every rival alike.

An own codec is a class in a file of one's own, named as `--codec-file my.py:Mine`:

    from carcodec.bench import Codec

    class Mine(Codec):
        suffix = ".mine"
        default_settings = (10, 50, 90)

        def encode(self, image, setting):
            return squeeze(image, quality=setting)

        def decode(self, data):
            return expand(data)

Options such as `mine:effort=7` reach the fields of a class that is a dataclass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

from carcodec.pixels import Image


@dataclass(frozen=True)
class Contents:
    """What a file is made of, for codecs that can tell.

    Attributes:
        models: identifiers of the models that the file names.
        jpeg_bytes, side_bytes: packed JPEG and side information; None for files that are not made of these.
    """

    models: tuple[str, ...]
    jpeg_bytes: int | None = None
    side_bytes: int | None = None

    def rest_of(self, n_bytes: int) -> int | None:
        """What a file of that size has beside these parts."""
        if self.jpeg_bytes is None or self.side_bytes is None:
            return None
        return n_bytes - self.jpeg_bytes - self.side_bytes


class Codec(ABC):
    """Turns a picture into the bytes of a file and back.

    Attributes:
        suffix: of the files it writes.
        default_settings: what is measured unless the caller asks for others.
        setting_range: lowest and highest setting, for searches; whole numbers if only those mean something.
        jpeg_quality: settings are JPEG qualities 1..100, so `--qualities` applies.
        lossless: decodes to the identical picture; has no settings.
    """

    suffix: ClassVar[str] = ".bin"
    default_settings: ClassVar[tuple[float, ...]] = ()
    setting_range: ClassVar[tuple[float, float]] = (1, 100)
    jpeg_quality: ClassVar[bool] = False
    lossless: bool = False

    @abstractmethod
    def encode(self, image: Image, setting: float) -> bytes:
        """A whole file for uint8[H,W,3] (RGB) or uint8[H,W] (gray); better pictures with higher settings."""

    @abstractmethod
    def decode(self, data: bytes) -> Image:
        """The picture of a file made by `encode`, of the same height and width."""

    def missing(self) -> str | None:
        """Why it cannot run on this machine, or None if it can."""
        return None

    def versions(self) -> str:
        """Names and versions of what does the work, `name version; name version`."""
        return ""

    def on(self, device: str, threads: int | None) -> Self:
        """The same codec for a device and a number of threads, where it can choose them."""
        return self

    @property
    def device(self) -> str:
        """Where its networks run, if it has any."""
        return "cpu"

    def contents(self, data: bytes) -> Contents | None:
        """The parts of a file; None for codecs whose files have none."""
        return None
