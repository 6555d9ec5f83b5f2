"""Section 13.1 of docs/format.md, a sample at a time."""

from __future__ import annotations

import numpy as np
import pytest

from carcodec.pixels.upsample import upsampled


def one_axis(x: int, scale: int, n: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The two neighbours and their weights."""
    t = 2 * x + 1 - scale
    i = t // (2 * scale)
    f = t - 2 * scale * i
    return (min(max(i, 0), n - 1), 2 * scale - f), (min(max(i + 1, 0), n - 1), f)


def by_hand(compact: list[list[int]], scale: int, height: int, width: int) -> list[list[int]]:
    rows, columns = len(compact), len(compact[0])
    result = []
    for y in range(height):
        row = []
        for x in range(width):
            v = sum(compact[i][j] * a * b for i, a in one_axis(y, scale, rows) for j, b in one_axis(x, scale, columns))
            row.append((2 * v + 4 * scale**2) // (8 * scale**2))
        result.append(row)
    return result


@pytest.mark.parametrize(("scale", "height", "width"), [(8, 19, 33), (16, 16, 40), (32, 37, 1), (2, 6, 5), (4, 1, 9)])
def test_samples_are_those_of_the_definition(scale: int, height: int, width: int) -> None:
    compact = np.random.default_rng(scale).integers(0, 256, (-(-height // scale), -(-width // scale))).astype(np.uint8)
    found = upsampled(compact, scale, height, width)
    assert found.dtype == np.uint8
    assert found.tolist() == by_hand(compact.tolist(), scale, height, width)


def test_channels_do_not_mix() -> None:
    compact = np.random.default_rng(1).integers(0, 256, (3, 4, 3)).astype(np.uint8)
    found = upsampled(compact, 8, 20, 30)
    for channel in range(3):
        assert np.array_equal(found[..., channel], upsampled(compact[..., channel], 8, 20, 30))


@pytest.mark.parametrize("level", [0, 77, 255])
@pytest.mark.parametrize("scale", [8, 16, 32, 64])
def test_flat_pictures_stay_flat(level: int, scale: int) -> None:
    assert (upsampled(np.full((2, 3), level, np.uint8), scale, 2 * scale, 3 * scale) == level).all()


def test_scale_1_only_cuts() -> None:
    compact = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(upsampled(compact, 1, 2, 3), compact[:2, :3])
