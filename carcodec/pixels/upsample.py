"""Exact up-sampling of compact pictures: bilinear, in whole numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


def upsampled(compact: Image, scale: int, height: int, width: int) -> Image:
    """A compact picture at full size.

    Args:
        compact: uint8[ceil(height/scale),ceil(width/scale),...].
        scale: 1, or an even number of pixels up to 64.
        height, width: of the result, pixels.

    Returns:
        uint8[height,width,...]: bilinear between the squares' centres, the outermost ones repeated, rounded once,
        halves upwards. Equal on every machine.
    """
    if scale == 1:
        return compact[:height, :width]
    columns = _interpolated(compact.astype(np.int32), scale, 1, width)
    both = _interpolated(columns, scale, 0, height)
    squares = (2 * scale) ** 2
    pixels: Image = ((2 * both + squares) // (2 * squares)).astype(np.uint8)
    return pixels


def _interpolated(values: npt.NDArray[np.int32], scale: int, axis: int, size: int) -> npt.NDArray[np.int32]:
    """Along one axis, times 2 * scale."""
    twice = 2 * np.arange(size) + 1 - scale  # place among the centres, in units of half a pixel
    below = np.clip(twice // (2 * scale), 0, values.shape[axis] - 1)
    above = np.clip(twice // (2 * scale) + 1, 0, values.shape[axis] - 1)
    share = (twice % (2 * scale)).astype(np.int32)
    share = share.reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    return values.take(below, axis) * (2 * scale - share) + values.take(above, axis) * share
