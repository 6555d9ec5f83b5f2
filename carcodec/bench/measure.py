"""One picture through one codec at one setting: a real file, and the row that tells of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
from PIL import Image as PillowImage

from carcodec.bench.codec import Codec
from carcodec.datasets.cards import short_digest
from carcodec.errors import CarError, VerifyError
from carcodec.pixels import Image
from carcodec.pixels.metrics import score
from carcodec.rows import LOSSLESS, Row

Result = TypeVar("Result")


@dataclass(frozen=True)
class Subject:
    """A picture to be measured, and what its rows say of where it comes from."""

    dataset: str
    name: str
    pixels: Image


@dataclass(frozen=True)
class Conditions:
    """What the whole run has in common.

    Attributes:
        repeats: times are medians of so many encodings and decodings.
        perceptual: also compute SSIMULACRA2.
        timing: `alone` or `shared`, as in `Row`.
        machine: as in `Row`.
    """

    repeats: int
    perceptual: bool
    timing: str
    machine: str


def setting_name(codec: Codec, setting: float) -> str:
    """A setting as rows write it."""
    return LOSSLESS if codec.lossless else f"{setting:g}"


def measure(codec: Codec, label: str, subject: Subject, setting: float, conditions: Conditions, folder: Path) -> Row:
    """Encode, write, close, read, decode, compare.

    Args:
        folder: where the coded file may stand for a moment.

    Raises:
        VerifyError: a lossless codec gave another picture, or any codec one of another size, or an empty file.
        CarError: the codec failed, by an error of that class if it raised one; the message names codec, picture and
            setting.
    """
    path = folder / f"coded{codec.suffix}"
    try:
        coded = _code(codec, subject.pixels, setting, conditions.repeats, path)
    except Exception as error:
        where = f"{label} at {setting_name(codec, setting)} on {subject.dataset}/{subject.name}"
        if isinstance(error, CarError):
            raise type(error)(f"{where}: {error}") from error
        raise CarError(f"{where}: {type(error).__name__}: {error}") from error
    finally:
        path.unlink(missing_ok=True)
    if not coded.stored:
        raise VerifyError(f"{label} made an empty file of {subject.dataset}/{subject.name}")
    if coded.decoded.shape != subject.pixels.shape:
        raise VerifyError(f"{label} gave {coded.decoded.shape} for {subject.name} of {subject.pixels.shape}")
    if codec.lossless and not np.array_equal(coded.decoded, subject.pixels):
        raise VerifyError(f"{label} claims to be lossless but changed {subject.dataset}/{subject.name}")
    return _row(codec, label, subject, setting_name(codec, setting), conditions, coded)


@dataclass(frozen=True)
class _Coded:
    stored: bytes
    decoded: Image
    encode_s: float
    decode_s: float


def _code(codec: Codec, pixels: Image, setting: float, repeats: int, path: Path) -> _Coded:
    data, encode_s = _timed(lambda: codec.encode(pixels, setting), repeats)
    path.write_bytes(data)
    stored = path.read_bytes()
    decoded, decode_s = _timed(lambda: codec.decode(stored), repeats)
    return _Coded(stored, like(decoded, pixels), encode_s, decode_s)


def _row(codec: Codec, label: str, subject: Subject, setting: str, conditions: Conditions, coded: _Coded) -> Row:
    scores = score(subject.pixels, coded.decoded, conditions.perceptual)
    height, width = subject.pixels.shape[:2]
    n_bytes = len(coded.stored)
    contents = codec.contents(coded.stored)
    return Row(
        dataset=subject.dataset,
        image=subject.name,
        width_px=width,
        height_px=height,
        codec=label,
        setting=setting,
        total_bytes=n_bytes,
        jpeg_bytes=contents.jpeg_bytes if contents else None,
        side_bytes=contents.side_bytes if contents else None,
        framing_bytes=contents.rest_of(n_bytes) if contents else None,
        bpp=n_bytes * 8 / (width * height),
        **vars(scores),
        encode_s=coded.encode_s,
        decode_s=coded.decode_s,
        process_encode_s=math.nan,
        process_decode_s=math.nan,
        peak_mib=math.nan,
        timing=conditions.timing,
        device=codec.device,
        machine=conditions.machine,
        versions=codec.versions(),
        models="+".join(contents.models) if contents else "",
        pixels=short_digest(subject.pixels),
    )


def like(decoded: Image, reference: Image) -> Image:
    """The decoded picture in the reference's layout: codecs without gray give RGB for a gray picture."""
    if decoded.ndim == 3 and reference.ndim == 2:
        return np.array(PillowImage.fromarray(decoded).convert("L"))
    if decoded.ndim == 2 and reference.ndim == 3:
        return np.repeat(decoded[..., None], 3, axis=2)
    return decoded


def _timed(work: Callable[[], Result], repeats: int) -> tuple[Result, float]:
    """The last result and the median of the seconds it took."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return result, median(seconds)
