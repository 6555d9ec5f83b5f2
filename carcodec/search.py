"""Encoding to a target: the quality that meets a size, a rate or a PSNR, found by bisection over whole encodes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from carcodec.api import decode, encode
from carcodec.errors import UsageError
from carcodec.pixels import metrics
from carcodec.pixels.io import Source, load_picture
from carcodec.ports import Image


def encode_to_target(
    image: Source, *, size: int | None = None, bpp: float | None = None, psnr: float | None = None, **options: Any
) -> bytes:
    """A `.car` file of the best quality within a size, or of the least quality that reaches a PSNR.

    Args:
        image: as for `encode`; a JPEG is decoded and made anew.
        size: largest file, in bytes.
        bpp: the same in bits per pixel.
        psnr: least PSNR of the decoded picture over all samples, in dB.
        options: as for `encode`, but for `quality`.

    Raises:
        UsageError: not just one target, one that is no positive number, or one that no quality 1..100 meets.
    """
    if sum(target is not None for target in (size, bpp, psnr)) != 1:
        raise UsageError("give one target: a size, bits per pixel or a PSNR")
    target = next(target for target in (size, bpp, psnr) if target is not None)
    if not (math.isfinite(target) and target > 0):
        raise UsageError(f"a target must be a positive number, not {target}")
    picture = load_picture(image, background=options.get("background"))
    original = picture.array

    def at(quality: int) -> bytes:
        return encode(picture, quality=quality, **options)

    if psnr is not None:

        def reaches(data: bytes) -> bool:
            return metrics.psnr(original, _decoded(data, options)) >= psnr

        data = at(100)
        if not reaches(data):
            raise UsageError(f"even quality 100 does not reach a PSNR of {psnr} dB")
        return _farthest(at, reaches, data, 100, 0)
    limit = size if size is not None else int((bpp or 0) * original.shape[0] * original.shape[1] / 8)
    data = at(1)
    if len(data) > limit:
        raise UsageError(f"even quality 1 does not meet {limit} bytes: it takes {len(data)} bytes")
    return _farthest(at, lambda data: len(data) <= limit, data, 1, 101)


def _farthest(
    at: Callable[[int], bytes], meets: Callable[[bytes], bool], best: bytes, inside: int, outside: int
) -> bytes:
    """The file of the quality nearest to `outside` that meets the target, by bisection.

    Args:
        best: the file of quality `inside`, which meets it; `outside` is taken not to.
    """
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        data = at(middle)
        if meets(data):
            inside, best = middle, data
        else:
            outside = middle
    return best


def _decoded(data: bytes, options: dict[str, Any]) -> Image:
    return np.asarray(decode(data, device=options.get("device", "auto"), threads=options.get("threads")))
