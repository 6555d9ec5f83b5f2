"""Restorations are brought into the quantization intervals, and no farther than to their edge."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn

from carcodec.jpeg.front import JpegSettings, decode_jpeg, encode_jpeg
from carcodec.jpeg.intervals import SLACK, into_intervals
from carcodec.jpeg.tables import quantization_tables
from carcodec.pixels.metrics import luma

QUALITY = 20
TABLE = quantization_tables(QUALITY)[0]


def photograph(gray: bool, height: int = 300, width: int = 44) -> np.ndarray:
    """Soft shapes away from black and white, so that nothing is clipped."""
    blobs = np.random.default_rng(7).integers(60, 196, (height // 8, width // 8, 3), np.uint8)
    picture = Image.fromarray(blobs).resize((width, height), Image.Resampling.BICUBIC)
    return np.array(picture.convert("L") if gray else picture)


def coefficients(pixels: np.ndarray) -> np.ndarray:
    plane = luma(pixels) if pixels.dtype == np.uint8 else pixels if pixels.ndim == 2 else pixels @ WEIGHTS
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = (plane[: rows * 8, : columns * 8] - 128).reshape(rows, 8, columns, 8).swapaxes(1, 2)
    return dctn(blocks, axes=(2, 3), norm="ortho")


WEIGHTS = np.array((0.299, 0.587, 0.114))


@pytest.mark.parametrize("gray", [False, True])
def test_the_original_stays_and_what_strays_from_it_comes_nearer(gray: bool) -> None:
    original = photograph(gray)
    base = decode_jpeg(encode_jpeg(original, JpegSettings(QUALITY)))
    kept = into_intervals(original.astype(np.float32), base, TABLE)
    assert np.abs(kept - original).mean() < 0.02  # rounding in RGB, now and then
    rng = np.random.default_rng(3)
    stray = original + 40 * rng.normal(size=(*original.shape[:2], *([1] * (original.ndim - 2)))).astype(np.float32)
    nearer = into_intervals(stray, base, TABLE)
    assert nearer.dtype == np.float32
    assert np.square(nearer - original).mean() < 0.85 * np.square(stray - original).mean()


def test_what_comes_out_lies_within_the_intervals_and_channels_move_together() -> None:
    original = photograph(gray=False)
    base = decode_jpeg(encode_jpeg(original, JpegSettings(QUALITY)))
    stray = original[::-1].astype(np.float32)
    moved = into_intervals(stray, base, TABLE)
    steps = TABLE.reshape(8, 8)
    off = np.abs(coefficients(moved) - np.rint(coefficients(base) / steps) * steps)
    assert (off <= steps / 2 + SLACK + 1e-2).all()
    change = moved - stray
    assert np.ptp(change, axis=2).max() < 1e-3


def test_borders_cut_through_a_block_and_clipped_blocks_are_left_alone() -> None:
    base = np.full((20, 30), 128, np.uint8)
    base[10, 10] = 255
    moved = into_intervals(np.full((20, 30), 250, np.float32), base, TABLE)
    assert (moved[16:] == 250).all()
    assert (moved[:, 24:] == 250).all()
    assert (moved[8:16, 8:16] == 250).all()
    assert (moved[:8, :24] < 150).all()


def test_the_jpeg_itself_is_inside() -> None:
    file = io.BytesIO()
    Image.fromarray(photograph(gray=True)).save(file, "JPEG", quality=QUALITY)
    base = decode_jpeg(file.getvalue())
    assert np.array_equal(into_intervals(base.astype(np.float32), base, TABLE), base)
