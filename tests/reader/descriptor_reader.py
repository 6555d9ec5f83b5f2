"""Section 6 of docs/format.md in plain Python, one site at a time: no array, no shared line."""

from __future__ import annotations

from math import isqrt
from typing import Any

NEIGHBOURS = [(-2, -2), (-2, -1), (-2, 0), (-2, 1), (-2, 2), (-1, -2), (-1, -1), (-1, 0), (-1, 1), (-1, 2)]
NEIGHBOURS += [(0, -2), (0, -1)]
THRESHOLDS = (512, 1024, 2048, 4096, 6144, 8192, 12288)

Weights = dict[str, Any]  # nested lists of integers


def root64(value: int) -> int:
    for _ in range(6):
        value = isqrt(value)
    return value


POWERS = [root64(2 ** (64 * 30 - k)) for k in range(64)]


def rate_class(luma_steps: list[int]) -> int:
    return sum(sum(luma_steps) >= threshold for threshold in THRESHOLDS)


def rounded(x: int, b: int) -> int:
    return (x + 2 ** (b - 1)) >> b


def layer(values: list[int], weights: Weights, name: str, shift: int) -> list[int]:
    columns = zip(zip(*weights[f"{name}.weight"], strict=True), weights[f"{name}.bias"], strict=True)
    return [rounded(sum(v * w for v, w in zip(values, column, strict=True)) + bias, shift) for column, bias in columns]


def clamp(values: list[int]) -> list[int]:
    return [min(max(value, 0), 4095) for value in values]


def frequencies(codes: list[int], r: int, weights: Weights) -> list[int]:
    rows = [weights["neighbours"][t][code] for t, code in enumerate(codes)] + [weights["rate"][r]]
    hidden = clamp([rounded(sum(column), 4) for column in zip(*rows, strict=True)])
    hidden = clamp(layer(hidden, weights, "hidden1", 12))
    hidden = clamp(layer(hidden, weights, "hidden2", 12))
    scores = layer(hidden, weights, "tail", 14)
    below = [max(scores) - score for score in scores]
    shares = [POWERS[d % 64] >> min(d >> 6, 31) for d in below]
    table = [1 + share * (2**24 - 16) // sum(shares) for share in shares]
    table[shares.index(max(shares))] += 2**24 - sum(table)
    return table


def decode(data: bytes, gh: int, gw: int, r: int, weights: Weights) -> list[list[int]]:
    """The symbols, row by row; ValueError for damage that the coder itself can see."""
    if len(data) > 4 * gh * gw:
        raise ValueError("damaged")
    grid = [[16] * gw for _ in range(gh)]

    def code(i: int, j: int) -> int:
        return grid[i][j] if i >= 0 and 0 <= j < gw else 16

    position, above, size = 8, int.from_bytes(data[:8].ljust(8, b"\0"), "big"), 2**64 - 1
    for i, j in sorted(((i, j) for i in range(gh) for j in range(gw)), key=lambda site: (site[1] + 3 * site[0], site)):
        table = frequencies([code(i + down, j + right) for down, right in NEIGHBOURS], r, weights)
        quotient, c, symbol = above // (size >> 24), 0, 0
        if quotient >= 2**24:
            raise ValueError("damaged")
        while quotient >= c + table[symbol]:
            c += table[symbol]
            symbol += 1
        above, size = above - (size >> 24) * c, (size >> 24) * table[symbol]
        while size < 2**32:
            above = above << 32 | int.from_bytes(data[position : position + 4].ljust(4, b"\0"), "big")
            size <<= 32
            position += 4
        grid[i][j] = symbol
    return grid
