"""Section 14 of docs/format.md in plain Python, one sample at a time: no array, no shared line."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import isqrt
from typing import Any

from tests.reader.descriptor_reader import POWERS, rounded

NEIGHBOURS = [(0, -1), (-1, 0), (0, -2), (0, -3), (-1, -3), (-1, -2), (-1, -1), (-1, 1), (-2, -2), (-2, -1), (-2, 0)]
NEIGHBOURS += [(-2, 1), (-2, 2), (-2, 3), (-3, 0), (-3, 1)]
PLACES = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 0), (0, 1), (1, -1), (1, 0), (1, 1)]

Weights = dict[str, Any]  # nested lists of integers
Plane = list[list[int]]  # rows


def held(x: int, least: int, most: int) -> int:
    return min(max(x, least), most)


def logistic_table() -> list[int]:
    """C[0..20480]"""
    roots = [isqrt(2**247)]
    while len(roots) < 10:
        roots.append(isqrt(2**124 * roots[-1]))
    powers = []
    for t in range(1024):
        power = 2**124
        for i in range(1, 11):
            if t // 2 ** (10 - i) % 2:
                power = power * roots[i - 1] >> 124
        powers.append(power)
    return [2**154 // (2**124 + (powers[z % 1024] >> (z >> 10))) for z in range(20481)]


TABLE = logistic_table()


def logistic(z: int) -> int:
    return TABLE[z] if z >= 0 else 2**30 - TABLE[-z]


def log2_1024(x: int) -> int:
    """floor(1024 log2(x)), exactly: binary digits of x^1024, less one."""
    return len(f"{x**1024:b}") - 1


COMPANDED = [log2_1024(1 + d) for d in range(256)]


def lerr(e: int) -> int:
    q, a = 16 + e, 0
    while 2 ** (a + 1) <= q:
        a += 1
    v, number = (q << 30) >> a, a - 4
    for _ in range(10):
        v, number = v * v >> 30, 2 * number
        if v >= 2**31:
            v, number = v >> 1, number + 1
    return number


RECENT = {(0, -1): 4, (-1, 0): 4, (-1, -1): 2, (-1, 1): 2, (0, -2): 1, (-2, 0): 1, (-1, -2): 1, (-2, 1): 1}


def comp(d: int) -> int:
    return COMPANDED[d] if d >= 0 else -COMPANDED[-d]


class Reader:
    """The range coder of section 6."""

    def __init__(self, data: bytes) -> None:
        self.data, self.position, self.size = data, 8, 2**64 - 1
        self.above = int.from_bytes(data[:8].ljust(8, b"\0"), "big")

    def symbol(self, table: list[int]) -> int:
        assert sum(table) == 2**24
        quotient, c, symbol = self.above // (self.size >> 24), 0, 0
        if quotient >= 2**24:
            raise ValueError("damaged")
        while quotient >= c + table[symbol]:
            c += table[symbol]
            symbol += 1
        self.above -= (self.size >> 24) * c
        self.size = (self.size >> 24) * table[symbol]
        while self.size < 2**32:
            word = self.data[self.position : self.position + 4].ljust(4, b"\0")
            self.above = self.above << 32 | int.from_bytes(word, "big")
            self.size <<= 32
            self.position += 4
        return symbol


def product(values: list[int], matrix: list[list[int]]) -> list[int]:
    return [sum(v * w for v, w in zip(values, column, strict=True)) for column in zip(*matrix, strict=True)]


def act(values: list[int], bias: list[int]) -> list[int]:
    return [held(rounded(v + b, 12), 0, 65535) for v, b in zip(values, bias, strict=True)]


def shares(scores: list[int]) -> list[int]:
    weights = [POWERS[d % 64] >> min(d >> 6, 31) for d in (max(scores) - score for score in scores)]
    found = [1 + w * (2**24 - 3) // sum(weights) for w in weights]
    found[weights.index(max(weights))] += 2**24 - sum(found)
    return found


def predictions(weights: Weights, p: int, differences: list[int]) -> list[int]:
    differences = differences[: 75 + p] + [0] * (3 - p)
    return [held(rounded(x, 4), -(2**20), 2**20) for x in product(differences, weights[f"{p}.linear"])]


def mixture(
    weights: Weights, p: int, inputs: list[int], recent: list[int], differences: list[int], r: int
) -> list[tuple[int, int, int]]:
    """Share, mean and V of each component."""

    def array(name: str) -> Any:
        return weights[f"{p}.{name}"]

    sums = product(inputs + [lerr(e) for e in recent], weights["head"] + weights["failed"])
    known = product([comp(d) for d in differences[75:]], array("known.weight"))
    h = act([a + b for a, b in zip(sums, known, strict=True)], array("known.bias"))
    h = act(product(h, array("hidden.weight")), array("hidden.bias"))
    h = act(product(h, array("deep.weight")), array("deep.bias"))
    f = [a + b for a, b in zip(product(h, array("tail.weight")), array("tail.bias"), strict=True)]
    e = predictions(weights, p, differences)
    n = 3 + len(e)
    scores, components = [], []
    for part in (f[:n], f[n : 2 * n], f[2 * n :]):
        scores.append(held(rounded(part[0], 17), -(2**20), 2**20))
        g = [held(rounded(x, 11), -(2**15), 2**15) for x in part[3:]]
        blend = rounded(sum(a * b for a, b in zip(g, e, strict=True)), 14)
        scale = held(rounded(part[2], 17), -256, 448) + 256
        mean = 64 * r + held(rounded(part[1], 17) + blend, -(2**18), 2**18)
        components.append((mean, POWERS[scale % 64] >> (scale >> 6)))
    return [(share, *each) for share, each in zip(shares(scores), components, strict=True)]


def below(level: int, step: int, components: list[tuple[int, int, int]]) -> int:
    """F"""
    if level <= 0:
        return 0
    if level > (255 + (step - 1) // 2) // step:
        return 2**38
    edge = 32 * (2 * level - 1) * step
    return sum(s * logistic(held((edge - mean) * v >> 22, -20480, 20480)) for s, mean, v in components) >> 16


def frequencies(cuts: list[int], span: int) -> list[int]:
    """Of c_1..c_15."""
    if span == 0:
        cuts, span = list(range(1, 16)), 16
    ends = [0, *(c * (2**24 - 16) // span + i for i, c in enumerate(cuts, 1)), 2**24]
    return [after - before for before, after in pairwise(ends)]


def sample_of(planes: list[Plane], height: int, width: int) -> Callable[[int, int, int], int]:
    """Decoded samples and the border; of a gray picture's one plane, three."""

    def sample(p: int, y: int, x: int) -> int:
        plane = planes[p % len(planes)]
        if x < 0:
            y, x = y - 1, 0
        if y < 0:
            return 128
        return plane[y][min(x, width - 1)]

    return sample


def recent_errors(errors: dict[tuple[int, int], list[int]], y: int, x: int, n: int) -> list[int]:
    near = [(weight, errors.get((y + i, x + j), [0] * n)) for (i, j), weight in RECENT.items()]
    return [sum(weight * each[t] for weight, each in near) >> 4 for t in range(n)]


def decode(
    data: bytes, height: int, width: int, base: list[Plane] | None, n_planes: int, step: int, weights: Weights
) -> list[Plane]:
    """The levels of each plane, in the order of coding, as the base has them."""
    levels: list[Plane] = [[[0] * width for _ in range(height)] for _ in range(n_planes)]
    values: list[Plane] = [[[0] * width for _ in range(height)] for _ in range(n_planes)]
    flags = [0 if base is None else 4096, log2_1024(step)]
    errors: dict[tuple[int, int], list[int]] = {}
    sample, reader = sample_of(values, height, width), Reader(data)

    def context(y: int, x: int) -> tuple[list[int], list[int]]:
        """The first 75 differences, and the reference of each plane."""
        r = [(sample(p, y, x - 1) + sample(p, y - 1, x) + 1) >> 1 for p in range(3)]
        d = [sample(q, y + i, x + j) - r[q] for i, j in NEIGHBOURS for q in range(3)]
        for i, j in PLACES:
            at = held(y + i, 0, height - 1), held(x + j, 0, width - 1)
            d += [0 if base is None else base[q % len(base)][at[0]][at[1]] - r[q] for q in range(3)]
        return d, r

    for k in range(width + 2 * height - 2):
        pixels = [(y, k - 2 * y) for y in range(height) if 0 <= k - 2 * y < width]
        contexts = {pixel: context(*pixel) for pixel in pixels}
        for p in range(n_planes):
            mixtures = []
            for y, x in pixels:
                d, r = contexts[y, x]
                inputs = [comp(each) for each in d] + [64 * (each - 128) for each in r] + flags
                own = [values[q][y][x] - r[q] if q < p else 0 for q in range(3)]
                recent = recent_errors(errors, y, x, len(weights["failed"]))
                mixtures.append(mixture(weights, p, inputs, recent, d + own, r[p]))
            coarse = [
                reader.symbol(frequencies([below(16 * i, step, each) for i in range(1, 16)], 2**38))
                for each in mixtures
            ]
            for (y, x), a, each in zip(pixels, coarse, mixtures, strict=True):
                low, high = (below(level, step, each) for level in (16 * a, 16 * a + 16))
                cuts = [below(16 * a + i, step, each) - low for i in range(1, 16)]
                levels[p][y][x] = level = 16 * a + reader.symbol(frequencies(cuts, high - low))
                values[p][y][x] = min(level * step, 255)
        for (y, x), (d, r) in contexts.items():
            own = [values[p % n_planes][y][x] - r[p] for p in range(3)]
            errors[y, x] = [
                min(abs(256 * own[p] - e), 65280) for p in range(3) for e in predictions(weights, p, d + own)
            ]
    return levels
