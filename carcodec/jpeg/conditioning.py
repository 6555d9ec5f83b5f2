"""What a JPEG's header tells the networks: tables and sampling, as one vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

CONDITION_SIZE = 131


def condition(
    luma: Sequence[int] | npt.NDArray[np.int64],
    chroma: Sequence[int] | npt.NDArray[np.int64] | None,
    sampling: tuple[int, int],
) -> npt.NDArray[np.float32]:
    """Conditioning vector of a JPEG.

    Args:
        luma, chroma: quantization tables, 64 steps each in natural order; chroma None for gray.
        sampling: pixels per chroma sample, across and down: (2, 2) is 4:2:0, (1, 1) is 4:4:4.

    Returns:
        float32[131]: log2 of both tables over 8, log2 of the sampling, 1 for gray.
    """
    vector = np.zeros(CONDITION_SIZE, np.float32)
    vector[:64] = np.log2(np.asarray(luma, np.float32)) / 8
    if chroma is None:
        vector[130] = 1.0
        return vector
    vector[64:128] = np.log2(np.asarray(chroma, np.float32)) / 8
    vector[128:130] = np.log2(np.asarray(sampling, np.float32))
    return vector
