"""The range coder in plain Python: the definition, and the engine where constriction has no wheel.

The coder keeps an interval of fractions: `lower`, and `size`, in 64 bits. A symbol of frequency f, with
c the frequencies of the symbols before it, takes `lower += (size >> 24) * c` and `size = (size >> 24) * f`;
while `size` is below 2**32, a 32-bit word leaves at the top. This is the coder of the constriction
library (`stream.queue`), word for word.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from carcodec.entropy.interval import STATE_BITS, WORD_BITS, Interval
from carcodec.entropy.tables import TOTAL, TOTAL_BITS, Ints
from carcodec.errors import DamagedError

WHOLE = (1 << STATE_BITS) - 1  # the first interval's size
WORD = (1 << WORD_BITS) - 1
SMALL = 1 << (STATE_BITS - WORD_BITS)  # below this the interval has room for a word more


class PlainEncoder:
    """Symbols and their frequencies -> an interval of fractions."""

    def __init__(self) -> None:
        self._words: list[int] = []
        self._lower = 0
        self._size = WHOLE

    def encode(self, symbols: Ints, frequencies: Ints) -> None:
        """Narrow the interval by int64[m] symbols, each with its row of int64[m, n] frequencies."""
        rows = np.arange(len(symbols))
        widths = frequencies[rows, symbols]
        starts = frequencies.cumsum(axis=1)[rows, symbols] - widths
        for start, width in zip(starts.tolist(), widths.tolist(), strict=True):
            scale = self._size >> TOTAL_BITS
            self._lower += scale * start
            self._size = scale * width
            if self._lower > WHOLE:
                self._lower &= WHOLE
                self._carry()
            if self._size < SMALL:
                self._words.append(self._lower >> (STATE_BITS - WORD_BITS))
                self._lower = self._lower << WORD_BITS & WHOLE
                self._size <<= WORD_BITS

    def interval(self) -> Interval:
        """The interval that all symbols so far have left."""
        return Interval.after(self._words, self._lower, self._size)

    def _carry(self) -> None:
        # Cannot run off the front: the whole interval is below one.
        at = len(self._words) - 1
        while self._words[at] == WORD:
            self._words[at] = 0
            at -= 1
        self._words[at] += 1


class PlainDecoder:
    """A fraction, as big-endian words with zeros after the end -> symbols, given their frequencies."""

    def __init__(self, words: list[int]) -> None:
        self._words = iter(words)
        self._above = next(self._words, 0) << WORD_BITS | next(self._words, 0)  # fraction minus `lower`
        self._size = WHOLE

    def decode(self, frequencies: Ints) -> Ints:
        """The next int64[m] symbols by int64[m, n] frequencies.

        Raises:
            DamagedError: the fraction is in no symbol's part, so that no encoder wrote it.
        """
        symbols = []
        for ends in frequencies.cumsum(axis=1).tolist():
            scale = self._size >> TOTAL_BITS
            target = self._above // scale
            if target >= TOTAL:
                raise DamagedError("the entropy-coded data lead outside their own model")
            symbol = bisect_right(ends, target)
            start = ends[symbol - 1] if symbol else 0
            self._above -= scale * start
            self._size = scale * (ends[symbol] - start)
            if self._size < SMALL:
                self._above = self._above << WORD_BITS | next(self._words, 0)
                self._size <<= WORD_BITS
            symbols.append(symbol)
        return np.array(symbols, np.int64)
