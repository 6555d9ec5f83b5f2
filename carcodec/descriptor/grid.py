"""The grid of symbols: its size, its statistics, its check value.

A site is a square of 16 x 16 pixels; its symbol is 0..15, and 0 means no guidance.

>>> grid_size(33, 16)
(3, 1)
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from carcodec.ids import SITE_PX, SYMBOLS

Symbols = npt.NDArray[np.uint8]


def grid_size(height: int, width: int) -> tuple[int, int]:
    """Sites down and across (gh, gw) of a picture of height x width pixels; sites at the edge may be partial."""
    return -(-height // SITE_PX), -(-width // SITE_PX)


def as_symbols(symbols: npt.ArrayLike) -> Symbols:
    """uint8[gh, gw] of any integer array like that.

    Raises:
        ValueError: not two-dimensional integers 0..15 (the caller's fault).
    """
    array = np.asarray(symbols)
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise ValueError(f"symbols must be integers[gh, gw], not {array.dtype}{list(array.shape)}")
    if array.size and not (array.min() >= 0 and array.max() < SYMBOLS):
        raise ValueError(f"symbols must be 0..{SYMBOLS - 1}")
    return array.astype(np.uint8, copy=False)


def check_value(symbols: Symbols) -> int:
    """What a file keeps to tell a wrong model from damage: the low 16 bits of the CRC-32 of the raster symbols."""
    return zlib.crc32(np.ascontiguousarray(symbols).tobytes()) & 0xFFFF


def histogram(symbols: Symbols) -> npt.NDArray[np.int64]:
    """int64[16]: how many sites have each symbol."""
    return np.bincount(symbols.ravel(), minlength=SYMBOLS).astype(np.int64)


def entropy(symbols: Symbols) -> float:
    """Bits per site, 0..4, were every site coded by the grid's own histogram; 0 for no site.

    Symbols that depend on their neighbours cost less, and collapse shows as 0.
    """
    counts = histogram(symbols)
    shares = counts[counts > 0] / max(1, symbols.size)
    return float(-(shares * np.log2(shares)).sum()) + 0.0
