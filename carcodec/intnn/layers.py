"""Integer layers: sums, shifts and clamps written out, with bounds that are proven when a model is loaded.

Fixed point: a value with `b` fraction bits is the integer divided by 2**b. A product has the bits of both
factors; a layer shifts them off at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

SUM_LIMIT: Final = 1 << 53  # below it float64 would be exact too, should a faster engine want it


def shift_round(values: Ints, bits: int) -> Ints:
    """values / 2**bits to the nearest integer, halves upwards; bits at least 1, |values| below 2**62."""
    return (values + (1 << bits - 1)) >> bits


def rectify(values: Ints, bits: int, largest: int) -> Ints:
    """`shift_round`, then clamped to 0..largest."""
    return np.minimum(np.maximum(shift_round(values, bits), 0), largest)


@dataclass(frozen=True)
class Linear:
    """A 1x1 convolution: x @ weight + bias, exact in int64.

    Attributes:
        weight: int64[n_in, n_out].
        bias: int64[n_out].
        largest_input: inputs are within -largest_input..largest_input.

    Raises:
        ValueError: shapes do not fit, or some sum of products could reach 2**53.
    """

    weight: Ints
    bias: Ints
    largest_input: int

    def __post_init__(self) -> None:
        if self.weight.ndim != 2 or self.bias.shape != self.weight.shape[1:]:
            raise ValueError(f"weight {self.weight.shape} and bias {self.bias.shape} do not fit")
        if self.largest_sum() >= SUM_LIMIT:
            raise ValueError(f"sums could reach {self.largest_sum()}, beyond 2**53")

    def largest_sum(self) -> int:
        """Bound on the size of every partial sum, whatever the inputs and the order."""
        columns = zip(self.weight.T.tolist(), self.bias.tolist(), strict=True)
        # Python's integers: this proof itself must not overflow.
        return max((sum(map(abs, column)) * self.largest_input + abs(bias) for column, bias in columns), default=0)

    def __call__(self, values: Ints) -> Ints:
        """int64[m, n_in] -> int64[m, n_out]."""
        return values @ self.weight + self.bias
