"""Context models without training: numbers made by integer arithmetic, so that golden bytes can be kept."""

from __future__ import annotations

import numpy as np

from carcodec.descriptor.context import NEIGHBOURS, OUTSIDE, RATE_CLASSES, ContextModel, Ints
from carcodec.ids import SYMBOLS

WIDTH = 8


def uniform_arrays(width: int = WIDTH) -> dict[str, Ints]:
    """All zeros: every symbol is as likely as any other."""
    return {
        "neighbours": np.zeros((len(NEIGHBOURS), OUTSIDE + 1, width), np.int64),
        "rate": np.zeros((RATE_CLASSES, width), np.int64),
        "hidden1.weight": np.zeros((width, width), np.int64),
        "hidden1.bias": np.zeros(width, np.int64),
        "hidden2.weight": np.zeros((width, width), np.int64),
        "hidden2.bias": np.zeros(width, np.int64),
        "tail.weight": np.zeros((width, SYMBOLS), np.int64),
        "tail.bias": np.zeros(SYMBOLS, np.int64),
    }


def toy_arrays(width: int = WIDTH) -> dict[str, Ints]:
    """Scattered weights of a realistic size; each depends on every layer, and symbol 0 leads."""
    shapes = {name: array.shape for name, array in uniform_arrays(width).items()}
    scale = {"neighbours": 4096, "rate": 4096, "tail.weight": 6000, "tail.bias": 1 << 19}
    arrays = {name: scatter(shape, i, scale.get(name, 3000)) for i, (name, shape) in enumerate(shapes.items())}
    arrays["tail.bias"][0] += 3 << 20
    return arrays


def scatter(shape: tuple[int, ...], seed: int, largest: int) -> Ints:
    """int64[shape] within +-largest, by a multiplicative hash: no generator whose stream may change."""
    count = int(np.prod(shape))
    mixed = (np.arange(1 + seed * 100_003, 1 + seed * 100_003 + count) * 2_654_435_761) >> 7 & 0xFFFF
    return (mixed.astype(np.int64) * (2 * largest + 1) >> 16).reshape(shape) - largest


def uniform_model() -> ContextModel:
    return ContextModel(uniform_arrays())


def toy_model(width: int = WIDTH) -> ContextModel:
    return ContextModel(toy_arrays(width))
