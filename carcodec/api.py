"""The public functions: pictures to `.car` bytes and back. No printing, no files written, no exits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from PIL import Image as PillowImage

from carcodec.container.file import Container, parse, parse_arriving, parse_salvage
from carcodec.container.file import serialise as to_bytes
from carcodec.container.payloads import (
    FULL_STRENGTH,
    MAX_ERROR,
    BasePayload,
    CompactPayload,
    DescriptorPayload,
    ExifPayload,
    IccPayload,
    JpegPayload,
    ModelRef,
    NotePayload,
    PicturePayload,
    RestorePayload,
    SamplesPayload,
    TransformPayload,
)
from carcodec.descriptor.grid import Symbols
from carcodec.errors import InputError, ModelMissing, UsageError
from carcodec.ids import SCALES, VERSION, ChunkKind, Mode
from carcodec.jpeg.front import Sampling
from carcodec.jpeg.tables import SHAPES
from carcodec.models import cards
from carcodec.modes.base import Options, Wanted, base_of, blend, read_base, unpacked, usual_strength
from carcodec.modes.flips import FlippingNetworks
from carcodec.modes.jpeg import as_picture
from carcodec.modes.layered import segments_of
from carcodec.modes.side import symbols_of
from carcodec.modes.table import MODES
from carcodec.pixels.io import Picture, Source, load_picture
from carcodec.ports import Labels, Networks

LAYERS = ("full", "base", "compact")
JPEG_DEFAULTS = {"tables": "psnr", "sampling": "4:2:0", "side": "auto", "effort": "default"}  # of `encode`

T = TypeVar("T")


def encode(
    image: Source,
    *,
    quality: int | None = None,
    mode: str = "side",
    lossless: bool = False,
    max_error: int | None = None,
    scale: int | None = None,
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
        quality: 1..100, of the JPEG inside, or of what the layers below miss. None carries a JPEG's own bits as they
            are (but in mode "layered"); else it is 75.
        mode: "side" (a JPEG, with side information where it pays), "blind" (a JPEG without any) or "layered" (no
            JPEG inside, and a JPEG is coded from its pixels).
        lossless: decoded pixels are identical (mode "layered"; there is no quality then).
        max_error: 1..63 levels, near-lossless: no sample of the decoded picture is off by more (likewise).
        scale: 8, 16 or 32, pixels a side that one of the compact picture stands for (mode "layered"); None takes what
            costs least, and 32 for lossless files. A finer one makes a better thumbnail and better segments, in more
            bytes. A picture that a plain coder codes best has no layers, whatever the scale.
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
        InputError: a picture that cannot be read or carried, or has more than 8 bits a sample and should be lossless.
        LimitError: a picture larger than `Limits`.
    """
    coding = MODES[_chosen("mode", mode, {each.name.lower(): each for each in MODES})]
    options = Options(
        quality=quality,
        tables=_chosen("tables", tables, {name: name for name in SHAPES}),
        sampling=sampling,
        side=_chosen("side", side, {name: name for name in ("auto", "on", "off")}),
        search=_chosen("effort", effort, {"default": True, "fast": False}),
        max_error=_bound(lossless, max_error, quality),
        scale=scale,
    )
    if scale is not None and scale not in SCALES:
        raise UsageError(f"scale must be one of {', '.join(map(str, SCALES))}, not {scale}")
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError(f"quality must be 1..100, not {quality}")
    if coding.number == Mode.LAYERED:
        _check_no_jpeg({"tables": tables, "sampling": sampling, "side": side, "effort": effort})
    elif scale is not None:
        raise UsageError(f"mode {mode} has no compact picture whose scale could be chosen: take mode layered")
    elif options.max_error is not None:
        raise UsageError(f"mode {mode} is not for lossless or near-lossless pictures: take mode layered")
    if mode == "blind" and side == "on":
        raise UsageError("mode blind has no side information to be forced on: take mode side")
    picture = load_picture(image, background=background)
    if picture.reduced and options.max_error is not None:
        raise InputError(
            "the picture has more than 8 bits a sample, which lossless files cannot hold: convert it first, or take -q"
        )
    return to_bytes(coding.encode(picture, _networks(device, threads), options))


def decode(
    data: bytes,
    *,
    strength: float | None = None,
    layer: str = "full",
    effort: str = "default",
    salvage: bool = False,
    device: str = "auto",
    threads: int | None = None,
) -> PillowImage.Image:
    """The picture of a `.car` file.

    Args:
        data: the file. For the layer "compact", its beginning will do.
        strength: of the restoration, 0 (the plain JPEG) to 2; None takes what the encoder found best. If that was the
            plain JPEG, any other strength is of the restorer that new files take.
        layer: of a file of mode "layered": "full", "base" (what the networks predict) or "compact" (a small picture,
            without any network).
        effort: of the restoration: "default", or "best", the mean over the picture and its mirror images, in four times
            the time.
        salvage: of a damaged file, decode what is whole; `salvaged` says what was lost, too.

    Returns:
        Mode "L" or "RGB", with the picture's ICC profile and EXIF in `info`.

    Raises:
        FormatError, DamagedError, UnsupportedError, ModelMissing, LimitError; UsageError: the file's mode has no
        layers, or no restoration.
    """
    if salvage:
        return salvaged(data, strength=strength, layer=layer, effort=effort, device=device, threads=threads)[0]
    data, wanted = bytes(data), _wanted(strength, layer)
    networks = _restoring(effort, device, threads)
    container = parse_arriving(data, ChunkKind.COMPACT) if layer == "compact" else parse(data)
    return _decoded(container, networks, wanted, effort)


def salvaged(
    data: bytes,
    *,
    strength: float | None = None,
    layer: str = "full",
    effort: str = "default",
    device: str = "auto",
    threads: int | None = None,
) -> tuple[PillowImage.Image, list[str]]:
    """The picture of what is whole in a damaged file, and what was wrong and left out, a sentence each.

    Args:
        As `decode`.

    Returns:
        The picture as `decode` gives it; no sentences for a whole file.

    Raises:
        FormatError, DamagedError: nothing can be shown; else as `decode`.
    """
    wanted = _wanted(strength, layer)
    networks = _restoring(effort, device, threads)
    container, problems = parse_salvage(bytes(data))
    container = MODES[container.header.mode].salvage(container, networks, problems)
    return _decoded(container, networks, wanted, effort), problems


def extract(data: bytes, *, salvage: bool = False) -> bytes:
    """The JPEG inside, byte for byte. Needs no networks.

    Args:
        data: the file.
        salvage: of a damaged file, if the JPEG in it is whole.

    Raises:
        FormatError, DamagedError, UnsupportedError, LimitError; UsageError: a file of mode "layered" holds no JPEG.
    """
    data = bytes(data)
    container = parse_salvage(data)[0] if salvage else parse(data)
    if container.header.mode == Mode.LAYERED:
        raise UsageError("a file of mode layered holds no JPEG to extract: decode it")
    return unpacked(container)


def restore(
    jpeg: bytes,
    *,
    strength: float | None = None,
    effort: str = "default",
    device: str = "auto",
    threads: int | None = None,
) -> PillowImage.Image:
    """Any JPEG, restored (no `.car` involved).

    Args:
        jpeg: the bytes of a JPEG: gray or colour, baseline or progressive, any tables and sampling.
        strength: 0 (as it is) to 2; 1 is what the network says. None is 1, and less for a JPEG of so high a quality
            that little is left to restore.
        effort: "default", or "best", the mean over the picture and its mirror images, in four times the time.

    Raises:
        InputError: not a JPEG, or of a kind that is not supported (CMYK, 12-bit, arithmetic). LimitError: too large.
    """
    _check_strength(strength)
    base = read_base(jpeg)
    share = usual_strength(base.header) / FULL_STRENGTH if strength is None else strength
    networks = _restoring(effort, device, threads)
    if share == 0:
        return _as_pillow(as_picture(base.pixels, jpeg))
    restored = networks.restorer().restore(base.pixels, base.condition)
    return _as_pillow(as_picture(blend(base.pixels, restored, share), jpeg))


@dataclass(frozen=True)
class Layer:
    """A chunk of a file of mode `layered`.

    Attributes:
        bytes: of its coder's data, without framing.
        bpp: the same in bits per pixel of the whole picture.
        coding: "webp", "samples", "av1", or "networks" for what is predicted and costs nothing.
        models: ids of the models that it names.
        scale: side of the square of pixels that a pixel of the compact picture stands for.
        max_error: of lossless (0) and near-lossless layers.
    """

    bytes: int
    bpp: float
    coding: str
    models: tuple[str, ...] = ()
    scale: int | None = None
    max_error: int | None = None


@dataclass(frozen=True)
class Info:
    """What a file says of itself, without decoding pictures. Sizes in bytes.

    `layers` are those of mode `layered`, by name; packing to context model are those of the modes that keep a JPEG.
    """

    version: int
    mode: str
    width: int
    height: int
    colour: str
    total_bytes: int
    framing_bytes: int
    metadata_bytes: int = 0
    packing: str | None = None
    packed_jpeg_bytes: int = 0
    descriptor_bytes: int = 0
    strength: float = 0.0
    restorer: str | None = None
    context_model: str | None = None
    note: str | None = None
    layers: dict[str, Layer] = field(default_factory=dict)

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
    note = container.find(NotePayload)
    metadata = (container.find(IccPayload), container.find(ExifPayload))
    return Info(
        version=VERSION,
        mode=header.mode.name.lower(),
        width=header.width,
        height=header.height,
        colour=header.colour.name.lower(),
        total_bytes=len(data),
        framing_bytes=container.framing_bytes(),
        metadata_bytes=sum(len(part.data) for part in metadata if part),
        packing=jpeg.packing.name.lower() if jpeg else None,
        packed_jpeg_bytes=len(jpeg.data) if jpeg else 0,
        descriptor_bytes=len(descriptor.data) if descriptor else 0,
        strength=restoration.strength / FULL_STRENGTH if restoration else 0.0,
        restorer=_model_name(restoration.model) if restoration else None,
        context_model=_model_name(descriptor.model) if descriptor else None,
        note=note.text if note else None,
        layers=dict(_layers(container)),
    )


def _layers(container: Container) -> Iterator[tuple[str, Layer]]:
    """Name and facts of each layer."""
    n_pixels = container.header.width * container.header.height

    def layer(data: bytes, coding: str, models: tuple[ModelRef | None, ...] = (), **facts: int) -> Layer:
        names = tuple(_model_name(model) for model in models if model)
        return Layer(len(data), 8 * len(data) / n_pixels, coding, names, **facts)

    if compact := container.find(CompactPayload):
        yield "compact", layer(compact.data, compact.coding.name.lower(), (compact.model,), scale=compact.scale)
    if base := container.find(BasePayload):
        yield "base", layer(b"", "networks", (base.fine, base.segmenter))
    if transform := container.find(TransformPayload):
        yield "transform", layer(transform.data, "av1")
    if samples := container.find(SamplesPayload):
        yield "samples", layer(samples.data, "samples", (samples.model,), max_error=samples.step // 2)
    if picture := container.find(PicturePayload):
        yield "picture", layer(picture.data, "webp", max_error=picture.step // 2)


@dataclass(frozen=True, eq=False)
class Segments:
    """The map that guides the decoder of a layered file.

    Attributes:
        labels: uint8[H,W], numbers of classes.
        classes: their names.
        colours: a colour for each, RGB.
    """

    labels: Labels
    classes: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]


def segment(data: bytes, *, device: str = "auto", threads: int | None = None) -> Segments:
    """What the networks see in the compact picture of a file of mode `layered`; no bit of the file is spent on it.

    Raises:
        UsageError: a file of another mode.
        FormatError, DamagedError, UnsupportedError, ModelMissing, LimitError.
    """
    container = parse(data)
    if container.header.mode != Mode.LAYERED:
        raise UsageError(f"a file of mode {container.header.mode.name.lower()} has no segments: encode in mode layered")
    labels, layered = segments_of(container, _networks(device, threads))
    return Segments(labels, layered.classes, layered.colours)


def symbols(data: bytes) -> Symbols | None:
    """The descriptor in a file, uint8[gh,gw] with values 0..15; None if it has none. Needs no networks of torch.

    Raises:
        FormatError, DamagedError, UnsupportedError, ModelMissing, LimitError.
    """
    container = parse(data)
    if container.header.mode == Mode.LAYERED:
        return None
    return symbols_of(container, base_of(container), _networks("auto", None))


def verify(data: bytes, *, device: str = "auto", threads: int | None = None) -> list[str]:
    """Everything that can be checked in a file: a line for each check that passed.

    Raises:
        CarError: the first check that fails.
    """
    container = parse(data)
    checks = MODES[container.header.mode].verify(container, _networks(device, threads))
    return [f"{len(data)} bytes: structure and checksum", *checks]


def _check_strength(strength: float | None) -> None:
    if strength is not None and not 0 <= strength <= 2:
        raise UsageError(f"strength must be 0..2, not {strength}")


def _networks(device: str, threads: int | None) -> Networks:
    from carcodec.runtime import networks

    return networks(device, threads)


def _restoring(effort: str, device: str, threads: int | None) -> Networks:
    networks = _networks(device, threads)
    return FlippingNetworks(networks) if _chosen("effort", effort, {"default": False, "best": True}) else networks


def _wanted(strength: float | None, layer: str) -> Wanted:
    _check_strength(strength)
    return Wanted(strength, _chosen("layer", layer, {name: name for name in LAYERS}))


def _decoded(container: Container, networks: Networks, wanted: Wanted, effort: str) -> PillowImage.Image:
    if effort != "default" and container.header.mode == Mode.LAYERED:
        raise UsageError("a file of mode layered has no restoration to take more effort with")
    return _as_pillow(MODES[container.header.mode].decode(container, networks, wanted))


def _as_pillow(picture: Picture) -> PillowImage.Image:
    image = PillowImage.fromarray(picture.array)
    image.info |= {key: value for key, value in (("icc_profile", picture.icc), ("exif", picture.exif)) if value}
    return image


def _bound(lossless: bool, max_error: int | None, quality: int | None) -> int | None:
    """Largest error of a sample; None for lossy files."""
    if lossless + (max_error is not None) + (quality is not None) > 1:
        raise UsageError("only one of quality, lossless and max_error at a time")
    if max_error is not None and not 1 <= max_error <= MAX_ERROR:
        raise UsageError(f"max_error must be 1..{MAX_ERROR}, not {max_error}")
    return 0 if lossless else max_error


def _check_no_jpeg(options: Mapping[str, str]) -> None:
    for name, value in options.items():
        if value != JPEG_DEFAULTS[name]:
            raise UsageError(f"{name} is of modes that make a JPEG, and mode layered makes none")


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
