"""Integer frequencies of fixed total, made from integer scores: no `exp`, no softmax, no float.

>>> frequencies(np.array([[64, 0, 0, 0]])).tolist()
[[6710887, 3355443, 3355443, 3355443]]

Scores are logarithms to base 2 in units of 1/64: here the first symbol is twice as likely as each other.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

TOTAL_BITS: Final = 24  # the precision of the coder's models; docs/format.md "Descriptor payload"
TOTAL: Final = 1 << TOTAL_BITS
SCORE_BITS: Final = 6  # a score's unit is 2**-6 bits, so rounding one costs nothing that can be seen
WEIGHT_BITS: Final = 30  # the likeliest symbol's weight is 2**30; 16 of them times 2**24 stay below 2**58


def _power_table() -> Ints:
    """floor(2**30 * 2**(-k/64)) for k = 0..63, int64[64].

    The 64th root of a whole number, rounded down, is six square roots in a row, each rounded down.
    """
    steps = 1 << SCORE_BITS
    table = []
    for k in range(steps):
        root = 1 << (WEIGHT_BITS * steps - k)
        for _ in range(SCORE_BITS):
            root = isqrt(root)
        table.append(root)
    return np.array(table, np.int64)


POWERS: Final = _power_table()


def weights(scores: Ints) -> Ints:
    """2**(score - largest score of the row), in fixed point.

    Args:
        scores: int64[m, n], logarithms to base 2 in units of 2**-6, within +-2**61.

    Returns:
        int64[m, n], 0..2**30; each row's largest is 2**30.
    """
    below = scores.max(axis=1, keepdims=True) - scores
    found: Ints = POWERS[below & (POWERS.size - 1)] >> np.minimum(below >> SCORE_BITS, WEIGHT_BITS + 1)
    return found


def frequencies(scores: Ints) -> Ints:
    """Frequencies for the range coder from scores.

    Args:
        scores: int64[m, n], logarithms to base 2 in units of 2**-6, within +-2**61; n is 2..256.

    Returns:
        int64[m, n], each at least 1, each row's sum exactly 2**24. What rounding leaves goes to the
        row's first largest.

    Exact: integers only; the largest product is below 2**54, the largest sum below 2**38.
    """
    shares = weights(scores)
    spare = TOTAL - shares.shape[1]
    table: Ints = 1 + shares * spare // shares.sum(axis=1, keepdims=True)
    table[np.arange(len(table)), shares.argmax(axis=1)] += TOTAL - table.sum(axis=1)
    return table
