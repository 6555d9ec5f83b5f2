"""Files that keep a JPEG: making or carrying it, around the mode that restores it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from carcodec.container.file import Container, to_chunk
from carcodec.container.payloads import DescriptorPayload, JpegPayload, Payload, RestorePayload
from carcodec.errors import DamagedError, ModelMissing, UsageError
from carcodec.ids import Mode
from carcodec.jpeg.front import JpegSettings, encode_jpeg, read_metadata
from carcodec.jpeg.tables import SHAPES
from carcodec.modes.base import (
    DEFAULT_QUALITY,
    JpegMode,
    Options,
    Wanted,
    base_of,
    restorer_of,
    usual_strength,
)
from carcodec.modes.side import symbols_of
from carcodec.pixels.io import Picture, fitting_profile, upright
from carcodec.ports import Image, Networks


@dataclass(frozen=True)
class JpegFile:
    """A `FileMode` of a `JpegMode`."""

    inner: JpegMode

    @property
    def number(self) -> Mode:
        return self.inner.number

    def encode(self, picture: Picture, networks: Networks, options: Options) -> Container:
        """A JPEG is carried as it is, unless a quality asks for a new one."""
        if options.max_error is not None:
            raise UsageError(f"mode {self.number.name.lower()} keeps a JPEG, which is lossy: take mode layered")
        if options.quality is None and picture.jpeg is not None:
            if options.side == "on":
                raise UsageError(
                    "side information needs the original of a JPEG, and one carried as it is has none: set a quality"
                )
            return self.inner.encode(picture.jpeg, None, networks, options)
        quality = DEFAULT_QUALITY if options.quality is None else options.quality
        settings = JpegSettings(quality, SHAPES[options.tables](quality), options.sampling)
        jpeg = encode_jpeg(picture.array, settings, picture.icc, picture.exif)
        return self.inner.encode(jpeg, picture.array, networks, options)

    def decode(self, container: Container, networks: Networks, wanted: Wanted) -> Picture:
        """The JPEG, restored; upright, with the JPEG's colour profile and EXIF."""
        if wanted.layer != "full":
            raise UsageError(f"a file of mode {self.number.name.lower()} has no layers")
        base = base_of(container)
        return as_picture(self.inner.decode(container, base, networks, wanted.strength), base.jpeg)

    def verify(self, container: Container, networks: Networks) -> Iterator[str]:
        base = base_of(container)
        yield f"JPEG of {len(base.jpeg)} bytes: unpacks"
        if symbols_of(container, base, networks) is not None:
            yield "descriptor: decodes to the symbols that were coded"
        self.inner.decode(container, base, networks, None)
        yield f"picture of {container.header.width} x {container.header.height}: decodes"

    def salvage(self, container: Container, networks: Networks, problems: list[str]) -> Container:
        base = base_of(container)
        uses: dict[type[Payload], Callable[[], object]] = {
            DescriptorPayload: lambda: symbols_of(container, base, networks),
            RestorePayload: lambda: restorer_of(container, networks),
        }
        for kind, use in uses.items():
            try:
                if container.find(kind):
                    use()
            except (DamagedError, ModelMissing) as error:
                problems.append(f"{kind.KIND.name} is left out: {error}")
                container = replace(container, chunks=tuple(c for c in container.chunks if c.kind != kind.KIND))
        if not problems or container.find(RestorePayload):
            return container
        problems.append("the restoration is lost: the JPEG is restored as any other")
        usual = RestorePayload(networks.restorer().reference, usual_strength(base.header))
        kept = tuple(chunk for chunk in container.chunks if chunk.kind == JpegPayload.KIND)
        return replace(container, chunks=(*kept, to_chunk(usual)))


def as_picture(pixels: Image, jpeg: bytes) -> Picture:
    """Pixels of a JPEG, upright, with its EXIF, and its colour profile if it fits them."""
    icc, exif = read_metadata(jpeg)
    pixels, exif = upright(pixels, exif)
    return Picture(pixels, fitting_profile(icc, pixels.ndim == 2), exif)
