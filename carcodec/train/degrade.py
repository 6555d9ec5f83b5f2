"""Random JPEGs for training: qualities, table shapes and samplings in a stated mixture."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from carcodec.descriptor.context import rate_class
from carcodec.jpeg.conditioning import condition
from carcodec.jpeg.tables import STANDARD, TableShape, quantization_tables
from carcodec.train.photos import Picture

Settings = tuple[int, TableShape, str]  # quality, shape of the tables, sampling or "gray"
SAMPLINGS = {"4:4:4": (0, (1, 1)), "4:2:2": (1, (2, 1)), "4:2:0": (2, (2, 2))}  # name -> Pillow's number, factors


@dataclass(frozen=True)
class Mixture:
    """Shares of what training JPEGs are.

    Attributes:
        p_standard: share with standard tables; the rest is bent at random.
        p_gray: share in grayscale.
        p_sampling: shares of 4:4:4 and 4:2:2; the rest is 4:2:0.
        p_double: share that was another JPEG before, whose blocks are shifted by 0..7 pixels each way.
        core, tails: quality ranges, and
        p_core: the share of the first.
    """

    p_standard: float = 0.5
    p_gray: float = 0.08
    p_sampling: tuple[float, float] = (0.12, 0.05)
    p_double: float = 0.0
    core: tuple[int, int] = (8, 50)
    tails: tuple[int, int] = (4, 96)
    p_core: float = 0.75


@dataclass(frozen=True)
class Degraded:
    """A picture, what its JPEG decodes to, and what the JPEG cost.

    Attributes:
        original, base: uint8[H,W,3]; gray ones have three equal channels.
        condition: float32[131].
        scan_bits: bits of the JPEG without its headers.
        rate_class: 0..7, what the context model is told.
        strength: how strongly it was compressed: log2 of the mean luma step, over 8 (as `condition` scales steps); of
            two JPEGs the coarser one's, which the tables do not tell if it came first.
    """

    original: Picture
    base: Picture
    condition: npt.NDArray[np.float32]
    scan_bits: int
    rate_class: int
    strength: float


HEADER_BYTES = 620  # SOI to SOS as Pillow writes it with standard Huffman tables


def random_settings(mixture: Mixture, rng: np.random.Generator) -> Settings:
    """Settings as the mixture has them."""
    low, high = mixture.core if rng.random() < mixture.p_core else mixture.tails
    quality = int(rng.integers(low, high + 1))
    shape = STANDARD
    if rng.random() >= mixture.p_standard:
        shape = TableShape(rng.uniform(0, 1), float(np.exp(rng.uniform(np.log(0.35), np.log(1.3)))))
    if rng.random() < mixture.p_gray:
        return quality, shape, "gray"
    p_444, p_422 = mixture.p_sampling
    draw = rng.random()
    return quality, shape, "4:4:4" if draw < p_444 else "4:2:2" if draw < p_444 + p_422 else "4:2:0"


def degrade_at_random(original: Picture, mixture: Mixture, rng: np.random.Generator) -> Degraded:
    """Through one or two JPEGs as the mixture has them."""
    if rng.random() >= mixture.p_double:
        return degrade(original, *random_settings(mixture, rng))
    shift = int(rng.integers(8)), int(rng.integers(8))
    return degrade_twice(original, shift, random_settings(mixture, rng), random_settings(mixture, rng))


def degrade_twice(original: Picture, shift: tuple[int, int], first: Settings, last: Settings) -> Degraded:
    """Through two JPEGs; the second tells its tables and nothing of the first.

    Args:
        original: uint8[H,W,3].
        shift: rows and columns, 0..7, by which the first one's blocks begin before the picture does (FBCNN,
            arXiv 2109.14573, section 3.4).
        first, last: settings of the two.
    """
    earlier = _cut_out(degrade(np.pad(original, (*((n, 0) for n in shift), (0, 0)), "symmetric"), *first), shift)
    later = degrade(earlier.base, *last)
    # What is to be restored has colour only if both kept it.
    source = _gray(earlier.original) if last[2] == "gray" else earlier.original
    return replace(later, original=source, strength=max(earlier.strength, later.strength))


def _cut_out(degraded: Degraded, shift: tuple[int, int]) -> Degraded:
    top, left = shift
    original, base = (np.ascontiguousarray(each[top:, left:]) for each in (degraded.original, degraded.base))
    return replace(degraded, original=original, base=base)


def _gray(picture: Picture) -> Picture:
    return np.asarray(Image.fromarray(picture).convert("L").convert("RGB"))


def degrade(original: Picture, quality: int, shape: TableShape, sampling: str) -> Degraded:
    """Through a real JPEG and back."""
    luma, chroma = quantization_tables(quality, shape)
    picture = Image.fromarray(original)
    file = io.BytesIO()
    if sampling == "gray":
        picture = picture.convert("L")
        picture.save(file, "JPEG", qtables=[luma.tolist()])
        vector = condition(luma, None, (1, 1))
    else:
        number, factors = SAMPLINGS[sampling]
        picture.save(file, "JPEG", qtables=[luma.tolist(), chroma.tolist()], subsampling=number)
        vector = condition(luma, chroma, factors)
    base = np.asarray(Image.open(file).convert("RGB"))
    scan_bits = 8 * max(16, file.getbuffer().nbytes - HEADER_BYTES)
    strength = float(np.log2(luma.mean())) / 8
    return Degraded(np.asarray(picture.convert("RGB")), base, vector, scan_bits, rate_class(luma), strength)
