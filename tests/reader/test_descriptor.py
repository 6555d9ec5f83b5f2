"""The descriptor's coding as the document tells it, against the package's."""

import numpy as np
import pytest

from carcodec.descriptor.coding import encode_symbols
from carcodec.descriptor.context import ContextModel, rate_class
from tests.reader import descriptor_reader

WIDTHS = {"neighbours": (12, 17, 6), "rate": (8, 6), "hidden1.weight": (6, 5), "hidden1.bias": (5,)}
WIDTHS |= {"hidden2.weight": (5, 4), "hidden2.bias": (4,), "tail.weight": (4, 16), "tail.bias": (16,)}


def random_model(seed: int, spread: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    arrays = {name: rng.normal(0, spread * 4096, shape).astype(np.int64) for name, shape in WIDTHS.items()}
    arrays["tail.bias"] = rng.normal(0, spread * 2**20, 16).astype(np.int64)
    return arrays


@pytest.mark.parametrize(("gh", "gw"), [(1, 1), (1, 9), (9, 1), (5, 7), (0, 3)])
@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0, 4.0])
def test_both_read_the_same_symbols(gh: int, gw: int, spread: float) -> None:
    rng = np.random.default_rng(gh * 10 + gw)
    arrays = random_model(7, spread)
    symbols = rng.integers(0, 16, (gh, gw)).astype(np.uint8)
    r = int(rng.integers(8))
    data = encode_symbols(symbols, ContextModel(arrays), r)
    weights = {name: array.tolist() for name, array in arrays.items()}
    assert descriptor_reader.decode(data, gh, gw, r, weights) == symbols.tolist()


def test_both_find_the_same_rate_class() -> None:
    for step in (1, 7, 8, 16, 31, 32, 63, 64, 96, 127, 128, 192, 255):
        assert descriptor_reader.rate_class([step] * 64) == rate_class([step] * 64)
