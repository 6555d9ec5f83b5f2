"""Grids of symbols from a Markov random source: neighbours mostly repeat, and symbol 0 is most of them."""

from __future__ import annotations

import numpy as np

from carcodec.descriptor.grid import Symbols
from carcodec.ids import SYMBOLS


def markov_grid(rng: np.random.Generator, gh: int, gw: int, rate_class: int = 3) -> Symbols:
    """Each site repeats its left or upper neighbour, or is new; coarse classes have more that is new."""
    fresh = np.where(rng.random((gh, gw)) < 0.7, 0, np.minimum(rng.geometric(0.3, (gh, gw)), SYMBOLS - 1))
    pick = rng.random((gh, gw))
    repeat = 0.45 - 0.04 * rate_class
    symbols = fresh.astype(np.uint8)
    for i in range(gh):
        for j in range(gw):
            if j and pick[i, j] < repeat:
                symbols[i, j] = symbols[i, j - 1]
            elif i and pick[i, j] < 2 * repeat:
                symbols[i, j] = symbols[i - 1, j]
    return symbols
