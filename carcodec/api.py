"""The public functions: pictures to `.car` bytes and back. No printing, no files written, no exits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from PIL import Image as PillowImage

from carcodec.container.file import Container, parse, parse_salvage, to_chunk
from carcodec.container.file import serialise as to_bytes
from carcodec.container.payloads import (
    FULL_STRENGTH,
    DescriptorPayload,
    JpegPayload,
    ModelRef,
    NotePayload,
    Payload,
    RestorePayload,
)
from carcodec.descriptor.grid import Symbols
from carcodec.errors import DamagedError, ModelMissing, UsageError
from carcodec.ids import VERSION
from carcodec.jpeg.front import JpegSettings, Sampling, encode_jpeg, read_metadata
from carcodec.jpeg.tables import SHAPES
from carcodec.models import cards
from carcodec.modes.base import Base, Options, base_of, blend, read_base, restorer_of, unpacked, usual_strength
from carcodec.modes.side import symbols_of
from carcodec.modes.table import MODES
from carcodec.pixels.io import Source, load_picture, upright
from carcodec.ports import Image, Networks

DEFAULT_QUALITY = 75

T = TypeVar("T")


def encode(
    image: Source,
    *,
    quality: int | None = None,
    mode: str = "side",
    tables: str = "psnr",
    sampling: Sampling = "4:2:0",
    side: str = "auto",
    effort: str = "default",
    background: str | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> bytes:
    """A picture as the bytes of a `.car` file.

    Args:
        image: a Pillow picture, uint8[H,W,3] or [H,W], the path, bytes or open file of a picture, or a loaded one.
        quality: 1..100, of the JPEG inside. None carries a JPEG's own bits as they are; other sources take 75.
        mode: "side" (restoration with side information where it pays) or "blind" (without).
        tables: of a JPEG that is made: "psnr" (least squared error) or "standard" (those of the JPEG standard).
        sampling: its chroma, "4:2:0", "4:2:2" or "4:4:4".
        side: "auto" keeps the descriptor where it pays, "on" wherever the restoration helps, "off" never. A JPEG that
            is carried has none: its original is not known.
        effort: "default" tries all symbols at each site, "fast" takes the extractor's.
        background: colour to put behind a transparent picture; without it, transparency is refused.
        device: "auto", "cpu", "cuda" or "mps".
        threads: of the networks on a CPU; None takes all there are.

    Raises:
        UsageError: options that do not exist or do not go together.
        InputError: a picture that cannot be read or carried.
        LimitError: a picture larger than `Limits`.
    """
    coding = MODES[_chosen("mode", mode, {each.name.lower(): each for each in MODES})]
    shape = _chosen("tables", tables, SHAPES)
    effort_searches = _chosen("effort", effort, {"default": True, "fast": False})
    options = Options(_chosen("side", side, {name: name for name in ("auto", "on", "off")}), effort_searches)
    if mode == "blind" and side == "on":
        raise UsageError("mode blind has no side information to be forced on: take mode side")
    picture = load_picture(image, background=background)
    networks = _networks(device, threads)
    if quality is None and picture.jpeg is not None:
        if side == "on":
            raise UsageError(
                "side information needs the original of a JPEG, and one carried as it is has none: set a quality"
            )
        return to_bytes(coding.encode(picture.jpeg, None, networks, options))
    settings = JpegSettings(
        DEFAULT_QUALITY if quality is None else quality, shape(quality or DEFAULT_QUALITY), sampling
    )
    jpeg = encode_jpeg(picture.array, settings, picture.icc, picture.exif)
    return to_bytes(coding.encode(jpeg, picture.array, networks, options))


def decode(
    data: bytes,
    *,
    strength: float | None = None,
    salvage: bool = False,
    device: str = "auto",
    threads: int | None = None,
) -> PillowImage.Image:
    """The picture of a `.car` file.

    Args:
        data: the file.
        strength: of the restoration, 0 (the plain JPEG) to 2; None takes what the encoder found best.
        salvage: of a damaged file, decode what is whole; `salvage_report` says what was lost.

    Returns:
        Mode "L" or "RGB", with the JPEG's ICC profile and EXIF in `info`.

    Raises:
        FormatError, DamagedError, UnsupportedError, ModelMissing, LimitError.
    """
    _check_strength(strength)
    networks = _networks(device, threads)
    if salvage:
        container, base, _ = _salvaged(data, networks)
    else:
        container = parse(data)
        base = base_of(container)
    pixels = MODES[container.header.mode].decode(container, base, networks, strength)
    return _as_picture(pixels, base.jpeg)


def extract(data: bytes, *, salvage: bool = False) -> bytes:
    """The JPEG inside, byte for byte. Needs no networks.

    Args:
        data: the file.
        salvage: of a damaged file, if the JPEG in it is whole.

    Raises:
        FormatError, DamagedError, UnsupportedError, LimitError.
    """
    return unpacked(parse_salvage(data)[0] if salvage else parse(data))


def restore(
    jpeg: bytes, *, strength: float | None = None, device: str = "auto", threads: int | None = None
) -> PillowImage.Image:
    """Any JPEG, restored (no `.car` involved).

    Args:
        jpeg: the bytes of a JPEG: gray or colour, baseline or progressive, any tables and sampling.
        strength: 0 (as it is) to 2; 1 is what the network says. None is 1, and less for a JPEG of so high a quality
            that little is left to restore.

    Raises:
        InputError: not a JPEG, or of a kind that is not supported (CMYK, 12-bit, arithmetic).
    """
    _check_strength(strength)
    base = read_base(jpeg)
    share = usual_strength(base.header) / FULL_STRENGTH if strength is None else strength
    if share == 0:
        return _as_picture(base.pixels, jpeg)
    restored = _networks(device, threads).restorer().restore(base.pixels, base.condition)
    return _as_picture(blend(base.pixels, restored, share), jpeg)


@dataclass(frozen=True)
class Info:
    """What a file says of itself, without decoding pictures. Sizes in bytes."""

    version: int
    mode: str
    width: int
    height: int
    colour: str
    total_bytes: int
    packing: str
    packed_jpeg_bytes: int
    descriptor_bytes: int
    framing_bytes: int
    strength: float
    restorer: str | None
    context_model: str | None
    note: str | None

    @property
    def bpp(self) -> float:
        """Bits per pixel, of the whole file."""
        return 8 * self.total_bytes / (self.width * self.height)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"bpp": self.bpp}


def info(data: bytes) -> Info:
    """What a file says of itself. Needs no networks.

    Raises:
        FormatError, DamagedError, UnsupportedError, LimitError.
    """
    container = parse(data)
    header, restoration = container.header, container.find(RestorePayload)
    jpeg, descriptor = container.find(JpegPayload), container.find(DescriptorPayload)
    assert jpeg is not None  # a rule that `parse` has checked
    note = container.find(NotePayload)
    return Info(
        version=VERSION,
        mode=header.mode.name.lower(),
        width=header.width,
        height=header.height,
        colour=header.colour.name.lower(),
        total_bytes=len(data),
        packing=jpeg.packing.name.lower(),
        packed_jpeg_bytes=len(jpeg.data),
        descriptor_bytes=len(descriptor.data) if descriptor else 0,
        framing_bytes=container.framing_bytes(),
        strength=restoration.strength / FULL_STRENGTH if restoration else 0.0,
        restorer=_model_name(restoration.model) if restoration else None,
        context_model=_model_name(descriptor.model) if descriptor else None,
        note=note.text if note else None,
    )


def symbols(data: bytes) -> Symbols | None:
    """The descriptor in a file, uint8[gh,gw] with values 0..15; None if it has none. Needs no networks of torch.

    Raises:
        FormatError, DamagedError, UnsupportedError, ModelMissing, LimitError.
    """
    container = parse(data)
    return symbols_of(container, base_of(container), _networks("auto", None))


def verify(data: bytes, *, device: str = "auto", threads: int | None = None) -> list[str]:
    """Everything that can be checked in a file: a line for each check that passed.

    Raises:
        CarError: the first check that fails.
    """
    container = parse(data)
    passed = [f"{len(data)} bytes: structure and checksum"]
    base = base_of(container)
    passed.append(f"JPEG of {len(base.jpeg)} bytes: unpacks")
    networks = _networks(device, threads)
    if symbols_of(container, base, networks) is not None:
        passed.append("descriptor: decodes to the symbols that were coded")
    MODES[container.header.mode].decode(container, base, networks, None)
    passed.append(f"picture of {container.header.width} x {container.header.height}: decodes")
    return passed


def salvage_report(data: bytes) -> list[str]:
    """What is wrong with a damaged file, and what `decode` with `salvage` leaves out; empty for a whole one."""
    return _salvaged(data, _networks("auto", None))[2]


def _check_strength(strength: float | None) -> None:
    if strength is not None and not 0 <= strength <= 2:
        raise UsageError(f"strength must be 0..2, not {strength}")


def _networks(device: str, threads: int | None) -> Networks:
    from carcodec.runtime import networks

    return networks(device, threads)


def _salvaged(data: bytes, networks: Networks) -> tuple[Container, Base, list[str]]:
    """What can be used of a damaged file, its JPEG, and what was wrong.

    Raises:
        CarError: not even the JPEG is whole.
    """
    container, problems = parse_salvage(data)
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
    if problems and not container.find(RestorePayload):
        problems.append("the restoration is lost: the JPEG is restored as any other")
        usual = RestorePayload(networks.restorer().reference, usual_strength(base.header))
        kept = tuple(c for c in container.chunks if c.kind == JpegPayload.KIND)
        container = replace(container, chunks=(*kept, to_chunk(usual)))
    return container, base, problems


def _as_picture(pixels: Image, jpeg: bytes) -> PillowImage.Image:
    """Upright, with the JPEG's colour profile and EXIF."""
    icc, exif = read_metadata(jpeg)
    pixels, exif = upright(pixels, exif)
    picture = PillowImage.fromarray(pixels)
    picture.info |= {key: value for key, value in (("icc_profile", icc), ("exif", exif)) if value}
    return picture


def _model_name(reference: ModelRef) -> str:
    """The model's id where it is installed with the same weights, else its number and digest."""
    try:
        card = cards.card(reference.number)
    except ModelMissing:
        card = None
    if card is not None and card.digest6 == reference.digest6:
        return card.id
    return f"{reference.number}:{reference.digest6.hex()}"


def _chosen(what: str, name: str, table: Mapping[str, T]) -> T:
    if name not in table:
        raise UsageError(f"{what} must be one of {', '.join(table)}, not {name!r}")
    return table[name]
