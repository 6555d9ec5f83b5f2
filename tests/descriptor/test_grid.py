import zlib

import numpy as np
import pytest

from carcodec.descriptor.grid import as_symbols, check_value, entropy, grid_size, histogram


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(0, 0, (0, 0)), (1, 1, (1, 1)), (16, 16, (1, 1)), (17, 16, (2, 1)), (512, 768, (32, 48)), (65535, 15, (4096, 1))],
)
def test_a_partial_site_counts(height: int, width: int, size: tuple[int, int]) -> None:
    assert grid_size(height, width) == size


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int64, np.uint16])
def test_any_integers_in_range_are_symbols(kind: type) -> None:
    symbols = as_symbols(np.array([[0, 15], [7, 1]], kind))
    assert symbols.dtype == np.uint8
    assert symbols.tolist() == [[0, 15], [7, 1]]


@pytest.mark.parametrize("wrong", [[[16]], [[-1]], [[0.0]], [[True]], [1, 2], [[[1]]]])
def test_what_is_no_grid_of_symbols_is_refused(wrong: list[object]) -> None:
    with pytest.raises(ValueError, match="symbols must be"):
        as_symbols(np.array(wrong))


def test_check_value_is_of_the_raster_whatever_the_memory_order() -> None:
    symbols = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert check_value(symbols) == zlib.crc32(bytes(range(12))) & 0xFFFF
    assert check_value(np.asfortranarray(symbols)) == check_value(symbols)
    assert check_value(np.zeros((0, 0), np.uint8)) == 0


def test_histogram_counts_every_symbol() -> None:
    assert histogram(np.array([[0, 0, 15], [3, 0, 3]], np.uint8)).tolist() == [3, 0, 0, 2] + [0] * 11 + [1]


@pytest.mark.parametrize(
    ("symbols", "bits"),
    [([[5, 5, 5]], 0.0), ([[0, 1], [1, 0]], 1.0), ([[0, 0, 0, 1]], 0.8112781244591328), ([[]], 0.0)],
)
def test_entropy_is_of_the_own_histogram(symbols: list[list[int]], bits: float) -> None:
    assert entropy(np.array(symbols, np.uint8)) == pytest.approx(bits)
    assert entropy(np.array(symbols, np.uint8)) >= 0
