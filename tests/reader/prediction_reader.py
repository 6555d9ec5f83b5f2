"""Section 13 of docs/format.md with arrays, but no shared line. Whole numbers in float64, which holds them exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tests.reader.descriptor_reader import POWERS

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


def sums(c: Array, s: int, height: int, width: int) -> Array:
    """[13.1] The sum over the four neighbours, [C, height, width], of c [C, h, w]."""

    def axis(size: int, n: int) -> tuple[Array, Array, Array]:
        t = 2 * np.arange(size) + 1 - s
        i = np.floor(t / (2 * s)).astype(int)
        return np.clip(i, 0, n - 1), np.clip(i + 1, 0, n - 1), t - 2 * s * i

    (up, down, y), (left, right, x) = axis(height, c.shape[1]), axis(width, c.shape[2])
    y = y[:, None]
    above = c[:, up][:, :, left] * (2 * s - x) + c[:, up][:, :, right] * x
    below = c[:, down][:, :, left] * (2 * s - x) + c[:, down][:, :, right] * x
    total: Array = above * (2 * s - y) + below * y
    return total


def upsampled(c: Array, s: int, height: int, width: int) -> Array:
    return np.floor((2 * sums(c, s, height, width) + 4 * s**2) / (8 * s**2))


def layer(f: Arrays, name: str, v: Array, b: int = 7) -> Array:
    """[13.3]"""
    weight, bias = f[f"{name}.weight"].astype(np.float64), f[f"{name}.bias"].astype(np.float64)
    k, (_, rows, columns) = weight.shape[2], v.shape
    wide = np.pad(v, ((0, 0), (k // 2, k // 2), (k // 2, k // 2)))
    total = np.zeros((len(bias), rows, columns)) + bias[:, None, None]
    for dy in range(k):
        for dx in range(k):
            total += np.tensordot(weight[:, :, dy, dx], wide[:, dy : dy + rows, dx : dx + columns], 1)
    assert np.abs(total).max() < 2**24
    return total / 2**b


def rounded(v: Array, least: int, most: int) -> Array:
    return np.clip(np.floor(v + 0.5), least, most)


def act(v: Array) -> Array:
    return rounded(v, 0, 255)


def blocks(f: Arrays, name: str, v: Array) -> Array:
    i = 0
    while f"{name}.{i}.conv1.weight" in f:
        v = act(v + layer(f, f"{name}.{i}.conv2", act(layer(f, f"{name}.{i}.conv1", v, 8)), 8))
        i += 1
    return v


def fold(v: Array, n: int) -> Array:
    return np.concatenate([np.stack([p[dy::n, dx::n] for dy in range(n) for dx in range(n)]) for p in v])


def unfold(v: Array, n: int) -> Array:
    found = np.zeros((len(v) // n**2, n * v.shape[1], n * v.shape[2]))
    for channel, plane in enumerate(v):
        c, (dy, dx) = channel // n**2, divmod(channel % n**2, n)
        found[c, dy::n, dx::n] = plane
    return found


def probabilities(a: Array) -> Array:
    """[13.4]"""
    d = (a.max(axis=0) - a).astype(int)
    w = np.array(POWERS)[d % 64] >> np.minimum(d >> 6, 31)
    total = w.sum(axis=0)
    return ((510 * w + total) // (2 * total)).astype(np.float64)


def scores(f: Arrays, u: Array) -> Array:
    """[13.4] Scores b."""
    p = fold(u - 128, 4)
    x = [blocks(f, "segnet.stages.0", act(layer(f, "segnet.head", p)))]
    for stage in (1, 2, 3):
        folded = fold(x[-1], 2)
        x.append(blocks(f, f"segnet.stages.{stage}", act(layer(f, f"segnet.down.{stage - 1}", folded))))
    y = x[3]
    for stage in (2, 1, 0):
        y = blocks(f, f"segnet.joined.{stage}", act(x[stage] + unfold(layer(f, f"segnet.up.{stage}", y), 2)))
    a = rounded(layer(f, "segnet.tail", y), -1023, 1023)
    t = act(layer(f, "smapnet.head", np.concatenate([probabilities(a), p])))
    m = blocks(f, "smapnet.blocks", act(layer(f, "smapnet.down", fold(t, 2))))
    return rounded(a + layer(f, "smapnet.tail", act(t + unfold(layer(f, "smapnet.up", m), 2))), -1023, 1023)


def seen_base(fine: Arrays, segmenter: Arrays, c: Array, s: int) -> Array:
    """[13.5] Of what the networks see, [3, h, w]."""
    height, width = s * c.shape[1], s * c.shape[2]
    u = upsampled(c, s, height, width)
    g = c if s == 8 else upsampled(c, s // 8, height // 8, width // 8)
    flags = [np.full((1, *g.shape[1:]), 64.0 * (s == scale)) for scale in (8, 16, 32)]
    q = fold(probabilities(scores(segmenter, u)), 2)
    v = blocks(fine, "blocks", act(layer(fine, "head", np.concatenate([g - 128, q, *flags]))))
    return rounded(u + unfold(layer(fine, "tail", v), 8), 0, 255)


def seen_classes(segmenter: Arrays, c: Array, s: int) -> Array:
    """[13.4] Of what the networks see, [1, h, w]."""
    height, width = s * c.shape[1], s * c.shape[2]
    b = scores(segmenter, upsampled(c, s, height, width))
    return sums(b, 4, height, width).argmax(axis=0)[None]


def by_windows(function: Any, c: Array, s: int, height: int, width: int, window: int, margin: int) -> Array:
    """[13.2] Of a compact picture uint8[h, w] or [h, w, 3]; [C, height, width]."""
    colour = np.stack([c] * 3) if c.ndim == 2 else c.transpose(2, 0, 1)
    h, w = (-(-side // 32) * 32 for side in (height, width))
    missing = (0, h // s - colour.shape[1]), (0, w // s - colour.shape[2])
    filled = np.pad(colour.astype(np.float64), ((0, 0), *missing), "edge")
    rows = []
    for top in range(0, h, window):
        row = []
        for left in range(0, w, window):
            bottom, right = min(top + window, h), min(left + window, w)
            first, last = (
                (max(top - margin, 0), max(left - margin, 0)),
                (min(bottom + margin, h), min(right + margin, w)),
            )
            made = function(filled[:, first[0] // s : last[0] // s, first[1] // s : last[1] // s])
            row.append(made[:, top - first[0] : bottom - first[0], left - first[1] : right - first[1]])
        rows.append(np.concatenate(row, axis=2))
    return np.concatenate(rows, axis=1)[:, :height, :width]


def base(
    fine: Arrays, segmenter: Arrays, c: Array, s: int, height: int, width: int, window: int = 1024, margin: int = 128
) -> Array:
    """uint8[height, width, 3], or [height, width] of a gray one."""
    found = by_windows(lambda seen: seen_base(fine, segmenter, seen, s), c, s, height, width, window, margin)
    if c.ndim == 2:
        found = (found[0] + 2 * found[1] + found[2] + 2) // 4
        return found.astype(np.uint8)
    return found.transpose(1, 2, 0).astype(np.uint8)


def classes(
    segmenter: Arrays, c: Array, s: int, height: int, width: int, window: int = 1024, margin: int = 128
) -> Array:
    """uint8[height, width]."""
    found = by_windows(lambda seen: seen_classes(segmenter, seen, s), c, s, height, width, window, margin)
    return found[0].astype(np.uint8)
