"""The frozen context model: neighbours already coded -> integer frequencies of the next symbol.

Twelve causal neighbours of a 5x5 mask and the picture's rate class select rows of a table; their sum goes
through two rectified 1x1 convolutions and a third that gives 16 scores. It is the 5x5 masked convolution
over one-hot symbols and the three 1x1 convolutions of the published model, in integers from end to end.
The float twin that is trained is `carcodec.nn.context`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from carcodec.descriptor.grid import Symbols
from carcodec.entropy import tables
from carcodec.ids import SYMBOLS
from carcodec.intnn.frozen import load_frozen
from carcodec.intnn.layers import SUM_LIMIT, Linear, rectify, shift_round

Ints = npt.NDArray[np.int64]

# (down, across) in raster order: rows -2 and -1 whole, row 0 up to the site itself.
NEIGHBOURS: Final = tuple((dy, dx) for dy in (-2, -1, 0) for dx in range(-2, 3) if (dy, dx) < (0, 0))
OUTSIDE: Final = SYMBOLS  # the code of a neighbour beyond the grid
RATE_CLASSES: Final = 8
MARGIN: Final = 2  # how far the mask reaches up, left and right

KERNEL_BITS: Final = 12  # fraction bits of table entries and weights
ACTIVATION_BITS: Final = 8  # fraction bits of what passes between layers
LARGEST_ACTIVATION: Final = (1 << 12) - 1  # just below 16
SCORE_SHIFT: Final = ACTIVATION_BITS + KERNEL_BITS - tables.SCORE_BITS

SHAPES: Final = {
    "neighbours": (len(NEIGHBOURS), SYMBOLS + 1, None),
    "rate": (RATE_CLASSES, None),
    "hidden1.weight": (None, None),
    "hidden1.bias": (None,),
    "hidden2.weight": (None, None),
    "hidden2.bias": (None,),
    "tail.weight": (None, SYMBOLS),
    "tail.bias": (SYMBOLS,),
}

# Sums of a luma table's 64 steps, half-octaves where most pictures are: libjpeg's standard tables reach them
# at about quality 93, 86, 72, 45, 30, 23 and 11.
RATE_THRESHOLDS: Final = (512, 1024, 2048, 4096, 6144, 8192, 12288)

_BLOCK = 4096  # sites evaluated at once: a few MB of intermediate values


def rate_class(luma_table: Sequence[int] | npt.NDArray[np.integer]) -> int:
    """How coarsely the picture's JPEG is quantized: 0 (fine) to 7 (coarse).

    Args:
        luma_table: int[64], steps of the luma quantization table, 1..65535, in any order.
    """
    total = int(np.asarray(luma_table, np.int64).sum())
    return sum(total >= threshold for threshold in RATE_THRESHOLDS)


class Canvas:
    """A grid inside a border of `OUTSIDE`, its sites addressed by flat number.

    Attributes:
        codes: int64[(gh + 2) * (gw + 4)], symbols 0..15 or `OUTSIDE`.
        sites: int64[gh * gw], the flat numbers of the grid's sites in raster order.
    """

    def __init__(self, gh: int, gw: int) -> None:
        stride = gw + 2 * MARGIN
        self.codes: Ints = np.full((gh + MARGIN) * stride, OUTSIDE, np.int64)
        self.sites: Ints = (np.arange(MARGIN, gh + MARGIN)[:, None] * stride + np.arange(MARGIN, gw + MARGIN)).ravel()
        self._offsets = np.array([dy * stride + dx for dy, dx in NEIGHBOURS])[:, None]

    @classmethod
    def of(cls, symbols: Symbols) -> Canvas:
        """The canvas of a whole grid."""
        canvas = cls(*symbols.shape)
        canvas.codes[canvas.sites] = symbols.ravel()
        return canvas

    def contexts(self, sites: Ints) -> Ints:
        """int64[m] flat numbers -> int64[12, m] codes of the neighbours."""
        codes: Ints = self.codes[sites + self._offsets]
        return codes


class ContextModel:
    """Integer network from contexts to frequencies.

    Args:
        arrays: int64 arrays by the names and shapes of `SHAPES`; the hidden width is theirs.

    Raises:
        ValueError: shapes do not fit each other, or a sum could leave 53 bits.

    Exact: equal on every machine; each partial sum is bounded below 2**53 here, when it is made.
    """

    def __init__(self, arrays: dict[str, Ints]) -> None:
        neighbours, self._rate = arrays["neighbours"], arrays["rate"]
        n_neighbours, n_codes, width = neighbours.shape
        self._table = neighbours.reshape(n_neighbours * n_codes, width)
        self._rows = np.arange(n_neighbours)[:, None] * n_codes
        layers = ("hidden1", "hidden2", "tail")
        self._hidden1, self._hidden2, self._tail = (
            Linear(arrays[f"{name}.weight"], arrays[f"{name}.bias"], LARGEST_ACTIVATION) for name in layers
        )
        widths = (self._rate.shape[1], self._hidden1.weight.shape[0])
        inner = (self._hidden1.weight.shape[1], self._hidden2.weight.shape[1])
        if widths != (width, width) or inner != (self._hidden2.weight.shape[0], self._tail.weight.shape[0]):
            raise ValueError("the layers' widths do not fit each other")
        # Not by abs(): the lowest int64 has none.
        largest = max(max(int(array.max()), -int(array.min())) for array in (neighbours, self._rate))
        if largest >= SUM_LIMIT // (n_neighbours + 1):
            raise ValueError("sums of table rows could reach 2**53")

    @classmethod
    def load(cls, source: str | Path | bytes) -> ContextModel:
        """The model of a safetensors file, by path or as bytes; ValueError if it is none."""
        return cls(load_frozen(source, SHAPES))

    def tables(self, contexts: Ints, rate_class: int) -> Ints:
        """Frequencies for the coder.

        Args:
            contexts: int64[12, m], codes 0..16 of the neighbours in the order of `NEIGHBOURS`.
            rate_class: 0..7.

        Returns:
            int64[m, 16], each at least 1, each row's sum 2**24.
        """
        sums = self._table[contexts + self._rows].sum(axis=0) + self._rate[rate_class]
        hidden = rectify(sums, KERNEL_BITS - ACTIVATION_BITS, LARGEST_ACTIVATION)
        for layer in (self._hidden1, self._hidden2):
            hidden = rectify(layer(hidden), KERNEL_BITS, LARGEST_ACTIVATION)
        return tables.frequencies(shift_round(self._tail(hidden), SCORE_SHIFT))

    def frequencies(self, symbols: Symbols, rate_class: int) -> Ints:
        """What the coder would use at every site, were all symbols before it as given.

        Args:
            symbols: uint8[gh, gw], 0..15.
            rate_class: 0..7.

        Returns:
            int64[gh, gw, 16], each at least 1, sums over the last axis 2**24.

        Cost: about 2 us per site.
        """
        canvas = Canvas.of(symbols)
        found = np.empty((symbols.size, SYMBOLS), np.int64)
        for start, block in blocks(canvas.sites):
            found[start : start + len(block)] = self.tables(canvas.contexts(block), rate_class)
        return found.reshape(*symbols.shape, SYMBOLS)


def blocks(sites: Ints) -> Iterator[tuple[int, Ints]]:
    """Sites a few thousand at a time, so that memory does not grow with the picture: (start, int64[m])."""
    for start in range(0, len(sites), _BLOCK):
        yield start, sites[start : start + _BLOCK]
