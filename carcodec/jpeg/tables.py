"""Quantization tables: the standard ones, and a family bent from them towards flat.

The tables of ISO/IEC 10918-1 annex K aim at the eye; squared error wants flatter ones. Bending
interpolates, in the log domain, between the standard shape and a flat table, and scales the
chroma table apart, so that one quality number still steers the rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]

# ISO/IEC 10918-1, tables K.1 and K.2, row by row (natural order).
LUMA_K1: Table = np.array(
    [
        *(16, 11, 10, 16, 24, 40, 51, 61),
        *(12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56),
        *(14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77),
        *(24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101),
        *(72, 92, 95, 98, 112, 100, 103, 99),
    ],
    dtype=np.int64,
)
CHROMA_K2: Table = np.array(
    [
        *(17, 18, 24, 47, 99, 99, 99, 99),
        *(18, 21, 26, 66, 99, 99, 99, 99),
        *(24, 26, 56, 99, 99, 99, 99, 99),
        *(47, 66, 99, 99, 99, 99, 99, 99),
        *([99] * 32),
    ],
    dtype=np.int64,
)
FLAT_STEP = 30  # about the step that gives the rate of K.1 at quality 50
MAX_STEP = 255  # 8-bit tables: baseline decoders need no more


@dataclass(frozen=True)
class TableShape:
    """How far tables are bent: 0 keeps the standard shape, 1 is flat.

    Attributes:
        flatness: 0..1, weight of the flat table in the log domain.
        chroma_scale: factor on the chroma table, below 1 spends more on colour.
    """

    flatness: float = 0.0
    chroma_scale: float = 1.0


STANDARD = TableShape()


def psnr_shape(quality: int) -> TableShape:
    """The bend that leaves least squared error behind a restoration network: less flat as the rate rises."""
    fall = max(0, quality - 40) / 60
    return TableShape(flatness=0.75 - 0.4 * fall, chroma_scale=0.5 + 0.1 * fall)


# What `--tables NAME` means: quality -> shape.
SHAPES: dict[str, Callable[[int], TableShape]] = {"standard": lambda quality: STANDARD, "psnr": psnr_shape}


def quality_scale(quality: int) -> float:
    """libjpeg's scale of the tables, in percent: quality 1..100 -> 5000..0."""
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must be 1..100, not {quality}")
    return 5000 // quality if quality < 50 else 200 - 2 * quality


def quantization_tables(quality: int, shape: TableShape = STANDARD) -> tuple[Table, Table]:
    """Luma and chroma tables of a quality and a shape.

    Returns:
        Two int64[64] in natural (row) order, values 1..255. With the standard shape they equal
        libjpeg's for the same quality.
    """
    scale = quality_scale(quality)
    return _scaled(LUMA_K1, scale, shape.flatness, 1.0), _scaled(CHROMA_K2, scale, shape.flatness, shape.chroma_scale)


def _scaled(base: Table, scale: float, flatness: float, factor: float) -> Table:
    if flatness == 0.0 and factor == 1.0:
        # libjpeg's own integer rounding, so that standard tables stay standard.
        standard: Table = np.clip((base * int(scale) + 50) // 100, 1, MAX_STEP)
        return standard
    bent = np.exp((1 - flatness) * np.log(base) + flatness * np.log(FLAT_STEP)) * factor
    rounded: Table = np.clip(np.rint(bent * scale / 100), 1, MAX_STEP).astype(np.int64)
    return rounded
