"""Quantization intervals: a coefficient that was rounded to k steps lay within half a step of it.

So a restoration whose coefficients leave their intervals can't be the original, and is better where it is pushed back
to their edge. Luma only: what up-sampling made of chroma has no intervals of its own. Source: projections onto convex
sets, as in Zakhor, "Iterative procedures for reduction of blocking effects" (1992).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from carcodec.jpeg.tables import Table
from carcodec.pixels.metrics import LUMA_WEIGHTS

Array = npt.NDArray[np.float32]

BLOCK_PX = 8
MIDDLE = 128.0  # what a JPEG takes from its samples
# Coefficients of the decoded picture are not quite whole steps: its samples were rounded, in RGB. Three deviations.
SLACK = 1.0
STRIP_BLOCKS = 32  # rows of blocks at a time: floats of whole pictures take much memory


def into_intervals(levels: Array, base: npt.NDArray[np.uint8], luma_table: Table) -> Array:
    """A restoration whose luma lies within the intervals that the decoded JPEG tells.

    Args:
        levels: float32[H,W,3] or [H,W] in 0..255.
        base: the decoded JPEG, uint8 of the same shape. Samples that were clipped at black and white make it tell
            intervals wrongly; blocks with such samples are left as they are, and so are blocks cut by the border.
        luma_table: int64[64], steps in natural order.

    Returns:
        float32 of the same shape: each pixel's channels are moved by the same amount.
    """
    moved = levels.copy()
    height, width = (side // BLOCK_PX * BLOCK_PX for side in base.shape[:2])
    rows = STRIP_BLOCKS * BLOCK_PX
    steps = luma_table.reshape(BLOCK_PX, BLOCK_PX).astype(np.float32)
    for top in range(0, height, rows):
        strip = slice(top, min(top + rows, height)), slice(0, width)
        change = _change(_luma(levels[strip]), _luma(base[strip]), steps)
        change[_in_pixels(_clipped(base[strip]))] = 0
        moved[strip] += change if base.ndim == 2 else change[..., None]
    return moved


def _change(restored: Array, decoded: Array, steps: Array) -> Array:
    """What luma must change by: float32[h,w]; h and w multiples of 8."""
    found, told = _coefficients(restored), _coefficients(decoded)
    middles = np.rint(told / steps) * steps
    reach = steps / 2 + np.float32(SLACK)
    return _samples(np.clip(found, middles - reach, middles + reach) - found)


def _luma(pixels: npt.NDArray[Any]) -> Array:
    """Y of JFIF about 0, float32[h,w]."""
    samples = pixels if pixels.ndim == 2 else pixels @ np.array(LUMA_WEIGHTS, np.float32)
    return np.asarray(samples - np.float32(MIDDLE), np.float32)


def _clipped(base: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """bool[h/8,w/8]: blocks with a sample of 0 or 255."""
    extreme = (base == 0) | (base == 255)
    by_pixel = extreme if base.ndim == 2 else extreme.any(axis=2)
    return np.asarray(_in_blocks(by_pixel).any(axis=(2, 3)))


def _in_pixels(blocks: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return blocks.repeat(BLOCK_PX, 0).repeat(BLOCK_PX, 1)


def _in_blocks(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[h,w] -> [h/8,w/8,8,8]."""
    height, width = plane.shape
    return plane.reshape(height // BLOCK_PX, BLOCK_PX, width // BLOCK_PX, BLOCK_PX).swapaxes(1, 2)


def _waves() -> Array:
    """float32[8,8], orthogonal: rows are the waves of the DCT."""
    places = np.arange(BLOCK_PX)
    waves = np.cos(math.pi / BLOCK_PX * places[:, None] * (places[None] + 0.5)) * math.sqrt(2 / BLOCK_PX)
    waves[0] /= math.sqrt(2)
    return np.asarray(waves, np.float32)


def _coefficients(plane: Array) -> Array:
    """DCT of each block: float32[h,w] -> [h/8,w/8,8,8], as a JPEG scales it."""
    waves = _waves()
    return np.asarray(waves @ _in_blocks(plane) @ waves.T, np.float32)


def _samples(coefficients: Array) -> Array:
    """The inverse of `_coefficients`."""
    waves = _waves()
    blocks = waves.T @ coefficients @ waves
    rows, columns = blocks.shape[:2]
    return np.asarray(blocks.swapaxes(1, 2).reshape(rows * BLOCK_PX, columns * BLOCK_PX), np.float32)
