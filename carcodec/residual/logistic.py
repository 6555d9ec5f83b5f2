"""Mixtures of logistic distributions in integers, and the coder's frequencies from them.

A logistic distribution to base 2 has the cumulative function 1 / (1 + 2**-z), z = (x - mean) / scale. Its values come
from a table of integers, 2**-z from roots of whole numbers: no `exp`, so they are equal on every machine.

A level 0..255 is coded in two symbols of sixteen: which sixteenth of the range, and which level in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from carcodec.entropy.tables import POWERS, SCORE_BITS, TOTAL, TOTAL_BITS, frequencies

Ints = npt.NDArray[np.int64]

EDGE_BITS: Final = 6  # fraction bits of means and edges, in levels
FIELD_BITS: Final = 10  # fraction bits of z
LARGEST_Z: Final = 20 << FIELD_BITS  # beyond it a logistic has less than 2**-20 left
SHARE: Final = 16  # symbols of either kind
SMALLEST_SCALE: Final = -4 << SCORE_BITS  # log2 of the scale in units of 2**-6
LARGEST_SCALE: Final = 7 << SCORE_BITS
COARSE_EDGES: Final = np.arange(SHARE, SHARE * SHARE, SHARE)[None]
FINE_EDGES: Final = np.arange(SHARE + 1)
COUNT: Final = np.arange(1, SHARE)
CUMULATIVE_BITS: Final = 30
WHOLE_BITS: Final = 38  # of a mixture's cumulative function
WHOLE: Final = 1 << WHOLE_BITS
MIX_SHIFT: Final = TOTAL_BITS + CUMULATIVE_BITS - WHOLE_BITS
# z with 10 fraction bits = distance with 6, times 2**-scale with 30 counted from the smallest scale.
Z_SHIFT: Final = CUMULATIVE_BITS + EDGE_BITS - FIELD_BITS + (SMALLEST_SCALE >> SCORE_BITS)
ROOT_BITS: Final = 124


def _negative_power(k: int, roots: list[int]) -> int:
    """About 2**124 * 2**(-k/1024), k = 0..1023, as a product of square roots of square roots of 1/2."""
    value = 1 << ROOT_BITS
    for place, root in enumerate(roots):
        if k >> (FIELD_BITS - 1 - place) & 1:
            value = value * root >> ROOT_BITS
    return value


def _cumulative_table() -> Ints:
    """2**30 / (1 + 2**-z) for z = -20..20 in steps of 1/1024, int64[40961]."""
    roots = [isqrt(1 << 2 * ROOT_BITS - 1)]
    for _ in range(FIELD_BITS - 1):
        roots.append(isqrt(roots[-1] << ROOT_BITS))
    powers = [_negative_power(k, roots) for k in range(1 << FIELD_BITS)]
    above = []
    for z in range(LARGEST_Z + 1):
        power = powers[z & (1 << FIELD_BITS) - 1] >> (z >> FIELD_BITS)
        above.append((1 << CUMULATIVE_BITS + ROOT_BITS) // ((1 << ROOT_BITS) + power))
    below = [(1 << CUMULATIVE_BITS) - value for value in above[:0:-1]]
    return np.array(below + above, np.int64)


CUMULATIVE: Final = _cumulative_table()


@dataclass(frozen=True)
class Mixtures:
    """Distributions of m samples, three logistics each.

    Attributes:
        shares: int64[m, 3], sums 2**24.
        means: int64[m, 3], levels of the full range with 6 fraction bits.
        inverses: int64[m, 3], 1 / scale.
        step: how many levels of the full range a coded level stands for.
    """

    shares: Ints
    means: Ints
    inverses: Ints
    step: int

    @classmethod
    def of(cls, scores: Ints, means: Ints, scales: Ints, step: int) -> Mixtures:
        """From the network's integers: scores and scales are logarithms to base 2 in units of 2**-6."""
        above = np.minimum(np.maximum(scales, SMALLEST_SCALE), LARGEST_SCALE) - SMALLEST_SCALE
        inverses = POWERS[above & (POWERS.size - 1)] >> (above >> SCORE_BITS)
        return cls(frequencies(scores), means, inverses, step)

    def coarse(self) -> Ints:
        """int64[m, 16]: frequencies of the sixteenths of 256 coded levels."""
        cuts = self._cumulative(COARSE_EDGES)
        return _frequencies(cuts, np.int64(WHOLE))

    def fine(self, coarse: Ints) -> Ints:
        """int64[m, 16]: frequencies of the levels in a sixteenth, coarse int64[m] of 0..15."""
        cuts = self._cumulative((coarse * SHARE)[:, None] + FINE_EDGES)
        low, spans = cuts[:, :1], cuts[:, -1:] - cuts[:, :1]
        inside = np.where(spans > 0, cuts[:, 1:-1] - low, COUNT)
        return _frequencies(inside, np.where(spans > 0, spans, SHARE))

    def _cumulative(self, levels: Ints) -> Ints:
        """int64[m, n]: share of what lies below the lower edges of coded levels int64[m or 1, n], times 2**38."""
        n_levels = (255 + self.step // 2) // self.step + 1
        edges = (levels * (2 * self.step) - self.step) << (EDGE_BITS - 1)
        total = np.zeros((len(self.means), levels.shape[1]), np.int64)
        for k in range(self.means.shape[1]):
            z = ((edges - self.means[:, k, None]) * self.inverses[:, k, None]) >> Z_SHIFT
            np.maximum(z, -LARGEST_Z, out=z)
            np.minimum(z, LARGEST_Z, out=z)
            z += LARGEST_Z
            total += CUMULATIVE.take(z) * self.shares[:, k, None]
        total >>= MIX_SHIFT
        # The first and the last level reach to infinity.
        total *= levels > 0
        return np.where(levels < n_levels, total, WHOLE)


def _frequencies(cuts: Ints, span: Ints | np.int64) -> Ints:
    """Fifteen cumulative values within 0..span, rising -> sixteen frequencies of at least 1, sums 2**24."""
    ends = np.empty((len(cuts), SHARE + 1), np.int64)
    ends[:, 0], ends[:, -1] = 0, TOTAL
    ends[:, 1:-1] = cuts * (TOTAL - SHARE) // span + COUNT
    return ends[:, 1:] - ends[:, :-1]
