"""Rows of two codecs on three pictures, with answers that are known beforehand."""

import math

import numpy as np
import pytest

from carcodec.report.page import Showcase, Version, page
from carcodec.rows import Row

PLAIN = Row(
    dataset="set",
    image="a",
    width_px=100,
    height_px=80,
    codec="jpeg",
    setting="10",
    total_bytes=1000,
    jpeg_bytes=None,
    side_bytes=None,
    framing_bytes=None,
    bpp=1.0,
    rgb_psnr=30.0,
    y_psnr=31.0,
    psnr_b=29.0,
    ssim=0.9,
    ms_ssim=0.95,
    ssimulacra2=math.nan,
    max_error=9,
    encode_s=0.01,
    decode_s=0.02,
    process_encode_s=math.nan,
    process_decode_s=math.nan,
    peak_mib=math.nan,
    timing="alone",
    device="cpu",
    machine="a machine",
    versions="lib 1",
    models="",
    pixels="",
)


def _row(image, index, codec, setting, factor):
    """A curve on which every doubling of the rate brings 6 dB; `factor` is the share of the anchor's bytes."""
    bpp = 0.25 * 2**setting * (1 + index / 10)
    fields = {
        "image": image,
        "codec": codec,
        "setting": f"{10 * (setting + 1)}",
        "rgb_psnr": 26.0 + 6 * setting + index,
    }
    fields |= {"bpp": bpp * factor, "total_bytes": round(bpp * factor * 1000), "ms_ssim": 1 - 0.1 / 2**setting}
    if codec == "carcodec":
        fields |= {"jpeg_bytes": 90, "side_bytes": 7, "framing_bytes": 3, "models": "restorer-1+context-1"}
    return Row(**{**vars(PLAIN), **fields})


@pytest.fixture
def rows():
    """jpeg and carcodec, which needs half of the bits on picture a, 0.6 on b, 0.8 on c; a lossless row beside."""
    shares = {"a": 0.5, "b": 0.6, "c": 0.8}
    lossy = [
        _row(image, index, codec, setting, share if codec == "carcodec" else 1.0)
        for index, (image, share) in enumerate(shares.items())
        for codec in ("jpeg", "carcodec")
        for setting in range(5)
    ]
    lossless = {"codec": "png", "setting": "lossless", "rgb_psnr": math.inf, "bpp": 9.0}
    return lossy + [Row(**{**vars(PLAIN), **lossless, "image": image}) for image in shares]


@pytest.fixture
def small_page():
    """Makes a page of rows, with two shown crops of 64x48 in three versions, each of one gray level."""

    def make(rows):
        crops = [np.full((48, 64, 3), level, np.uint8) for level in (40, 120, 200)]
        names = ("original", "jpeg", "carcodec")
        versions = tuple(Version(n, f"{n}: caption", crop) for n, crop in zip(names, crops, strict=True))
        shown = [Showcase("a", "-50 % bits", versions), Showcase("c", "-20 % bits", versions)]
        return page(rows, "A <title> & more", shown)

    return make
