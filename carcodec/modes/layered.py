"""Mode `layered`: a compact picture, coded without loss; what networks predict from it; and what they miss.

    compact -> base (predicted, with segments that cost no bits) -> residual or samples -> picture

Prediction is exact, so encoder and decoder see the same base. Lossy files code the rest by AV1, lossless and
near-lossless ones code every sample with a model that knows the base; or, where a plain lossless coder needs fewer
bytes (graphics, noise), the file holds that instead of layers.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from carcodec.container.chunks import Chunk
from carcodec.container.file import Container, Header, parse, serialise, to_chunk
from carcodec.container.payloads import (
    BasePayload,
    CompactPayload,
    ExifPayload,
    IccPayload,
    Payload,
    PicturePayload,
    SamplesPayload,
    TransformPayload,
)
from carcodec.errors import DamagedError, LimitError, ModelMissing, UsageError, VerifyError
from carcodec.ids import SCALES, Colour, Mode
from carcodec.modes.base import DEFAULT_QUALITY, Options, Wanted, squared_error
from carcodec.pixels.av1 import check_sides, decode_av1, encode_av1
from carcodec.pixels.io import DEFAULT_LIMITS, Picture, fitting_profile, upright_exif
from carcodec.pixels.upsample import upsampled
from carcodec.pixels.webp import MAX_SIDE_PX, decode_webp, encode_webp
from carcodec.ports import Image, Labels, LayeredNetworks, Networks
from carcodec.residual.coding import LARGEST_PICTURE_PX, check_size

LOSSLESS_SCALE = 32
PICTURE_SCALE = 8  # of the compact picture that a file without layers is shown by
SLOPE_SCALE = 16  # whose residual tells what a byte is worth
SLOPE_QUALITIES = 4  # between the two points of a slope: enough to rise above the encoder's own jumps
NOTHING = 128  # residual sample where the base is right
THOROUGH_SHARE = 0.95  # of the bytes of a quick plain coder: less than a thorough one needs, which saves about 3 %


class LayeredMode:
    """Encode: the split between compact and residual that costs least. Decode: any layer."""

    number = Mode.LAYERED

    def encode(self, picture: Picture, networks: Networks, options: Options) -> Container:
        image, metadata = picture.array, _metadata(picture)
        if options.max_error is None:
            quality = DEFAULT_QUALITY if options.quality is None else options.quality
            payloads = _lossy(image, networks, quality, SCALES if options.scale is None else (options.scale,))
        else:
            payloads = _bounded(image, networks, 2 * options.max_error + 1, options.scale or LOSSLESS_SCALE)
        height, width = image.shape[:2]
        header = Header(self.number, width, height, Colour.GRAY if image.ndim == 2 else Colour.RGB)
        container = Container(header, (*map(to_chunk, payloads), *metadata))
        if options.max_error is not None:
            self._prove(container, image, networks, options.max_error)
        return container

    def decode(self, container: Container, networks: Networks, wanted: Wanted) -> Picture:
        if wanted.strength is not None:
            raise UsageError("a file of mode layered has no restoration whose strength could be chosen")
        pixels = _decoded(container, networks, wanted.layer)
        icc, exif = container.find(IccPayload), container.find(ExifPayload)
        # Its orientation must not turn the pixels (docs/format.md 5.10), here or in what shows the decoded picture.
        upright = upright_exif(exif.data) if exif else None
        return Picture(pixels, fitting_profile(icc.data if icc else None, pixels.ndim == 2), upright)

    def verify(self, container: Container, networks: Networks) -> Iterator[str]:
        compact = _decoded(container, networks, "compact")
        yield f"compact picture of {compact.shape[1]} x {compact.shape[0]}: decodes"
        _decoded(container, networks, "full")
        checked = container.find(SamplesPayload) or container.find(PicturePayload)
        what = "decodes to the pixels that were coded" if checked else "decodes"
        yield f"picture of {container.header.width} x {container.header.height}: {what}"

    def salvage(self, container: Container, networks: Networks, problems: list[str]) -> Container:
        """Leaves out layers, from the top, until what is left can be decoded."""
        while True:
            try:
                _decoded(container, networks, "full")
            except (DamagedError, ModelMissing) as error:
                layers = [chunk for chunk in container.chunks if not chunk.ancillary]
                if len(layers) < 2:
                    raise
                problems.append(f"{layers[-1].name} is left out: {error}")
                container = replace(container, chunks=tuple(c for c in container.chunks if c != layers[-1]))
            else:
                return container

    def _prove(self, container: Container, image: Image, networks: Networks, max_error: int) -> None:
        """Pass if the very bytes of the file decode to what was promised.

        Raises:
            VerifyError: they do not.
        """
        try:
            decoded = _decoded(parse(serialise(container)), networks, "full")
        except DamagedError as error:
            raise VerifyError(f"the file does not decode to the picture: {error}") from error
        if np.abs(decoded.astype(np.int16) - image).max() > max_error:
            raise VerifyError(f"a sample of the decoded picture is off by more than {max_error}")


def segments_of(container: Container, networks: Networks) -> tuple[Labels, LayeredNetworks]:
    """The segments that guide the base, uint8[H,W], and the networks that name and colour their classes.

    In a file without layers they are those of its picture's box reduction.
    """
    base = container.find(BasePayload)
    layered = networks.layered(base.fine, base.segmenter) if base else networks.layered()
    payload = container.find(CompactPayload)
    scale = payload.scale if payload else PICTURE_SCALE
    compact = _decoded(container, networks, "compact")
    return layered.segments(compact, scale, container.header.height, container.header.width), layered


def _metadata(picture: Picture) -> list[Chunk]:
    """Chunks of colour profile and EXIF.

    Raises:
        LimitError: more than a file may have.
    """
    found = ((IccPayload, picture.icc), (ExifPayload, picture.exif))
    chunks = [to_chunk(kind(data)) for kind, data in found if data]
    if sum(len(chunk.payload) for chunk in chunks) > DEFAULT_LIMITS.metadata_bytes:
        most = f"{DEFAULT_LIMITS.metadata_bytes:,} bytes"
        raise LimitError(
            f"the metadata (EXIF, colour profile) take more than a file may hold, {most}: remove them first"
        )
    return chunks


# Lossy.


@dataclass(frozen=True)
class _Split:
    """A compact picture of some scale, and the base made of it.

    Attributes:
        layers: what a file must hold for this base, the compact picture first.
        compact: that, decoded.
    """

    layers: tuple[Payload, ...]
    compact: Image
    base: Image


@dataclass(frozen=True)
class _Candidate:
    """A way to code a picture.

    Attributes:
        n_bytes: of all payloads.
        error: squared, summed over all samples.
    """

    payloads: tuple[Payload, ...]
    n_bytes: int
    error: float


def _lossy(image: Image, networks: Networks, quality: int, scales: Sequence[int]) -> tuple[Payload, ...]:
    """Of compact pictures of these scales, the candidate of least error plus bytes at their price.

    At one quality of the residual, splits differ both in error and in bytes, so an exchange rate is needed. It is
    that of the residual itself: what error a byte more removes there (Everett's method: Operations Research 11,
    399, 1963). A split is worth its compact bytes if the residual, given as many more, would gain less.

    The last split is predicted by no network: detail that is predicted wrongly costs residual bytes, too.

    Raises:
        LimitError: a side is too long for the coder of residuals.
    """
    check_sides(image.shape)
    predicted = {scale: _split(image, scale, networks) for scale in scales}
    slope_scale = SLOPE_SCALE if SLOPE_SCALE in scales else scales[-1]
    reference = _with_residual(image, predicted[slope_scale], quality)
    price = _price(image, predicted[slope_scale], reference, quality)
    others = [split for scale, split in predicted.items() if scale != slope_scale]
    # The largest scale: the fewest compact bytes.
    others.append(_unpredicted(predicted[scales[-1]], scales[-1]))
    candidates = [reference, *(_with_residual(image, split, quality) for split in others)]
    candidates += [_candidate(image, split.base, split.layers) for split in predicted.values()]
    return min(candidates, key=lambda each: (each.error + price * each.n_bytes, each.n_bytes)).payloads


def _price(image: Image, split: _Split, reference: _Candidate, quality: int) -> float:
    """Squared error that a byte more of residual removes, from two near qualities.

    Where these two do not differ as they should (hardly any residual is left to code), error and bytes trade
    by equal shares, as in mode `side`.
    """
    near = quality - SLOPE_QUALITIES if quality > SLOPE_QUALITIES else quality + SLOPE_QUALITIES
    other = _with_residual(image, split, near)
    more_bytes, less_error = reference.n_bytes - other.n_bytes, other.error - reference.error
    if more_bytes * less_error > 0:
        return less_error / more_bytes
    return reference.error / reference.n_bytes


def _split(image: Image, scale: int, networks: Networks) -> _Split:
    layered = networks.layered()
    compact = layered.compact(image, scale)
    prediction = BasePayload(layered.fine_reference, layered.segmenter_reference)
    base = layered.base(compact, scale, *image.shape[:2])
    return _Split((_coded_compact(compact, scale, networks), prediction), compact, base)


def _unpredicted(split: _Split, scale: int) -> _Split:
    base = upsampled(split.compact, scale, *split.base.shape[:2])
    return _Split(split.layers[:1], split.compact, base)


def _with_residual(image: Image, split: _Split, quality: int) -> _Candidate:
    residual = np.clip(image.astype(np.int16) - split.base + NOTHING, 0, 255).astype(np.uint8)
    transform = TransformPayload(encode_av1(residual, quality))
    return _candidate(image, _added(split.base, transform), (*split.layers, transform))


def _candidate(image: Image, decoded: Image, payloads: tuple[Payload, ...]) -> _Candidate:
    return _Candidate(payloads, _size(payloads), squared_error(image, decoded) * image.size)


def _added(base: Image, transform: TransformPayload) -> Image:
    """Base plus residual."""
    residual = decode_av1(transform.data, base.shape)
    added: Image = np.clip(base.astype(np.int16) + residual - NOTHING, 0, 255).astype(np.uint8)
    return added


# Lossless and near-lossless.


def _bounded(image: Image, networks: Networks, step: int, scale: int) -> tuple[Payload, ...]:
    """Layers or plain picture, whichever takes fewer bytes; no sample is off by more than half the step.

    Raises:
        LimitError: the picture is too large for either coder.
    """
    height, width = image.shape[:2]
    has_layers, has_plain = height * width <= LARGEST_PICTURE_PX, max(height, width) <= MAX_SIDE_PX
    if not has_layers and not has_plain:
        raise LimitError(
            f"lossless pictures have at most {LARGEST_PICTURE_PX:,} pixels, or sides of at most {MAX_SIDE_PX:,}: "
            "cut it into pieces, or take another mode"
        )
    levels = _levels(image, step)
    pixels = _pixels(levels, step)
    check = _check_value(pixels)
    layers = _layers(image, levels, networks, step, scale, check) if has_layers else ()
    plain = _plain(pixels, step, check, rival=_size(layers)) if has_plain else ()
    return min((way for way in (layers, plain) if way), key=_size)


def _layers(image: Image, levels: Image, networks: Networks, step: int, scale: int, check: int) -> tuple[Payload, ...]:
    split = _split(image, scale, networks)
    coder = networks.sample_coder()
    return *split.layers, SamplesPayload(coder.reference, step, check, coder.encode(levels, split.base, step))


def _plain(pixels: Image, step: int, check: int, rival: int) -> tuple[Payload, ...]:
    """The picture without layers; nothing if that surely takes more bytes than a rival (0: there is none)."""
    quick = encode_webp(pixels)
    if 0 < rival < THOROUGH_SHARE * len(quick):
        return ()
    return (PicturePayload(step, check, min(quick, encode_webp(pixels, thorough=True), key=len)),)


def _size(payloads: tuple[Payload, ...]) -> int:
    """Bytes that payloads take in a file."""
    return sum(len(to_chunk(payload).pack()) for payload in payloads)


def _levels(image: Image, step: int) -> Image:
    """Samples over the step, to the nearest whole number: 0..(255 + step // 2) // step."""
    levels: Image = ((image.astype(np.uint16) + step // 2) // step).astype(np.uint8)
    return levels


def _pixels(levels: Image, step: int) -> Image:
    pixels: Image = np.minimum(levels.astype(np.uint16) * step, 255).astype(np.uint8)
    return pixels


def _check_value(pixels: Image) -> int:
    """CRC-32 of the samples in raster order."""
    return zlib.crc32(np.ascontiguousarray(pixels).data)


def _checked(pixels: Image, check: int) -> Image:
    if _check_value(pixels) != check:
        raise DamagedError("the layers do not decode to the pixels that were coded")
    return pixels


# The compact picture, and decoding.


def _coded_compact(compact: Image, scale: int, networks: Networks) -> CompactPayload:
    """By the coder that takes fewer bytes, and read back.

    Raises:
        VerifyError: it does not decode to the same pixels.
    """
    coder = networks.sample_coder()
    by_samples = CompactPayload(scale, coder.reference, coder.encode(compact, None, 1))
    by_webp = CompactPayload(scale, None, encode_webp(compact))
    payload = min(by_webp, by_samples, key=lambda each: len(each.pack()))
    if not np.array_equal(_decoded_compact(payload, compact.shape, networks), compact):
        raise VerifyError("the compact picture does not decode to the pixels that were coded")
    return payload


def _decoded_compact(payload: CompactPayload, shape: tuple[int, ...], networks: Networks) -> Image:
    if payload.model is None:
        return decode_webp(payload.data, shape)
    return networks.sample_coder(payload.model).decode(payload.data, shape, None, 1)


def _decoded(container: Container, networks: Networks, layer: str) -> Image:
    """Pixels of a layer: "compact", "base" or "full".

    A file without layers shows its picture as "base" and "full", and the picture's box reduction as "compact".

    Raises:
        DamagedError: a damaged file lacks a layer, or it cannot be decoded.
        ModelMissing: a network that it names is not installed.
    """
    height, width = container.header.height, container.header.width
    channels = () if container.header.colour == Colour.GRAY else (3,)
    plain = container.find(PicturePayload)
    if plain is not None:
        picture = _checked(decode_webp(plain.data, (height, width, *channels)), plain.check)
        return _boxes(picture, PICTURE_SCALE) if layer == "compact" else picture
    payload = container.find(CompactPayload)
    if payload is None:
        raise DamagedError("no whole layer is left in the file")
    if layer == "full" and container.find(SamplesPayload):
        check_size(height, width)  # before the base is predicted
    compact = _decoded_compact(payload, (-(-height // payload.scale), -(-width // payload.scale), *channels), networks)
    if layer == "compact":
        return compact
    base = _predicted(container, compact, payload.scale, networks)
    return base if layer == "base" else _completed(container, base, networks)


def _predicted(container: Container, compact: Image, scale: int, networks: Networks) -> Image:
    """The base: by the networks that the file names, or without any the compact picture at full size."""
    size = container.header.height, container.header.width
    prediction = container.find(BasePayload)
    if prediction is None:
        return upsampled(compact, scale, *size)
    return networks.layered(prediction.fine, prediction.segmenter).base(compact, scale, *size)


def _completed(container: Container, base: Image, networks: Networks) -> Image:
    """The base with what it lacks."""
    samples, transform = container.find(SamplesPayload), container.find(TransformPayload)
    if samples is not None:
        coder = networks.sample_coder(samples.model)
        levels = coder.decode(samples.data, base.shape, base, samples.step)
        return _checked(_pixels(levels, samples.step), samples.check)
    return base if transform is None else _added(base, transform)


def _boxes(picture: Image, side_px: int) -> Image:
    """Means over boxes of so many pixels a side, rounded, halves upwards; those at the edges are smaller."""
    height, width = picture.shape[:2]
    rows, columns = np.arange(0, height, side_px), np.arange(0, width, side_px)
    sums = np.add.reduceat(np.add.reduceat(picture, rows, axis=0, dtype=np.int32), columns, axis=1)
    counts = np.outer(np.diff([*rows, height]), np.diff([*columns, width])).astype(np.int32)
    counts = counts if picture.ndim == 2 else counts[..., None]
    means: Image = ((2 * sums + counts) // (2 * counts)).astype(np.uint8)
    return means
