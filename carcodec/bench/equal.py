"""Pictures of several codecs at equal bytes, to be looked at side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from carcodec.bench.codec import Codec
from carcodec.bench.measure import like
from carcodec.pixels import Image
from carcodec.pixels.metrics import psnr

SEARCH_STEPS = 8  # halvings of the range of settings, which has at most 256 whole ones


@dataclass(frozen=True)
class Shown:
    """A picture as one codec gives it.

    Attributes:
        label: of the codec.
        setting: chosen, as rows write it.
        n_bytes: size of the whole file.
        rgb_psnr: of the whole picture, dB.
        pixels: the whole decoded picture.
    """

    label: str
    setting: str
    n_bytes: int
    rgb_psnr: float
    pixels: Image


def show(codec: Codec, label: str, image: Image, setting: float) -> Shown:
    """The picture through a codec at a setting."""
    return _shown(codec, label, image, setting, codec.encode(image, setting))


def show_at_bytes(codec: Codec, label: str, image: Image, n_bytes: int) -> Shown:
    """The picture through a codec at the highest setting whose file is not larger than `n_bytes`.

    The lowest setting is taken where even that is larger; `Shown.n_bytes` tells.
    """
    low, high = codec.setting_range
    is_whole = isinstance(low, int)
    setting, data = low, codec.encode(image, low)
    if len(data) > n_bytes:
        return _shown(codec, label, image, setting, data)
    for _ in range(SEARCH_STEPS):
        middle = (low + high + 1) // 2 if is_whole else (low + high) / 2
        if middle == low:
            break
        tried = codec.encode(image, middle)
        if len(tried) > n_bytes:
            high = middle - 1 if is_whole else middle
        else:
            low = setting = middle
            data = tried
    return _shown(codec, label, image, setting, data)


def telling_crop(reference: Image, image: Image, side_px: int) -> tuple[int, int, int, int]:
    """Where a picture suffered most: top, left, height, width of the square with the greatest squared error.

    Squares stand every 16 pixels; smaller pictures are taken whole in that direction.
    """
    height, width = min(side_px, reference.shape[0]), min(side_px, reference.shape[1])
    error = np.square(reference.astype(np.float64) - image)
    if error.ndim == 3:
        error = error.sum(axis=2)
    sums = np.pad(error.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    tops = range(0, reference.shape[0] - height + 1, 16)
    lefts = range(0, reference.shape[1] - width + 1, 16)

    def total(top: int, left: int) -> float:
        bottom, right = top + height, left + width
        return float(sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left])

    top, left = max(((t, x) for t in tops for x in lefts), key=lambda place: total(*place))
    return top, left, height, width


def best_median_worst(gains: Sequence[tuple[str, float]], n_names: int) -> list[str]:
    """Names spread evenly over an order by gain, both ends included; of unknown (nan) gain none."""
    ordered = [name for name, gain in sorted(gains, key=lambda pair: (pair[1], pair[0])) if not math.isnan(gain)]
    if n_names >= len(ordered):
        return ordered
    if n_names == 1:
        return [ordered[len(ordered) // 2]]
    return [ordered[round(i * (len(ordered) - 1) / (n_names - 1))] for i in range(n_names)]


def _shown(codec: Codec, label: str, image: Image, setting: float, data: bytes) -> Shown:
    decoded = like(codec.decode(data), image)
    return Shown(label, f"{setting:.3g}", len(data), psnr(image, decoded), decoded)
