"""JPEGs of every kind that matters to syntax and packing, made by Pillow or put together by hand."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

Pixels = npt.NDArray[np.uint8]


def make_picture(height: int, width: int, seed: int = 1) -> Pixels:
    """Smooth colour waves with a little noise: compresses like a photograph."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (5 + 3 * c) + c) + np.cos(y / (7 - c)) for c in range(3)]
    picture = 128 + 50 * np.stack(waves, axis=-1) + rng.normal(0, 6, (height, width, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


def pillow_jpeg(array: Pixels, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, "JPEG", **options)
    return out.getvalue()


def multi_scan_jpeg(array: Pixels) -> bytes:
    """Sequential JPEG with a scan for each component, put together from three gray JPEGs."""
    grays = [pillow_jpeg(array[:, :, c]) for c in range(3)]
    frame_at, scan_at = grays[0].index(b"\xff\xc0"), grays[0].index(b"\xff\xda")
    size = grays[0][frame_at + 5 : frame_at + 9]
    frame = b"\xff\xc0\0\x11\x08" + size + b"\x03" + bytes([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0])
    between = grays[0][frame_at + 13 : scan_at]
    scans = b""
    for number, gray in enumerate(grays, start=1):
        scans += b"\xff\xda\0\x08\x01" + bytes([number, 0]) + b"\0\x3f\0" + gray[gray.index(b"\xff\xda") + 10 : -2]
    return grays[0][:frame_at] + frame + between + scans + b"\xff\xd9"


@pytest.fixture(scope="session")
def picture() -> Callable[..., Pixels]:
    return make_picture


@pytest.fixture(scope="session")
def jpegs() -> dict[str, bytes]:
    """Name of a kind -> a JPEG of it, 83 x 61 pixels where the name does not say otherwise."""
    colour = make_picture(61, 83)
    plain = pillow_jpeg(colour, quality=60)
    steep = [[16 + 8 * n for n in range(64)]] * 2  # up to 520: 16-bit tables
    return {
        "baseline": plain,
        "optimised": pillow_jpeg(colour, quality=60, optimize=True),
        "progressive": pillow_jpeg(colour, quality=60, progressive=True),
        "gray": pillow_jpeg(colour[:, :, 1], quality=60),
        "4:4:4": pillow_jpeg(colour, quality=60, subsampling=0),
        "4:2:2": pillow_jpeg(colour, quality=60, subsampling=1),
        "rgb": pillow_jpeg(colour, quality=60, keep_rgb=True),
        "restart markers": pillow_jpeg(colour, quality=60, restart_marker_blocks=3),
        "custom tables": pillow_jpeg(colour, qtables=[list(range(1, 65)), list(range(64, 0, -1))]),
        "16-bit tables": pillow_jpeg(colour, qtables=steep),
        "q1": pillow_jpeg(colour, quality=1),
        "q100": pillow_jpeg(colour, quality=100),
        "1x1": pillow_jpeg(colour[:1, :1], quality=60),
        "trailing junk": plain + bytes(range(256)),
        "EOI missing": plain[:-2],
        "truncated scan": plain[: len(plain) * 3 // 4],
        "multi-scan": multi_scan_jpeg(colour),
        "colour profile": pillow_jpeg(colour, icc_profile=np.random.default_rng(2).bytes(3000)),
    }
