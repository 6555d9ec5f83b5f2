"""From the interval that a range coder ends with to the fewest bytes that stand for it.

Coders commonly flush their state: up to a word too many, on streams of thirty bytes. Here the payload is
a fraction, most significant byte first, with zeros implied after its end; the writer takes the shortest
one inside the interval. A run of the first symbol at the end costs nothing more than its probability, and
a grid of nothing but symbol 0 is the fraction 0: no byte at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

WORD_BITS: Final = 32
STATE_BITS: Final = 64
STATE_BYTES: Final = STATE_BITS // 8


@dataclass(frozen=True)
class Interval:
    """Fractions from `lower` to below `lower + size`, both in units of 256**-n_bytes; 0 < size < 2**64."""

    lower: int
    size: int
    n_bytes: int

    @classmethod
    def after(cls, words: Sequence[int], lower: int, size: int) -> Interval:
        """The interval of a coder that has put out `words` (32 bits each) and keeps `lower` and `size`."""
        written = int.from_bytes(np.array(words, ">u4").tobytes(), "big")
        return cls((written << STATE_BITS) + lower, size, 4 * len(words) + STATE_BYTES)

    def shortest(self) -> bytes:
        """The shortest fraction inside, as big-endian bytes without trailing zeros; of several the smallest."""
        for spared in range(STATE_BYTES, -1, -1):
            unit = 1 << 8 * spared
            fraction = -(-self.lower // unit) * unit
            if fraction < self.lower + self.size:
                # Multiples of 2**64 need no search: the interval holds one at most, so its zeros just go.
                return fraction.to_bytes(self.n_bytes, "big").rstrip(b"\0")
        raise AssertionError("an interval holds its own lower end")
