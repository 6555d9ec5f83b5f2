"""How far, in pixels, the input that a restored pixel depends on extends at most: by hand, through all levels."""

from __future__ import annotations

from collections.abc import Sequence

CONV = 1  # entries that a 3x3 convolution looks beyond its own, on either side
BLOCK = 2 * CONV


def trunk_reach(depths: Sequence[int]) -> int:
    """Of the plain restorer, whose depths are those of its trunk (`carcodec.nn.trunk`)."""
    down_fine, down_middle, *_ = depths
    farthest = 0
    for place in range(8):
        low, high = _coarse(place, depths)
        low, high = 2 * low - BLOCK * down_middle, 2 * high + 1 + BLOCK * down_middle
        low, high = 2 * low - BLOCK * down_fine - CONV, 2 * high + 1 + BLOCK * down_fine + CONV
        farthest = max(farthest, place - 2 * low, 2 * high + 1 - place)
    return farthest


def dagn_reach(depths: Sequence[int]) -> int:
    """Of DAGN, whose insensitive encoder sees farthest: `head`, `near`, `far` and `last` of it."""
    farthest = 0
    for place in range(16):
        low, high = _coarse(place, depths)
        low, high = (low - BLOCK) // 2 - 3 * BLOCK, (high + BLOCK) // 2 + 3 * BLOCK
        low, high = 2 * low - 2 * BLOCK - CONV, 2 * high + 1 + 2 * BLOCK + CONV
        farthest = max(farthest, place - 8 * low, 8 * high + 7 - place)
    return farthest


def _coarse(place: int, depths: Sequence[int]) -> tuple[int, int]:
    """First and last entry at 1/8 that a pixel depends on, before the trunk's coarsest blocks."""
    *_, coarse, up_middle, up_fine = depths
    low, high = place // 2 - CONV - BLOCK * up_fine, place // 2 + CONV + BLOCK * up_fine
    low, high = low // 2 - BLOCK * up_middle, high // 2 + BLOCK * up_middle
    return low // 2 - BLOCK * coarse, high // 2 + BLOCK * coarse
